"""Three brokers: one dies for good, is held, or hands its partitions on; what was acknowledged is read, in order.

With two gone no write is acknowledged and none is lost; writers go on by themselves when one is back.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import psutil
import pytest

from infra.embedded import control
from tapeline.runtime import endpoints, kafka
from tapeline.runtime.settings import Settings
from tests.support.brokers import all_whole, counted, gone, leaders, load, move_leaders, paused, run_of
from tests.support.eventually import eventually
from tests.support.running import running, settings_in

BROKERS = ("kafka-1", "kafka-2", "kafka-3")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    settings = settings_in(tmp_path_factory.mktemp("cluster"), brokers=3)
    with running(settings):
        yield settings


@pytest.mark.timeout(180)
async def test_every_topic_has_three_copies_of_which_a_write_needs_two(cluster: Settings) -> None:
    place = endpoints.resolve(cluster).kafka
    await all_whole(cluster)
    async with load(cluster, "copies"), kafka.admin(place) as admin:
        states = await admin.topics(internal=True)
        configs = await admin.config(states)
        brokers = await admin.brokers()
    assert sorted(brokers.values()) == sorted(place.bootstrap.split(","))
    assert {"__consumer_offsets", "_schemas", "order.intent", "md.book"} < set(states)
    kept = {name: (configs[name]["min.insync.replicas"], set(map(len, states[name].replicas))) for name in states}
    assert kept == dict.fromkeys(states, ("2", {3}))


@pytest.mark.timeout(240)
@pytest.mark.parametrize("victim", BROKERS)
async def test_one_is_killed_for_good(cluster: Settings, victim: str) -> None:
    """Each in turn, so that the leader, the group's coordinator and the quorum's leader are among them."""
    await all_whole(cluster)
    async with load(cluster, f"killed-{victim}") as work:
        with gone(cluster, victim):
            await work.goes_on(300)
            await eventually(lambda: counted(cluster).under_replicated > 0)
            now = counted(cluster)
            assert (now.brokers, now.in_service, now.under_min) == (3, 2, 0)
            await work.goes_on()
    assert [part.refusals for part in work.parts] == [0, 0, 0]
    await all_whole(cluster)


@pytest.mark.timeout(240)
async def test_one_is_held_and_goes_on(cluster: Settings) -> None:
    """It leads a partition: held, it is no leader any more; afterwards it learns that before it takes a write."""
    await all_whole(cluster)
    async with load(cluster, "held") as work:
        held = (await leaders(work.place, "held"))[0]
        with paused(cluster, f"kafka-{held}"):
            await work.goes_on(300)
            await eventually(lambda: counted(cluster).under_replicated > 0)
            assert (await leaders(work.place, "held"))[0] != held
        await work.goes_on(300)
    await all_whole(cluster)


@pytest.mark.timeout(240)
async def test_leaders_move_during_load(cluster: Settings) -> None:
    await all_whole(cluster)
    async with load(cluster, "moved") as work:
        for _ in range(3):
            before = await leaders(work.place, "moved")
            await move_leaders(work.place, "moved")
            after = await leaders(work.place, "moved")
            assert [old == new for old, new in zip(before, after, strict=True)] == [False, False, False]
            await work.goes_on()
    assert [part.refusals for part in work.parts] == [0, 0, 0]


@pytest.mark.timeout(300)
async def test_with_two_gone_writers_wait_and_go_on_when_one_is_back(cluster: Settings) -> None:
    await all_whole(cluster)
    async with load(cluster, "two-gone") as work:
        with gone(cluster, "kafka-1"):
            await work.goes_on()
            with gone(cluster, "kafka-2"):
                await eventually(lambda: all(part.refusals for part in work.parts), within_s=60)
                stuck = [part.acknowledged for part in work.parts]
                await eventually(lambda: counted(cluster).under_min > 0)
                refused = [part.refusals for part in work.parts]
                await eventually(lambda: sum(part.refusals for part in work.parts) >= sum(refused) + 3, within_s=60)
                assert [part.acknowledged for part in work.parts] == stuck
            # The supervisor's tries are half a minute apart by now.
            await work.goes_on(within_s=120)
            await eventually(lambda: (counted(cluster).in_service, counted(cluster).under_min) == (2, 0))
    await all_whole(cluster)


@pytest.mark.timeout(240)
async def test_a_killed_supervisors_brokers_are_ended_and_started_again_with_their_data(cluster: Settings) -> None:
    async with load(cluster, "supervisor"):
        before = run_of(cluster)
    os.kill(before.supervisor.pid or 0, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(before.supervisor.pid)], timeout=5)
    after = control.start(cluster, lambda _: None)
    assert {name for name in after.processes if name.startswith("kafka-")} == set(BROKERS)
    await all_whole(cluster)
    async with kafka.admin(endpoints.resolve(cluster).kafka) as admin:
        states = await admin.topics(["supervisor"])
        ends = await admin.ends(states["supervisor"].places())
    assert min(ends.values()) > 0
