"""One seed's story: markets with faults, strategies by chance, executors that die or stand still, then calm."""

from __future__ import annotations

import asyncio
import random
from dataclasses import fields
from decimal import Decimal
from typing import Any

from executor.terms import Known, Terms
from tapeline.domain.events import Instrument
from tapeline.domain.order_records import DesiredState
from tapeline.domain.risk import Limits
from tapeline.runtime.desired_state import Wish
from tapeline.venues.orders import BASE32, ClientIds
from tests.simulation.actors import ACCOUNT, PRICES, Actor, open_orders
from tests.simulation.body import Body, unfinished
from tests.simulation.memory_log import MemoryTopic
from tests.simulation.memory_store import MemoryDatabase, MemoryStore
from tests.simulation.venue import HALF, VISIBLE_S, FakeMarket
from tests.simulation.virtual import VirtualClock, VirtualLoop

STORY_S = 20.0
CALM_S = 90.0
CLOSED_S = 60.0
"""So long the last executor gets to close what it and those before it found open."""
RECOVERY_S = 12.0
"""The lease of a predecessor, and reading markets that answer slowly."""
MARKETS: tuple[tuple[str, Any], ...] = (("alpha", "futures"), ("alpha", "spot"), ("beta", "futures"))
IDS = ClientIds(pattern="[a-z2-7]{1,36}", longest=36, alphabet=BASE32, unique="among_open")
FUNDING_S = 4.0
TERMS = Terms(lease_us=5_000_000, renew_every_s=1.0, poll_every_s=2.0, funding_every_s=3.0)
FAULTS = {"refuse": 0.15, "limited": 0.15, "lost_request": 0.12, "lost_answer": 0.15, "slow": 0.15, "partial": 0.3,
          "nothing": 0.25, "unavailable": 0.15, "ban": 0.03, "late": 0.3, "silent": 0.3, "behind": 0.3}  # fmt: skip


class World:
    """Everything there is in one story."""

    def __init__(self, seed: int, *, crashes: bool = True, faults: bool = True) -> None:
        loop = asyncio.get_running_loop()
        self.seed = seed
        self.random = random.Random(f"world {seed}")  # noqa: S311 - a story is told again by its seed
        self.clock = VirtualClock(loop)
        self.database = MemoryDatabase()
        self.topic = MemoryTopic()
        self.markets = {where: FakeMarket(*where, self.clock, f"{where} {seed}", PRICES) for where in MARKETS}
        self.leases: dict[str, int] = {}
        self.bodies: list[Body] = []
        self.disturbed: list[tuple[float, float]] = []
        """When no executor could act: from a death to a while after the next start, and pauses."""
        self.known = known()
        self.calm = False
        self._crashes = crashes
        self._faults = faults

    async def run(self) -> None:
        """Tell the story, then wait until nothing is open any more."""
        loop = asyncio.get_running_loop()
        self._choose_faults()
        two = self._crashes and self.random.random() < 0.3
        lives = [loop.create_task(self._lives(name)) for name in (("a", "b") if two else ("a",))]
        actors = [loop.create_task(self._acts(symbol)) for symbol in sorted(PRICES)]
        weather = loop.create_task(self._weather())
        payday = loop.create_task(self._pays())
        try:
            await self.clock.sleep(STORY_S)
            await self._become_calm()
            await self._until_quiet()
        finally:
            for task in (*lives, *actors, weather, payday):
                task.cancel()
            _ = await asyncio.gather(*lives, *actors, weather, payday, return_exceptions=True)

    def _choose_faults(self) -> None:
        for market in self.markets.values():
            for one in fields(market.chance):
                if one.name != "behind" and self._faults and self.random.random() < 0.4:
                    setattr(market.chance, one.name, FAULTS[one.name] * self.random.random() * 2)
            # Its own draws: the rest of a story stays as it was.
            if self._faults and market.delays.random() < HALF:
                market.chance.behind = FAULTS["behind"] * market.delays.random() * 2

    async def _lives(self, name: str) -> None:
        """Start the process again whenever it has ended, as a supervisor does."""
        times = 0
        while True:
            times += 1
            body = Body(f"{name}{times}", self.database, self.topic, self.markets, self.known, TERMS, self.leases)
            self.bodies.append(body)
            if self._crashes and not self.calm and times < 6 and self.random.random() < 0.7:
                body.gate.dies_at = int(10 ** self.random.uniform(0.5, 3.5))
            await self._until_it_ends(body)
            died_s = self.clock.monotonic_s()
            await self.clock.sleep(self.random.uniform(0.01, 1.0))
            self.disturbed.append((died_s, self.clock.monotonic_s() + RECOVERY_S))

    async def _until_it_ends(self, body: Body) -> None:
        """Let a process live; some are asked to stop before they die."""
        life = asyncio.get_running_loop().create_task(body.live())
        try:
            if self._crashes and not self.calm and self.random.random() < 0.3:
                _ = await asyncio.wait({life}, timeout=self.random.uniform(0.2, STORY_S / 2))
                if not self.calm:
                    body.asked_to_stop.set()
            await life
        finally:
            life.cancel()
            _ = await asyncio.gather(life, return_exceptions=True)

    async def _acts(self, symbol: str) -> None:
        chance = random.Random(f"{symbol} {self.seed}")  # noqa: S311 - a story is told again by its seed
        actor = Actor(self.database, chance, symbol)
        while not self.calm:
            await self.clock.sleep(self.random.uniform(0.05, 2.0))
            if not self.calm:
                for intent in actor.wants(self.clock.now_us()):
                    self.topic.append(intent)

    async def _weather(self) -> None:
        """Pause executors, cut streams, and let database and broker go away for a while."""
        while True:
            await self.clock.sleep(self.random.uniform(1.0, 6.0))
            if self.calm or not self._faults:
                continue
            chosen = self.random.choice(("pause", "cut", "database", "broker", "race", "none"))
            long_s = self.random.uniform(0.1, 8.0)
            now_s = self.clock.monotonic_s()
            if chosen == "pause" and self._crashes:
                self.bodies[-1].gate.paused_until_s = now_s + long_s
                self.disturbed.append((now_s, now_s + long_s + RECOVERY_S))
            elif chosen == "cut":
                for market in self.markets.values():
                    for queue in market.listeners:
                        queue.put_nowait(None)
            elif chosen == "database":
                await self._away(self.database, long_s / 2)
            elif chosen == "broker":
                await self._away(self.topic, long_s / 2)
            elif chosen == "race":
                self.database.contended = self.random.randint(1, 3)

    async def _pays(self) -> None:
        """Pay funding on the futures markets until it is calm."""
        while not self.calm:
            await self.clock.sleep(FUNDING_S)
            for where, market in self.markets.items():
                if where[1] == "futures" and not self.calm:
                    market.pay_funding()

    async def _away(self, thing: MemoryDatabase | MemoryTopic, long_s: float) -> None:
        now_s = self.clock.monotonic_s()
        thing.away = True
        await self.clock.sleep(long_s)
        thing.away = False
        if isinstance(thing, MemoryDatabase):
            self.disturbed.append((now_s, now_s + long_s + RECOVERY_S))

    async def _become_calm(self) -> None:
        """End all faults, let what is closed after starts be closed, then want everything cancelled."""
        self.calm = True
        self.database.away = self.topic.away = False
        self.database.contended = 0
        for market in self.markets.values():
            for one in fields(market.chance):
                setattr(market.chance, one.name, 0.0)
        for body in self.bodies:
            body.gate.dies_at = None
        await self._desire("REDUCING")
        end_s = self.clock.monotonic_s() + CLOSED_S
        while self.clock.monotonic_s() < end_s and self.found() & unfinished(self.database):
            await self.clock.sleep(TERMS.poll_every_s)
        await self._desire("HALTED")

    def found(self) -> frozenset[tuple[str, int]]:
        """Return the two-leg trades that any executor found at its start."""
        return frozenset().union(*(body.store.found for body in self.bodies))

    async def _desire(self, desired: DesiredState) -> None:
        wish = Wish(scope="system", target="all", desired=desired, actor="test", reason="the story is over")
        _ = await MemoryStore(self.database, self.clock).desire(wish)

    async def _until_quiet(self) -> None:
        end_s = self.clock.monotonic_s() + CALM_S
        while self.clock.monotonic_s() < end_s:
            await self.clock.sleep(3 * TERMS.poll_every_s)
            approved = any(one.status == "APPROVED" for one in self.database.tables.intents.values())
            if not approved and not open_orders(self.database):
                # What was paid last is booked by then too.
                await self.clock.sleep(3 * TERMS.poll_every_s + TERMS.funding_settle_s)
                return


def known() -> Known:
    """Return what the executors know of the markets."""
    rules = {(*where, symbol): _rules(*where, symbol) for where in MARKETS for symbol in PRICES}
    big = Decimal(10**6)
    return Known(
        account=ACCOUNT,
        limits=Limits(
            max_open_orders=50,
            max_position_size=big,
            max_open_positions=50,
            max_exposure=big,
            min_order_size=Decimal(5),
            max_pairs=5,
        ),
        rules=rules,
        client_ids=dict.fromkeys(MARKETS, IDS),
        visibility_us=dict.fromkeys(MARKETS, round(VISIBLE_S * 1_000_000) + 200_000),
        reduce_only=frozenset(where for where in MARKETS if where[1] == "futures"),
        wallets={where: where[1] for where in MARKETS},
        prices={where: PRICES[where[2]] for where in rules},
    )


def _rules(venue: str, market: Any, symbol: str) -> Instrument:  # noqa: ANN401 - a market's word
    return Instrument(
        venue=venue,
        market=market,
        symbol=symbol,
        native=symbol,
        base=symbol.partition("/")[0],
        quote="USDT",
        status="trading",
        price_tick=Decimal("0.01"),
        quantity_step=Decimal("0.001"),
        contract_size=Decimal(1),
        min_quantity=Decimal("0.001"),
        received_us=0,
        published_us=0,
    )


def told(seed: int, *, crashes: bool = True, faults: bool = True) -> World:
    """Return the world at the end of a seed's story."""
    loop = VirtualLoop()
    try:
        asyncio.set_event_loop(loop)

        async def story() -> World:
            world = World(seed, crashes=crashes, faults=faults)
            await world.run()
            return world

        return loop.run_until_complete(story())
    finally:
        asyncio.set_event_loop(None)
        loop.close()
