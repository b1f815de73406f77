"""`WS /ws`: live updates for whoever shows the token; anybody else is let in only to be told why not (A-08, E-08)."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.websockets import WebSocket

from gateway import access, session
from gateway.desk import Desk
from gateway.seat import UNAUTHORIZED
from tapeline.runtime import logs, metrics
from tapeline.runtime.log_events import LogEvent


def router(desk: Desk) -> APIRouter:
    """Return the route."""
    made = APIRouter()

    @made.websocket("/ws")
    async def live(socket: WebSocket) -> None:
        """Serve a client for as long as it listens."""
        if access.shows(socket, desk.token):
            await session.attend(socket, desk.hub)
        else:
            metrics.WS_REFUSED.inc()
            logs.get(__name__).warning(LogEvent.CLIENT_REFUSED, client=session.address(socket))
            # A browser learns the code of a close only after the handshake.
            await socket.accept()
            await socket.close(UNAUTHORIZED, "Unauthorized")

    return made
