"""Parts start in order and stop in reverse within a deadline; a crash is loud (X-02, X-04)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tapeline.errors import Misconfigured, TapelineError, Unavailable
from tapeline.runtime import clock, lifecycle, logs
from tapeline.runtime.lifecycle import Lifecycle
from tapeline.runtime.settings import Log, Process, Settings
from tests.support.eventually import eventually, pause


class World:
    """A lifecycle, what its parts did, and what it logged."""

    def __init__(self, folder: Path, drain_timeout_s: float = 5.0) -> None:
        self.settings = Settings(log=Log(dir=folder), process=Process(drain_timeout_s=drain_timeout_s))
        self.life = Lifecycle("test", self.settings)
        self.did: list[str] = []
        self.folder = folder
        logs.configure("test", self.settings.log)

    @asynccontextmanager
    async def part(
        self,
        name: str,
        *,
        leave: Callable[[], Awaitable[object]] | None = None,
        enter: Callable[[], Awaitable[object]] | None = None,
    ) -> AsyncIterator[str]:
        if enter is not None:
            await enter()
        self.did.append(f"+{name}")
        try:
            yield name.upper()
        finally:
            if leave is not None:
                await leave()
            self.did.append(f"-{name}")

    async def work(self, name: str) -> None:
        self.did.append(f"+{name}")
        try:
            await asyncio.Event().wait()
        finally:
            self.did.append(f"-{name}")

    def logged(self, *events: str) -> list[tuple[str, ...]]:
        """Return (event, part or task, reason or exception's last line) of the lines with these names."""
        text = next(self.folder.glob("test_2*.log")).read_text()
        found: list[tuple[str, ...]] = []
        for line in map(json.loads, text.splitlines()):
            if line["event"] in events:
                why = str(line.get("reason") or line.get("exception") or "").splitlines()
                found.append((line["event"], line.get("part") or line.get("task") or "", why[-1] if why else ""))
        return found


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    yield World(tmp_path)
    logs.shutdown()


def raising(error: BaseException) -> Callable[[], Coroutine[Any, Any, None]]:
    async def fail() -> None:
        await asyncio.sleep(0)
        raise error

    return fail


async def test_parts_start_in_order_and_stop_in_reverse(world: World) -> None:
    async def main(life: Lifecycle) -> None:
        assert await life.start("log", world.part("log")) == "LOG"
        _ = life.spawn("beat", world.work("beat"))
        assert await life.start("db", world.part("db")) == "DB"
        await asyncio.sleep(0)
        life.stop()
        await life.stopping()
        world.did.append("main ends")

    assert await world.life.supervise(main) == lifecycle.OK
    assert world.did == ["+log", "+beat", "+db", "main ends", "-db", "-beat", "-log"]
    steps = world.logged("PART_STARTED", "PART_STOPPED", "PROCESS_STOPPED")
    assert [(event, part) for event, part, _ in steps] == [
        ("PART_STARTED", "log"),
        ("PART_STARTED", "db"),
        ("PART_STOPPED", "db"),
        ("PART_STOPPED", "beat"),
        ("PART_STOPPED", "log"),
        ("PROCESS_STOPPED", ""),
    ]


async def test_a_main_that_returns_has_done_its_work(world: World) -> None:
    async def main(life: Lifecycle) -> None:
        await life.start("db", world.part("db"))

    assert await world.life.supervise(main) == lifecycle.OK
    assert world.did == ["+db", "-db"]


async def test_health_follows_the_life(world: World) -> None:
    seen: list[str] = []

    def look_and_stop() -> None:
        seen.append(world.life.health.state)
        world.life.stop()

    async def main(life: Lifecycle) -> None:
        seen.append(life.health.state)
        await life.start("db", world.part("db"))
        asyncio.get_running_loop().call_soon(look_and_stop)
        await life.stopping()
        seen.append(life.health.state)

    await world.life.supervise(main)
    assert seen == ["starting", "ready", "stopping"]
    assert world.life.health.report().parts == ()


@pytest.mark.parametrize(
    ("error", "code", "event"),
    [
        (Misconfigured("wrong password", fix="correct it"), 2, "PROCESS_REFUSED"),
        (Unavailable("postgres did not answer"), 3, "PROCESS_REFUSED"),
        (TapelineError("odd"), 1, "PROCESS_CRASHED"),
        (KeyError("bug"), 1, "PROCESS_CRASHED"),
        (ExceptionGroup("one inside", [Misconfigured("a", fix="b")]), 2, "PROCESS_REFUSED"),
        (ExceptionGroup("several", [Misconfigured("a", fix="b"), KeyError("c")]), 1, "PROCESS_CRASHED"),
    ],
)
@pytest.mark.parametrize("where", ["main", "start", "spawn", "inside", "stop"])
async def test_the_exit_code_says_who_must_act(
    world: World, where: str, error: Exception, code: int, event: str
) -> None:
    @asynccontextmanager
    async def breaks_inside() -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            _ = group.create_task(raising(error)())
            yield

    async def main(life: Lifecycle) -> None:
        await life.start("db", world.part("db"))
        if where == "main":
            raise error
        if where == "start":
            await life.start("bad", world.part("bad", enter=raising(error)))
        if where == "spawn":
            _ = life.spawn("bad", raising(error)())
        if where == "inside":
            await life.start("bad", breaks_inside())
        if where == "stop":
            await life.start("bad", world.part("bad", leave=raising(error)))
            life.stop()
        await life.stopping()

    assert await world.life.supervise(main) == code
    assert world.did[0] == "+db"
    assert world.did[-1] == "-db"
    wanted = "PART_STOP_FAILED" if where == "stop" else event
    assert [name for name, _, _ in world.logged(wanted)] == [wanted]


async def test_a_crash_in_the_background_is_logged_with_its_traceback(world: World) -> None:
    async def main(life: Lifecycle) -> None:
        _ = life.spawn("reader", raising(ValueError("boom"))())
        await life.stopping()

    assert await world.life.supervise(main) == lifecycle.CRASHED
    assert world.logged("PROCESS_CRASHED") == [("PROCESS_CRASHED", "reader", "ValueError: boom")]


async def test_work_that_may_fail_alone_leaves_the_others_running(world: World) -> None:
    """B-06: one venue's failure leaves the others running."""

    async def main(life: Lifecycle) -> None:
        _ = life.spawn("bybit", world.work("bybit"), essential=False)
        _ = life.spawn("okx", raising(ValueError("boom"))(), essential=False)
        await eventually(lambda: life.health.report().parts == ("bybit",))
        assert not life.is_stopping
        life.stop()
        await life.stopping()

    assert await world.life.supervise(main) == lifecycle.OK
    assert world.did == ["+bybit", "-bybit"]
    assert world.logged("TASK_FAILED") == [("TASK_FAILED", "okx", "ValueError: boom")]


async def test_a_part_whose_task_group_breaks_stops_the_process(world: World) -> None:
    @asynccontextmanager
    async def breaks() -> AsyncIterator[None]:
        async with lifecycle.background("inner", raising(ValueError("boom"))()):
            yield

    async def main(life: Lifecycle) -> None:
        await life.start("bad", breaks())
        await life.stopping()

    assert await world.life.supervise(main) == lifecycle.CRASHED
    assert isinstance(world.life.failure, ValueError)


async def test_a_stop_while_starting_cancels_the_start_and_cleans_up(world: World) -> None:
    async def main(life: Lifecycle) -> None:
        await life.start("db", world.part("db"))
        asyncio.get_running_loop().call_soon(life.stop)
        await life.start("slow", world.part("slow", enter=lambda: world.work("connect")))
        world.did.append("not reached")

    assert await world.life.supervise(main) == lifecycle.OK
    assert world.did == ["+db", "+connect", "-connect", "-db"]


async def test_a_part_that_does_not_stop_is_cut_off_and_the_others_get_their_time(tmp_path: Path) -> None:
    world = World(tmp_path, drain_timeout_s=0.5)
    release = asyncio.Event()

    async def main(life: Lifecycle) -> None:
        await life.start("db", world.part("db", leave=pause))
        await life.start("stuck", world.part("stuck", leave=release.wait))
        life.stop()
        await life.stopping()

    began_s = clock.monotonic_s()
    assert await world.life.supervise(main) == lifecycle.CRASHED
    assert clock.monotonic_s() - began_s < 1.5
    assert world.did == ["+db", "+stuck", "-db"]
    assert [part for _, part, _ in world.logged("PART_STOP_FORCED")] == ["stuck"]
    logs.shutdown()


async def test_a_part_that_even_swallows_the_cut_is_left_behind(tmp_path: Path) -> None:
    world = World(tmp_path, drain_timeout_s=0.2)
    stuck: list[asyncio.Task[Any] | None] = []
    release = asyncio.Event()

    async def swallow() -> None:
        stuck.append(asyncio.current_task())
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    async def main(life: Lifecycle) -> None:
        await life.start("db", world.part("db"))
        await life.start("stuck", world.part("stuck", leave=swallow))
        life.stop()
        await life.stopping()

    assert await world.life.supervise(main) == lifecycle.CRASHED
    assert world.did == ["+db", "+stuck", "-db"]
    release.set()
    await asyncio.wait([task for task in stuck if task is not None])
    logs.shutdown()


async def test_a_main_that_does_not_end_leaves_time_for_the_parts(tmp_path: Path) -> None:
    world = World(tmp_path, drain_timeout_s=0.3)

    async def main(life: Lifecycle) -> None:
        await life.start("db", world.part("db", leave=pause))
        life.stop()
        await life.stopping()
        await asyncio.Event().wait()

    assert await world.life.supervise(main) == lifecycle.CRASHED
    assert world.did == ["+db", "-db"]
    assert [part for _, part, _ in world.logged("PART_STOP_FORCED")] == ["main"]
    logs.shutdown()


async def test_a_dependency_that_stops_with_us_is_no_failure(world: World) -> None:
    async def main(life: Lifecycle) -> None:
        async def read() -> None:
            await life.stopping()
            raise Unavailable("broker is gone")

        _ = life.spawn("reader", read())
        await asyncio.sleep(0)
        life.stop()
        await life.stopping()
        await asyncio.sleep(0)

    assert await world.life.supervise(main) == lifecycle.OK
    assert world.logged("TASK_FAILED") == [("TASK_FAILED", "reader", "broker is gone")]


async def test_work_that_cancels_itself_is_a_failure_and_no_quiet_end(world: World) -> None:
    async def main(life: Lifecycle) -> None:
        _ = life.spawn("reader", raising(asyncio.CancelledError())(), essential=False)
        await eventually(lambda: bool(world.logged("TASK_FAILED")))

    assert await world.life.supervise(main) == lifecycle.OK
    assert world.logged("TASK_FAILED") == [
        ("TASK_FAILED", "reader", "RuntimeError: reader was cancelled by its own code")
    ]


async def test_background_work_ends_with_its_block() -> None:
    did: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            did.append("ended")

    async with lifecycle.background("work", work()) as task:
        await asyncio.sleep(0)
        assert not task.done()
    assert did == ["ended"]
    assert task.cancelled()


async def test_a_crowd_has_a_moment_to_finish_and_no_more() -> None:
    """At the end of the block what is under way may end by itself; what does not is cancelled."""
    told: list[str] = []
    begun = asyncio.Event()

    async def quick() -> None:
        await begun.wait()
        told.append("finished")

    async def endless() -> None:
        try:
            begun.set()
            await asyncio.Event().wait()
        finally:
            told.append("cancelled")

    async with lifecycle.crowd(within_s=0.05) as spawn:
        _ = spawn("quick", quick())
        _ = spawn("endless", endless())
    assert told == ["finished", "cancelled"]


async def test_a_crash_in_a_crowd_ends_its_block() -> None:
    async def crash() -> None:
        raise ValueError("broken")

    async def block() -> None:
        async with lifecycle.crowd(within_s=1) as spawn:
            _ = spawn("crash", crash())
            await asyncio.Event().wait()

    with pytest.raises(ExceptionGroup) as caught:
        await block()
    assert [repr(error) for error in caught.value.exceptions] == ["ValueError('broken')"]
