"""The venues of a chain on loopback ports: HTTP, WebSocket, the hand of `simulator.control`, and the chain's beat."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import WSMsgType, web

from simulator import control
from simulator.control import State
from simulator.dex.node import Node
from simulator.dex.onchain import NODE, OnChain
from simulator.serving import listening
from tapeline.runtime import clock
from tapeline.runtime.lifecycle import background

BEAT_S = 0.1


@asynccontextmanager
async def serving(on: OnChain, venue: str, port: int = 0) -> AsyncIterator[int]:
    """Serve one venue of a chain while the block runs; yield its port."""

    async def handle(request: web.Request) -> web.StreamResponse:
        on.schedules[venue].arm_once(clock.monotonic_s())
        return await (_node(on.node, request) if venue == NODE else _quotes(on, request))

    app = web.Application()
    _hand(app, on, venue)
    app.router.add_route("*", "/{path:.*}", handle)
    async with listening(app, port, f"{venue}:spot") as own:
        yield own


async def beat(on: OnChain) -> None:
    """Let the chain grow and faults happen, until cancelled."""
    while True:
        on.tick(clock.now_us(), clock.monotonic_s())
        await asyncio.sleep(BEAT_S)


def _hand(app: web.Application, on: OnChain, venue: str) -> None:
    """Add what a test or the demo asks for, as exchanges have it."""

    async def state(request: web.Request) -> web.Response:
        del request
        listeners = on.node.listeners if venue == NODE else []
        return control.as_json(
            State(
                place=f"{venue}:spot",
                tick=on.node.chain.number,
                halted=on.halted,
                connections=len(listeners),
                streams=sum(len(one.subscriptions) for one in listeners),
                faults=dict(on.schedules[venue].counts),
                at_us=clock.now_us(),
            )
        )

    async def steer(request: web.Request) -> web.Response:
        match request.match_info["order"]:
            case "arm":
                on.schedules[venue].arm(clock.monotonic_s())
            case "calm":
                on.calm()
            case _:
                on.halt()
        return await state(request)

    app.router.add_get(f"{control.PREFIX}/state", state)
    app.router.add_post(control.PREFIX + "/{order:arm|calm|halt}", steer)


async def _quotes(on: OnChain, request: web.Request) -> web.StreamResponse:
    shown = request.headers.get("Authorization", "")
    status, answer = on.quotes.ask(request.path, dict(request.query), shown, clock.monotonic_s())
    return control.as_json(answer, status)


async def _node(node: Node, request: web.Request) -> web.StreamResponse:
    if request.headers.get("Upgrade", "").lower() == "websocket":
        return await _socket(node, request)
    return web.Response(text=node.hear(await request.text()), content_type="application/json")


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
