"""A worker: agents in their shells on one Faust app, with what they share, a heartbeat and a watchdog."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from processors import notices, outlets, watchdog
from processors.app import BatchApp
from processors.notices import Notices
from processors.shell import Shell
from tapeline.errors import Misconfigured, Unavailable
from tapeline.runtime import telemetry
from tapeline.runtime.health import Health

if TYPE_CHECKING:
    from processors.agent import Agent, Begin
    from processors.transport import Batch
    from tapeline.runtime.endpoints import Endpoints


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one worker is: its agents, its group, its own name there and in heartbeats, and where the services are.

    All agents of a worker share its group, so a group must always have the same agents.
    """

    group: str
    member: str
    agents: tuple[Agent[Any], ...]
    endpoints: Endpoints
    health: Health
    heartbeat_every_s: float = 5.0
    patience_s: float = watchdog.STALLED_AFTER_S

    @property
    def topics(self) -> tuple[str, ...]:
        """Return every topic that an agent reads or writes, once."""
        return tuple(dict.fromkeys(name for one in self.agents for name in (*one.reads, *one.writes)))

    @property
    def everywhere(self) -> tuple[str, ...]:
        """Return every topic that is told to all partitions, once."""
        return tuple(dict.fromkeys(name for one in self.agents for name in one.everywhere))

    @property
    def begin(self) -> Begin:
        """Return where the group begins when it has committed nothing; its agents must agree."""
        begins = sorted({one.begin for one in self.agents})
        if len(begins) != 1:
            raise Misconfigured(f"the agents of {self.group} begin at {begins}", fix="give them groups of their own")
        return begins[0]


class Worker(BatchApp):
    """The Faust app of a plan."""

    def __init__(self, plan: Plan) -> None:
        """Register the agents; nothing is opened before the start."""
        super().__init__(plan.group, member=plan.member, kafka=plan.endpoints.kafka, begin=plan.begin)
        self.plan = plan
        self._outlets: outlets.Outlets | None = None
        self._notices: Notices | None = None
        for one in plan.agents:
            self.take(one.name, one.reads, self._turn_of(one), warm_up_s=one.warm_up_s, rebuilt=one.rebuilt)

    async def on_start(self) -> None:
        """Open what outputs need before anything is read, and refuse topics that are missing or do not fit."""
        await super().on_start()
        names = (*self.plan.topics, *self.plan.everywhere)
        opening = outlets.opened(self.plan.endpoints, names, process=self.plan.member)
        self._outlets = await self.add_async_context(opening)
        await outlets.same_partitions(self._outlets.publisher, self.plan.topics)
        if self.plan.everywhere:
            following = notices.followed(
                self.plan.endpoints.kafka, self.plan.everywhere, self._outlets, self.plan.member
            )
            self._notices = await self.add_async_context(following)

    async def on_started(self) -> None:
        """Say that we live, and watch that we do."""
        await super().on_started()
        pulse = telemetry.Pulse(
            self.open_outlets.say,
            self.plan.health,
            every_s=self.plan.heartbeat_every_s,
            process=self.plan.member,
            lag=self.batches.lag,
        )
        for work in (pulse.run(), watchdog.watch(self.batches, patience_s=self.plan.patience_s)):
            _ = self.add_future(work)
        if self._notices is not None:
            _ = self.add_future(self._notices.follow())

    @property
    def open_outlets(self) -> outlets.Outlets:
        """Return what the agents share; Unavailable before the start."""
        if self._outlets is None:
            raise Unavailable(f"the worker {self.plan.member} has not started")
        return self._outlets

    def _turn_of(self, one: Agent[Any]) -> Any:  # noqa: ANN401 - a turn, spelled out in the app
        made: list[Shell[Any]] = []

        async def turn(batch: Batch) -> None:
            if not made:
                made.append(Shell(one, self.open_outlets, self.add_future, self._notices if one.everywhere else None))
            await made[0].turn(batch)

        return turn
