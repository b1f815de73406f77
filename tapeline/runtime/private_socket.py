"""One WebSocket whose address may be a secret: opened once, watched by our own pings, and gone when it is gone.

Nobody opens it again: what was missed must be asked for first. Its address is neither logged nor told in an error.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, InvalidURI, WebSocketException

from tapeline.errors import Misconfigured, Unavailable
from tapeline.runtime.http import retry_after_s

MOST_BYTES: Final = 4 * 1024 * 1024
MOST_WAITING: Final = 1_024
"""So many messages may wait to be received; then reading pauses, and a pause that lasts ends the connection."""
_CLOSE_S: Final = 1.0


class PrivateSocket:
    """An open connection; `where` is what errors call it."""

    def __init__(self, connection: ClientConnection, where: str) -> None:
        """Take the connection; `opened` makes one."""
        self._connection = connection
        self._where = where

    async def send(self, frame: bytes) -> None:
        """Send one text message; Unavailable when the connection is gone."""
        try:
            await self._connection.send(frame, text=True)
        except ConnectionClosed as closed:
            raise Unavailable(f"{self._where} was lost ({_told(closed)})") from None

    async def receive(self, *, within_s: float) -> bytes | None:
        """Return the next message, None when none came in that time; Unavailable when the connection is gone."""
        try:
            async with asyncio.timeout(max(0.0, within_s)):
                return bytes(await self._connection.recv(decode=False))
        except ConnectionClosed as closed:
            raise Unavailable(f"{self._where} was lost ({_told(closed)})") from None
        except TimeoutError:
            return None


@asynccontextmanager
async def opened(
    url: str, *, where: str, ping_every_s: float | None, answer_within_s: float = 2.0, open_within_s: float = 10.0
) -> AsyncIterator[PrivateSocket]:
    """Open a connection for the time of the block; Unavailable when it cannot be.

    `ping_every_s` lets the WebSocket protocol's own ping watch it; None where the venue has a ping of its own.
    """
    try:
        connection = await connect(
            url,
            ping_interval=ping_every_s,
            ping_timeout=answer_within_s,
            compression=None,
            proxy=None,
            max_size=MOST_BYTES,
            max_queue=MOST_WAITING,
            open_timeout=open_within_s,
            close_timeout=_CLOSE_S,
        )
    except InvalidURI:
        raise Misconfigured(f"{where} has no address of a socket", fix="give ws(s)://host:port") from None
    except InvalidStatus as error:
        headers = dict(error.response.headers.raw_items())
        told = f"{where} was refused with HTTP {error.response.status_code}"
        raise Unavailable(told, retry_after_s=retry_after_s(headers)) from None
    except (OSError, WebSocketException) as error:
        raise Unavailable(f"{where} cannot be opened ({type(error).__name__})") from None
    try:
        yield PrivateSocket(connection, where)
    finally:
        await connection.close()


def _told(closed: ConnectionClosed) -> str:
    return str(closed) or type(closed).__name__
