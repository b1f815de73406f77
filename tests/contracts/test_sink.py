"""The sink on the real broker and the real store: what rows look like there, what is dropped, refused and set aside."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from schemas import topics
from sinks import store
from sinks.known import Key
from sinks.rows.deltas import DELTAS
from sinks.rows.funding import FUNDING
from sinks.rows.gaps import GAPS
from sinks.rows.orders import ORDERS
from sinks.rows.snapshots import SNAPSHOTS
from sinks.rows.spreads import SPREADS
from sinks.rows.table import Table
from sinks.rows.trades import TRADES
from sinks.store import Late, Store
from tapeline.domain.events import Heartbeat
from tapeline.domain.partition import partition_of
from tapeline.errors import Misconfigured
from tapeline.runtime import clickhouse, clock, dlq, kafka
from tapeline.runtime.codec import Codec
from tapeline.runtime.kafka import Publisher
from tapeline.runtime.runfile import RunFile
from tapeline.runtime.settings import Settings
from tests.support.eventually import eventually
from tests.support.order_records import BEGAN_US, order_event
from tests.support.sink_processes import Sinks, sinks
from tests.support.sinks import (
    NOW_US,
    Flow,
    assert_once,
    book,
    delta,
    found,
    funding,
    gap,
    rows,
    spread,
    trade,
)

SOON_S = 30.0


@pytest.fixture
def symbol() -> str:
    return f"{uuid.uuid4().hex[:10]}/USDT"


@pytest.fixture
async def own(tapeline_settings: Settings, tapeline_up: RunFile, tmp_path: Path) -> AsyncIterator[Sinks]:
    with sinks(tapeline_settings, tmp_path) as group:
        yield await group.from_here()


@pytest.fixture
async def tables(tapeline_settings: Settings, tapeline_up: RunFile) -> AsyncIterator[Store]:
    async with store.store(found(tapeline_settings).clickhouse) as opened:
        yield opened


async def put(tables: Store, table: Table, *values: object, token: str | None = None, late_s: float = 0.0) -> None:
    await tables.insert(
        table,
        table.columns(values),
        token=token or uuid.uuid4().hex,
        send_by_s=clock.monotonic_s() + SOON_S - late_s,
    )


async def test_each_record_stands_in_its_table_with_its_own_values(
    tapeline_settings: Settings, tables: Store, symbol: str
) -> None:
    """C-16, C-17, K4: enums by name, times to the microsecond, levels in order, exact numbers as text."""
    await put(tables, TRADES, trade(symbol, 1, exact={"price": "64001.1000000000000000001"}))
    await put(tables, SNAPSHOTS, book(symbol, 1, state="stale"))
    await put(tables, DELTAS, delta(symbol, 1))
    await put(tables, GAPS, gap(symbol, 1, end_us=None))
    await put(tables, SPREADS, spread(symbol, 1))
    await put(tables, ORDERS, order_event(symbol, 1), order_event(symbol, 2))
    client = await clickhouse.connect(found(tapeline_settings).clickhouse)
    asked = {
        "trades": "toUnixTimestamp64Micro(ts), side, price, sequence_num, backfilled, exact",
        "orderbook_snapshots": "toUnixTimestamp64Micro(ts), bids, asks, state, depth, exact",
        "orderbook_deltas": "toUnixTimestamp64Micro(ts), kind, side, price, amount, action, level",
        "gaps": "toUnixTimestamp64Micro(start_ts), end_ts, cause, from_id",
        "spreads": "toUnixTimestamp64Micro(ts), buy_market_type, sell_price, net",
        "order_events": (
            "sequence_num, toUnixTimestamp64Micro(ts), kind, leg, part, average_price, commission, reduce_only, "
            "status, fee, toUnixTimestamp64Micro(filled_ts)"
        ),
    }
    stored = {}
    for table, columns in asked.items():
        query = f"SELECT {columns} FROM {table} WHERE pair = {{pair:String}} ORDER BY ALL"  # noqa: S608 - names of our own
        stored[table] = [tuple(row) for row in (await client.query(query, parameters={"pair": symbol})).result_rows]
    await client.close()
    at_us = NOW_US + 10_000
    levels = [{"price": 64_000.1, "amount": 0.5}, {"price": 64_000.0, "amount": 1.25}]
    assert stored == {
        "trades": [(at_us, "buy", 64_001.1, 1, False, {"price": "64001.1000000000000000001"})],
        "orderbook_snapshots": [(at_us, levels, [{"price": 64_000.2, "amount": 0.001}], "stale", 20, {})],
        "orderbook_deltas": [
            (at_us + 1_000, "change", "bid", 63_999.0, 3.0, "update", 1),
            (at_us + 1_000, "change", "bid", 64_000.1, 0.25, "update", 0),
            (at_us + 1_000, "change", "ask", 64_000.2, 0.0, "delete", 2),
        ],
        "gaps": [(at_us, None, "sequence", "1")],
        "spreads": [(at_us + 1_000, "spot", 64_032.5, -0.0015)],
        "order_events": [
            (
                *(1, BEGAN_US + 10_000, "order_filled", "buy", 1, Decimal("64000.000000000000000001")),
                *(Decimal("-0.5"), False, "PARTIALLY_FILLED", Decimal("-0.000000000000000001"), BEGAN_US + 9_500),
            ),
            (2, BEGAN_US + 20_000, "intent_approved", *[None] * 8),
        ],
    }


async def test_k4_funding_stands_in_its_table_with_its_own_values(
    tapeline_settings: Settings, tables: Store, symbol: str
) -> None:
    exact = {"rate": "0.00010000000000000000001"}
    await put(tables, FUNDING, funding(symbol, 1, exact=exact), funding(symbol, 2, venue_us=None, next_us=None))
    client = await clickhouse.connect(found(tapeline_settings).clickhouse)
    query = """
        SELECT market_type, toUnixTimestamp64Micro(ts), rate, mark_price, index_price,
            toUnixTimestamp64Micro(next_ts), interval_us, epoch, toUnixTimestamp64Micro(received_ts), exact
        FROM funding WHERE pair = {pair:String} ORDER BY ts"""
    stored = [tuple(row) for row in (await client.query(query, parameters={"pair": symbol})).result_rows]
    await client.close()
    prices, every_us = (0.0001, 64_000.15, None), 28_800_000_000
    assert stored == [
        ("futures", NOW_US + 10_000, *prices, NOW_US + 3_600_000_000, every_us, NOW_US, NOW_US + 11_000, exact),
        ("futures", NOW_US + 21_000, *prices, None, every_us, NOW_US, NOW_US + 21_000, {}),
    ]


@pytest.mark.parametrize(
    ("table", "values"),
    [
        pytest.param(TRADES, [trade, trade], id="trades"),
        pytest.param(SNAPSHOTS, [book, book], id="books"),
        pytest.param(DELTAS, [delta, delta], id="deltas"),
        pytest.param(GAPS, [gap, gap], id="gaps"),
        pytest.param(FUNDING, [funding, funding], id="funding"),
        pytest.param(SPREADS, [spread, spread], id="spreads"),
        pytest.param(ORDERS, [order_event, order_event], id="orders"),
    ],
)
async def test_a_look_up_finds_the_keys_that_were_stored(
    tables: Store, symbol: str, table: Table, values: list[object]
) -> None:
    made = [make(symbol, number) for number, make in enumerate(values, start=1)]  # type: ignore[operator] # each maker in turn
    await put(tables, table, *made)
    keys = [table.key(value) for value in made]
    group = keys[0].group
    other = tuple("absent" for _ in group)

    assert await tables.stored(table, {group: keys[0].ts_us, other: 0}, limit=9) == keys
    assert await tables.stored(table, {group: keys[0].ts_us, other: 0}, limit=1) == keys[:1]
    assert await tables.stored(table, {other: 0, group: keys[1].ts_us}, limit=9) == keys[1:]


async def test_the_newest_of_an_instrument_is_found(tables: Store, symbol: str) -> None:
    await put(tables, DELTAS, delta(symbol, 2), delta(symbol, 1))
    newest = {row[2]: tuple(row) for row in await tables.newest(DELTAS, NOW_US)}
    assert newest[symbol] == ("bybit", "spot", symbol, NOW_US, "2", NOW_US + 21_000)
    await put(tables, FUNDING, funding(symbol, 2), funding(symbol, 1))
    told = {row[2]: tuple(row) for row in await tables.newest(FUNDING, NOW_US)}
    assert told[symbol] == ("bybit", "futures", symbol, NOW_US, None, NOW_US + 20_000)


async def test_a_repeat_under_the_same_token_is_dropped(
    tapeline_settings: Settings, tables: Store, symbol: str
) -> None:
    for number in (1, 1, 2):
        await put(tables, TRADES, trade(symbol, number), token=f"{symbol}-{number}")
    assert (await rows(tapeline_settings, (symbol,)))["trades"] == [f"{symbol}-1", f"{symbol}-2"]


async def test_what_is_sent_too_late_is_refused_whole(tapeline_settings: Settings, tables: Store, symbol: str) -> None:
    """A sink that was paused for longer than the window of tokens lasts cannot write at all."""
    for table, value in (
        (TRADES, trade(symbol, 1)),
        (SNAPSHOTS, book(symbol, 1)),
        (DELTAS, delta(symbol, 1)),
        (GAPS, gap(symbol, 1)),
        (FUNDING, funding(symbol, 1)),
        (SPREADS, spread(symbol, 1)),
        (ORDERS, order_event(symbol, 1)),
    ):
        with pytest.raises(Late, match="too late"):
            await put(tables, table, value, late_s=SOON_S + 1)
    assert not any((await rows(tapeline_settings, (symbol,))).values())


async def test_a_table_that_is_not_there_is_for_a_person(tables: Store, symbol: str) -> None:
    with pytest.raises(Misconfigured, match=r"refused a statement of the sink .*: run `tapeline migrate`"):
        await put(tables, dataclasses.replace(TRADES, name="absent"), trade(symbol, 1))


async def test_a_flow_is_stored_once_and_the_sink_says_that_it_lives(
    tapeline_settings: Settings, tapeline_up: RunFile, own: Sinks, symbol: str
) -> None:
    sink = own.start(f"a-{symbol[:4]}")
    flow = Flow(tapeline_settings, (symbol,))
    await flow.run(most=100, each=20)
    await assert_once(tapeline_settings, own.group, flow)
    await sink.end()
    codec, topic = Codec(tapeline_up.schema_ids), topics.by_name("heartbeat")
    where = found(tapeline_settings).kafka
    async with kafka.Reader.assigned(where, {"heartbeat": "beginning"}, client_id="test") as reader:
        heard = [codec.decode(topic, record.value or b"") async for record in reader.until_end()]
    mine = [one for one in heard if isinstance(one, Heartbeat) and one.process == f"sinks-a-{symbol[:4]}"]
    assert mine[0].status == "online"
    assert mine[-1].status == "offline"


async def test_k4_a_whole_book_is_stored_beside_the_change_that_it_comes_after(
    tapeline_settings: Settings, tapeline_up: RunFile, own: Sinks, symbol: str
) -> None:
    """C-16, C-18, K4: told at subscribe, after a gap and each minute, under the sequence of the change before it."""
    codec, topic = Codec(tapeline_up.schema_ids), topics.by_name("md.delta")
    whole = delta(symbol, 1, kind="snapshot", follows=None, bid_prices=(64_000.1,), bid_quantities=(0.25,))
    async with Publisher(found(tapeline_settings).kafka, client_id="test") as publisher:
        for value in (delta(symbol, 1), whole, whole):
            await publisher.publish(topic.name, b"k", codec.encode(topic, value), partition_of(symbol, 4))
    sink = own.start("a")
    change, snapshot = f"{symbol}/1/change", f"{symbol}/1/snapshot"
    wanted = [f"{change}/0", f"{change}/1", f"{change}/2", f"{snapshot}/0", f"{snapshot}/1"]

    async def stored() -> bool:
        return (await rows(tapeline_settings, (symbol,)))["orderbook_deltas"] == wanted

    await eventually(stored, within_s=30)
    await sink.end()


async def test_what_cannot_be_read_is_set_aside_and_its_neighbours_are_stored(
    tapeline_settings: Settings, tapeline_up: RunFile, own: Sinks, symbol: str
) -> None:
    codec, topic, place = Codec(tapeline_up.schema_ids), topics.by_name("md.trade"), partition_of(symbol, 4)
    where = found(tapeline_settings).kafka
    good = [codec.encode(topic, trade(symbol, number)) for number in range(2)]
    impossible = codec.encode(topic, trade(symbol, 9, venue_us=-1))
    async with Publisher(where, client_id="test") as publisher:
        places = [
            await publisher.publish(topic.name, b"k", value, place)
            for value in (good[0], b"\x00no record", impossible, good[1])
        ]
    sink = own.start("a")

    async def stored() -> bool:
        return (await rows(tapeline_settings, (symbol,)))["trades"] == [f"{symbol}-0", f"{symbol}-1"]

    await eventually(stored, within_s=30)
    await sink.end()
    letters = {letter.origin: letter for letter in await dlq.letters(where, codec)}
    bad = [letters[f"md.trade/{place}/{one.offset}"] for one in places[1:3]]
    assert [letter.value for letter in bad] == [b"\x00no record", impossible]
    assert [letter.field for letter in bad][1] == "venue_us"


async def test_a_sink_that_understands_nothing_stops_and_commits_nothing(
    tapeline_settings: Settings, own: Sinks, symbol: str
) -> None:
    where = found(tapeline_settings).kafka
    async with Publisher(where, client_id="test") as publisher:
        for _ in range(60):
            stored = await publisher.publish("md.gap", b"k", b"\x00none", partition_of(symbol, 4))
    sink = own.start("a")
    assert await sink.died() == 2
    assert "sinks-a stops: " in sink.said()
    assert "from md.gap" in sink.said()
    async with kafka.admin(where) as admin:
        commits = await admin.commits(own.group)
    assert commits[kafka.Partition("md.gap", stored.partition)].offset <= stored.offset - 59


def test_keys_are_compared_as_the_store_returns_them() -> None:
    assert TRADES.key_of(("a", "b", "c", "id", 5)) == Key(("a", "b", "c"), "id", 5)
    assert DELTAS.key_of(("a", "b", "c", 1, 2, "change", 5)) == Key(("a", "b", "c"), (1, 2, "change"), 5)
