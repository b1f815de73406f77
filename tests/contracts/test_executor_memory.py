"""A store that remembers says and does the same as one that reads the rows each time, whatever comes in which order."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from decimal import Decimal

import msgspec
import pytest

from executor.ports import Answered, Decide, Fenced, Lease, LoggedIntent, Store
from executor.store.remembering import Told
from tapeline.domain.account import AccountState
from tapeline.domain.account_records import Account, Balance, Pair
from tapeline.domain.booking import Plan
from tapeline.domain.changes import Changes, Place
from tapeline.domain.machines.machine import IllegalTransition
from tapeline.domain.order_records import DesiredState, Memory, OrderEvent, OrderIntent, OrderStatus
from tapeline.domain.orders import Answer
from tapeline.domain.risk import Refused
from tapeline.runtime.desired_state import Wish
from tests.support.store_bench import LONG_US, Bench, memory_bench
from tests.support.store_steps import bench, bench_kind, leased, pass_by, take
from tests.support.trader_values import bare, fill, in_order, intent, order, plan

__all__ = ["bench", "bench_kind"]

SEEDS = range(6)
STEPS = 60
SIDES = ("buy", "sell")
WISHES: tuple[DesiredState, ...] = ("RUNNING", "REDUCING", "HALTED")
ANSWERS: tuple[OrderStatus, ...] = ("PLACED", "PARTIALLY_FILLED", "FILLED", "CANCELLED", "REJECTED", "UNKNOWN")


class Walk:
    """The same random steps for every store that is given the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - which steps are tried, no secret
        self.offset = 0
        self.round = 0
        self.versions = 0
        self.intents: list[OrderIntent] = []
        self.orders: list[str] = []
        self.fills = 0
        self.pair = 0

    async def step(self, store: Store, lease: Lease) -> object:
        """Do one thing; return what came of it."""
        steps = (
            self.take, self.take, self.burst, self.again, self.add, self.answer, self.answer, self.fill, self.fill,
            self.settle, self.settle, self.wallet, self.desire, self.change_pair, self.pass_by,
        )  # fmt: skip
        try:
            return await self.random.choice(steps)(store, lease)
        except (ValueError, IllegalTransition) as error:
            return str(error)

    async def take(self, store: Store, lease: Lease) -> object:
        logged, decide = self._asked()
        return _said(await store.take(lease, (logged,), lambda _: decide))

    async def burst(self, store: Store, lease: Lease) -> object:
        """Several records of the log at once, one of them for nobody, one of them twice."""
        asked = [self._asked() for _ in range(self.random.randint(2, 5))]
        logged = [one for one, _ in asked]
        logged.insert(self.random.randint(0, len(logged)), LoggedIntent(place=self._place(), intent=None))
        logged.append(msgspec.structs.replace(logged[0], place=self._place()))
        decides = {one.intent.intent_id: decide for one, decide in asked if one.intent is not None}
        answers: tuple[Answered, ...] = ()
        while left := tuple(logged[len(answers) :]):
            answers += await store.take(lease, left, lambda one: decides[one.intent_id])
        return _said(answers)

    def _asked(self) -> tuple[LoggedIntent, Decide]:
        memory = Memory(version=self.versions + 1, kind="Grid", body="{}") if self.random.random() < 0.5 else None
        wanted = intent(round_=self.round, slot=self.random.randint(0, 1), memory=memory)
        names = [f"{wanted.intent_id}-{number}" for number in range(self.random.randint(1, 2))]
        made = plan(wanted, *(order(wanted, name, closing=self.random.random() < 0.3) for name in names))
        if self.random.random() < 0.3:
            self.pair += 1
            made = msgspec.structs.replace(made, pair=_pair(self.pair))
        refuses = self.random.random() < 0.2
        self.intents.append(wanted)
        self.orders += names
        self.versions += memory is not None and not refuses
        self.round += self.random.randint(0, 1)
        logged = LoggedIntent(place=self._place(), intent=wanted, trace_id="t")
        return logged, _deciding(made, refuses=refuses)

    async def again(self, store: Store, lease: Lease) -> object:
        """An intent that was answered comes again, at another offset or at its own."""
        if not self.intents:
            return None
        wanted = self.random.choice(self.intents)
        place = self._place() if self.random.random() < 0.5 else Place(partition=0, offset=max(0, self.offset - 1))
        return type(await take(store, lease, wanted, place, _deciding(plan(wanted), refuses=False))).__name__

    async def add(self, store: Store, lease: Lease) -> object:
        if not self.intents:
            return None
        wanted, name = self.random.choice(self.intents), f"added-{self.random.randint(0, 9)}"
        await store.add(lease, (order(wanted, name),))
        self.orders.append(name)
        return None

    async def answer(self, store: Store, lease: Lease) -> object:
        if not self.orders:
            return None
        status, looked_up = self.random.choice(ANSWERS), self.random.random() < 0.5
        told = Answer(status=status, looked_up=looked_up, filled=Decimal(1) if status == "FILLED" else None)
        return (await store.answered(lease, self.random.choice(self.orders), told)).status

    async def fill(self, store: Store, lease: Lease) -> object:
        if not self.orders:
            return None
        self.fills += self.random.randint(0, 1)
        side = self.random.choice(SIDES)
        one = fill(
            f"f{self.fills}", self.random.choice(self.orders), self.random.choice(("0.25", "0.5", "1")), side=side
        )
        return await store.filled(lease, one, base="BTC")

    async def settle(self, store: Store, lease: Lease) -> object:
        if self.intents:
            await store.settle(lease, self.random.choice(self.intents).intent_id, "over")
        return None

    async def wallet(self, store: Store, lease: Lease) -> object:
        total = Decimal(self.random.randint(1, 3))
        held = Balance(venue="bybit", wallet="unified", asset="USDT", total=total, available=total)
        await store.balances(lease, (held,))
        return None

    async def desire(self, store: Store, lease: Lease) -> object:
        wanted = self.random.choice(WISHES)
        wish = Wish(scope="account", target=lease.account, desired=wanted, actor="a person")
        return type(await store.desire(wish)).__name__

    async def change_pair(self, store: Store, lease: Lease) -> object:
        state = await store.state(lease.account)
        if not state.pairs:
            return None
        found = self.random.choice(sorted(state.pairs, key=lambda one: (one.pair_id, one.round)))
        after = msgspec.structs.replace(found, state="POSITION_OPEN", event="entered")
        await store.change_pair(lease, after)
        return None

    async def pass_by(self, store: Store, lease: Lease) -> object:
        await pass_by(store, lease, self._place())
        return None

    def _place(self) -> Place:
        self.offset += 1
        return Place(partition=0, offset=self.offset - 1)


def _said(answers: tuple[Answered, ...]) -> object:
    return [(type(one).__name__, getattr(one, "refused", None), len(getattr(one, "events", ()))) for one in answers]


def _pair(number: int) -> Pair:
    return Pair(
        pair_id=f"p{number % 2}", account="main", strategy="grid-1", symbol="BTC/USDT", slot=0, round=number, version=1,
        state="ENTERING", event="enter", parts=1, part=1, legs=(), unrealized_pnl=Decimal(0),
        realized_pnl=Decimal(0), at_us=0,
    )  # fmt: skip


def _deciding(made: Plan, *, refuses: bool) -> Callable[[AccountState], Plan | Refused]:
    return lambda _state: Refused(code="max_exposure", reason="too much") if refuses else made


@pytest.mark.parametrize("seed", SEEDS)
async def test_e20_what_is_remembered_is_what_the_rows_say_and_does_the_same(bench: Bench, seed: int) -> None:
    reference = memory_bench()
    lease, plain = await leased(bench.store), await leased(reference.store)
    ours, theirs = Walk(seed), Walk(seed)
    outcomes: list[object] = []
    for _ in range(STEPS):
        reference.store.forget("main")
        found, wanted = await ours.step(bench.store, lease), await theirs.step(reference.store, plain)
        state = await bench.store.state("main")
        assert found == wanted
        assert in_order(bare(state)) == in_order(bare(await bench.other.state("main")))
        # A burst is one write where it can be, and the account's version counts writes.
        plainly = msgspec.structs.replace(await reference.store.state("main"), version=state.version)
        assert in_order(bare(state)) == in_order(bare(plainly))
        outcomes.append(found)
    assert await bench.store.offsets("main") == await reference.store.offsets("main")
    assert await _told(bench.store) == await _told(reference.store)


async def _told(store: Store) -> dict[str, list[str]]:
    """Return the keys that wait for each topic, in their order."""
    found: dict[str, list[str]] = {}
    for one in await store.outbox("main", most=9_999):
        found.setdefault(one.record.topic, []).append(one.record.key)
    return found


@pytest.mark.parametrize("seed", SEEDS)
async def test_e20_what_waits_together_is_written_together_and_remembered_as_it_stands(bench: Bench, seed: int) -> None:
    lease, walk = await leased(bench.store), Walk(seed)
    _ = await walk.take(bench.store, lease)
    told = 0
    for _ in range(STEPS // 4):
        before = await bench.other.state("main")
        found = await asyncio.gather(*(walk.step(bench.store, lease) for _ in range(8)), return_exceptions=True)
        assert [one for one in found if isinstance(one, BaseException)] == []
        state = await bench.store.state("main")
        assert in_order(bare(state)) == in_order(bare(await bench.other.state("main")))
        together = state.version - before.version
        waiting = await bench.store.outbox("main", most=9_999)
        events = [one.record.value for one in waiting if isinstance(one.record.value, OrderEvent)]
        assert [one.sequence for one in events] == list(range(1, len(events) + 1))
        wallets = [one.record.value.version for one in waiting if isinstance(one.record.value, Account)]
        assert wallets == sorted(set(wallets))
        told += together
    # Fewer writes than steps: some of them were one.
    assert 0 < told < STEPS // 4 * 8 // 2


async def test_e20_what_was_decided_on_another_state_changes_nothing(bench: Bench) -> None:
    lease = await leased(bench.store)
    state = await bench.store.state("main")
    older = msgspec.structs.replace(state, version=state.version - 1)
    wallet = Changes(
        balances=(Balance(venue="bybit", wallet="unified", asset="USDT", total=Decimal(5), available=Decimal(5)),)
    )

    assert (await bench.store.book(lease, older, wallet, ())).verdict == "version"
    _ = await bench.other.desire(Wish(scope="account", target="main", desired="HALTED", actor="a person"))
    assert (await bench.store.book(lease, state, wallet, ())).verdict == "version"
    now = await bench.other.state("main")
    assert (now.balances, now.version) == ((), state.version)
    told: Told = await bench.store.book(lease, now, wallet, ())
    assert (told.verdict, (await bench.other.state("main")).balances) == ("done", wallet.balances)


async def test_a_holder_that_remembers_is_fenced_by_its_successor(bench: Bench) -> None:
    lease = await leased(bench.store)
    wanted = intent()
    await take(
        bench.store,
        lease,
        wanted,
        Place(partition=0, offset=0),
        _deciding(plan(wanted, order(wanted, "a")), refuses=False),
    )
    before = await bench.store.state("main")
    await bench.store.close()
    assert isinstance(await bench.other.open_lease("main", "executor-2", for_us=LONG_US), Lease)

    with pytest.raises(Fenced, match="is in epoch 2, not 1"):
        await bench.store.answered(lease, "a", Answer(status="PLACED"))
    after = await bench.other.state("main")
    assert (after.orders, after.version) == (before.orders, before.version)
