"""A venue's REST on loopback that a test answers for itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol, TypeVar

from aiohttp import web


class Answering(Protocol):
    """What answers; it is told its own address."""

    url: str

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""


Server = TypeVar("Server", bound=Answering)


@asynccontextmanager
async def serving(server: Server) -> AsyncIterator[Server]:
    """Serve every path and method on a free port while the block runs."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield server
    finally:
        await runner.cleanup()
