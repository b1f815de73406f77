"""`python -m processors [AGENT ..]`: agents in one process under our own Lifecycle, each in the group of its name."""

from __future__ import annotations

import sys
from typing import Any

from processors import running
from processors.agent import Agent
from processors.spreads import SPREADS
from processors.strategies import STRATEGIES
from tapeline.errors import Misconfigured
from tapeline.runtime import lifecycle, telemetry
from tapeline.runtime.endpoints import resolve

AGENTS: dict[str, Agent[Any]] = {one.name: one for one in (SPREADS, STRATEGIES)}
"""Every agent there is, by name."""


async def main(life: lifecycle.Lifecycle) -> None:
    """Start the agents that the command line names (default: all) and run until stopped."""
    names = sys.argv[1:] or list(AGENTS)
    for name in names:
        if name not in AGENTS:
            raise Misconfigured(f"there is no agent {name!r}", fix=f"the agents are {', '.join(AGENTS)}")
    endpoints = resolve(life.settings)
    await life.start("telemetry", telemetry.serve(life.settings.process.metrics_port, life.health))
    for name in names:
        await running.start(life, endpoints, name, (AGENTS[name],))
    await life.stopping()


if __name__ == "__main__":
    raise SystemExit(lifecycle.run(main, service="processors"))
