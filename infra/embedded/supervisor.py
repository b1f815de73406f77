"""Starts the services that settings do not name, keeps them alive, and tells everybody through the run file.

The rule: either everything that was started answers and is set up, or nothing of it is left.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import msgspec

from infra.embedded import brokers, copies, datadir, kafka, orphans, plans, steps, workers
from infra.embedded.alarms import Alarms
from infra.embedded.board import Board
from infra.embedded.child import Change, Child
from infra.embedded.plans import Plans
from infra.embedded.ports import Ports
from infra.embedded.steps import Step
from tapeline.errors import Unavailable
from tapeline.runtime import clock, endpoints, lifecycle, logs, runfile, telemetry
from tapeline.runtime.database_logins import Login
from tapeline.runtime.lifecycle import Lifecycle
from tapeline.runtime.settings import Settings

SERVICE = "supervisor"
# The children stop one after the other, within the 30 s of a stop; most need far less than a second.
_STOP_WITHIN_S = 12.0
# The executor closes what is held before it ends: half of its own 30 s, then its last answers.
_CLOSED_WITHIN_S = 24.0


class Supervisor:
    """One run of the embedded services."""

    def __init__(self, life: Lifecycle, report: steps.Reporter) -> None:
        """Remember whom to tell; nothing runs before `run`."""
        self._life = life
        self._settings = life.settings
        self._report = report
        self._alarms = Alarms(SERVICE)
        self._children: dict[str, Child] = {}
        self._logins: tuple[Login, ...] = ()
        self._patience: asyncio.Timeout | None = None
        self._cluster: tuple[kafka.Node, ...] = ()

    async def run(self) -> None:
        """Start everything, report it ready, and wait for the stop."""
        began_s = clock.monotonic_s()
        metrics_port = self._settings.process.metrics_port
        metrics = await self._life.start("telemetry", telemetry.serve(metrics_port, self._life.health))
        with steps.timed(self._tell, "data directory", str(self._settings.data.dir)):
            self._board, self._plans = await self._life.start("data directory", self._opened(metrics))
        await self._start_children()
        ids = await self._set_up()
        self._board.knows(ids)
        await self._start_workers()
        self._board.ready()
        self._tell(Step(step=steps.WHOLE, state="done", elapsed_s=round(clock.monotonic_s() - began_s, 3)))
        self._report.close()
        _ = self._life.spawn("class image", self._plans.make_image(), essential=False)
        await self._speak(ids)
        await self._life.stopping()

    @asynccontextmanager
    async def _opened(self, metrics: str) -> AsyncIterator[tuple[Board, Plans]]:
        """Hold the data directory; end what a killed supervisor left there; take ports; forget the run at the end."""
        settings, services = self._settings, plans.ours(self._settings)
        with datadir.locked(settings.data.dir), Ports() as ports:
            await asyncio.to_thread(end_left_over, settings.data.dir)
            secrets = datadir.open_checked(settings.data.dir, frozenset(services))
            secrets = msgspec.structs.replace(secrets, venue_keys=workers.keys(settings))
            logins = workers.logins(settings) if plans.POSTGRES in services else {}
            self._logins = tuple(logins.values())
            hidden = [text for one in secrets.venue_keys.values() for text in (one.key, one.secret)]
            hidden += [one.password for one in self._logins]
            logs.hide(secrets.postgres_password, secrets.clickhouse_password, secrets.gateway_token, *hidden)
            chosen = plans.choose(settings, services, ports)
            board = Board(settings, SERVICE, addresses=chosen.addresses(), secrets=secrets, metrics=metrics)
            self._cluster = chosen.cluster
            try:
                yield board, Plans(settings, chosen, secrets, self._tell, logins)
            finally:
                board.remove()

    async def _start_children(self) -> None:
        """Start all children at once; each is kept alive until its turn to stop comes."""
        for name in plans.ours(self._settings):
            await self._start_child(name)

    async def _start_child(self, name: str) -> None:
        plan = partial(self._plans.plan, name)
        child = Child(name, plan, self._plans.output(name), self._changed, metrics=self._plans.metrics(name))
        self._children[name] = await self._life.start(name, _kept(child))

    async def _start_workers(self) -> None:
        """Start the pipeline, where it is asked for: all at once, each waits for what it needs."""
        names = workers.names(self._settings)
        for name in names:
            await self._start_child(name)
        try:
            async with asyncio.timeout(self._settings.embedded.ready_timeout_s):
                await asyncio.gather(*(self._settled(self._children[name]) for name in names))
        except TimeoutError:
            raise too_slow(self._settings, self._children.values()) from None

    async def _set_up(self) -> dict[str, int]:
        """Wait until all children answer and everything is set up; return the ids of the schemas."""
        # Loads every client library, which takes most of a second: the services start meanwhile.
        from infra.embedded import bootstrap  # noqa: PLC0415

        found = endpoints.endpoints_from(self._settings, self._board.run)
        try:
            async with asyncio.timeout(self._settings.embedded.ready_timeout_s) as self._patience:
                ids, _ = await asyncio.gather(
                    bootstrap.run(found, self._answers, self._tell, self._logins), self._all_settled()
                )
        except TimeoutError:
            if self._patience is not None and self._patience.expired():
                raise too_slow(self._settings, self._children.values()) from None
            raise
        return ids

    async def _all_settled(self) -> None:
        await asyncio.gather(*(self._settled(child) for child in self._children.values()))

    async def _settled(self, child: Child) -> None:
        with steps.timed(self._tell, child.name):
            await child.settled()

    async def _answers(self, name: str) -> None:
        """Return when a service answers; the broker does when all of its cluster do, for topics have a copy on each."""
        wanted = brokers.among(self._children) if name == brokers.KAFKA else (name,)
        await asyncio.gather(*(self._children[one].settled() for one in wanted if one in self._children))

    async def _speak(self, schema_ids: dict[str, int]) -> None:
        """Send heartbeats and alerts from now on."""
        from infra.embedded import voice  # noqa: PLC0415 - loads Kafka's client library, as above

        place = endpoints.endpoints_from(self._settings, self._board.run).kafka
        publish = await self._life.start("publisher", voice.opened(place, schema_ids, SERVICE))
        every_s = self._settings.process.heartbeat_every_s
        _ = self._life.spawn("heartbeat", telemetry.Pulse(publish, self._life.health, every_s=every_s).run())
        _ = self._life.spawn("alarms", self._alarms.run(publish))
        if len(self._cluster) > 1:
            _ = self._life.spawn("copies", copies.watch(self._cluster, self._living, self._board.counted))

    def _living(self) -> frozenset[int]:
        """Return which brokers of the cluster are alive, by their numbers."""
        names = brokers.names(len(self._cluster))
        return frozenset(
            node.node_id
            for name, node in zip(names, self._cluster, strict=True)
            if self._children[name].record.state == "running"
        )

    def _changed(self, change: Change) -> None:
        """Write down and tell what happened to a child."""
        self._board.put(change.record)
        self._alarms.note(change)

    def _tell(self, step: Step) -> None:
        """Report a step; while something is still being fetched the start may take longer."""
        self._report(step)
        if step.state == "progress" and self._patience is not None and not self._patience.expired():
            now_s = asyncio.get_running_loop().time()
            self._patience.reschedule(now_s + self._settings.embedded.ready_timeout_s)


def end_left_over(folder: Path) -> tuple[str, ...]:
    """End what a killed supervisor left running in a data directory; return the names of what had to be killed."""
    return orphans.end(orphans.find(folder, runfile.read(folder)))


def too_slow(settings: Settings, children: Iterable[Child]) -> Unavailable:
    """Return the sentence for a start that took too long."""
    late = [f"{child.name} is {child.record.state}" for child in children if child.record.state != "running"]
    return Unavailable(
        f"Tapeline was not ready within {settings.embedded.ready_timeout_s:g} s"
        f"{' (' + ', '.join(late) + ')' if late else ''}: read the logs in {settings.log.dir}, or raise "
        "embedded.ready_timeout_s"
    )


def patience_s(name: str) -> float:
    """Return how long a child may take for its stop before it is killed."""
    return _CLOSED_WITHIN_S if name == workers.EXECUTOR else _STOP_WITHIN_S


@asynccontextmanager
async def _kept(child: Child) -> AsyncIterator[Child]:
    """Keep a child alive beside the block, and stop it at the end."""
    async with lifecycle.background(child.name, child.keep()):
        try:
            yield child
        finally:
            await child.stop(patience_s(child.name))
