"""What the simulated markets wrote down of one account against all that Postgres and the broker have of it.

Whole values are compared: each order with its fills, what is held, the events without a hole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec

from schemas import topics
from simulator.audit import market
from simulator.audit.dealings import REFUSED, Dealings, Seen, dealings_of
from simulator.audit.order_rows import PositionRow
from simulator.audit.positions import open_here, open_there
from tapeline.domain.order_records import OrderEvent
from tapeline.runtime import kafka
from tests.support.executor_process import Bench

_ORDERS: Final = """
SELECT client_order_id, venue || ':' || market AS place, symbol, side::text, status::text, filled, filled_value
FROM orders WHERE account = $1 ORDER BY id"""
_FILLS: Final = """
SELECT client_order_id, fill_id, price, quantity, fee, fee_currency FROM trades WHERE account = $1"""
_POSITIONS: Final = """
SELECT venue, market::text, symbol, side, quantity, base_fees, funding FROM positions WHERE account = $1"""
_PAIRS: Final = "SELECT DISTINCT ON (pair_id) symbol, state::text, body::text FROM arb_trades WHERE account = $1"
_SAYS: Final = {"new": "PLACED", "partially_filled": "PARTIALLY_FILLED", "filled": "FILLED", REFUSED: "REJECTED"}
_ENDED: Final = {"EXPIRED": "CANCELLED"}
"""A venue may call an order that ended by itself cancelled."""

Fills = tuple[tuple[str, Decimal, Decimal, Decimal, str], ...]


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """An order as either side has it; each fill is id, price, quantity, fee and its coin."""

    place: str
    symbol: str
    side: str
    status: str
    filled: Decimal = Decimal(0)
    value: Decimal = Decimal(0)
    fills: Fills = ()


class Truth(msgspec.Struct, frozen=True, kw_only=True):
    """What a comparison found equal: orders, fills and events by their number, what the venues hold."""

    orders: int
    sent: int
    fills: int
    events: int
    held: Mapping[tuple[str, str], Decimal]


async def assert_same(bench: Bench) -> Truth:
    """Compare all of the account with its markets, which stand still, and return what there was."""
    dealings = dealings_of_all(bench)
    orders = [dict(row) for row in await bench.pool.fetch(_ORDERS, bench.account)]
    fills = [dict(row) for row in await bench.pool.fetch(_FILLS, bench.account)]
    ours = {row["client_order_id"]: _ours(row, fills) for row in orders}
    theirs = _theirs(dealings, ours)
    names = sorted({*ours, *theirs})
    apart = [(name, ours.get(name), theirs.get(name)) for name in names if ours.get(name) != theirs.get(name)]
    assert apart == [], apart
    seen = {one.client_id for dealt in dealings for one in dealt.seen}
    reached = Counter([one.client_id for dealt in dealings for one in dealt.seen])
    # Those that a fault kept away are in no list of the venue, but for such as it refused itself.
    reached.update(name for dealt in dealings for name in dealt.kept_away if name not in seen)
    doubled = {name: times for name, times in reached.items() if times != 1}
    assert doubled == {}, doubled
    held = await _assert_positions(bench, dealings)
    await _assert_ended(bench, held)
    events = await _events(bench)
    newest = {one.order.client_order_id: one.order for one in events if one.order is not None}
    assert {name: (one.status, one.filled) for name, one in newest.items()} == {
        row["client_order_id"]: (row["status"], row["filled"]) for row in orders
    }
    return Truth(orders=len(orders), sent=len(reached), fills=len(fills), events=len(events), held=held)


def dealings_of_all(bench: Bench) -> list[Dealings]:
    """Return what each market dealt."""
    return [dealings_of(market.read(path)) for path in sorted(bench.journals.iterdir())]


async def wanting_since(bench: Bench, at_us: int) -> set[str]:
    """Return the intents of which an order reached a market since then."""
    names = [one.client_id for dealt in dealings_of_all(bench) for one in dealt.seen if one.begin_us >= at_us]
    rows = await bench.pool.fetch("SELECT intent_id FROM orders WHERE client_order_id = ANY($1)", names)
    return {row["intent_id"] for row in rows}


def _ours(row: Mapping[str, Any], fills: Iterable[Mapping[str, Any]]) -> Told:
    mine = (one for one in fills if one["client_order_id"] == row["client_order_id"])
    return Told(
        place=row["place"],
        symbol=row["symbol"],
        side=row["side"],
        status=_ENDED.get(row["status"], row["status"]),
        filled=row["filled"],
        value=row["filled_value"],
        fills=tuple(
            sorted((one["fill_id"], one["price"], one["quantity"], one["fee"], one["fee_currency"]) for one in mine)
        ),
    )


def _theirs(dealings: Sequence[Dealings], ours: Mapping[str, Told]) -> dict[str, Told]:
    """Return the orders as the venues have them; one that never came there is refused and was not dealt."""
    never = {
        name: Told(place=one.place, symbol=one.symbol, side=one.side, status="REJECTED") for name, one in ours.items()
    }
    return never | {one.client_id: _their(one) for dealt in dealings for one in dealt.seen}


def _their(one: Seen) -> Told:
    # What is dealt after its end stays ended (K14).
    status = "CANCELLED" if one.late else _SAYS.get(one.status, "CANCELLED")
    fills = ((fill.fill_id, fill.price, fill.quantity, fill.fee, fill.fee_coin) for fill in one.fills)
    return Told(
        place=one.place,
        symbol=one.symbol,
        side=one.side,
        status=status,
        filled=one.filled,
        value=one.value,
        fills=tuple(sorted(fills)),
    )


async def _assert_positions(bench: Bench, dealings: Sequence[Dealings]) -> dict[tuple[str, str], Decimal]:
    rows = await bench.pool.fetch(_POSITIONS, bench.account)
    here = open_here(msgspec.convert(dict(row), PositionRow, builtin_types=(Decimal,)) for row in rows)
    held = {where: amount for where, amount in open_there(dealings).items() if amount}
    assert {where: amount for where, amount in here.items() if amount} == held
    on_futures = {
        (one.place, position.symbol): Decimal(position.quantity)
        for one in dealings
        if one.halt is not None
        for position in one.halt.positions
    }
    assert on_futures == {where: amount for where, amount in held.items() if where[0].endswith(":futures")}
    return held


async def _assert_ended(bench: Bench, held: Mapping[tuple[str, str], Decimal]) -> None:
    """No intent waits or keeps room, and no leg of a two-leg trade stands alone."""
    open_intents = (
        "SELECT intent_id FROM intents WHERE account = $1 AND (status = 'APPROVED' OR reservation IS NOT NULL)"
    )
    assert await bench.pool.fetch(open_intents, bench.account) == []
    pairs = await bench.pool.fetch(f"{_PAIRS} ORDER BY pair_id, round DESC", bench.account)
    for row in pairs:
        assert row["state"] in ("READY", "POSITION_OPEN"), row
        legs = [amount for (_, symbol), amount in held.items() if symbol == row["symbol"]]
        assert (row["symbol"], sum(legs), bool(legs)) == (row["symbol"], 0, row["state"] == "POSITION_OPEN")


async def _events(bench: Bench) -> list[OrderEvent]:
    """Return the account's events, each once and in their order; there is no hole, and what came twice is the same."""
    topic = topics.by_name("order.event")
    found: dict[int, OrderEvent] = {}
    last: dict[int, int] = {}
    async with kafka.Reader.assigned(bench.known.kafka, {topic.name: "beginning"}, client_id="test") as reader:
        async for record in reader.until_end():
            event: OrderEvent = bench.codec.decode(topic, record.value or b"")
            if event.account != bench.account:
                continue
            if event.sequence not in found:
                assert event.sequence > last.get(record.partition, 0)
                last[record.partition] = event.sequence
            assert found.setdefault(event.sequence, event) == event
    count = await bench.pool.fetchval("SELECT event_sequence FROM accounts WHERE account = $1", bench.account)
    assert sorted(found) == list(range(1, count + 1))
    return [found[number] for number in sorted(found)]
