"""Who may write, what is wanted, and what waits: the store's fence, desired state and outbox, on both stores."""

from __future__ import annotations

from collections.abc import Awaitable

import pytest

from executor.ports import Cached, Fenced, Lease, LeaseHeld, NotTaken, Superseded, Taken
from tapeline.domain import audit
from tapeline.domain.changes import Place
from tapeline.domain.orders import Answer
from tapeline.runtime.desired_state import Wish
from tests.support.store_bench import LONG_US, Bench
from tests.support.store_steps import (
    approving,
    at_the_time_of,
    bench,
    bench_kind,
    leased,
    pass_by,
    take,
)
from tests.support.trader_values import fill, intent, order

__all__ = ["bench", "bench_kind"]


async def test_a_living_holder_keeps_the_account_and_a_gone_session_is_followed_at_once(bench: Bench) -> None:
    lease = await leased(bench.store)
    assert await bench.other.open_lease("main", "executor-2", for_us=LONG_US) == LeaseHeld(
        holder="executor-1", until_us=lease.until_us
    )
    await bench.store.close()
    followed = await bench.other.open_lease("main", "executor-2", for_us=LONG_US)

    assert isinstance(followed, Lease)
    assert (followed.epoch, followed.before_until_us) == (lease.epoch + 1, lease.until_us)


async def test_a_paused_holder_is_followed_when_its_time_is_over(bench: Bench) -> None:
    """Its session still stands, so only the time in the database tells."""
    short = await bench.store.open_lease("main", "executor-1", for_us=1)
    followed = await bench.other.open_lease("main", "executor-2", for_us=LONG_US)

    assert isinstance(short, Lease)
    assert isinstance(followed, Lease)
    assert (followed.epoch, followed.before_until_us) == (short.epoch + 1, None)


async def test_a_lease_that_was_given_up_needs_no_waiting(bench: Bench) -> None:
    lease = await leased(bench.store)
    await bench.store.give_up(lease)
    followed = await bench.other.open_lease("main", "executor-2", for_us=LONG_US)
    assert isinstance(followed, Lease)
    assert followed.before_until_us is None


async def test_the_old_holder_is_fenced_in_every_step(bench: Bench) -> None:
    old = await leased(bench.store)
    await take(bench.store, old, intent(), Place(partition=0, offset=0), approving("a"))
    await bench.store.close()
    await leased(bench.other, "executor-2")
    before = await bench.other.state("main")

    steps: list[Awaitable[object]] = [
        bench.store.renew(old, for_us=LONG_US),
        take(bench.store, old, intent(slot=1), Place(partition=0, offset=1), approving("b")),
        pass_by(bench.store, old, Place(partition=0, offset=1)),
        bench.store.add(old, (order(intent(), "c"),)),
        bench.store.sent(old, "a", 5),
        bench.store.answered(old, "a", Answer(status="PLACED")),
        bench.store.filled(old, fill("f1", "a"), base="BTC"),
        bench.store.settle(old, intent().intent_id, "x"),
        bench.store.balances(old, ()),
    ]
    for step in steps:
        with pytest.raises(Fenced):
            await step
    after = await bench.other.state("main")
    assert at_the_time_of(after, before) == after


async def test_a_lease_that_has_run_out_is_fenced_until_it_is_renewed(bench: Bench) -> None:
    lease = await bench.store.open_lease("main", "executor-1", for_us=1)
    assert isinstance(lease, Lease)
    with pytest.raises(Fenced, match="run out"):
        await take(bench.store, lease, intent(), Place(partition=0, offset=0), approving("a"))
    renewed = await bench.store.renew(lease, for_us=LONG_US)
    assert isinstance(await take(bench.store, renewed, intent(), Place(partition=0, offset=0), approving("a")), Taken)


async def test_desired_state_is_versioned_audited_and_told(bench: Bench) -> None:
    def halt(replaces: int | None) -> Wish:
        return Wish(scope="system", target="all", desired="HALTED", actor="ada", reason="test", replaces=replaces)

    first = await bench.store.desire(halt(None))
    lost = await bench.other.desire(halt(0))
    assert await bench.store.desired() == (first,)
    assert isinstance(lost, Superseded)
    assert lost.current == first
    lease = await leased(bench.store)
    refused = await take(bench.store, lease, intent(), Place(partition=0, offset=0), approving("a"))
    assert isinstance(refused, NotTaken)
    assert refused.refused.code == "halted"
    control = await bench.store.outbox("control", most=10)
    assert [one.record.topic for one in control] == ["control", "audit"]
    assert control[0].record.value == first
    assert audit.broken_at(await bench.audited()) is None


async def test_the_outbox_keeps_what_the_broker_does_not_have(bench: Bench) -> None:
    lease = await leased(bench.store)
    await take(bench.store, lease, intent(), Place(partition=0, offset=0), approving("a"))
    waiting = await bench.store.outbox("main", most=3)
    await bench.store.published("main", waiting[1].number)

    assert [one.number for one in await bench.store.outbox("main", most=1)] == [waiting[2].number]


async def test_e12_a_result_is_kept_for_its_time_to_live(bench: Bench) -> None:
    one, two = Cached(operation="place", result='{"id":1}'), Cached(operation="place", result='{"id":2}')
    assert await bench.store.cached("k") is None
    assert await bench.store.cache("k", one, ttl_us=LONG_US) == one
    assert await bench.other.cache("k", two, ttl_us=LONG_US) == one
    assert await bench.store.cached("k") == one
    await bench.store.cache("short", one, ttl_us=1)
    assert await bench.store.cache("short", two, ttl_us=LONG_US) == two
