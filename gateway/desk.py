"""What every route is given: the state, the clients, the health, who may in and when the gateway stopped."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.hub import Hub
from gateway.state import State
from tapeline.runtime.health import Health


@dataclass(slots=True, eq=False, kw_only=True)
class Desk:
    """One per gateway, made by its composition root; `stopped_us` is set when a stop is asked for."""

    health: Health
    state: State
    hub: Hub
    token: str
    stopped_us: int | None = None
