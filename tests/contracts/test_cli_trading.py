"""What the commands of trading read from the real Postgres is what the executor's store wrote, whole and exact."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from decimal import Decimal

import asyncpg
import msgspec
import pytest

from executor.ports import Waiting
from tapeline.cli import explain_story, kill
from tapeline.cli.explain import chosen
from tapeline.domain import audit, pnl
from tapeline.domain.changes import Place
from tapeline.domain.order_records import ExitPair
from tapeline.domain.orders import Answer
from tapeline.domain.pnl import Flow
from tapeline.errors import Misconfigured, Unavailable
from tapeline.runtime import desired_state, migrations, postgres, trading_rows, trading_story
from tapeline.runtime.desired_state import THROWN_AT_EXECUTOR, Changed, Wish
from tapeline.runtime.endpoints import Endpoints, PostgresEndpoint
from tapeline.runtime.runfile import RunFile
from tapeline.runtime.settings import Settings
from tapeline.runtime.single_transaction import transaction
from tapeline.runtime.trading_rows import Dealt, OrdersWanted
from tapeline.runtime.trading_story import Named, NamedIntent
from tapeline.runtime.transactions import Transactions
from tests.support.own_database import own_database
from tests.support.store_bench import Bench, postgres_bench
from tests.support.store_steps import approving, leased, never, take, whole_trade
from tests.support.trader_values import fill, intent, order, plan
from tests.unit.cli.explained import COMMAND, PAIR

D = Decimal

WHERE: pnl.Instrument = ("bybit", "futures", "BTC/USDT")


@dataclass(slots=True)
class Own:
    """A database of the test's own: the executor's store on it, and where commands find it."""

    bench: Bench
    pool: asyncpg.Pool
    endpoint: PostgresEndpoint


@pytest.fixture
async def own(tapeline_settings: Settings, tapeline_up: RunFile) -> AsyncIterator[Own]:
    async with (
        own_database(tapeline_settings, tapeline_up) as endpoint,
        await postgres.connect(endpoint) as pool,
    ):
        await migrations.migrate_postgres(pool)
        bench = postgres_bench(pool, Transactions(pool, endpoint))
        yield Own(bench, pool, endpoint)
        await bench.store.close()
        await bench.other.close()


async def test_orders_are_the_stores_newest_first_and_filtered(own: Own) -> None:
    await whole_trade(own.bench.store)
    lease = await leased(own.bench.store)
    later = intent(strategy="other", slot=1)
    await take(
        own.bench.store,
        lease,
        later,
        Place(partition=0, offset=1),
        lambda _: plan(later, order(later, "c"), exposure="1"),
    )
    stored = {one.client_order_id: one for one in (await own.bench.store.state("main", orders=("a", "b", "c"))).orders}

    async def names(wanted: OrdersWanted) -> list[str]:
        async with transaction(own.endpoint) as session:
            found = await trading_rows.orders(session, wanted)
        assert found == tuple(stored[one.client_order_id] for one in found)
        return [one.client_order_id for one in found]

    assert await names(OrdersWanted(count=10)) == ["c", "b", "a"]
    assert await names(OrdersWanted(count=2)) == ["c", "b"]
    assert await names(OrdersWanted(count=10, open_only=True)) == ["c"]
    assert await names(OrdersWanted(count=10, strategy="grid-1")) == ["b", "a"]
    assert await names(OrdersWanted(count=10, symbol="BTC/USDT", strategy="other")) == ["c"]
    assert await names(OrdersWanted(count=10, symbol="ETH/USDT")) == []


async def test_positions_are_the_open_lives_and_on_demand_the_ended_ones_behind_them(own: Own) -> None:
    await whole_trade(own.bench.store)
    lease = await leased(own.bench.store)
    assert await own.bench.store.filled(lease, fill("f3", "b", "1.5", "110", "sell"), base="BTC")
    state = await own.bench.store.state("main")

    async with transaction(own.endpoint) as session:
        now, ever = await trading_rows.positions(session), await trading_rows.positions(session, closed=True)
    assert now == state.positions
    assert [(one.life, one.status, one.side, one.quantity) for one in ever] == [
        (2, "OPEN", "short", D("0.5")), (1, "CLOSED", "flat", D(0)),
    ]  # fmt: skip


async def test_the_sums_of_fills_are_exact_and_their_profit_is_that_of_the_fills(own: Own) -> None:
    await whole_trade(own.bench.store)
    lease = await leased(own.bench.store)
    third = fill("f3", "b", "0.3", "100.000000000000000001", "sell")
    assert await own.bench.store.filled(lease, third, base="BTC")
    await own.pool.execute("UPDATE positions SET funding = 0.25")

    async with transaction(own.endpoint) as session:
        found = await trading_rows.dealt(session)
        (life,) = await trading_rows.positions(session)
    fills = (fill("f1", "a", "0.4"), fill("f2", "a", "0.6", "101"), third)
    assert found == (
        Dealt(
            account="main", strategy="grid-1", venue="bybit", market="futures", symbol="BTC/USDT", fills=3,
            funding=D("0.25"),
            flow=Flow(
                bought=D(1), bought_value=D("100.6"), sold=D("0.3"), sold_value=D("30.0000000000000000003"),
                fees=D("0.1306000000000000000003"),
            ),
        ),
    )  # fmt: skip
    whole = pnl.result(found[0].flow, funding=D("0.25"), mid=D(105), entry=life.entry_price)
    assert whole.net == pnl.profit(fills, funding=D("0.25"), mids={WHERE: D(105)})


async def test_a_fill_without_an_order_counts_for_whom_the_position_is(own: Own) -> None:
    await whole_trade(own.bench.store)
    lease = await leased(own.bench.store)
    liquidated = msgspec.structs.replace(fill("f3", None, "1", "90", "sell"), cause="liquidation")
    assert await own.bench.store.filled(lease, liquidated, base="BTC")
    async with transaction(own.endpoint) as session:
        (found,) = await trading_rows.dealt(session)
    assert (found.strategy, found.fills, found.flow.left) == ("grid-1", 3, D(0))


async def test_the_story_of_an_order_is_all_that_the_store_has_of_it(own: Own) -> None:
    await whole_trade(own.bench.store)
    state = await own.bench.store.state("main", orders=("a", "b"))
    async with transaction(own.endpoint) as session:
        found = await trading_story.story(session, "a")

    assert (found.order, found.orders, found.intent) == (state.order("a"), state.orders, state.intents[0])
    assert [one.fill_id for one in found.fills] == ["f1", "f2"]
    everything = await own.bench.audited()
    ids = {("order", "a"), ("intent", intent().intent_id)}
    assert found.audits == tuple(one for one in everything if (one.entity_type, one.entity_id) in ids)
    told = explain_story.told(found, (), ())
    assert told.missing == ()
    assert told.intent.memory == {"version": 1, "kind": "Grid", "body": '{"centre":"64000"}'}
    assert [(one.action, one.status, one.filled) for one in told.events if one.of == "order"] == [
        ("ORDER_PLACE", "PENDING", "0"), ("ORDER_UPDATE", "PLACED", "0"), ("ORDER_FILL", "PARTIALLY_FILLED", "0.4"),
        ("ORDER_FILL", "FILLED", "1"),
    ]  # fmt: skip
    assert (told.verdict.verdict, told.verdict.status, told.trace_id) == ("approved", "SETTLED", "t1")
    assert told.verdict.reservation is not None
    assert told.verdict.reservation.moment == "at settlement"


async def test_an_order_of_an_exit_belongs_to_the_trade_that_its_intent_names(own: Own) -> None:
    """The exit's own slot may be in a later round by then, and the next trade under way."""
    lease, store = await leased(own.bench.store), own.bench.store
    first = msgspec.structs.replace(PAIR, strategy="grid-1", round=0, event="begun", reason=None)
    enter, leave = intent(COMMAND), intent(ExitPair(pair_id=PAIR.pair_id, round=0, parts=1), round_=1)
    entry = msgspec.structs.replace(plan(enter, order(enter, "in")), pair=first)
    await take(store, lease, enter, Place(partition=0, offset=0), lambda _: entry)
    await store.change_pair(lease, msgspec.structs.replace(first, round=1))
    await take(
        store, lease, leave, Place(partition=0, offset=1), lambda _: plan(leave, order(leave, "out", closing=True))
    )
    async with transaction(own.endpoint) as session:
        pairs = [(await trading_story.story(session, name)).pair for name in ("in", "out")]
    assert [None if one is None else (one.pair_id, one.round) for one in pairs] == [(PAIR.pair_id, 0)] * 2


def name(one: Named | NamedIntent) -> str:
    return one.client_order_id if isinstance(one, Named) else one.intent_id


async def test_an_order_is_found_by_either_id_or_its_beginning(own: Own) -> None:
    lease = await leased(own.bench.store)
    await take(own.bench.store, lease, intent(), Place(partition=0, offset=0), approving("abc1", "abd2", "a"))
    await own.bench.store.answered(lease, "abd2", Answer(status="PLACED", venue_order_id="77-1"))

    async def found(text: str) -> list[str]:
        async with transaction(own.endpoint) as session:
            return [name(one) for one in await trading_story.named(session, text)]

    assert await found("abc1") == await found("abc") == ["abc1"]
    assert await found("77-1") == await found("77") == ["abd2"]
    assert await found("a") == ["a"]
    assert await found("ab") == ["abd2", "abc1"]
    assert await found(intent().intent_id) == await found(intent().intent_id[:9]) == [intent().intent_id]
    assert await found("zz") == await found("%") == await found("a_c1") == []
    async with transaction(own.endpoint) as session:
        newest = await trading_story.newest(session)
        assert [name(one) for one in newest] == ["a", "abd2", "abc1", intent().intent_id]
        with pytest.raises(Misconfigured, match=r"may be abd2 .* abc1"):
            chosen("ab", await trading_story.named(session, "ab"))


async def test_an_intent_has_a_story_with_orders_and_without(own: Own) -> None:
    await whole_trade(own.bench.store)
    lease, store = await leased(own.bench.store), own.bench.store
    refused = intent(round_=1)
    await take(store, lease, refused, Place(partition=0, offset=9), never)
    async with transaction(own.endpoint) as session:
        alone = await trading_story.story_of_intent(session, refused.intent_id)
        whole = await trading_story.story_of_intent(session, intent().intent_id)
        one = await trading_story.story(session, "a")
    assert (alone.order, alone.orders, alone.fills, alone.pair) == (None, (), (), None)
    assert (alone.intent.intent_id, alone.intent.status, alone.intent.code) == (
        refused.intent_id, "REFUSED", "max_exposure",
    )  # fmt: skip
    assert [entry.action for entry in alone.audits] == ["INTENT_REFUSE"]
    assert (whole.order, whole.orders, whole.intent, whole.fills) == (None, one.orders, one.intent, one.fills)
    assert {(entry.entity_type, entry.entity_id) for entry in whole.audits} == {
        ("order", "a"), ("order", "b"), ("intent", intent().intent_id),
    }  # fmt: skip


async def test_an_exit_that_was_refused_names_the_trade_that_it_would_have_left(own: Own) -> None:
    lease, store = await leased(own.bench.store), own.bench.store
    first = msgspec.structs.replace(PAIR, strategy="grid-1", round=0, event="begun", reason=None)
    enter, leave = intent(COMMAND), intent(ExitPair(pair_id=PAIR.pair_id, round=0, parts=1), round_=1)
    again = intent(COMMAND, round_=2)
    entry = msgspec.structs.replace(plan(enter, order(enter, "in")), pair=first)
    await take(store, lease, enter, Place(partition=0, offset=0), lambda _: entry)
    await take(store, lease, leave, Place(partition=0, offset=1), never)
    await take(store, lease, again, Place(partition=0, offset=2), never)
    async with transaction(own.endpoint) as session:
        found = [(await trading_story.story_of_intent(session, one.intent_id)).pair for one in (leave, again)]
    assert [None if one is None else (one.pair_id, one.round) for one in found] == [(PAIR.pair_id, 0), None]


async def test_a_look_can_change_nothing(own: Own) -> None:
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        async with transaction(own.endpoint) as session:
            await session.execute("DELETE FROM orders")


async def test_a_database_without_our_tables_says_how_they_are_made(
    tapeline_settings: Settings, tapeline_up: RunFile
) -> None:
    async with own_database(tapeline_settings, tapeline_up) as endpoint:
        with pytest.raises(Misconfigured, match=r"lacks tables of trading .*: run `tapeline migrate up`"):
            async with transaction(endpoint) as session:
                await trading_rows.orders(session, OrdersWanted(count=1))


async def test_a_database_that_is_away_is_unavailable(own: Own) -> None:
    with pytest.raises(Unavailable, match="does not answer"):
        async with transaction(replace(own.endpoint, port=1)) as session:
            await trading_rows.dealt(session)


async def test_desired_state_changes_as_the_executors_store_changes_it(own: Own) -> None:
    """The same row, the same entry of the audit, the same copies for the topics, whoever writes."""
    wish = Wish(scope="system", target="all", desired="HALTED", actor="cli:me", reason="enough")
    async with transaction(own.endpoint, writes=True) as session:
        changed = await desired_state.change(session, wish)
        seen = await desired_state.read(session)
    other = await own.bench.store.desire(
        Wish(scope="system", target="all", desired="HALTED", actor="cli:me", reason="enough")
    )
    stored = await own.bench.store.desired()

    assert changed == Changed(done=True, state=seen[0])
    assert other == msgspec.structs.replace(changed.state, version=2, at_us=stored[0].at_us)
    rows = await own.bench.audited()
    assert audit.broken_at(rows) is None
    one, two = (
        msgspec.structs.replace(row, sequence=0, at_us=0, hash="", previous_hash="", old_value=None, new_value=None)
        for row in rows
    )
    assert one == two
    ours, _, theirs, _ = ((waiting.record.topic, waiting.record.key) for waiting in await _control(own))
    assert ours == theirs == ("control", "system:all")
    assert [type(waiting.record.value).__name__ for waiting in await _control(own)] == ["Control", "Audit"] * 2


async def _control(own: Own) -> list[Waiting]:
    return list(await own.bench.store.outbox("control", most=100))


async def test_a_change_from_an_old_look_is_refused_with_what_stands(own: Own) -> None:
    async with transaction(own.endpoint, writes=True) as session:
        wish = Wish(scope="account", target="main", desired="HALTED", actor="a")
        first = await desired_state.change(session, wish)
        late = await desired_state.change(session, msgspec.structs.replace(wish, desired="RUNNING", replaces=7))
        right = await desired_state.change(session, msgspec.structs.replace(wish, desired="REDUCING", replaces=1))
    assert late == Changed(done=False, state=first.state)
    assert (right.done, right.state.desired, right.state.version) == (True, "REDUCING", 2)


async def test_k14_the_executor_sees_a_kill_and_a_resume_in_the_rows(own: Own) -> None:
    """`resume` takes back what the kill switch has stored, also by the executor, and leaves what a person halted."""
    await leased(own.bench.store)
    await own.bench.store.desire(Wish(scope="account", target="mine", desired="HALTED", actor="p", reason="by hand"))
    known = Endpoints(found_postgres=own.endpoint)

    async def desired() -> str:
        return (await own.bench.store.state("main")).desired("grid-1")

    killed = await kill._write(known, "HALTED", "enough")  # noqa: SLF001 - the part of the command behind its words
    assert await desired() == "HALTED"
    await own.bench.store.desire(
        Wish(scope="account", target="main", desired="HALTED", actor="executor-1", reason=THROWN_AT_EXECUTOR)
    )
    reduced = await kill._write(known, "REDUCING", "slowly")  # noqa: SLF001 - as above
    assert await desired() == "REDUCING"
    resumed = await kill._write(known, "RUNNING", "again")  # noqa: SLF001 - as above
    assert await desired() == "RUNNING"

    rows = [(one.scope, one.target, one.desired, one.version) for one in (*killed, *reduced, *resumed)]
    assert rows == [
        ("system", "all", "HALTED", 1), ("system", "all", "REDUCING", 2), ("account", "main", "RUNNING", 2),
        ("system", "all", "RUNNING", 3),
    ]  # fmt: skip
    assert [(one.target, one.desired) for one in await own.bench.store.desired()] == [
        ("main", "RUNNING"), ("mine", "HALTED"), ("all", "RUNNING"),
    ]  # fmt: skip
    last = (await own.bench.audited())[-1]
    assert (last.action, last.entity_id, last.reason, last.actor.startswith("cli:")) == (
        "STATE_CHANGE", "all", "again", True,
    )  # fmt: skip
