"""The executor killed at each named point, and paused beyond its lease: every order once, every fill booked, no hole.

The markets' own journals are compared with Postgres and the broker after each (DESIGN 5).
"""

from __future__ import annotations

import signal
from decimal import Decimal

import pytest

from tapeline.domain.order_records import EnterPair, OrderIntent
from tapeline.runtime import clock
from tapeline.runtime.settings import Settings
from tests.journeys.command import Tapeline
from tests.support.eventually import eventually
from tests.support.executor_process import Bench, ExecutorProcess
from tests.support.executor_truth import assert_same, wanting_since
from tests.support.executor_wishes import ALONE, LEGS, PAIR, WAITING, enter, leave, order, waiting

LEASE_S = 4.0
STOPPED_S = 30.0
"""A stop is over by then, whatever it closes (X-04)."""
NEVER_ARRIVED = ("after-take", "before-request", "one-leg")
"""Points after which an order is noted as sent and the venue never had it: a successor waits until that is sure.

So may the other leg's order beside any point of a two-leg trade. There the successor knows that an order shows up at
once at a simulated venue, and need not wait 10 s for it.
"""


async def recover(bench: Bench, point: str, *intents: OrderIntent) -> ExecutorProcess:
    """Start a successor, wait until nothing is open, and say how long that took."""
    began_s = clock.monotonic_s()
    quick = point in NEVER_ARRIVED or isinstance(intents[0].command, EnterPair)
    fresh = bench.start("never") if quick else bench.start()
    ready_s = await fresh.ready()
    await bench.quiet(*intents)
    print(f"kill -9 {point}: ready after {ready_s:.1f} s, quiet after {clock.monotonic_s() - began_s:.1f} s")  # noqa: T201 - the measure
    return fresh


@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    "point",
    [
        "before-take", "after-take", "before-request", "sent", "answered", "booked", "before-publish", "after-publish",
        "reconciling", "before-settle",
    ],
)  # fmt: skip
async def test_killed_with_the_first_order(bench: Bench, point: str) -> None:
    first = bench.start("sent" if point == "reconciling" else point)
    await first.ready()
    if point in ("sent", "reconciling"):
        await bench.fault("slow", LEGS[0], kind="rest", duration_s=30)
    wanted = await bench.want(order(), ALONE)
    assert await first.died() == -signal.SIGKILL, first.said()[-3000:]
    await bench.calm()
    if point == "reconciling":
        second = bench.start(point)
        assert await second.died() == -signal.SIGKILL, second.said()[-3000:]
    fresh = await recover(bench, point, wanted)
    _ = await bench.halt()
    found = await assert_same(bench)
    # What surely never arrived was asked for once more, under a new id.
    assert (found.held, found.orders) == ({(LEGS[0], ALONE): Decimal(20)}, 1 + (point in NEVER_ARRIVED))
    await fresh.end()


@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    ("point", "nth"),
    [
        ("before-take", 2), ("after-take", 2), ("before-request", 3), ("sent", 5), ("answered", 3), ("booked", 3),
        ("one-leg", 2), ("one-leg", 4), ("before-publish", 2), ("after-publish", 2), ("reconciled", 1),
        ("after-settle", 1),
    ],
)  # fmt: skip
async def test_killed_in_the_middle_of_a_two_leg_trade(bench: Bench, point: str, nth: int) -> None:
    first = bench.start("answered", nth=3) if point == "reconciled" else bench.start(point, nth=nth)
    # Which request belongs to which leg is only sure where both legs go out together.
    await (first.rested() if point == "one-leg" else first.ready())
    entry = await bench.want(enter(bench), PAIR)
    wanted = [entry]

    async def entered() -> bool:
        return first.is_dead or await bench.status(entry) == "SETTLED"

    await eventually(entered, within_s=30)
    if not first.is_dead:
        if point == "sent":
            await bench.fault("slow", *LEGS, kind="rest", duration_s=30)
        wanted.append(await bench.want(leave(bench), PAIR, round_=1))
    assert await first.died() == -signal.SIGKILL, first.said()[-3000:]
    await bench.calm()
    if point == "reconciled":
        second = bench.start(point)
        assert await second.died() == -signal.SIGKILL, second.said()[-3000:]
    fresh = await recover(bench, point, *wanted)
    if await bench.pair_state(PAIR) == "POSITION_OPEN":
        await bench.quiet(await bench.want(leave(bench), PAIR, round_=1))
    assert await bench.pair_state(PAIR) == "READY"
    _ = await bench.halt()
    found = await assert_same(bench)
    assert found.held == {}
    await fresh.end()


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("point", "nth"), [("before-request", 3), ("sent", 1)])
async def test_paused_beyond_its_lease_while_a_second_one_takes_over(bench: Bench, point: str, nth: int) -> None:
    """An order was about to be sent, or on its way: the first one sends nothing more and ends."""
    first = bench.start(point, "stop", nth, LEASE_S)
    await first.ready()
    if point == "sent":
        await bench.fault("slow", *LEGS, kind="rest", duration_s=30)
    entry = await bench.want(enter(bench), PAIR)
    await eventually(lambda: first.reached and first.stopped, within_s=30)
    await bench.calm()
    answered = first.answers()
    second = bench.start("never", lease_s=LEASE_S)
    ready_s = await second.ready()
    await bench.quiet(entry)
    await closed(bench)
    resumed_us = clock.now_us()
    first.process.send_signal(signal.SIGCONT)
    assert await first.died() == 1
    assert "LEASE_LOST" in first.said()
    assert point == "sent" or "Accepted" not in first.answers().removeprefix(answered)
    print(f"paused {point}: its successor was ready after {ready_s:.1f} s, of a lease of {LEASE_S:g} s")  # noqa: T201 - the measure
    _ = await bench.halt()
    found = await assert_same(bench)
    assert found.held == {}
    assert await wanting_since(bench, resumed_us) == set()
    await second.end()


# ---------------------------------------------------------------- what is open at a start, and at a stop
async def closed(bench: Bench) -> None:
    """Wait until the two-leg trade is closed, as whoever found it open at the start does."""

    async def over() -> bool:
        return await bench.pair_state(PAIR) == "READY"

    await eventually(over, within_s=60)
    await bench.quiet()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("point", [None, "before-closing", "after-closing", "before-request", "answered"])
async def test_killed_with_an_open_trade_its_successor_closes_it_once(
    system: Settings, bench: Bench, point: str | None
) -> None:
    """Also where the first of two successors dies of it in the middle (D-20)."""
    first = bench.start("never")
    await first.ready()
    await bench.quiet(await bench.want(enter(bench), PAIR))
    assert await bench.pair_state(PAIR) == "POSITION_OPEN"
    first.kill()
    if point is not None:
        second = bench.start(point)
        assert await second.died() == -signal.SIGKILL, second.said()[-3000:]
    began_s = clock.monotonic_s()
    fresh = bench.start("never")
    await fresh.ready()
    await closed(bench)
    print(f"killed with an open trade, {point}: closed {clock.monotonic_s() - began_s:.1f} s after the start")  # noqa: T201 - the measure
    _ = await bench.halt()
    found = await assert_same(bench)
    assert found.held == {}
    query = "SELECT actor, command, status::text, wanted_because FROM intents WHERE account = $1 AND NOT opening"
    rows = await bench.pool.fetch(query, bench.account)
    # What the dead one had noted as sent and the venue never had is asked for anew, once that is sure.
    assert {tuple(row) for row in rows} == {("executor", "ExitPair", "SETTLED", "restart: it stood open from before")}
    assert len(rows) <= 1 + (point in ("after-closing", "before-request"))
    query = (
        "SELECT client_order_id FROM orders o JOIN intents i USING (intent_id)"
        " WHERE o.account = $1 AND i.actor = 'executor' AND o.filled > 0 LIMIT 1"
    )
    name = await bench.pool.fetchval(query, bench.account)
    told = Tapeline(system.data.dir.parent, {}).json("explain", name)
    assert (told["intent"]["actor"], told["intent"]["reason"], told["pair"]["state"]) == (
        "executor", "restart: it stood open from before", "READY",
    )  # fmt: skip
    assert told["trace_id"] == told["intent"]["intent_id"].replace("-", "")
    await fresh.end()


@pytest.mark.timeout(180)
async def test_a_stop_closes_all_that_is_held_and_cancels_what_rests(bench: Bench) -> None:
    one = bench.start(on_stop="close")
    await one.ready()
    await bench.quiet(await bench.want(enter(bench), PAIR), await bench.want(order(), ALONE))
    resting = await bench.want(waiting(), WAITING)
    query = "SELECT count(*) FROM orders WHERE intent_id = $1 AND status = 'PLACED'"

    async def rests() -> bool:
        return bool(await bench.pool.fetchval(query, resting.intent_id))

    await eventually(rests, within_s=30)
    began_s = clock.monotonic_s()
    await one.end()
    took_s = clock.monotonic_s() - began_s
    print(f"stopped with a two-leg trade, a position and a resting order: exit 0 after {took_s:.1f} s")  # noqa: T201 - the measure
    assert took_s < STOPPED_S
    assert await bench.pair_state(PAIR) == "READY"
    _ = await bench.halt()
    found = await assert_same(bench)
    assert found.held == {}
    query = (
        "SELECT command FROM intents WHERE account = $1 AND actor = 'executor' AND status = 'SETTLED' ORDER BY command"
    )
    assert [row["command"] for row in await bench.pool.fetch(query, bench.account)] == ["ExitPair", "Flatten"]
    assert "not_closed" not in one.said()


@pytest.mark.timeout(180)
async def test_what_a_stop_cannot_close_stays_in_the_rows_and_is_said(bench: Bench) -> None:
    one = bench.start(on_stop="close")
    await one.ready()
    await bench.quiet(await bench.want(enter(bench), PAIR))
    await bench.fault("refuse", count=1_000, duration_s=60)
    began_s = clock.monotonic_s()
    one.process.send_signal(signal.SIGTERM)
    assert await one.died() == 0, one.said()[-3000:]
    took_s = clock.monotonic_s() - began_s
    print(f"stopped while the venues refuse everything: exit 0 after {took_s:.1f} s")  # noqa: T201 - the measure
    assert took_s < STOPPED_S
    assert "not_closed" in one.said()
    assert await bench.pair_state(PAIR) in ("POSITION_OPEN", "EXITING")
    await bench.calm()
    fresh = bench.start("never")
    await fresh.ready()
    await closed(bench)
    _ = await bench.halt()
    assert (await assert_same(bench)).held == {}
    await fresh.end()
