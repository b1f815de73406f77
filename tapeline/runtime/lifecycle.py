"""The life of a process: parts start in order and stop in reverse, within a deadline, whatever happens (X-02, X-04).

The one owner of background tasks and signals. A process is `raise SystemExit(lifecycle.run(main, service="kafka"))`:

    async def main(life: Lifecycle) -> None:
        pool = await life.start("postgres", postgres.connect(...))  # any async context manager
        _ = life.spawn("heartbeat", pulse.run())                     # a crash in it stops the process loudly
        await life.stopping()                                        # returning before a stop means: the work is done

A stop (signal, crash, `life.stop()`) cancels `main` unless it waits in `stopping()`.
"""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from types import FrameType
from typing import Any, TypeVar

from tapeline.errors import Misconfigured, Unavailable
from tapeline.runtime import clock, logs, metrics, redact, vitals
from tapeline.runtime.health import Health
from tapeline.runtime.log_events import LogEvent
from tapeline.runtime.settings import Settings, load, secret_values

T = TypeVar("T")

OK = 0
CRASHED = 1
MISCONFIGURED = 2
UNAVAILABLE = 3

# Of the whole drain time this share is kept for the parts that stop after a slow one.
_KEPT_SHARE = 0.2
# A part that was cut off gets this long to let go before it is left behind.
_CUT_S = 0.5
# Ctrl-C reaches a whole process group, and the parent then sends SIGTERM as well: that echo is no second request.
_ECHO_S = 2.0
# How much later than the drain time the last resort fires.
_GUARD_S = 2.0

Main = Callable[["Lifecycle"], Awaitable[None]]


@dataclass(slots=True, eq=False)
class _Part:
    """A started part: its task enters the context manager, waits, and leaves it, so that both happen in one task."""

    name: str
    task: asyncio.Task[Any]
    release: asyncio.Event | None = None

    def let_go(self) -> None:
        """Ask for the end: a part leaves its context manager, background work is cancelled."""
        if self.release is None:
            self.task.cancel()
        else:
            self.release.set()


@dataclass(slots=True, eq=False)
class Lifecycle:
    """Starts and stops the parts of one process; `supervise` runs it to its exit code.

    `failure` is what stopped it, where something did; `on_stop` is called once when a stop is first asked for.
    """

    service: str
    settings: Settings
    health: Health = field(init=False)
    failure: BaseException | None = None
    on_stop: Callable[[], None] | None = None
    _parts: list[_Part] = field(default_factory=list)
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _listening: bool = False
    _forced: bool = False

    def __post_init__(self) -> None:
        """Give the process its health."""
        self.health = Health(self.service)

    async def start(self, name: str, part: AbstractAsyncContextManager[T]) -> T:
        """Enter a part and return what it yields; it is left when its turn comes at the stop.

        Raises what the part raises. A part that fails later (a task group in it does) stops the process.
        """
        log = logs.get(__name__)
        log.info(LogEvent.PART_STARTING, part=name)
        began_s = clock.monotonic_s()
        entered: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        release = asyncio.Event()
        held = _Part(name, asyncio.create_task(_hold(part, entered, release), name=name), release)
        try:
            value = await entered
        except asyncio.CancelledError:
            # What is half started must be taken down (a child process!); `supervise` bounds how long that may take.
            held.task.cancel()
            await asyncio.wait({held.task})
            raise
        held.task.add_done_callback(lambda task: self._ended(held, task, essential=True))
        self._parts.append(held)
        took_s = clock.monotonic_s() - began_s
        metrics.PART_START_S.observe(took_s, part=name)
        self.health.part_started(name)
        log.info(LogEvent.PART_STARTED, part=name, took_s=round(took_s, 3))
        return value

    def spawn(self, name: str, work: Coroutine[Any, Any, object], *, essential: bool = True) -> asyncio.Task[object]:
        """Run `work` in the background until it ends or its turn to be cancelled comes at the stop.

        A crash of essential work stops the process with a traceback in the log. Other work (one venue among many, B-06)
        may fail alone: that is logged and counted, and the rest goes on.
        """
        task = asyncio.create_task(work, name=name)
        held = _Part(name, task)
        task.add_done_callback(lambda done: self._ended(held, done, essential=essential))
        self._parts.append(held)
        self.health.part_started(name)
        return task

    def on_signal(self, number: signal.Signals, call: Callable[[], None]) -> None:
        """Call this in the loop at each such signal, one that does not stop the process."""
        asyncio.get_running_loop().add_signal_handler(number, call)

    def stop(self, reason: str = "asked to") -> None:
        """Ask for an orderly stop; harmless when one is under way."""
        if not self._stop.is_set():
            logs.get(__name__).info(LogEvent.PROCESS_STOPPING, reason=reason)
            self.health.stopping()
            self._stop.set()
            if self.on_stop is not None:
                self.on_stop()

    @property
    def is_stopping(self) -> bool:
        """Whether a stop was asked for."""
        return self._stop.is_set()

    async def stopping(self) -> None:
        """Wait for the stop; what `main` does after it has until the deadline. The first call says: start complete."""
        first, self._listening = not self._listening, True
        if first and not self._stop.is_set():
            self.health.running()
            logs.get(__name__).info(LogEvent.PROCESS_STARTED, parts=len(self._parts))
        await self._stop.wait()

    async def supervise(self, main: Main) -> int:
        """Run `main`, then stop all parts in reverse; return the exit code, having logged why."""
        body = asyncio.ensure_future(main(self))
        stopped = asyncio.create_task(self._stop.wait(), name="stop")
        await asyncio.wait({body, stopped}, return_when=asyncio.FIRST_COMPLETED)
        deadline_s = clock.monotonic_s() + self.settings.process.drain_timeout_s
        if not body.done():
            await self._end_main(body, deadline_s)
        if body.done() and not body.cancelled() and (error := body.exception()) is not None:
            self.fail("main", error)
        elif body.done() and body.cancelled() and not self._stop.is_set():
            self.fail("main", RuntimeError("main was cancelled by its own code"))
        self.stop("the work is done")
        await self._stop_parts(deadline_s)
        stopped.cancel()
        code = exit_code(self.failure, forced=self._forced)
        logs.get(__name__).info(LogEvent.PROCESS_STOPPED, exit_code=code)
        return code

    def fail(self, name: str, failure: BaseException) -> None:
        """Note what stops the process (the first one decides the exit code) and log it."""
        log = logs.get(__name__)
        error = _only(failure)
        if isinstance(error, Misconfigured | Unavailable):
            log.error(LogEvent.PROCESS_REFUSED, part=name, reason=str(error))
        else:
            log.error(LogEvent.PROCESS_CRASHED, part=name, exc_info=error)
        self.failure = self.failure or error
        self.stop(f"{name} failed")

    async def _end_main(self, body: asyncio.Future[None], deadline_s: float) -> None:
        """Let a `main` that listens to the stop finish; cancel one that is elsewhere (starting, working)."""
        if not self._listening:
            body.cancel()
        kept_s = _KEPT_SHARE * self.settings.process.drain_timeout_s
        await asyncio.wait({body}, timeout=max(0.0, deadline_s - kept_s - clock.monotonic_s()))
        if not body.done():
            self._forced = True
            logs.get(__name__).error(LogEvent.PART_STOP_FORCED, part="main")
            body.cancel()
            await asyncio.wait({body}, timeout=_CUT_S)

    async def _stop_parts(self, deadline_s: float) -> None:
        kept_s = _KEPT_SHARE * self.settings.process.drain_timeout_s / max(1, len(self._parts))
        while self._parts:
            held = self._parts.pop()
            left_s = deadline_s - clock.monotonic_s() - kept_s * len(self._parts)
            await self._stop_part(held, max(0.0, left_s))

    async def _stop_part(self, held: _Part, timeout_s: float) -> None:
        log = logs.get(__name__)
        log.info(LogEvent.PART_STOPPING, part=held.name)
        held.let_go()
        done, _ = await asyncio.wait({held.task}, timeout=timeout_s)
        if not done:
            self._forced = True
            metrics.PART_STOPS_FORCED.inc(part=held.name)
            log.error(LogEvent.PART_STOP_FORCED, part=held.name, waited_s=round(timeout_s, 3))
            held.task.cancel()
            await asyncio.wait({held.task}, timeout=_CUT_S)
        else:
            log.info(LogEvent.PART_STOPPED, part=held.name)
        self.health.part_stopped(held.name)

    def _ended(self, held: _Part, task: asyncio.Task[Any], *, essential: bool) -> None:
        """Judge the end of a part's or background task: on time, or a crash."""
        stopping = held not in self._parts
        if task.cancelled():
            # Only a stop cancels; anything else would end the work without a word.
            failure: BaseException | None = (
                None if stopping else RuntimeError(f"{held.name} was cancelled by its own code")
            )
        else:
            failure = task.exception()
        error = None if failure is None else _only(failure)
        if not stopping:
            self._parts.remove(held)
            self.health.part_stopped(held.name)
        if error is None:
            if not stopping:
                logs.get(__name__).debug(LogEvent.TASK_ENDED, task=held.name)
            return
        metrics.TASK_FAILURES.inc(task=held.name)
        if self.is_stopping and held.release is None and isinstance(error, Unavailable):
            # Background work lost what it needs, which stops at the same time as we do. (A part that cannot flush is
            # another matter.)
            logs.get(__name__).warning(LogEvent.TASK_FAILED, task=held.name, reason=str(error))
        elif stopping:
            self.failure = self.failure or error
            logs.get(__name__).error(LogEvent.PART_STOP_FAILED, part=held.name, exc_info=error)
        elif essential:
            self.fail(held.name, error)
        else:
            logs.get(__name__).error(LogEvent.TASK_FAILED, task=held.name, exc_info=error)


def run(main: Main, *, service: str, settings: Settings | None = None) -> int:
    """Run a whole process and return its exit code; settings are loaded for `service` when none are given.

    SIGINT and SIGTERM stop it in order; the same signal again, or any two seconds later, ends it at once. What a person
    must change is said in one sentence on standard error.
    """
    try:
        found = settings or load(service=service)
        logs.configure(service, found.log, secrets=secret_values(found))
    except Misconfigured as error:
        _say(service, error)
        return MISCONFIGURED
    life = Lifecycle(service, found)
    try:
        with asyncio.Runner() as runner:
            code = runner.run(_live(life, main))
    finally:
        faulthandler.cancel_dump_traceback_later()
        logs.shutdown()
    if life.failure is not None and found.log.console == "off":
        _say(service, life.failure, found)
    return code


async def _live(life: Lifecycle, main: Main) -> int:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_loop_error)
    life.on_stop = lambda: _guard(life.settings.process.drain_timeout_s)
    with _signals(life, loop):
        logs.get(__name__).info(
            LogEvent.PROCESS_STARTING, version=version("tapeline"), python=sys.version.partition(" ")[0]
        )
        async with background("vitals", vitals.show(life.health, life.settings)):
            return await life.supervise(main)


@contextlib.contextmanager
def _signals(life: Lifecycle, loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Stop in order at the first signal, end at once at the next, also while the event loop is blocked."""
    first: list[tuple[int, float]] = []

    def on_signal(number: int, frame: FrameType | None) -> None:
        del frame
        now_s = clock.monotonic_s()
        if not first:
            first.append((number, now_s))
            loop.call_soon_threadsafe(life.stop, signal.Signals(number).name)
            _guard(life.settings.process.drain_timeout_s)
        elif number == first[0][0] or now_s - first[0][1] > _ECHO_S:
            logs.get(__name__).error(LogEvent.PROCESS_KILLED, signal=signal.Signals(number).name)
            os._exit(128 + number)

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _guard(drain_timeout_s: float) -> None:
    """End the process with all stacks on standard error when even the forced stop hangs (a loop blocked in C code)."""
    stream = sys.__stderr__
    if stream is not None and not stream.closed:
        faulthandler.dump_traceback_later(drain_timeout_s + _GUARD_S, exit=True, file=stream)


def _loop_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log what the event loop would print: an error in a callback, a failed task that nobody awaited."""
    del loop
    logs.get(__name__).error(
        LogEvent.LOOP_ERROR, reason=str(context.get("message", "")), exc_info=context.get("exception")
    )


def _say(service: str, failure: BaseException, settings: Settings | None = None) -> None:
    """Write the one sentence to standard error, whose reader may be gone."""
    if isinstance(failure, Misconfigured | Unavailable):
        sentence = str(failure)
    else:
        where = "the log" if settings is None else str(settings.log.dir)
        sentence = f"crashed by {type(failure).__name__}: {failure} (traceback in {where})"
    secrets = frozenset() if settings is None else frozenset(secret_values(settings))
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(f"{service}: {redact.text(sentence, secrets)}\n")
        sys.stderr.flush()


def _only(failure: BaseException) -> BaseException:
    """Return the one error inside nested groups, or the failure itself when there are several."""
    while isinstance(failure, BaseExceptionGroup) and len(failure.exceptions) == 1:
        failure = failure.exceptions[0]
    return failure


def exit_code(failure: BaseException | None, *, forced: bool = False) -> int:
    """Return 0 for an orderly end, 2 when a person must act, 3 when a dependency stayed away, 1 for anything else."""
    if isinstance(failure, Misconfigured):
        return MISCONFIGURED
    if isinstance(failure, Unavailable):
        return UNAVAILABLE
    return CRASHED if failure is not None or forced else OK


@asynccontextmanager
async def background(name: str, work: Coroutine[Any, Any, T]) -> AsyncIterator[asyncio.Task[T]]:
    """Run `work` beside the block and cancel it at the end; for parts that own a loop. Its crash ends the block."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(work, name=name)
        try:
            yield task
        finally:
            task.cancel()


@asynccontextmanager
async def crowd(*, within_s: float) -> AsyncIterator[Callable[[str, Coroutine[Any, Any, None]], object]]:
    """Yield what runs short work beside the block; at the end what is under way has `within_s` to finish.

    A crash in any of it ends the block.
    """
    tasks: set[asyncio.Task[None]] = set()
    async with asyncio.TaskGroup() as group:

        def spawn(name: str, work: Coroutine[Any, Any, None]) -> object:
            task = group.create_task(work, name=name)
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            return task

        yield spawn
        if tasks:
            await asyncio.wait(tasks, timeout=within_s)
        for task in tuple(tasks):
            task.cancel()


async def _hold(part: AbstractAsyncContextManager[T], entered: asyncio.Future[T], release: asyncio.Event) -> None:
    try:
        async with part as value:
            entered.set_result(value)
            await release.wait()
    except BaseException as error:
        if entered.done():
            raise
        if isinstance(error, asyncio.CancelledError):
            # Where `start` itself was cancelled nobody reads this; else the part gave up without saying why.
            error = RuntimeError("the part was cancelled while it started")
        if not entered.cancelled():
            entered.set_exception(error)
