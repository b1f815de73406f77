"""A made-up exchange in a process of its own that speaks Binance's spot protocol: books on request, frames at a rate.

Every symbol has its own numbers, so that what comes out at the end of a chain tells which frame it came from. The other
process sees `Exchange`; between the two go lines on the standard streams: rate and duration, and when what was sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from subprocess import PIPE

from aiohttp import WSMsgType, web

from benchmarks import frames, order_answers
from tapeline.runtime import clock

HOST = "127.0.0.1"
Frame = tuple[str, int]
"""A frame: its symbol and its number."""
_LINE = 64 * 1024 * 1024
_ANYBODY = "ANYBODY"
_BEHIND = 1 << 30
"""Bytes that may wait for a client: a slow one never slows the exchange, what it is behind shows as latency."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """The exchange as its clients see it."""

    symbols: tuple[str, ...]
    rest: str
    ws: str
    process: asyncio.subprocess.Process

    @property
    def natives(self) -> dict[str, str]:
        """Return the symbols by the venue's names."""
        return _natives(self.symbols)

    async def replay(self, rate: float, seconds: float) -> dict[Frame, int]:
        """Send frames of all symbols in turns, evenly; return when each was sent, in microseconds of wall time."""
        told = await _asked(self.process, f"{rate} {seconds}\n")
        return {(symbol, number): at_us for symbol, number, at_us in json.loads(told)}


@asynccontextmanager
async def opened(count: int) -> AsyncIterator[Exchange]:
    """Run an exchange with so many symbols for the time of the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.exchange", str(count), stdin=PIPE, stdout=PIPE, limit=_LINE
    )
    try:
        address = json.loads(await _asked(process, ""))
        yield Exchange(_symbols(count), f"http://{address}", f"ws://{address}", process)
    finally:
        process.kill()
        await process.wait()


async def _asked(process: asyncio.subprocess.Process, line: str) -> bytes:
    if process.stdin is None or process.stdout is None:
        raise AssertionError(process)
    process.stdin.write(line.encode())
    return await process.stdout.readline()


def _symbols(count: int) -> tuple[str, ...]:
    return tuple(f"C{number:03}/USDT" for number in range(count))


def _natives(symbols: Sequence[str]) -> dict[str, str]:
    return {symbol.replace("/", ""): symbol for symbol in symbols}


# ---------------------------------------------------------------- inside its own process
class Server:
    """The exchange itself: which socket carries which symbol, and the number each has reached."""

    def __init__(self, count: int) -> None:
        """Begin with so many symbols that nobody has subscribed."""
        self._natives = _natives(_symbols(count))
        # Above all that an exchange before this one has sent: its records may still be in the broker.
        self._numbers = dict.fromkeys(self._natives, frames.START + round(time.monotonic() * 1_000))
        self._sockets: dict[str, web.WebSocketResponse] = {}

    async def socket(self, request: web.Request) -> web.WebSocketResponse:
        """Take subscriptions until the socket closes."""
        socket = web.WebSocketResponse(compress=False, writer_limit=_BEHIND)
        await socket.prepare(request)
        streams = {f"{native.lower()}@depth@100ms": native for native in self._natives}
        async for message in socket:
            asked = json.loads(message.data)
            self._sockets |= {streams[name]: socket for name in asked["params"] if name in streams}
            await socket.send_json({"result": None, "id": asked["id"]})
        return socket

    async def instruments(self, _request: web.Request) -> web.Response:
        """List all symbols."""
        return web.json_response({"symbols": [_listing(native) for native in self._natives]})

    async def book(self, request: web.Request) -> web.Response:
        """Answer with the book of a symbol at its newest number."""
        native = request.query["symbol"]
        body = next(frames.frames("binance", self._numbers[native], whole=True, native=native, moving=True))
        return web.Response(body=body, content_type="application/json")

    async def trades(self, _request: web.Request) -> web.Response:
        """Answer that there were none."""
        return web.json_response([])

    async def replay(self, rate: float, seconds: float) -> list[tuple[str, int, int]]:
        """Send frames in turns, evenly, and return when each was sent."""
        turns = self._turns(round(rate * seconds))
        made = {number: _made(number) for number in {number for _, number in turns}}
        sent: list[tuple[str, int, int]] = []
        began_s = time.monotonic()
        for turn, (native, number) in enumerate(turns):
            # Also when it is late: what was written and what was asked has its turn.
            await asyncio.sleep(max(0.0, began_s + turn / rate - time.monotonic()))
            frame, self._numbers[native] = _of(native, made[number]), number
            sent.append((self._natives[native], number, clock.now_us()))
            # A client that has gone away misses what it is sent, and says so itself.
            with contextlib.suppress(ConnectionResetError):
                await self._sockets[native].send_frame(frame, WSMsgType.TEXT)
        return sent

    def _turns(self, count: int) -> list[tuple[str, int]]:
        """Return whose turn it is, and the number of its frame."""
        symbols = len(self._natives)
        order = islice(cycle(self._natives), count)
        return [(native, self._numbers[native] + 1 + turn // symbols) for turn, native in enumerate(order)]


def _made(number: int) -> bytes:
    """Return the frame of this number before it is anybody's: all of them are made before the first is due."""
    return next(frames.frames("binance", number - 1, native=_ANYBODY, moving=True))


def _of(native: str, frame: bytes) -> bytes:
    lower = frame.replace(_ANYBODY.lower().encode(), native.lower().encode())
    return lower.replace(_ANYBODY.encode(), native.encode())


def _listing(native: str) -> dict[str, object]:
    quote = "USDT"
    return {
        "symbol": native,
        "status": "TRADING",
        "baseAsset": native.removesuffix(quote),
        "quoteAsset": quote,
        "filters": [
            {"filterType": "PRICE_FILTER", "tickSize": "0.01"},
            {"filterType": "LOT_SIZE", "stepSize": "0.00000001", "minQty": "0", "maxQty": "9000000"},
        ],
    }


async def main(count: int) -> None:
    """Serve until the other process is gone."""
    server = Server(count)
    app = web.Application()
    app.router.add_get("/stream", server.socket)
    app.router.add_get("/api/v3/exchangeInfo", server.instruments)
    app.router.add_get("/api/v3/depth", server.book)
    app.router.add_get("/api/v3/trades", server.trades)
    app.add_routes(order_answers.ROUTES)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, HOST, 0).start()
    _say(f"{HOST}:{runner.addresses[0][1]}")
    while line := await asyncio.to_thread(sys.stdin.readline):
        rate, seconds = map(float, line.split())
        _say(await server.replay(rate, seconds))
    await runner.cleanup()


def _say(value: object) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
