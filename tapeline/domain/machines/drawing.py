"""The diagram of a machine, made from its table, so that no page shows a transition that the code does not have."""

from __future__ import annotations

from typing import Final

from tapeline.domain.machines.machine import E, Machine, S
from tapeline.domain.machines.order import ORDER
from tapeline.domain.machines.pair import PAIR
from tapeline.domain.machines.position import POSITION


def mermaid(machine: Machine[S, E]) -> str:
    """Return a machine as a state diagram in Mermaid's words."""
    lines = ["stateDiagram-v2", f"    [*] --> {machine.first}"]
    for state, events in machine.table.items():
        lines += [f"    {state} --> {to}: {event}" for event, to in events.items()]
        if machine.final(state):
            lines.append(f"    {state} --> [*]")
    return "\n".join(lines) + "\n"


DRAWN: Final[dict[str, str]] = {
    ORDER.name: mermaid(ORDER),
    POSITION.name: mermaid(POSITION),
    PAIR.name: mermaid(PAIR),
}
"""The diagram of every machine, by its name."""
