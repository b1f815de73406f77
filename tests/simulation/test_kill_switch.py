"""The kill switch thrown while database and broker are away: nothing is opened, and what rests is cancelled."""

from __future__ import annotations

from tests.simulation.memory_log import MemoryTopic
from tests.simulation.memory_store import MemoryDatabase
from tests.simulation.scene import intent, living
from tests.simulation.venue import FakeMarket
from tests.simulation.virtual import VirtualLoop
from tests.simulation.world import World


def _statuses(market: FakeMarket) -> list[str]:
    return [one.order.status for one in market.orders.values()]


async def _story() -> tuple[list[str], list[str], list[str], list[str]]:
    world = World(1, crashes=False, faults=False)
    market = world.markets["alpha", "futures"]
    market.rests = True
    async with living(world) as body:
        world.topic.append(intent(world, "first"))
        await world.clock.sleep(1.0)
        resting = _statuses(market)
        _away(world.database, world.topic, away=True)
        body.executor.halt()
        world.topic.append(intent(world, "second"))
        await world.clock.sleep(1.5)
        cancelled = _statuses(market)
        _away(world.database, world.topic, away=False)
        await world.clock.sleep(5.0)
        rows = [str(one.status) for one in world.database.tables.orders.values()]
        wanted = [f"{one.scope} {one.target} {one.desired}" for one in world.database.tables.controls.values()]
        assert body.failure is None
    return resting, cancelled, rows, wanted


def _away(database: MemoryDatabase, topic: MemoryTopic, *, away: bool) -> None:
    database.away = topic.away = away


def test_the_kill_switch_needs_neither_database_nor_broker_and_is_stored_when_they_are_back() -> None:
    loop = VirtualLoop()
    try:
        resting, cancelled, rows, wanted = loop.run_until_complete(_story())
    finally:
        loop.close()
    assert resting == ["PLACED"]
    assert cancelled == ["CANCELLED"]
    assert rows == ["CANCELLED"]
    assert wanted == ["account main HALTED"]
