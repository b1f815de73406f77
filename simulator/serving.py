"""Exchanges on loopback sockets: HTTP and WebSocket on one port each, and the beat that moves their markets."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiohttp import WSMsgType, web

from simulator import control
from simulator.connection import Connection
from simulator.exchange import Exchange
from simulator.face import Request
from simulator.market import TICK_US
from tapeline.errors import Misconfigured
from tapeline.runtime import clock

LOOPBACK = "127.0.0.1"

_TICK_S = TICK_US / 1_000_000
_LOOK_AFTER_S = 0.5
# A process that was stopped for longer goes on from now; what it did not do then is not made up for.
_MOST_LATE_S = 1.0
_SHUTDOWN_S = 0.2
_LONGEST_MESSAGE = 1 << 18


@asynccontextmanager
async def serving(exchange: Exchange, port: int) -> AsyncIterator[int]:
    """Serve one exchange while the block runs; yield its port."""

    async def handle(request: web.Request) -> web.StreamResponse:
        return await _handle(exchange, request)

    app = web.Application()
    control.routes(app, exchange)
    app.router.add_route("*", "/{path:.*}", handle)
    try:
        async with listening(app, port, exchange.place) as own:
            exchange.open(clock.now_us(), clock.monotonic_s())
            try:
                yield own
            finally:
                # Clients are told while they are still there.
                exchange.close(clock.now_us())
    finally:
        exchange.journal.close()


@asynccontextmanager
async def listening(app: web.Application, port: int, place: str) -> AsyncIterator[int]:
    """Serve a market's addresses on loopback while the block runs; yield the port, Misconfigured for a taken one."""
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=_SHUTDOWN_S)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, LOOPBACK, port).start()
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            raise Misconfigured(
                f"port {port} of {place} is taken", fix="give another --port, or none for a free one"
            ) from None
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


async def beat(exchanges: Sequence[Exchange]) -> None:
    """Move the markets by one tick every 20 ms, catching up when a tick came late, until cancelled."""
    next_s = looked_s = clock.monotonic_s()
    while True:
        now_s = clock.monotonic_s()
        if now_s - next_s > _MOST_LATE_S:
            next_s = now_s
        while next_s <= now_s:
            for exchange in exchanges:
                exchange.tick(clock.now_us(), clock.monotonic_s())
            next_s += _TICK_S
        if now_s - looked_s >= _LOOK_AFTER_S:
            looked_s = now_s
            for exchange in exchanges:
                exchange.look_after(clock.now_us(), clock.monotonic_s())
        await asyncio.sleep(max(0.0, next_s - clock.monotonic_s()))


async def _handle(exchange: Exchange, request: web.Request) -> web.StreamResponse:
    if request.headers.get("Upgrade", "").lower() == "websocket":
        return await _socket(exchange, request)
    body = (await request.read()).decode("utf-8", "replace")
    answer = exchange.rest(
        Request(
            path=request.path,
            query=dict(request.query),
            at_us=clock.now_us(),
            method=request.method,
            raw=request.rel_url.raw_query_string,
            body=body,
            headers=_headers(request),
        ),
        clock.monotonic_s(),
    )
    lag_s = exchange.striker.rest_lag_s()
    if lag_s:
        await asyncio.sleep(lag_s)
    if answer.lost_s is not None:
        return await _lose(request, answer.lost_s)
    headers = {"Content-Type": "application/json;charset=UTF-8", **answer.headers}
    return web.Response(body=answer.body.encode(), status=answer.status, headers=headers)


def _headers(request: web.Request) -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers.items()}


async def _lose(request: web.Request, hold_s: float) -> web.StreamResponse:
    """Let a client wait, then break the connection off without an answer."""
    await asyncio.sleep(hold_s)
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


async def _socket(exchange: Exchange, request: web.Request) -> web.StreamResponse:
    """Serve one connection: incoming by aiohttp, outgoing as ready bytes on its transport."""
    route = exchange.face.route(request.path, dict(request.query))
    if route is None:
        return web.Response(status=404)
    if not exchange.may_connect(clock.monotonic_s()):
        return web.Response(status=429)
    # No compression: every client gets the same bytes. Pings are answered by the exchange, which may be stalled.
    socket = web.WebSocketResponse(autoping=False, compress=False, max_msg_size=_LONGEST_MESSAGE)
    await socket.prepare(request)
    wire = request.transport
    if wire is None:
        return socket
    connection = exchange.connect(
        wire, request.path_qs, route, clock.now_us(), clock.monotonic_s(), headers=_headers(request)
    )
    try:
        await _listen(exchange, connection, socket)
    finally:
        exchange.disconnect(connection, clock.now_us())
    return socket


async def _listen(exchange: Exchange, connection: Connection, socket: web.WebSocketResponse) -> None:
    async for message in socket:
        text = str(message.data) if message.type is WSMsgType.TEXT else None
        ping = bytes(message.data) if message.type is WSMsgType.PING else None
        exchange.hear(connection, text, clock.now_us(), clock.monotonic_s(), ping)
