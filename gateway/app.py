"""The web application: every route is one file of `gateway/routes`, listed here, and stands in the OpenAPI document."""

from __future__ import annotations

from collections.abc import Callable
from importlib import metadata
from typing import Final

from fastapi import APIRouter, FastAPI

from gateway import reference
from gateway.desk import Desk
from gateway.routes import health, live, orderbook, spreads, status, version

ROUTES: Final[tuple[Callable[[Desk], APIRouter], ...]] = (
    health.router,
    version.router,
    status.router,
    orderbook.router,
    spreads.router,
    live.router,
)
"""Every route there is."""

_ABOUT: Final = (
    "What Tapeline's topics say, for people and programs. Live updates come over the WebSocket `/ws`, for which this "
    "format has no words. Prices and quantities are texts, so that no digit is lost; times are microseconds UTC."
)


def build(desk: Desk) -> FastAPI:
    """Return the application with all routes."""
    app = FastAPI(
        title="Tapeline gateway",
        version=metadata.version("tapeline"),
        description=_ABOUT,
        # The ones that FastAPI brings load scripts from elsewhere; ours is `gateway.reference`.
        docs_url=None,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
        # Its spans would carry whole URLs, and a token may stand in one.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    for router in ROUTES:
        app.include_router(router(desk))
    app.include_router(reference.router(app))
    return app
