"""`tapeline instruments` and `tapeline coverage` from outside, on the real broker and store that the pipeline fills."""

from __future__ import annotations

import uuid
from decimal import Decimal

import pytest

from schemas import topics
from sinks import store
from sinks.rows.deltas import DELTAS
from sinks.rows.funding import FUNDING
from sinks.rows.gaps import GAPS
from sinks.rows.table import Table
from sinks.rows.trades import TRADES
from tapeline.domain.events import Instrument
from tapeline.runtime import clock
from tapeline.runtime.codec import Codec
from tapeline.runtime.kafka import Publisher
from tapeline.runtime.runfile import RunFile
from tapeline.runtime.settings import Settings
from tests.journeys.command import Tapeline
from tests.support.sinks import NOW_US, delta, found, funding, gap, trade

INSTRUMENTS = topics.by_name("ref.instrument")


@pytest.fixture
def tapeline(tapeline_settings: Settings, tapeline_up: RunFile) -> Tapeline:
    return Tapeline(tapeline_settings.data.dir.parent)


@pytest.fixture
def symbol() -> str:
    return f"{uuid.uuid4().hex[:10].upper()}/USDT"


def listed(symbol: str, venue: str, tick: str, received_us: int) -> Instrument:
    return Instrument(
        venue=venue, market="spot", symbol=symbol, native="X", base=symbol.partition("/")[0], quote="USDT",
        status="trading", price_tick=Decimal(tick), quantity_step=Decimal("0.000001"), contract_size=Decimal(1),
        received_us=received_us, published_us=received_us,
    )  # fmt: skip


async def test_the_rules_are_the_newest_of_each_venue_and_an_unknown_symbol_is_none(
    tapeline: Tapeline, tapeline_settings: Settings, symbol: str
) -> None:
    known = found(tapeline_settings)
    assert known.run is not None
    codec = Codec(known.run.schema_ids)
    async with Publisher(known.kafka, client_id="test") as publisher:
        for one in (
            listed(symbol, "okx", "0.1", 1), listed(symbol, "bybit", "0.5", 2), listed(symbol, "okx", "0.01", 3),
        ):  # fmt: skip
            await publisher.publish(INSTRUMENTS.name, one.key, codec.encode(INSTRUMENTS, one))
    answer = tapeline.json("instruments", symbol.replace("/", "").lower())
    assert answer["symbol"] == symbol
    assert [(one["venue"], one["price_tick"], one["quantity_step"]) for one in answer["instruments"]] == [
        ("bybit", "0.5", "0.000001"), ("okx", "0.01", "0.000001"),
    ]  # fmt: skip
    shown = tapeline.run("instruments", symbol)
    assert (shown.code, shown.stderr) == (0, "")
    assert shown.stdout.startswith(f"{symbol}  quantities in ")
    code, error, _ = tapeline.run("instruments", f"N{symbol}", "--json").refusal
    assert (code, error["kind"]) == (1, "missing")


async def test_a_time_is_whole_or_its_holes_are_told(
    tapeline: Tapeline, tapeline_settings: Settings, symbol: str
) -> None:
    async with store.store(found(tapeline_settings).clickhouse) as tables:

        async def put(table: Table, *values: object) -> None:
            await tables.insert(
                table, table.columns(values), token=uuid.uuid4().hex, send_by_s=clock.monotonic_s() + 30
            )

        await put(TRADES, *(trade(symbol, number) for number in (1, 50, 100)))
        await put(DELTAS, *(delta(symbol, number) for number in (1, 100)))
        # Said when it opened and again when it was filled: the later word counts.
        opened = gap(symbol, 20, channel="trade", end_us=None, to_id=None)
        await put(GAPS, opened)
        await put(GAPS, gap(symbol, 20, channel="trade", backfilled=True, published_us=opened.published_us + 1))
        await put(GAPS, gap(symbol, 60, cause="disconnect", detail="1006"))

    def at(number: int) -> str:
        return clock.iso(NOW_US + number * 10_000)

    whole = tapeline.run("coverage", symbol, at(2), at(55), "--json")
    assert (whole.code, whole.stderr) == (0, "")
    book, trades = whole.value["channels"]
    assert (whole.value["complete"], book["channel"], book["complete"], book["holes"]) == (True, "book", True, [])
    assert (trades["began"], trades["ended"], trades["complete"]) == (at(1), at(100), True)
    assert [(one["start"], one["backfilled"]) for one in trades["holes"]] == [(at(20), True)]

    broken = tapeline.run("coverage", symbol, at(2), at(99), "--json")
    assert (broken.code, broken.stderr) == (1, "")
    (book, trades) = broken.value["channels"]
    assert (broken.value["complete"], book["complete"], trades["complete"]) == (False, False, True)
    assert [(one["start"], one["end_us"], one["cause"], one["detail"]) for one in book["holes"]] == [
        (at(60), NOW_US + 605_000, "disconnect", "1006")
    ]
    late = tapeline.run("coverage", symbol, at(70), at(101))
    assert (late.code, late.stderr) == (1, "")
    assert f"the last record is of {at(100)}" in " ".join(late.stdout.split())

    code, error, said = tapeline.run("coverage", f"N{symbol}", "2h", "1h", "--json").refusal
    assert (code, error["kind"]) == (1, "missing")
    assert said.startswith(f"nothing of N{symbol} is stored: ")


async def test_k4_funding_that_was_not_told_for_long_has_a_hole(
    tapeline: Tapeline, tapeline_settings: Settings, symbol: str
) -> None:
    minute = 6_000
    async with store.store(found(tapeline_settings).clickhouse) as tables:
        # Bybit told nothing for sixteen minutes, OKX for fifteen.
        told = [funding(symbol, number * minute) for number in (0, 10, 26, 30)]
        told += [funding(symbol, number * minute, venue="okx") for number in (0, 15, 30)]
        await tables.insert(FUNDING, FUNDING.columns(told), token=uuid.uuid4().hex, send_by_s=clock.monotonic_s() + 30)

    def at(number: int) -> str:
        return clock.iso(NOW_US + number * minute * 10_000)

    silent = tapeline.run("coverage", symbol, at(12), at(20), "--json")
    bybit, okx = silent.value["channels"]
    assert (silent.code, silent.value["complete"], bybit["channel"], bybit["complete"]) == (1, False, "funding", False)
    assert [(one["start"], one["end"], one["cause"], one["backfilled"]) for one in bybit["holes"]] == [
        (at(10), at(26), "silence", False)
    ]
    assert (okx["channel"], okx["complete"], okx["holes"]) == ("funding", True, [])
    later = tapeline.run("coverage", symbol, at(27), at(29), "--json")
    assert (later.code, [one["complete"] for one in later.value["channels"]]) == (0, [True, True])
