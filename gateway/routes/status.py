"""`GET /status`: how long the gateway runs, which processes live, how many books may be decided on (B-04, C-20)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter, Depends

from gateway import access
from gateway.desk import Desk
from gateway.state import Books
from gateway.views import ProcessView
from tapeline.runtime import clock

_S_PER_MINUTE: Final = 60
_MINUTES_PER_HOUR: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusView:
    """The gateway itself (times in ISO 8601 UTC, null when unset) and what it hears from all others."""

    running: bool
    uptime: str
    start_time: str
    shutdown_time: str | None
    error: str | None
    processes: tuple[ProcessView, ...]
    books: Books


def router(desk: Desk) -> APIRouter:
    """Return the route."""
    made = APIRouter(tags=["state"], dependencies=[Depends(access.required(desk.token))])

    @made.get("/status")
    async def status() -> StatusView:
        """Tell how the gateway and every process do."""
        return view(desk, clock.now_us())

    return made


def view(desk: Desk, now_us: int) -> StatusView:
    """Return the status of now."""
    report = desk.health.report()
    waiting = "; ".join(f"{name}: {reason}" for name, reason in report.waiting_for.items())
    return StatusView(
        running=report.state != "stopping",
        uptime=uptime(report.uptime_s),
        start_time=clock.iso(report.started_us),
        shutdown_time=None if desk.stopped_us is None else clock.iso(desk.stopped_us),
        error=waiting or None,
        processes=desk.state.processes(now_us),
        books=desk.state.count(now_us),
    )


def uptime(seconds: float) -> str:
    """Return a duration as `2h 30m`."""
    hours, minutes = divmod(int(seconds) // _S_PER_MINUTE, _MINUTES_PER_HOUR)
    return f"{hours}h {minutes}m"
