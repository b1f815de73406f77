"""The state of a two-leg trade (D-05, K11): a pause never stops an exit, and ERROR is left by hand only."""

from __future__ import annotations

from typing import Final, Literal

from tapeline.domain.machines.machine import Machine
from tapeline.domain.order_records import PairState

PairHappening = Literal[
    "start", "pause", "enter", "entered", "rolled_back", "widen", "exit", "partly_left", "left", "left_paused",
    "failed", "reset",
]  # fmt: skip

PAIR: Final[Machine[PairState, PairHappening]] = Machine(
    name="pair",
    first="PAUSED",
    table={
        "PAUSED": {"start": "READY", "failed": "ERROR"},
        "READY": {"pause": "PAUSED", "enter": "ENTERING", "failed": "ERROR"},
        "ENTERING": {"entered": "POSITION_OPEN", "rolled_back": "READY", "failed": "ERROR"},
        "POSITION_OPEN": {"widen": "ENTERING", "exit": "EXITING", "failed": "ERROR"},
        "EXITING": {"left": "READY", "left_paused": "PAUSED", "partly_left": "POSITION_OPEN", "failed": "ERROR"},
        "ERROR": {"reset": "PAUSED"},
    },
)
