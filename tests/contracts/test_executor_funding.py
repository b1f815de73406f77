"""Funding in the store, one suite for Postgres and for the memory of the simulation: each payment once, on its life."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from executor.ports import Fenced, Lease
from tapeline.domain import audit
from tapeline.domain.account_records import Portfolio, Position
from tapeline.domain.changes import Place
from tapeline.domain.funding import LATE_US, Exposed
from tapeline.domain.orders import Answer
from tapeline.domain.positions import OurFunding
from tests.support.store_bench import Bench, memory_bench
from tests.support.store_steps import approving, at_the_time_of, bench, bench_kind, leased, take
from tests.support.trader_values import SYMBOL, fill, intent

__all__ = ["bench", "bench_kind"]

S = 1_000_000
OPENED_US = 100 * S


def paid(name: str, amount: str, at_us: int, *, symbol: str = SYMBOL) -> OurFunding:
    """Return a payment."""
    return OurFunding(
        account="main", venue="bybit", market="futures", symbol=symbol, payment_id=name, amount=Decimal(amount),
        currency="USDT", paid_us=at_us,
    )  # fmt: skip


async def dealt(bench: Bench, lease: Lease, name: str, side: str, at_us: int) -> None:
    """Book a whole fill of the one order."""
    one = msgspec.structs.replace(fill(name, "a", side=side), filled_us=at_us)
    assert await bench.store.filled(lease, one, base="BTC")


async def opened(bench: Bench) -> Lease:
    """Open a long of 1 at 100 s; its one order has ended."""
    lease = await leased(bench.store)
    await take(bench.store, lease, intent(), Place(partition=0, offset=0), approving("a"), trace_id="t1")
    await bench.store.sent(lease, "a", OPENED_US)
    await dealt(bench, lease, "f1", "buy", OPENED_US)
    await bench.store.answered(lease, "a", Answer(status="FILLED", filled=Decimal(1)))
    return lease


async def two_lives(bench: Bench) -> Lease:
    """Hold from 100 s to 200 s, and again from 300 s on."""
    lease = await opened(bench)
    await dealt(bench, lease, "f2", "sell", 200 * S)
    await dealt(bench, lease, "f3", "buy", 300 * S)
    return lease


async def newest(bench: Bench) -> tuple[int, Decimal, Decimal]:
    """Return number, funding and realized profit of the newest life."""
    [held] = (await bench.store.state("main", orders=("a",))).positions
    return held.life, held.funding, held.realized_pnl


async def test_a_payment_is_booked_once_on_the_position_that_it_was_paid_for(bench: Bench) -> None:
    lease = await opened(bench)
    before = await bench.store.state("main", orders=("a",))
    waiting = len(await bench.store.outbox("main", most=1000))

    assert await bench.store.funded(lease, paid("p1", "-0.000000000000000000000001", OPENED_US + 1))
    assert await bench.store.funded(lease, paid("p2", "0.25", OPENED_US + 2))
    after = await bench.store.state("main", orders=("a",))
    for _ in range(2):
        assert await bench.store.funded(lease, paid("p2", "0.25", OPENED_US + 2))

    total = Decimal("0.249999999999999999999999")
    assert await newest(bench) == (1, total, total - Decimal("0.1"))
    [held], [was] = after.positions, before.positions
    assert held.version == was.version + 2
    again = await bench.store.state("main", orders=("a",))
    assert at_the_time_of(again, after) == again
    told = [one.record.value for one in (await bench.store.outbox("main", most=1000))[waiting:]]
    assert [type(one).__name__ for one in told] == ["Position", "Portfolio", "Audit"] * 2
    position, portfolio = (next(one for one in told[3:] if isinstance(one, kind)) for kind in (Position, Portfolio))
    assert isinstance(position, Position)
    assert isinstance(portfolio, Portfolio)
    assert (position.version, position.realized_pnl, position.fees) == (
        held.version, Decimal("0.150000000000000000"), Decimal("-0.150000000000000000"),
    )  # fmt: skip
    assert portfolio.realized_pnl == Decimal("0.150000000000000000")
    rows = await bench.audited()
    assert [(one.action, one.entity_id, one.reason, one.trace_id) for one in rows[-2:]] == [
        ("POSITION_UPDATE", "main:bybit:futures:BTC/USDT", "funding p1", "t1"),
        ("POSITION_UPDATE", "main:bybit:futures:BTC/USDT", "funding p2", "t1"),
    ]
    assert audit.broken_at(rows) is None


async def test_a_life_that_has_ended_bears_its_payment_and_the_next_one_stays_as_it_is(bench: Bench) -> None:
    lease = await two_lives(bench)
    of, _, _ = await newest(bench)
    before = await bench.store.state("main", orders=("a",))
    waiting = len(await bench.store.outbox("main", most=1000))

    assert await bench.store.funded(lease, paid("p1", "0.5", 150 * S))
    after = await bench.store.state("main", orders=("a",))

    assert of == 2
    assert after.positions == before.positions
    [row] = after.portfolios
    assert row.closed_pnl == before.portfolios[0].closed_pnl + Decimal("0.5")
    # The topic holds the newest life of an instrument, which has not changed.
    told = [one.record.topic for one in (await bench.store.outbox("main", most=1000))[waiting:]]
    assert told == ["portfolio", "audit"]
    assert (await bench.audited())[-1].reason == "funding p1"
    assert await bench.store.funded(lease, paid("p2", "0.25", 300 * S))
    assert (await newest(bench))[1] == Decimal("0.25")


async def test_the_last_life_bears_its_payment_although_it_has_ended(bench: Bench) -> None:
    lease = await opened(bench)
    await dealt(bench, lease, "f2", "sell", 200 * S)
    before = (await bench.store.state("main", orders=("a",))).portfolios[0].closed_pnl
    assert await bench.store.funded(lease, paid("p1", "-0.5", 200 * S))
    after = await bench.store.state("main", orders=("a",))
    assert [(one.status, one.funding) for one in after.positions] == [("CLOSED", Decimal("-0.5"))]
    assert after.portfolios[0].closed_pnl == before - Decimal("0.5")


async def test_a_payment_without_a_life_of_ours_is_noted_and_booked_when_one_shows_up(bench: Bench) -> None:
    lease = await opened(bench)
    before = await bench.store.state("main", orders=("a",))
    early = paid("p1", "1", OPENED_US - LATE_US - 1)
    for one in (early, early, paid("p1", "1", OPENED_US, symbol="ETH/USDT")):
        assert not await bench.store.funded(lease, one)
    noted = await bench.store.state("main", orders=("a",))
    assert (noted.positions, noted.portfolios) == (before.positions, before.portfolios)
    assert (await bench.audited())[-1].reason != "funding p1"
    [held] = await bench.store.exposed("main")
    assert held.paid_us is None

    # An earlier fill of that life is told late, and now it was open then.
    await dealt(bench, lease, "f0", "buy", OPENED_US - LATE_US - 2)
    assert await bench.store.funded(lease, early)
    assert await bench.store.funded(lease, early)
    assert (await newest(bench))[:2] == (1, Decimal(1))


async def test_nothing_is_booked_while_an_order_may_have_fills_that_are_not_told(bench: Bench) -> None:
    lease = await leased(bench.store)
    await take(bench.store, lease, intent(), Place(partition=0, offset=0), approving("a"))
    await bench.store.sent(lease, "a", OPENED_US)
    assert not await bench.store.funded(lease, paid("p1", "1", OPENED_US + 1))
    await bench.store.answered(lease, "a", Answer(status="PLACED", filled=Decimal(1)))
    assert not await bench.store.funded(lease, paid("p1", "1", OPENED_US + 1))
    await dealt(bench, lease, "f1", "buy", OPENED_US)
    assert await bench.store.funded(lease, paid("p1", "1", OPENED_US + 1))
    assert (await newest(bench))[:2] == (1, Decimal(1))


async def test_markets_are_exposed_while_something_is_held_and_for_a_while_after(bench: Bench) -> None:
    lease = await leased(bench.store)
    assert await bench.store.exposed("main") == ()
    await bench.store.give_up(lease)
    lease = await opened(bench)
    where = Exposed(venue="bybit", market="futures", opened_us=OPENED_US)
    assert await bench.store.exposed("main") == (where,)
    assert await bench.store.exposed("another") == ()
    await bench.store.funded(lease, paid("p1", "1", 160 * S))
    await bench.store.funded(lease, paid("p2", "1", 150 * S))
    await dealt(bench, lease, "f2", "sell", 200 * S)
    ended = msgspec.structs.replace(where, closed_us=200 * S, paid_us=160 * S)
    assert await bench.store.exposed("main") == (ended,)
    await dealt(bench, lease, "f3", "buy", 300 * S)
    assert await bench.store.exposed("main") == (msgspec.structs.replace(ended, closed_us=None),)


async def test_funding_is_fenced(bench: Bench) -> None:
    lease = await opened(bench)
    await bench.store.give_up(lease)
    _ = await bench.other.open_lease("main", "executor-2", for_us=S)
    with pytest.raises(Fenced):
        await bench.store.funded(lease, paid("p1", "1", OPENED_US))


async def test_both_stores_hold_the_same_after_payments(bench: Bench) -> None:
    reference = memory_bench()
    found = []
    for one in (bench, reference):
        lease = await two_lives(one)
        for payment in (
            paid("p1", "0.5", 150 * S), paid("p2", "-0.1", 305 * S), paid("p3", "1", 1000 * S, symbol="ETH/USDT"),
        ):  # fmt: skip
            _ = await one.store.funded(lease, payment)
        told = [each.record for each in await one.store.outbox("main", most=1000)]
        state = await one.store.state("main", orders=("a",))
        found.append(
            (
                [each.topic for each in told],
                [(held.life, held.funding, held.version) for held in state.positions],
                [(row.closed_pnl, row.version) for row in state.portfolios],
                [(row.action, row.entity_id, row.reason) for row in await one.audited()],
            )
        )
    assert found[0] == found[1]
