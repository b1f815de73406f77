"""A connection that is ended does end, on a real socket: also while its client reads nothing, and with the server."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import Any

import psutil
from starlette.websockets import WebSocket
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from gateway import serving
from gateway.sockets import LINGER_S
from tests.support.eventually import eventually

LARGE = "x" * 1_000_000
HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class App:
    """Accepts every client; sends until there is no room, or nothing, and closes when it is told to."""

    def __init__(self, *, loud: bool) -> None:
        self.loud = loud
        self.full = asyncio.Event()
        self.may_close = asyncio.Event()
        self.closed = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI's own types
        """Serve one client."""
        client = WebSocket(scope, receive, send)
        await client.accept()
        if self.loud:
            with suppress(TimeoutError):
                async with asyncio.timeout(0.2):
                    while True:
                        await client.send_text(LARGE)
            self.full.set()
            await self.may_close.wait()
            await client.close(1013, "too slow")
            self.closed.set()
        while (await client.receive())["type"] != "websocket.disconnect":
            pass


def deaf(url: str) -> socket.socket:
    """Return a connected socket with hardly any room for what comes."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    made.connect(("127.0.0.1", int(url.rpartition(":")[2])))
    return made


async def test_a_close_waits_for_no_room() -> None:
    """The client that reads at last finds it behind what was sent."""
    app = App(loud=True)
    async with serving.serving(app, "127.0.0.1", 0) as url:
        client = await connect(url.replace("http", "ws"), sock=deaf(url), max_queue=1, max_size=None)
        await app.full.wait()
        app.may_close.set()
        async with asyncio.timeout(LINGER_S / 2):
            await app.closed.wait()
        with suppress(ConnectionClosed):
            async with asyncio.timeout(LINGER_S):
                while True:
                    assert await client.recv() == LARGE
        assert (client.close_code, client.close_reason) == (1013, "too slow")


async def test_who_never_reads_is_cut_off() -> None:
    app = App(loud=True)
    async with serving.serving(app, "127.0.0.1", 0) as url:
        never = deaf(url)
        never.sendall(HANDSHAKE)
        await app.full.wait()
        app.may_close.set()
        await app.closed.wait()
        assert held(never)
        await eventually(lambda: not held(never), within_s=LINGER_S + 2)
        never.close()


def held(client: socket.socket) -> bool:
    """Tell whether the server, which is in this process, still holds its end of the connection."""
    port = client.getsockname()[1]
    return any(one.raddr[1:] == (port,) for one in psutil.Process().net_connections(kind="tcp4"))


async def test_x_04_a_client_that_nobody_has_closed_goes_with_the_server() -> None:
    async with serving.serving(App(loud=False), "127.0.0.1", 0) as url:
        client = await connect(url.replace("http", "ws"))
    with suppress(ConnectionClosed):
        await client.recv()
    assert client.close_code == 1001
