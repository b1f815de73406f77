"""Workers inside our own Lifecycle: several agents in one process, started and stopped with everything else.

    await processors.running.start(life, endpoints, "spreads")

What Faust's tree of services crashes with stops the process, with its traceback in the log.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from processors import member
from processors.agent import Agent
from processors.worker import Plan, Worker
from tapeline.errors import TapelineError
from tapeline.runtime.endpoints import Endpoints
from tapeline.runtime.health import Health
from tapeline.runtime.lifecycle import Lifecycle
from tapeline.runtime.settings import Settings

STRATEGIES = "strategies"
MEMBERS = "members"
"""The folder below `data.dir` with the locks of the members' names."""


def service_of(names: Sequence[str]) -> str:
    """Return by which name a process with these agents has its settings and its log: strategies alone have their own.

    On a broker that knows who asks, only a user of theirs may ask for orders (`.env.strategies`).
    """
    return STRATEGIES if tuple(names) == (STRATEGIES,) else "processors"


async def start(life: Lifecycle, endpoints: Endpoints, group: str, agents: Iterable[Agent[Any]]) -> Worker:
    """Start a worker as a part of a process and return it when it reads; a crash in it stops the process loudly."""
    worker = await life.start(group, working(life.settings, endpoints, group, agents, life.health))
    _ = life.spawn(f"{group} crash", crashed(worker))
    return worker


@asynccontextmanager
async def working(
    settings: Settings, endpoints: Endpoints, group: str, agents: Iterable[Agent[Any]], health: Health
) -> AsyncIterator[Worker]:
    """Run a worker for the time of the block; its name in the group is the first free one of this machine."""
    with member.claimed(settings.data.dir / MEMBERS, group) as name:
        worker = Worker(plan_for(settings, endpoints, group, name, agents, health))
        try:
            await worker.start()
            yield worker
        finally:
            await worker.stop()


async def crashed(worker: Worker) -> None:
    """Wait until the worker crashes and raise what it crashed with; an orderly stop ends the wait."""
    await worker.wait_until_stopped()
    if worker.crash_reason is not None:
        raise worker.crash_reason


def plan_for(
    settings: Settings, endpoints: Endpoints, group: str, name: str, agents: Iterable[Agent[Any]], health: Health
) -> Plan:
    """Return what a worker is, from settings."""
    return Plan(
        group=group,
        member=name,
        agents=tuple(agents),
        endpoints=endpoints,
        health=health,
        heartbeat_every_s=settings.process.heartbeat_every_s,
    )


def told(error: BaseException) -> str:
    """Return the one sentence for a person."""
    return str(error) if isinstance(error, TapelineError) else f"crashed by {type(error).__name__}: {error}"
