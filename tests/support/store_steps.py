"""What the suites of the store share: the bench as a fixture, a lease, decisions, a whole trade."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from executor.ports import Answered, Decide, Lease, LoggedIntent, Passed, Store
from tapeline.domain.account import AccountState
from tapeline.domain.account_records import Balance
from tapeline.domain.booking import Plan
from tapeline.domain.changes import Place
from tapeline.domain.order_records import Memory, OrderEvent, OrderIntent
from tapeline.domain.orders import Answer
from tapeline.domain.risk import Refused, Reservation
from tapeline.runtime import migrations, postgres
from tapeline.runtime.runfile import RunFile
from tapeline.runtime.settings import Settings
from tests.support.logins import entered
from tests.support.own_database import own_database
from tests.support.store_bench import LONG_US, Bench, memory_bench, postgres_bench
from tests.support.trader_values import fill, intent, order, plan


@pytest.fixture(params=["memory", "postgres"])
def bench_kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def bench(bench_kind: str, request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    if bench_kind == "memory":
        yield memory_bench()
        return
    settings: Settings = request.getfixturevalue("tapeline_settings")
    run: RunFile = request.getfixturevalue("tapeline_up")
    async with contextlib.AsyncExitStack() as stack:
        own = await stack.enter_async_context(own_database(settings, run))
        pool = await stack.enter_async_context(await postgres.connect(own))
        await migrations.migrate_postgres(pool)
        # The store works with the rights of an executor; what troubles it is made with the owner's.
        made = postgres_bench(pool, await stack.enter_async_context(entered(own, "tapeline_executor")))
        stack.push_async_callback(made.store.close)
        stack.push_async_callback(made.other.close)
        yield made


async def leased(store: Store, holder: str = "executor-1") -> Lease:
    found = await store.open_lease("main", holder, for_us=LONG_US)
    assert isinstance(found, Lease)
    return found


async def take(
    store: Store, lease: Lease, wanted: OrderIntent, place: Place, decide: Decide, *, trace_id: str | None = None
) -> Answered:
    """Answer one intent that stands in the log."""
    logged = LoggedIntent(place=place, intent=wanted, trace_id=trace_id)
    (answer,) = await store.take(lease, (logged,), lambda _: decide)
    return answer


async def pass_by(store: Store, lease: Lease, place: Place) -> None:
    """Note the place of a record that is not for this account."""
    assert await store.take(lease, (LoggedIntent(place=place, intent=None),), _asked) == (Passed(),)


def _asked(found: OrderIntent) -> Decide:
    raise AssertionError(found)


def approving(*names: str) -> Callable[[Any], Plan]:
    """Return a decision that places one order per name."""
    wanted = intent()
    return lambda _state: plan(wanted, *(order(wanted, name) for name in names))


def nothing(of: OrderIntent) -> Callable[[Any], Plan]:
    """Return a decision that neither reserves nor sends."""
    kept = Reservation(intent_id=of.intent_id, strategy=of.strategy, symbol=of.symbol)
    return lambda _state: Plan(reservation=kept)


def never(_state: object) -> Refused:
    return Refused(code="max_exposure", reason="too much")


async def told(store: Store) -> list[str]:
    """Return the topic, or the kind of event, of all that waits in the outbox."""
    waiting = await store.outbox("main", most=1000)
    assert [one.number for one in waiting] == list(range(waiting[0].number, waiting[0].number + len(waiting)))
    return [one.record.value.kind if isinstance(one.record.value, OrderEvent) else one.record.topic for one in waiting]


def at_the_time_of(after: AccountState, before: AccountState) -> AccountState:
    """Return a state as if it had been read when another one was."""
    return msgspec.structs.replace(before, now_us=after.now_us)


async def whole_trade(store: Store) -> None:
    lease = await leased(store)
    await store.balances(
        lease, (Balance(venue="bybit", wallet="unified", asset="USDT", total=Decimal(5), available=Decimal(4)),)
    )
    memory = Memory(version=1, kind="Grid", body='{"centre":"64000"}')
    opened = intent(memory=memory)
    await take(store, lease, opened, Place(partition=0, offset=0), approving("a", "b"), trace_id="t1")
    await store.sent(lease, "a", 11)
    await store.answered(lease, "a", Answer(status="PLACED", venue_order_id="v1", answered_us=12))
    await store.answered(lease, "b", Answer(status="UNKNOWN", reason="timed out"))
    assert await store.filled(lease, fill("f1", "a", "0.4"), base="BTC")
    assert await store.filled(lease, fill("f2", "a", "0.6", "101"), base="BTC")
    await store.answered(lease, "b", Answer(status="REJECTED", looked_up=True, code="never_arrived"))
    await store.settle(lease, opened.intent_id, "both are final")
