"""`GET /health`, open to all: 200 when the gateway is ready, else 503 with what it waits for."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import msgspec
from fastapi import APIRouter, Response

from gateway.desk import Desk
from tapeline.runtime.health import State

_NOT_READY: Final[dict[int | str, dict[str, Any]]] = {
    HTTPStatus.SERVICE_UNAVAILABLE: {"description": "It starts, stops or waits: `waiting_for` says for what, and why."}
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthView:
    """One reading of a process's health."""

    service: str
    state: State
    started_us: int
    uptime_s: float
    waiting_for: dict[str, str]
    parts: tuple[str, ...]


def router(desk: Desk) -> APIRouter:
    """Return the route."""
    made = APIRouter(tags=["open"])

    @made.get("/health", responses=_NOT_READY)
    async def health(response: Response) -> HealthView:
        """Tell whether the gateway is ready, and what it waits for."""
        report = desk.health.report()
        response.status_code = HTTPStatus.OK if report.state == "ready" else HTTPStatus.SERVICE_UNAVAILABLE
        return HealthView(**msgspec.structs.asdict(report))

    return made
