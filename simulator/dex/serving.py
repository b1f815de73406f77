"""A node on a loopback port: HTTP and WebSocket, and the beat at which its chain grows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import WSMsgType, web

from simulator.chance import stream
from simulator.dex import world
from simulator.dex.node import Node
from tapeline.runtime import clock
from tapeline.runtime.lifecycle import background

LOOPBACK = "127.0.0.1"
_SHUTDOWN_S = 0.2
_US_PER_S = 1_000_000


@asynccontextmanager
async def serving(node: Node, port: int = 0) -> AsyncIterator[int]:
    """Serve a node while the block runs; yield its port."""

    async def handle(request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await _socket(node, request)
        return web.Response(text=node.hear(await request.text()), content_type="application/json")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=_SHUTDOWN_S)
    await runner.setup()
    try:
        await web.TCPSite(runner, LOOPBACK, port).start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


async def grow(node: Node, *, block_s: float, seed: int) -> None:
    """Let the chain grow by a block at a time, until cancelled."""
    chance = stream(seed, "dex")
    while True:
        await asyncio.sleep(block_s)
        world.trade(node.chain, chance)
        node.tell(node.chain.seal(clock.now_us() // _US_PER_S))


async def _socket(node: Node, request: web.Request) -> web.StreamResponse:
    socket = web.WebSocketResponse(compress=False)
    _ = await socket.prepare(request)
    waiting: asyncio.Queue[str] = asyncio.Queue()

    def cut() -> None:
        if request.transport is not None:
            request.transport.abort()

    listener = node.listen(waiting.put_nowait, cut)

    async def send() -> None:
        while True:
            await socket.send_str(await waiting.get())

    async with background("sender", send()):
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    waiting.put_nowait(node.hear(str(message.data), listener))
        finally:
            node.listeners.remove(listener)
    return socket
