"""What the executor's own store writes into a real Postgres, as the audit, the demo's drain and its screen read it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest
from msgspec.structs import replace as replaced

from executor.store.postgres import PostgresStore
from simulator.audit.kept import OrdersPlace, read
from simulator.audit.order_rows import FillRow, IntentRow, Kept, OrderRow, PositionRow
from tapeline.cli.demo.drain import settled
from tapeline.cli.demo.trading import Moment, ShownPosition, Trading
from tapeline.domain.changes import Place
from tapeline.domain.orders import Answer
from tapeline.errors import Misconfigured, Unavailable
from tapeline.runtime import migrations, postgres
from tapeline.runtime.endpoints import PostgresEndpoint
from tapeline.runtime.runfile import RunFile
from tapeline.runtime.settings import Settings
from tapeline.runtime.transactions import Transactions
from tests.support.clickhouse_front import free_port
from tests.support.eventually import eventually
from tests.support.own_database import own_database
from tests.support.store_bench import Pauses
from tests.support.store_steps import approving, leased, take, whole_trade
from tests.support.trader_values import intent

D = Decimal
AT_ONCE_S = 0.0


@dataclass(frozen=True, slots=True)
class Own:
    """A migrated database of the test's own, with the executor's store on it."""

    endpoint: PostgresEndpoint
    store: PostgresStore

    @property
    def place(self) -> OrdersPlace:
        """Return where the audit finds it."""
        one = self.endpoint
        return OrdersPlace(host=one.host, port=one.port, user=one.user, password=one.password or "", database=one.name)


@pytest.fixture
async def own(tapeline_settings: Settings, tapeline_up: RunFile) -> AsyncIterator[Own]:
    async with contextlib.AsyncExitStack() as stack:
        endpoint = await stack.enter_async_context(own_database(tapeline_settings, tapeline_up))
        pool = await stack.enter_async_context(await postgres.connect(endpoint))
        await migrations.migrate_postgres(pool)
        store = PostgresStore(Transactions(pool, endpoint), Pauses([]))
        stack.push_async_callback(store.close)
        yield Own(endpoint, store)


async def test_tables_that_are_empty_are_read(own: Own) -> None:
    assert await read(own.place) == Kept()
    assert await settled(own.endpoint, within_s=AT_ONCE_S)


async def test_a_trade_is_read_as_the_executor_stored_it(own: Own) -> None:
    await whole_trade(own.store)
    sent_us = {one.client_order_id: one.sent_us for one in (await own.store.state("main", orders=("a", "b"))).orders}
    instrument = {"venue": "bybit", "market": "futures", "symbol": "BTC/USDT"}
    bought = OrderRow(
        client_id="a", intent_id=intent().intent_id, leg=None, part=1, attempt=1, side="buy", closing=False,
        quantity=D(1), status="FILLED", filled=D(1), value=D("100.6"), fees=D("0.1006"), created_us=10,
        expires_us=intent().expires_us, sent_us=sent_us["a"],
        **instrument,
    )  # fmt: skip
    nothing = {"filled": D(0), "value": D(0), "fees": D(0)}
    never = replaced(bought, client_id="b", status="REJECTED", sent_us=sent_us["b"], **nothing)
    first = FillRow(
        fill_id="f1", client_id="a", side="buy", price=D(100), quantity=D("0.4"), fee=D("0.04"), fee_coin="USDT",
        fee_quote=D("0.04"), **instrument,
    )  # fmt: skip
    second = replaced(first, fill_id="f2", price=D(101), quantity=D("0.6"), fee=D("0.0606"), fee_quote=D("0.0606"))
    assert await read(own.place) == Kept(
        intents=(IntentRow(intent_id=intent().intent_id, opening=True, first_received_us=None),),
        orders=(bought, never),
        fills=(first, second),
        positions=(PositionRow(side="long", quantity=D(1), base_fees=D(0), funding=D(0), **instrument),),
    )


async def test_the_order_path_stands_still_when_all_is_over_and_published(own: Own) -> None:
    lease = await leased(own.store)
    await take(own.store, lease, intent(), Place(partition=0, offset=0), approving("a"))
    await own.store.published("main", 1_000)
    assert not await settled(own.endpoint, within_s=AT_ONCE_S)
    await own.store.answered(lease, "a", Answer(status="REJECTED", code="insufficient"))
    await own.store.published("main", 1_000)
    # The intent still waits.
    assert not await settled(own.endpoint, within_s=AT_ONCE_S)
    await own.store.settle(lease, intent().intent_id, "over")
    assert not await settled(own.endpoint, within_s=AT_ONCE_S)
    await own.store.published("main", 1_000)
    assert await settled(own.endpoint, within_s=AT_ONCE_S)


async def test_a_postgres_that_is_away_does_not_stand_still(own: Own) -> None:
    assert not await settled(replace(own.endpoint, port=free_port()), within_s=AT_ONCE_S)


async def test_the_screen_shows_what_stands_there(own: Own) -> None:
    await whole_trade(own.store)
    trading = Trading(own.endpoint)
    await eventually(lambda: _looked(trading), within_s=10)
    trading.close()
    sent = sum(one.sent_us is not None for one in (await read(own.place)).orders)
    shown = [(one.side, one.status, one.filled, one.filled_value, one.code) for one in trading.moment.orders]
    assert shown == [("buy", "REJECTED", D(0), D(0), "never_arrived"), ("buy", "FILLED", D(1), D("100.6"), None)]
    assert trading.moment == Moment(
        orders=trading.moment.orders,
        positions=(
            ShownPosition(
                symbol="BTC/USDT", venue="bybit", market="futures", side="long", quantity=D(1),
                entry_price=D("100.6"), unrealized_pnl=D(0),
            ),
        ),
        sent=sent,
        held=1,
        realized=D("-0.1006"),
    )  # fmt: skip


async def test_who_is_not_let_in_is_told_what_to_do(own: Own) -> None:
    with pytest.raises(Misconfigured, match=r"has no such table .*: name the database that the executor fills"):
        await read(replace(own.place, database="nowhere"))
    with pytest.raises(Misconfigured, match=r"has no such table .*: name the database that the executor fills"):
        await read(replace(own.place, database="postgres"))
    with pytest.raises(Misconfigured, match=r"does not let the audit in .*: give its user and password"):
        await read(replace(own.place, user="stranger", password="wrong"))
    with pytest.raises(Unavailable, match="does not answer"):
        await read(replace(own.place, port=free_port()))


async def _looked(trading: Trading) -> bool:
    await trading.look()
    return trading.moment.sent > 0
