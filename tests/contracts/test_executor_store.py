"""The store's promises, one suite for Postgres and for the memory of the simulation: all or nothing, fenced, once."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from functools import partial

import msgspec
import pytest

from executor.ports import AlreadyTaken, Lease, NotTaken, Taken
from tapeline.domain import audit
from tapeline.domain.account import AccountState
from tapeline.domain.account_records import ORDER_STRUCTS, Pair
from tapeline.domain.booking import Plan
from tapeline.domain.changes import Place
from tapeline.domain.order_records import CancelOrder, Flatten, Memory, Remember
from tapeline.domain.orders import Answer
from tapeline.domain.reconcile import Theirs, check
from tapeline.domain.risk import Refused
from tapeline.errors import Unavailable
from tests.support.store_bench import Bench, memory_bench
from tests.support.store_steps import (
    approving,
    at_the_time_of,
    bench,
    bench_kind,
    leased,
    never,
    nothing,
    take,
    told,
    whole_trade,
)
from tests.support.trader_values import BUY, bare, fill, intent, order, plan

__all__ = ["bench", "bench_kind"]

APPROVED = ["audit", "intent_approved", "order_pending", "order_sent", "portfolio", "audit", "audit"]
"""What the outbox has after the lease and an intent with one order, which goes out at once."""


async def test_an_intent_is_stored_whole_before_anything_is_sent(bench: Bench) -> None:
    lease = await leased(bench.store)
    taken = await take(bench.store, lease, intent(), Place(partition=2, offset=7), approving("a"), trace_id="t1")

    state = await bench.store.state("main")
    assert isinstance(taken, Taken)
    assert [(one.client_order_id, one.status, one.trace_id) for one in state.orders] == [("a", "PENDING", "t1")]
    reserved = plan(intent(), order(intent(), "a")).reservation
    assert [(one.status, one.reservation) for one in state.intents] == [("APPROVED", reserved)]
    assert [(one.round, one.intent_id) for one in state.slots] == [(0, intent().intent_id)]
    assert await bench.store.offsets("main") == {2: 8}
    assert [event.kind for event in taken.events] == ["intent_approved", "order_pending", "order_sent"]
    assert await told(bench.store) == APPROVED


async def test_an_intent_of_our_own_is_stored_once_and_moves_no_offset_and_its_refusal_is_not_stored(
    bench: Bench,
) -> None:
    lease = await leased(bench.store)
    wanted = msgspec.structs.replace(intent(Flatten()), actor="executor")
    refused = await bench.store.take_own(lease, wanted, never, trace_id="t1")
    assert refused == NotTaken(refused=never(None), events=())
    assert (await bench.store.state("main")).intents == ()

    def decide(_state: object) -> Plan:
        return plan(wanted, order(wanted, "a", closing=True), exposure="0")

    taken = await bench.store.take_own(lease, wanted, decide, trace_id="t1")
    again = await bench.store.take_own(lease, wanted, decide, trace_id="t1")
    assert isinstance(taken, Taken)
    assert [(one.client_order_id, one.sent_us is not None) for one in taken.begun] == [("a", True)]
    assert again == AlreadyTaken()
    state = await bench.store.state("main")
    assert [(one.command, one.actor, one.status) for one in state.intents] == [("Flatten", "executor", "APPROVED")]
    assert (await bench.store.offsets("main"), [one.taken_offset for one in state.portfolios]) == ({}, [None])
    assert [(one.action, one.actor) for one in await bench.audited()][1:] == [
        ("INTENT_APPROVE", "executor"),
        ("ORDER_PLACE", "executor"),
    ]


async def test_both_stores_hold_the_same_after_a_whole_trade(bench: Bench) -> None:
    await whole_trade(bench.store)
    reference = memory_bench()
    await whole_trade(reference.store)

    assert bare(await bench.store.state("main", orders=("a", "b"))) == bare(
        await reference.store.state("main", orders=("a", "b"))
    )
    assert await told(bench.store) == await told(reference.store)
    found, wanted = await bench.audited(), await reference.audited()
    assert [(one.action, one.entity_id, one.success, one.actor) for one in found] == [
        (one.action, one.entity_id, one.success, one.actor) for one in wanted
    ]
    values = [one.record for one in await bench.store.outbox("main", most=1000)]
    assert all(type(one.value) in ORDER_STRUCTS.values() for one in values)


async def test_after_settlement_nothing_is_reserved_and_the_round_is_raised(bench: Bench) -> None:
    await whole_trade(bench.store)
    state = await bench.store.state("main")

    assert (state.intents, state.orders, state.standing().reservations) == ((), (), ())
    assert [(one.round, one.intent_id) for one in state.slots] == [(1, None)]
    assert [(one.net, one.status, one.fees) for one in state.positions] == [(Decimal(1), "OPEN", Decimal("0.1006"))]


async def test_settling_waits_for_every_order(bench: Bench) -> None:
    lease = await leased(bench.store)
    await take(bench.store, lease, intent(), Place(partition=0, offset=0), approving("a"))
    with pytest.raises(ValueError, match="still waits"):
        await bench.store.settle(lease, intent().intent_id, "early")
    assert len((await bench.store.state("main")).standing().reservations) == 1


async def test_e27_the_audit_is_an_unbroken_chain(bench: Bench) -> None:
    await whole_trade(bench.store)
    rows = await bench.audited()
    assert len(rows) > 8
    assert audit.broken_at(rows) is None
    assert {one.trace_id for one in rows if one.entity_type != "account"} == {"t1"}


async def test_an_intent_that_comes_again_is_answered_once(bench: Bench) -> None:
    """A crash after the commit reads the same record again; a producer that resends gives it another offset."""
    lease = await leased(bench.store)
    await take(bench.store, lease, intent(), Place(partition=0, offset=4), approving("a"))
    before = await bench.store.state("main")

    again = await take(bench.store, lease, intent(), Place(partition=0, offset=4), approving("b"))
    after = await bench.store.state("main")
    resent = await take(bench.store, lease, intent(), Place(partition=0, offset=5), approving("c"))

    assert (again, resent, await bench.store.offsets("main")) == (AlreadyTaken(), AlreadyTaken(), {0: 6})
    assert at_the_time_of(after, before) == after
    assert [one.client_order_id for one in (await bench.store.state("main")).orders] == ["a"]


async def test_one_opening_per_slot_and_round_others_are_stale(bench: Bench) -> None:
    lease = await leased(bench.store)
    await take(bench.store, lease, intent(), Place(partition=0, offset=0), approving("a"))
    for offset, round_ in enumerate((1, 7), start=1):
        late = await take(bench.store, lease, intent(round_=round_), Place(partition=0, offset=offset), approving("b"))
        assert isinstance(late, NotTaken)
        assert (late.refused.code, [one.kind for one in late.events]) == ("stale_round", ["intent_refused"])
    assert [one.client_order_id for one in (await bench.store.state("main")).orders] == ["a"]


async def test_a_refused_opening_ends_its_round_so_that_the_next_one_has_a_new_id(bench: Bench) -> None:
    lease = await leased(bench.store)
    first = await take(bench.store, lease, intent(), Place(partition=0, offset=0), never)
    second = await take(bench.store, lease, intent(round_=1), Place(partition=0, offset=1), approving("a"))

    assert isinstance(first, NotTaken)
    assert first.refused == Refused(code="max_exposure", reason="too much")
    assert isinstance(second, Taken)


async def test_an_intent_that_has_expired_is_refused_unasked(bench: Bench) -> None:
    lease = await leased(bench.store)
    late = await take(bench.store, lease, intent(expires_us=5), Place(partition=0, offset=0), approving("a"))
    assert isinstance(late, NotTaken)
    assert late.refused.code == "expired"


async def test_a_memory_follows_the_one_before_it(bench: Bench) -> None:
    lease = await leased(bench.store)
    kept: list[str] = []
    for offset, (replaces, version) in enumerate(((0, 1), (1, 2), (1, 2), (0, 1))):
        memory = Memory(version=version, kind="Grid", body=str(offset))
        one = intent(Remember(replaces=replaces), memory=memory, again=str(offset))
        answer = await take(bench.store, lease, one, Place(partition=0, offset=offset), nothing(one))
        kept.append(type(answer).__name__)
    state = await bench.store.state("main")
    assert kept == ["Taken", "Taken", "NotTaken", "NotTaken"]
    assert [(one.version, one.body) for one in state.memories] == [(2, "1")]
    assert state.standing().reservations == ()


async def test_a_decision_that_crashes_leaves_nothing(bench: Bench) -> None:
    lease = await leased(bench.store)
    before = await bench.store.state("main")

    def crash(_state: object) -> Plan:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await take(bench.store, lease, intent(), Place(partition=0, offset=0), crash)
    after = await bench.store.state("main")
    assert (at_the_time_of(after, before), await bench.store.offsets("main")) == (after, {})


async def test_a_transaction_that_is_cut_off_at_its_commit_leaves_nothing(bench: Bench) -> None:
    lease = await leased(bench.store)
    before, audited = await bench.store.state("main"), await bench.audited()
    await bench.fail_commits()

    with pytest.raises(Unavailable):
        await take(bench.store, lease, intent(), Place(partition=0, offset=0), approving("a"))
    await bench.mend()
    after = await bench.store.state("main")
    assert at_the_time_of(after, before) == after
    assert (await bench.audited(), await told(bench.store)) == (audited, ["audit"])


async def test_e20_a_lost_race_is_tried_again_three_times(bench: Bench) -> None:
    lease = await leased(bench.store)
    await bench.lose_races(3)
    taken = await take(bench.store, lease, intent(), Place(partition=0, offset=0), approving("a"))

    assert isinstance(taken, Taken)
    assert bench.clock.slept == [0.1, 0.1, 0.1]
    assert await told(bench.store) == APPROVED


async def test_e20_a_fourth_lost_race_is_unavailable_and_nothing_is_written(bench: Bench) -> None:
    lease = await leased(bench.store)
    before = await bench.store.state("main")
    await bench.lose_races(4)
    with pytest.raises(Unavailable, match="lost against another"):
        await take(bench.store, lease, intent(), Place(partition=0, offset=0), approving("a"))

    after = await bench.store.state("main")
    assert (at_the_time_of(after, before), bench.clock.slept) == (after, [0.1, 0.1, 0.1])


async def test_e20_of_two_changes_at_once_none_is_lost(bench: Bench) -> None:
    lease = await leased(bench.store)
    await take(bench.store, lease, intent(), Place(partition=0, offset=0), approving("a"))
    fills = [fill(f"f{number}", "a", "0.125") for number in range(8)]

    booked = await asyncio.gather(*(bench.store.filled(lease, one, base="BTC") for one in (*fills, *fills)))

    state = await bench.store.state("main", orders=("a",))
    assert sorted(booked) == [False] * 8 + [True] * 8
    assert [(one.filled, one.status, one.version) for one in state.orders] == [(Decimal(1), "FILLED", 10)]
    assert state.positions[0].net == Decimal(1)


async def test_e16_a_fill_counts_once_by_its_id(bench: Bench) -> None:
    lease = await leased(bench.store)
    await take(bench.store, lease, intent(), Place(partition=0, offset=0), approving("a"))
    assert await bench.store.filled(lease, fill("f1", "a", "0.5"), base="BTC")
    before = await bench.store.state("main")

    assert not await bench.store.filled(lease, fill("f1", "a", "0.5"), base="BTC")
    after = await bench.store.state("main")
    assert at_the_time_of(after, before) == after


async def test_k14_a_late_fill_corrects_amounts_and_leaves_the_state(bench: Bench) -> None:
    lease = await leased(bench.store)
    await take(bench.store, lease, intent(), Place(partition=0, offset=0), approving("a"))
    await bench.store.answered(lease, "a", Answer(status="CANCELLED"))
    assert await bench.store.filled(lease, fill("f1", "a", "0.5"), base="BTC")

    state = await bench.store.state("main", orders=("a",))
    assert [(one.status, one.filled) for one in state.orders] == [("CANCELLED", Decimal("0.5"))]
    assert state.positions[0].net == Decimal("0.5")


async def test_k14_only_looking_up_leads_out_of_unknown(bench: Bench) -> None:
    lease = await leased(bench.store)
    await take(bench.store, lease, intent(), Place(partition=0, offset=0), approving("a"))
    await bench.store.answered(lease, "a", Answer(status="UNKNOWN"))

    assert (await bench.store.answered(lease, "a", Answer(status="PLACED"))).status == "UNKNOWN"
    assert (await bench.store.answered(lease, "a", Answer(status="PLACED", looked_up=True))).status == "PLACED"


async def test_e26_repairs_are_carried_out_once_and_then_nothing_is_left(bench: Bench) -> None:
    lease = await leased(bench.store)
    await take(bench.store, lease, intent(), Place(partition=0, offset=0), approving("a"))
    await bench.store.answered(lease, "a", Answer(status="UNKNOWN"))
    there = Theirs(
        markets=frozenset({("bybit", "futures")}),
        looked_up={"a": Answer(status="FILLED", looked_up=True, venue_order_id="v1", filled=Decimal(1))},
        fills=(fill("f1", "a"),),
        positions={("bybit", "futures", "BTC/USDT"): Decimal(3)},
        read_us=2**62,
    )
    bases = {"BTC/USDT": "BTC"}
    state, booked = await bench.store.state("main"), await bench.store.booked("main")
    await bench.store.repair(lease, check(state, booked, there, bases), bases)

    state, booked = await bench.store.state("main", orders=("a",)), await bench.store.booked("main")
    assert check(state, booked, there, bases).none
    assert [(one.status, one.filled) for one in state.orders] == [("FILLED", Decimal(1))]
    assert [(one.symbol, one.reason) for one in state.blocks] == [("BTC/USDT", "a position of 2 that is not ours")]
    refused = await take(bench.store, lease, intent(slot=1), Place(partition=0, offset=1), never)
    assert isinstance(refused, NotTaken)


async def test_an_order_of_a_step_that_is_asked_for_again_is_left_alone(bench: Bench) -> None:
    lease = await leased(bench.store)
    await take(bench.store, lease, intent(), Place(partition=0, offset=0), approving("a"))
    await bench.store.add(lease, (order(intent(), "b"),))
    await bench.store.answered(lease, "b", Answer(status="PLACED"))
    await bench.store.add(lease, (order(intent(), "b"),))

    state = await bench.store.state("main")
    assert [(one.client_order_id, one.status) for one in state.orders] == [("a", "PENDING"), ("b", "PLACED")]
    assert BUY.price == state.orders[0].price


async def test_what_begins_at_once_is_the_intent_s_own_and_nothing_that_it_cancels(bench: Bench) -> None:
    """A cancel changes the row of an order that was sent long ago: it is not sent again for that."""
    lease = await leased(bench.store)
    first = await take(bench.store, lease, intent(), Place(partition=0, offset=0), approving("a"))
    asked = intent(CancelOrder(client_order_id="a"))
    wanted = Plan(reservation=plan(asked).reservation, cancels=("a",))
    cancelling = await take(bench.store, lease, asked, Place(partition=0, offset=1), lambda _: wanted)

    assert isinstance(first, Taken)
    assert isinstance(cancelling, Taken)
    assert [[one.client_order_id for one in found.begun] for found in (first, cancelling)] == [["a"], []]
    state = await bench.store.state("main")
    assert [one.cancel_us is not None for one in state.orders] == [True]


async def test_two_accounts_may_trade_the_same_pair_and_share_a_trade_id(bench: Bench) -> None:
    """A pair's id or a trade's id that another account uses blocks nobody's intake."""
    for account in ("main", "other"):
        lease = await bench.store.open_lease(account, "a", for_us=60_000_000)
        assert isinstance(lease, Lease)
        asked = msgspec.structs.replace(intent(), account=account, intent_id=f"of-{account}", strategy=account)
        own = msgspec.structs.replace(order(asked, f"a-{account}"), account=account)
        pair = Pair(
            pair_id="p", account=account, strategy=account, symbol=asked.symbol, slot=0, round=0, version=1,
            state="ENTERING", event="enter", parts=1, part=1, legs=(), unrealized_pnl=Decimal(0),
            realized_pnl=Decimal(0), at_us=0,
        )  # fmt: skip
        wanted = Plan(reservation=plan(asked, own).reservation, orders=(own,), pair=pair)
        taken = await take(bench.store, lease, asked, Place(partition=0, offset=0), partial(_always, wanted))
        assert isinstance(taken, Taken)
        dealt = msgspec.structs.replace(fill("same", f"a-{account}"), account=account)
        assert await bench.store.filled(lease, dealt, base="BTC")
    states = [await bench.store.state(account) for account in ("main", "other")]
    assert [[(one.pair_id, one.account) for one in state.pairs] for state in states] == [
        [("p", "main")], [("p", "other")],
    ]  # fmt: skip


def _always(wanted: Plan, state: AccountState) -> Plan:
    del state
    return wanted
