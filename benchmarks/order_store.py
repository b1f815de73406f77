"""The executor's store on real Postgres: taking an intent, booking an answer, looking a result up, one after another.

Wall time, each in turns with the least that a database does for it over the raw client: one row inserted and committed,
one row read by its key. A step of the store is a fenced transaction with its rows, audit and outbox.
`python -m benchmarks.order_store` runs this alone.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeVar

import asyncpg

from benchmarks import order_values, services
from benchmarks.measure import Latency, Result, latency
from executor.__main__ import Clock
from executor.planning import decider
from executor.ports import Cached, Lease, LoggedIntent, Taken
from executor.store.postgres import PostgresStore
from executor.terms import US_PER_S, Known
from tapeline.domain.account_records import Balance
from tapeline.domain.changes import Place
from tapeline.domain.ids import intent_id
from tapeline.domain.order_records import OrderIntent
from tapeline.domain.orders import Answer
from tapeline.runtime import clock, postgres
from tapeline.runtime.endpoints import PostgresEndpoint
from tapeline.runtime.transactions import Transactions

ORDERS = 1_000
WARM = 100
SYMBOLS = 20
ACCOUNT = "benchmark"
LONG_US = 3_600 * US_PER_S
TAKE, ANSWERED, CACHED = "Store.take", "Store.answered", "idempotency cache look-up"
INSERT, SELECT = "asyncpg: one row, committed", "asyncpg: one row by its key"
_MOST = 1_000
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Times:
    """How long each took, in microseconds, by what it was; the peer's stand under (what, peer)."""

    spent_us: dict[str | tuple[str, str], list[int]] = field(default_factory=dict)

    async def of(self, what: str | tuple[str, str], work: Awaitable[V]) -> V:
        """Do something and note how long it took."""
        began_s = time.perf_counter()
        found = await work
        self.spent_us.setdefault(what, []).append(round((time.perf_counter() - began_s) * 1e6))
        return found

    def compared(self, what: str, peer: str) -> tuple[Result, Latency]:
        """Return the comparison of the mean, and of the percentiles, without what was for warming up."""
        ours, theirs = self.spent_us[what][WARM:], self.spent_us[what, peer][WARM:]
        mean, peers_mean = statistics.mean(ours), statistics.mean(theirs)
        result = Result(
            what=f"{what} (wall time)",
            ours_us=round(mean, 2),
            peer=peer,
            peer_us=round(peers_mean, 2),
            ratio=round(peers_mean / mean, 2),
            calls=len(ours),
        )
        return result, latency(what, ours, peer, theirs)


def run() -> tuple[list[Result], list[Latency]]:
    """Start the services, measure, stop them."""
    with services.started() as found:
        times = asyncio.run(_measured(found.endpoints.postgres))
    pairs = [times.compared(what, peer) for what, peer in ((TAKE, INSERT), (ANSWERED, INSERT), (CACHED, SELECT))]
    return [result for result, _ in pairs], [waited for _, waited in pairs]


async def _measured(endpoint: PostgresEndpoint) -> Times:
    times = Times()
    raw = await asyncpg.connect(**postgres.arguments(endpoint))
    await raw.execute("CREATE TABLE bare (key text PRIMARY KEY, value text NOT NULL)")
    async with await postgres.connect(endpoint) as pool:
        store = PostgresStore(Transactions(pool, endpoint), Clock())
        await _orders(store, raw, times)
        await _look_ups(store, raw, times)
        await store.close()
    await raw.close()
    return times


async def _orders(store: PostgresStore, raw: asyncpg.Connection, times: Times) -> None:
    """Take intents one after another; each has one order, which expires, and then its slot is free again."""
    symbols = {f"C{number:03}USDT": f"C{number:03}/USDT" for number in range(SYMBOLS)}
    known = order_values.known(ACCOUNT, order_values.rules(symbols, clock.now_us()), {})
    lease = await store.open_lease(ACCOUNT, "benchmark", for_us=LONG_US)
    if not isinstance(lease, Lease):
        raise TypeError(lease)
    money = Balance(venue="binance", wallet="spot", asset="USDT", total=Decimal(10**9), available=Decimal(10**9))
    await store.balances(lease, (money,))
    for number in range(WARM + ORDERS):
        round_, at = divmod(number, SYMBOLS)
        intent = _intent(f"C{at:03}/USDT", round_)
        await _order(store, lease, intent, number, known, times)
        for what in (TAKE, ANSWERED):
            await times.of((what, INSERT), _insert(raw, f"{what} {number}"))
        waiting = await store.outbox(ACCOUNT, most=_MOST)
        await store.published(ACCOUNT, waiting[-1].number)
    await store.give_up(lease)


async def _order(
    store: PostgresStore, lease: Lease, intent: OrderIntent, number: int, known: Known, times: Times
) -> None:
    decide = decider(intent, known, halted=lambda: False)
    logged = LoggedIntent(place=Place(partition=0, offset=number), intent=intent)
    (taken,) = await times.of(TAKE, store.take(lease, (logged,), lambda _: decide))
    if not isinstance(taken, Taken):
        raise TypeError(taken)
    now_us = clock.now_us()
    answer = Answer(status="EXPIRED", venue_order_id=str(number), filled=Decimal(0), sent_us=now_us, answered_us=now_us)
    _ = await times.of(ANSWERED, store.answered(lease, taken.begun[0].client_order_id, answer))
    await store.settle(lease, intent.intent_id, "expired")


async def _insert(raw: asyncpg.Connection, key: str) -> None:
    async with raw.transaction():
        await raw.execute("INSERT INTO bare (key, value) VALUES ($1, $2)", key, "a little text")


async def _look_ups(store: PostgresStore, raw: asyncpg.Connection, times: Times) -> None:
    for number in range(SYMBOLS):
        await store.cache(str(number), Cached(operation="place", result='{"done":true}'), ttl_us=LONG_US)
    for number in range(WARM + ORDERS):
        found = await times.of(CACHED, store.cached(str(number % SYMBOLS)))
        row = await times.of((CACHED, SELECT), raw.fetchrow("SELECT * FROM bare WHERE key = $1", f"{TAKE} {number}"))
        if found is None or row is None:
            raise AssertionError(number)


def _intent(symbol: str, round_: int) -> OrderIntent:
    now_us = clock.now_us()
    command = order_values.buy(Decimal(60_000))
    return OrderIntent(
        intent_id=intent_id("every", symbol, 0, round_, command),
        strategy="every",
        account=ACCOUNT,
        symbol=symbol,
        slot=0,
        round=round_,
        command=command,
        cause=(),
        reason="its turn",
        evidence={},
        decided_us=now_us,
        expires_us=now_us + LONG_US,
        published_us=now_us,
    )


if __name__ == "__main__":
    for found in run():
        for one in found:
            sys.stdout.write(f"{one}\n")
