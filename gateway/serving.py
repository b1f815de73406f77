"""The listening socket and uvicorn's server inside our lifecycle, which alone owns signals, tasks and exit codes."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from gateway.sockets import LiveSocket
from tapeline.errors import Misconfigured
from tapeline.runtime.lifecycle import background

_LOOPBACK: Final = {4: "127.0.0.1", 6: "::1"}
LONGEST_MESSAGE: Final = 64 * 1024
PING_EVERY_S: Final = 20.0
_DRAIN_S: Final = 5


@asynccontextmanager
async def serving(app: ASGIApp, host: str, port: int) -> AsyncIterator[str]:
    """Serve `app` for the time of the block and yield its address; port 0 takes a free one.

    Raises Misconfigured when nobody can listen there.
    """
    listener = await asyncio.to_thread(listen, host, port)
    server = _Server(_config(app))
    try:
        async with background("server", server.serve(sockets=[listener])) as running:
            await server.listens.wait()
            try:
                yield address(*listener.getsockname()[:2])
            finally:
                server.should_exit = True
                await asyncio.wait({running})
    finally:
        listener.close()


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens there."""
    try:
        family, _, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(place[:2], family=family)
    except (OSError, UnicodeError) as error:
        raise _refused(error, host, port) from error


def address(host: str, port: int) -> str:
    """Return the URL at which this machine reaches a listening socket."""
    told = ip_address(host.partition("%")[0])
    name = _LOOPBACK[told.version] if told.is_unspecified else host
    return f"http://[{name}]:{port}" if told.version == 6 else f"http://{name}:{port}"  # noqa: PLR2004 - IPv6


def _refused(error: OSError | UnicodeError, host: str, port: int) -> Misconfigured:
    code = (error.errno or 0) if isinstance(error, OSError) else 0
    if code == errno.EADDRINUSE:
        return Misconfigured(
            f"port {port} of setting server.port is taken",
            fix="stop what listens there, or set server.port to another port (0 takes a free one)",
        )
    if code == errno.EACCES:
        return Misconfigured(
            f"port {port} of setting server.port needs rights that this user has not",
            fix="set server.port to one above 1023",
        )
    # A name that no server of names knows has a code below zero, and its own words.
    reason = os.strerror(code) if code > 0 else str(getattr(error, "strerror", None) or error)
    return Misconfigured(
        f"server.host {host!r} is no address to listen at ({reason})",
        fix="set it to an address of this machine, 127.0.0.1 for this machine alone",
    )


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        ws=LiveSocket,
        lifespan="off",
        # Its lines name whole URLs, and a token may stand in one.
        access_log=False,
        log_config=None,
        log_level="warning",
        server_header=False,
        # A proxy on this machine says who the client is.
        forwarded_allow_ips="127.0.0.1,::1",
        workers=1,
        ws_max_size=LONGEST_MESSAGE,
        ws_ping_interval=PING_EVERY_S,
        ws_ping_timeout=PING_EVERY_S,
        # Market data of thousands of frames a second is not worth its cost, once per client.
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=_DRAIN_S,
    )


class _Server(uvicorn.Server):
    """A server that tells when it listens and leaves signals alone."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and tell it."""
        await super().startup(sockets)
        self.listens.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none: the lifecycle has them."""
        yield
