"""Starts the services that settings do not name, keeps them alive, and tells everybody through the run file.

The rule: the run file says what is true now; it is written at each change, and it is gone when nothing runs any more.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path

import msgspec
import psutil

from infra.embedded import bootstrap, datadir, orphans, plans, steps
from infra.embedded.child import Change, Child
from infra.embedded.plans import Plans
from infra.embedded.ports import Ports
from tapeline.errors import Unavailable
from tapeline.runtime import clock, lifecycle, logs, runfile
from tapeline.runtime.lifecycle import Lifecycle
from tapeline.runtime.log_events import LogEvent
from tapeline.runtime.runfile import ProcessRecord, RunFile, Secrets
from tapeline.runtime.settings import Settings

SERVICE = "supervisor"
_STOP_WITHIN_S = 12.0


class Board:
    """The run file and the one hand that writes it."""

    def __init__(self, settings: Settings, secrets: Secrets, chosen: plans.Chosen) -> None:
        """Write the first run file: addresses are known before anything answers there."""
        self._folder = settings.data.dir
        created_s = psutil.Process().create_time()
        self.run = RunFile(
            version=version("tapeline"),
            data_dir=str(settings.data.dir),
            log_dir=str(settings.log.dir),
            started_us=clock.now_us(),
            supervisor=ProcessRecord(
                name=SERVICE, state="starting", pid=os.getpid(), created_s=created_s, started_us=clock.now_us()
            ),
            addresses=chosen.addresses(),
            secrets=secrets,
        )
        self._write()

    def ready(self, schema_ids: dict[str, int], metrics: str | None) -> None:
        """Say that everything answers and is set up."""
        known = msgspec.structs.replace(self.run.supervisor, state="running", metrics=metrics)
        self.run = msgspec.structs.replace(self.run, ready=True, schema_ids=schema_ids, supervisor=known)
        self._write()

    def put(self, record: ProcessRecord) -> None:
        """Say how a process is."""
        self.run = msgspec.structs.replace(self.run, processes=self.run.processes | {record.name: record})
        self._write()

    def remove(self) -> None:
        """Forget the run: nothing of it is left."""
        runfile.remove(self._folder)

    def _write(self) -> None:
        runfile.write(self._folder, self.run)


class Supervisor:
    """One run of the embedded services."""

    def __init__(self, life: Lifecycle, settings: Settings, report: steps.Reporter) -> None:
        """Remember whom to tell; nothing runs before `run`."""
        self._life = life
        self._settings = settings
        self._report = report
        self._children: dict[str, Child] = {}
        self._board: Board | None = None

    async def run(self) -> None:
        """Start everything, report it ready, and wait for the stop."""
        began_s = clock.monotonic_s()
        with steps.timed(self._report, "data directory", str(self._settings.data.dir)):
            board = await self._life.start("data directory", self._own())
        await self._start_children()
        found = await bootstrap.run(self._settings, board.run, self._report)
        board.ready(found, None)
        elapsed_s = round(clock.monotonic_s() - began_s, 3)
        self._report(steps.Step(step=steps.WHOLE, state="done", elapsed_s=elapsed_s))
        self._report.close()
        await self._life.stopping()

    @asynccontextmanager
    async def _own(self) -> AsyncIterator[Board]:
        """Hold the data directory; end what a killed supervisor left there; take ports; forget the run at the end."""
        folder, services, ports = self._settings.data.dir, plans.ours(self._settings), Ports()
        with datadir.locked(folder):
            await asyncio.to_thread(end_left_over, folder)
            secrets = plans.check_folder(self._settings, services)
            logs.hide(secrets.postgres_password, secrets.clickhouse_password, secrets.gateway_token)
            try:
                chosen = plans.choose(self._settings, services, ports)
                self._plans = Plans(self._settings, chosen, secrets, self._report)
                board = self._board = Board(self._settings, secrets, chosen)
                try:
                    yield board
                finally:
                    board.remove()
            finally:
                ports.close()

    async def _start_children(self) -> None:
        """Start all children at once and wait until each answers."""
        services = plans.ours(self._settings)
        for name in plans.SERVICES:
            if name in services:
                child = Child(name, lambda name=name: self._plans.plan(name), self._plans.output(name), self._changed)
                self._children[name] = await self._life.start(name, _kept(child))
        await asyncio.gather(*(self._settled(child) for child in self._children.values()))

    async def _settled(self, child: Child) -> None:
        with steps.timed(self._report, child.name):
            await child.settled()

    def _changed(self, change: Change) -> None:
        """Write down what happened to a child."""
        record = change.record
        if self._board is not None:
            self._board.put(record)
        log = logs.get(__name__)
        match change.event:
            case "spawned":
                log.info(LogEvent.CHILD_STARTED, child=record.name, child_pid=record.pid, restarts=record.restarts)
            case "answered":
                event = LogEvent.CHILD_RESTARTED if record.restarts else LogEvent.CHILD_READY
                log.info(event, child=record.name, child_pid=record.pid, restarts=record.restarts)
            case "died":
                log.error(LogEvent.CHILD_DIED, child=record.name, reason=record.detail, next_try_s=change.delay_s)
            case "stopped":
                event = LogEvent.CHILD_STOPPED if record.detail is None else LogEvent.CHILD_KILLED
                log.info(event, child=record.name)
            case "gave_up":
                log.error(LogEvent.CHILD_FAILED, child=record.name, reason=record.detail)
            case "silent":
                log.error(LogEvent.DEPENDENCY_LOST, dependency=record.name, reason=record.detail)
            case "answers_again":
                log.info(LogEvent.DEPENDENCY_READY, dependency=record.name)


def end_left_over(folder: Path) -> tuple[str, ...]:
    """End what a killed supervisor left running in a data directory; return the names of what had to be killed."""
    return orphans.end(orphans.find(folder, runfile.read(folder)))


@asynccontextmanager
async def _kept(child: Child) -> AsyncIterator[Child]:
    """Keep a child alive beside the block, and stop it at the end."""
    async with lifecycle.background(child.name, child.keep()):
        try:
            yield child
        finally:
            await child.stop(_STOP_WITHIN_S)


def sentence_of_timeout(settings: Settings) -> Unavailable:
    """Return the sentence for a start that took too long."""
    return Unavailable(
        f"Tapeline was not ready within {settings.embedded.ready_timeout_s:g} s: read the logs in {settings.log.dir}, "
        "or raise embedded.ready_timeout_s"
    )
