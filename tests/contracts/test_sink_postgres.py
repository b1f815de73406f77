"""The Postgres sink on the real broker and the real database: what rows look like, what is fenced and set aside."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from schemas import topics
from sinks.histories.accounts import ACCOUNTS
from sinks.histories.fills import FILLS
from sinks.histories.history import History
from sinks.ledger import Fenced, Ledger, Move, ledger
from tapeline.domain.events import Heartbeat
from tapeline.domain.partition import partition_of
from tapeline.errors import Misconfigured
from tapeline.runtime import dlq, kafka
from tapeline.runtime.codec import Codec
from tapeline.runtime.kafka import Partition, Publisher
from tapeline.runtime.runfile import RunFile
from tapeline.runtime.settings import Settings
from tests.support import histories
from tests.support.eventually import eventually
from tests.support.order_records import BEGAN_US, account, account_of, fill, order, order_event
from tests.support.own_database import own_database
from tests.support.sink_processes import Sinks, sinks
from tests.support.sinks import Flow, found

# The largest amount that a record can carry; a minus before it would round it.
MOST = Decimal("99999999999999999999.999999999999999999")
LEAST = MOST.copy_negate()


@pytest.fixture
def symbol() -> str:
    return f"{uuid.uuid4().hex[:10]}/USDT"


@pytest.fixture
async def own(tapeline_settings: Settings, tapeline_up: RunFile, tmp_path: Path) -> AsyncIterator[Sinks]:
    with sinks(tapeline_settings, tmp_path, "postgres") as group:
        yield await histories.from_here(group)


@pytest.fixture
async def tables(tapeline_settings: Settings, tapeline_up: RunFile, symbol: str) -> AsyncIterator[Ledger]:
    async with ledger(found(tapeline_settings).postgres, f"test-{symbol}") as opened:
        yield opened


def moved(history: History, *values: Any, expected: int = 0, number: int = 0) -> Move:  # noqa: ANN401 - any record
    place = Partition(history.topic, number)
    return Move(partition=place, expected=expected, next=expected + 1, history=history, values=values)


async def begun(tables: Ledger, *places: Partition) -> None:
    assert await tables.taken(dict.fromkeys(places, 0)) == dict.fromkeys(places, 0)


async def test_each_record_stands_in_its_table_with_its_own_values(
    tapeline_settings: Settings, tables: Ledger, symbol: str
) -> None:
    """C-12: money to the last digit, time to the microsecond."""
    await begun(tables, Partition("order.event", 0), Partition("account", 0))
    new = await tables.write([moved(FILLS, order_event(symbol, 1)), moved(ACCOUNTS, account(symbol, 4))])
    assert new == {"trade_history": 1, "account_history": 1}
    async with histories.pool(tapeline_settings) as pool:
        fills = await pool.fetch(
            "SELECT daemon_id, exchange_id, market_type, trade_pair, order_id, fill_id, side, price, amount,"
            " commission, commission_currency, status, (extract(epoch FROM executed_at) * 1000000)::bigint"
            " FROM trade_history WHERE trade_pair = $1 AND created_at > now() - interval '1 hour'",
            symbol,
        )
        accounts = await pool.fetch(
            "SELECT account, version, usdt, equity, unrealized_pnl, exposure, margin, reserved, open_orders,"
            " open_positions, balances->0->>'total', source, (extract(epoch FROM changed_at) * 1000000)::bigint"
            " FROM account_history WHERE account = $1",
            account_of(symbol),
        )
    price = Decimal("64000.000000000000000001")
    assert [tuple(row) for row in fills] == [
        (
            *(account_of(symbol), "bybit", "futures", symbol, "ours-1", f"{symbol}-1", "buy", price, Decimal("0.1")),
            *(Decimal("-0.000000000000000001"), "USDT", "PARTIALLY_FILLED", BEGAN_US + 9_500),
        )
    ]
    assert [tuple(row) for row in accounts] == [
        (
            *(account_of(symbol), 4, Decimal("1000.000000000000000001"), Decimal("1001.5")),
            *(Decimal("1.499999999999999999"), Decimal(50), Decimal(10), Decimal(0), 2, 1, "1000.000000000000000001"),
            *("executor", BEGAN_US + 40_000),
        )
    ]


async def test_whatever_is_not_refused_can_be_stored(tables: Ledger, symbol: str) -> None:
    """Else one record would stop the sink for ever: the longest texts of the widest characters, the largest numbers."""
    await begun(tables, Partition("order.event", 0), Partition("account", 0))
    wide, last_us = "\U0001f4b0", 10_382_255_999_999_999
    largest = order_event(
        wide * 50,
        1,
        account=wide * 100,
        order=order(1, client_order_id=wide * 100, venue=wide * 50, status="UNKNOWN"),
        fill=fill(
            symbol, 1, fill_id=f"{symbol}{wide * 480}", fee_currency=wide * 50, price=MOST, quantity=MOST, fee=LEAST,
            filled_us=last_us,
        ),
    )  # fmt: skip
    smallest = order_event("", 1, account="", order=order(1, client_order_id="", venue=""))
    smallest = msgspec.structs.replace(smallest, fill=fill(symbol, 1, fee_currency="", filled_us=0))
    balance = msgspec.structs.replace(account(symbol, 1).balances[0], asset='"\\\n\x01\u2028', total=LEAST)
    whole = account(symbol, -(2**63), usdt=LEAST, open_orders=2**63 - 1, balances=(balance,) * 300, at_us=0)
    other = account(symbol, 2**63 - 1, source=wide * 5_000, balances=(), at_us=last_us)
    for value in (largest, smallest):
        FILLS.check(value)
    for version in (whole, other):
        ACCOUNTS.check(version)
    new = await tables.write([moved(FILLS, largest, smallest), moved(ACCOUNTS, whole, other)])
    assert new == {"trade_history": 2, "account_history": 2}


async def test_a_step_that_another_has_made_stores_nothing_of_any_partition(
    tapeline_settings: Settings, tables: Ledger, symbol: str
) -> None:
    """Also when all other steps could be made: the transaction is one."""
    first, second = Partition("order.event", 0), Partition("order.event", 1)
    await begun(tables, first, second)
    assert await tables.write([moved(FILLS, order_event(symbol, 1), number=1)]) == {"trade_history": 1}
    late = [moved(FILLS, order_event(symbol, 3)), moved(FILLS, order_event(symbol, 5), number=1)]
    with pytest.raises(Fenced, match=r"another sink has written order.event/1 from offset 0 on"):
        await tables.write(late)
    assert (await histories.rows(tapeline_settings, [symbol]))["trade_history"] == [f"{symbol}-1"]
    assert await tables.taken({first: 99, second: 99}) == {first: 0, second: 1}


async def test_what_stands_already_is_left_alone_also_within_one_batch(
    tapeline_settings: Settings, tables: Ledger, symbol: str
) -> None:
    await begun(tables, Partition("order.event", 0))
    await tables.write([moved(FILLS, order_event(symbol, 1), order_event(symbol, 1))])
    before = await histories.stored_whole(tapeline_settings, [symbol])
    again = order_event(symbol, 1, order=order(1, status="FILLED"))
    new = await tables.write([moved(FILLS, again, order_event(symbol, 3), expected=1)])
    assert (len(before), new) == (1, {"trade_history": 1})
    assert (await histories.stored_whole(tapeline_settings, [symbol]))[:1] == before


async def test_two_sinks_at_the_same_step_end_with_one_of_them(tables: Ledger, symbol: str) -> None:
    """The second waits for the first one's lock, and then matches nothing."""
    await begun(tables, Partition("order.event", 0))

    async def second() -> None:
        with pytest.raises(Fenced):
            await tables.write([moved(FILLS, order_event(symbol, 1))])

    # Begun when the first has locked, it ends only after the first has.
    async with asyncio.TaskGroup() as group:

        async def locked() -> None:
            _ = group.create_task(second())

        assert await tables.write([moved(FILLS, order_event(symbol, 1))], before_end=locked) == {"trade_history": 1}


async def test_a_database_without_the_tables_is_for_a_person(
    tapeline_settings: Settings, tapeline_up: RunFile, symbol: str
) -> None:
    async with own_database(tapeline_settings, tapeline_up) as empty, ledger(empty, "test") as bare:
        with pytest.raises(Misconfigured, match=r"refused a statement of the sink .*: run `tapeline migrate`"):
            await bare.taken({Partition("order.event", 0): 0})


async def test_a_flow_is_stored_once_and_the_sink_says_that_it_lives(
    tapeline_settings: Settings, tapeline_up: RunFile, own: Sinks, symbol: str
) -> None:
    sink = own.start(f"a-{symbol[:4]}")
    flow = Flow(tapeline_settings, (symbol,), makers=histories.MAKERS)
    await flow.run(most=100, each=20)
    await histories.assert_once(tapeline_settings, own.group, flow)
    await sink.end()
    mine = [
        one
        for one in await told(tapeline_settings, tapeline_up, "heartbeat")
        if isinstance(one, Heartbeat) and one.process == f"sinks-a-{symbol[:4]}"
    ]
    assert (mine[0].status, mine[-1].status) == ("online", "offline")


async def test_what_cannot_be_stored_is_set_aside_and_its_neighbours_are_stored(
    tapeline_settings: Settings, tapeline_up: RunFile, own: Sinks, symbol: str
) -> None:
    codec, topic, place = Codec(tapeline_up.schema_ids), topics.by_name("order.event"), partition_of(symbol, 4)
    where = found(tapeline_settings).kafka
    lonely = codec.encode(topic, order_event(symbol, 7, order=None))
    values = [
        codec.encode(topic, order_event(symbol, 1)),
        b"\x00no record",
        lonely,
        codec.encode(topic, order_event(symbol, 3)),
    ]
    async with Publisher(where, client_id="test") as publisher:
        places = [await publisher.publish(topic.name, b"k", value, place) for value in values]
    sink = own.start("a")
    await histories.drained(tapeline_settings, own.group)
    await sink.end()
    stored = await histories.rows(tapeline_settings, [symbol])
    assert stored == {"trade_history": [f"{symbol}-1", f"{symbol}-3"], "account_history": []}
    letters = {letter.origin: letter for letter in await dlq.letters(where, codec)}
    bad = [letters[f"order.event/{place}/{one.offset}"] for one in places[1:3]]
    assert [(letter.value, letter.field) for letter in bad] == [(b"\x00no record", "schema_id"), (lonely, "order")]


async def told(settings: Settings, run: RunFile, name: str) -> list[object]:
    """Return everything that stands in a topic."""
    codec, topic = Codec(run.schema_ids), topics.by_name(name)
    async with kafka.Reader.assigned(found(settings).kafka, {name: "beginning"}, client_id="test") as reader:
        return [codec.decode(topic, record.value or b"") async for record in reader.until_end()]


async def test_the_offsets_are_visible_to_all_who_watch_the_group(
    tapeline_settings: Settings, own: Sinks, symbol: str
) -> None:
    """Also of partitions in which nothing has come: Postgres's offset is committed as it is taken over."""
    sink = own.start("a")

    async def same() -> bool:
        return await histories.commits(tapeline_settings, own.group) == await histories.ends(tapeline_settings)

    await eventually(same, within_s=30)
    await sink.end()
