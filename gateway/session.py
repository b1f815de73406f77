"""One WebSocket connection, from acceptance to close: the client is heard while it is told what it is owed."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.websockets import WebSocket, WebSocketDisconnect

from gateway import frames
from gateway.client import Event, Owed
from gateway.frames import Shown
from gateway.hub import Hub
from gateway.seat import SLOW, Ending, Seat
from tapeline.runtime import clock, metrics
from tapeline.runtime.lifecycle import background

READ_WITHIN_S: Final = 5.0
"""A client that does not make room for a frame in this time is closed."""

_LOST: Final = Ending(1006, "the connection was lost")


async def attend(socket: WebSocket, hub: Hub, *, read_within_s: float = READ_WITHIN_S) -> None:
    """Serve a client that may listen until it goes, the gateway stops, or it is too slow (X-17)."""
    await socket.accept()
    with hub.seated(address(socket)) as seat:
        async with background("client", _hear(socket, hub, seat)):
            try:
                await _tell(socket, hub, seat, read_within_s)
            except TimeoutError:
                seat.end(SLOW)
            except WebSocketDisconnect:
                seat.end(_LOST)
            if seat.ending is not None and not seat.left:
                await _close(socket, seat.ending)


def address(socket: WebSocket) -> str:
    """Return where a client is, as far as is known; a proxy may stand between."""
    return "unknown" if socket.client is None else f"{socket.client.host}:{socket.client.port}"


async def _tell(socket: WebSocket, hub: Hub, seat: Seat, read_within_s: float) -> None:
    """Send what is owed, first of all the state, until the session ends."""
    due: Event | Owed[Shown] | None = await hub.greeting(seat)
    while seat.ending is None:
        if due is None:
            await seat.rest()
        else:
            if isinstance(due, Owed):
                metrics.WS_SKIPPED.inc(due.skipped, type=due.update.kind)
                seat.skipped += due.skipped
                due = frames.update(due, seat.client.interest.depth, clock.now_us())
            async with asyncio.timeout(read_within_s):
                await socket.send_text(due.frame)
            metrics.WS_FRAMES.inc(type=due.kind)
            seat.sent += 1
        due = seat.client.next(clock.monotonic_s())


async def _hear(socket: WebSocket, hub: Hub, seat: Seat) -> None:
    """Take requests until the client is gone."""
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            seat.left = True
            seat.end(Ending(message.get("code") or _LOST.code, message.get("reason") or "the client left"))
            return
        said: str | bytes = message.get("text") or message.get("bytes") or b""
        hub.ask(seat, said)


async def _close(socket: WebSocket, ending: Ending) -> None:
    """Say why; the client may be gone by now."""
    try:
        await socket.close(ending.code, ending.reason)
    except (WebSocketDisconnect, RuntimeError):
        return
