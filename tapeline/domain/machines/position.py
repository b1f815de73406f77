"""One life of a position (E-10), from the first opening order until it is flat; the next life begins anew."""

from __future__ import annotations

from typing import Final, Literal

from tapeline.domain.machines.machine import Machine

PositionState = Literal["OPENING", "OPEN", "CLOSING", "CLOSED"]
PositionHappening = Literal["opened", "abandoned", "closing", "closed", "kept"]

POSITION: Final[Machine[PositionState, PositionHappening]] = Machine(
    name="position",
    first="OPENING",
    table={
        "OPENING": {"opened": "OPEN", "abandoned": "CLOSED"},
        "OPEN": {"closing": "CLOSING", "closed": "CLOSED"},
        "CLOSING": {"closed": "CLOSED", "kept": "OPEN"},
        "CLOSED": {},
    },
)
