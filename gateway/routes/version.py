"""`GET /version`, open to all: which Tapeline on which Python answers (B-05)."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib.metadata import version as installed

from fastapi import APIRouter

from gateway.desk import Desk
from tapeline.runtime import clock


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionView:
    """The versions, and the time of the answer in ISO 8601 UTC."""

    version: str
    python_version: str
    timestamp: str


def router(desk: Desk) -> APIRouter:
    """Return the route; it needs nothing of the desk."""
    del desk
    made = APIRouter(tags=["open"])

    @made.get("/version")
    async def version() -> VersionView:
        """Tell which version answers."""
        return VersionView(
            version=installed("tapeline"), python_version=platform.python_version(), timestamp=clock.iso(clock.now_us())
        )

    return made
