"""`python -m processors [AGENT ..]`: agents in one process under our own Lifecycle, each in the group of its name."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

from processors import running
from processors.agent import Agent
from processors.spreads import SPREADS
from processors.strategies import agent_of
from tapeline.errors import Misconfigured
from tapeline.runtime import lifecycle, telemetry
from tapeline.runtime.endpoints import resolve
from tapeline.runtime.settings import Settings

AGENTS: Final[Mapping[str, Callable[[Settings], Agent[Any]]]] = {"spreads": lambda _: SPREADS, "strategies": agent_of}
"""Every agent there is, by name; what it is may follow from settings."""


async def main(life: lifecycle.Lifecycle) -> None:
    """Start the agents that the command line names (default: all) and run until stopped."""
    names = sys.argv[1:] or list(AGENTS)
    for name in names:
        if name not in AGENTS:
            raise Misconfigured(f"there is no agent {name!r}", fix=f"the agents are {', '.join(AGENTS)}")
    agents = {name: AGENTS[name](life.settings) for name in names}
    endpoints = resolve(life.settings)
    await life.start("telemetry", telemetry.serving(life.settings.process, life.health))
    for name in names:
        await running.start(life, endpoints, name, (agents[name],))
    await life.stopping()


if __name__ == "__main__":
    raise SystemExit(lifecycle.run(main, service=running.service_of(sys.argv[1:])))
