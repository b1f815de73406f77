"""ccxt.pro fed with recorded frames: its own client, handlers and `watch_order_book`, with the network's ends replaced.

A user's loop calls `watch_order_book` for ever, again after an exception. REST and subscriptions are answered at once.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
from collections.abc import Iterable, Sequence
from typing import Any

import ccxt.pro  # type: ignore[import-untyped]  # it ships no types
from aiohttp import ClientSession, WSMessage, WSMsgType
from orjson import dumps

from benchmarks.peers.driving import (
    GZIP,
    SHOWN,
    Delivery,
    Message,
    Recording,
    Seen,
    Take,
    Top,
    serve,
    settled,
    unpacked,
)

_NAMES = {"gateio": "gate"}
"""The venues that it calls otherwise."""
_WAYS = {"kucoin": {"uta": True}, "bitget": {"uta": True}}
"""What a user says to be given the unified socket of a venue and not the classic one."""
_LEAVES = "unsubscribe"
"""What it asks of OKX before it subscribes again."""
_WITHIN_S = 5.0


class Connection:
    """A socket of nothing: frames come from a queue, what is sent is kept."""

    closed = False
    _conn = None

    def __init__(self) -> None:
        """Begin with nothing to receive."""
        self.frames: asyncio.Queue[WSMessage] = asyncio.Queue()
        self.sent: list[str] = []

    async def receive(self) -> WSMessage:
        """Return the next frame."""
        return await self.frames.get()

    async def send_str(self, text: str) -> None:
        """Take what is sent."""
        self.sent.append(text)

    async def close(self) -> None:
        """Do nothing: there is nothing."""
        self.closed = True

    def put(self, message: Message) -> None:
        """Let a frame arrive."""
        self.frames.put_nowait(_arriving(message))


class Ccxt:
    """One exchange at a time."""

    binary = False

    def __init__(self) -> None:
        """Begin without an exchange."""
        self._exchange: Any = None
        self._connection = Connection()
        self._symbol = ""
        self._whole: Message = ""

    async def begin(self, recording: Recording, to: str) -> Take:
        """Hold the book of the start, as the user's first call does."""
        exchange = await self._fresh(recording)
        watched = asyncio.ensure_future(self._watch(recording))
        await self._answer(recording)
        await asyncio.wait_for(watched, _WITHIN_S)
        (client,) = exchange.clients.values()
        handle, symbol = client.handle_text_or_binary_message, self._symbol
        if isinstance(recording.frames[0], bytes):
            unpack = client.handle_message

            def handle(frame: Message) -> None:
                unpack(_arriving(frame))

        def write(frame: Message) -> bytes:
            handle(frame)
            book = exchange.orderbooks[symbol]
            return dumps({**book, "bids": book["bids"][:SHOWN], "asks": book["asks"][:SHOWN]})

        return handle if to == "book" else write

    def top(self) -> Top:
        """Return what the book says now."""
        return _top(self._exchange.orderbooks[self._symbol])

    async def live(self, url: str, take: Take) -> None:
        """Read as its client does, which has aiohttp's socket."""
        async with ClientSession() as session, session.ws_connect(url, autoping=False) as socket:
            async for message in socket:
                take(message.data)

    async def meet(self, recording: Recording, deliveries: Sequence[Delivery]) -> list[Seen]:
        """Let these arrive on its socket while a user watches."""
        await self._fresh(recording)
        handed: list[Top] = []
        said: list[str] = []
        asyncio.get_running_loop().set_exception_handler(
            lambda _loop, told: said.append(f"{type(told.get('exception')).__name__} out of its socket, which ends")
        )

        async def user() -> None:
            while True:
                try:
                    handed.append(_top(await self._watch(recording)))
                except ccxt.pro.BaseError as error:
                    said.append(f"{type(error).__name__} to the user, who subscribes again")
                    await asyncio.sleep(0)

        watching = asyncio.ensure_future(user())
        await self._answer(recording)
        found = []
        for frame, at in deliveries:
            handed.clear()
            said.clear()
            self._whole = recording.wholes[at]
            self._connection.put(frame)
            await settled()
            await self._answer(recording)
            found.append(Seen(list(handed), list(said)))
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        return found

    async def hold(self, recordings: Iterable[Recording]) -> object:
        """Hold a book of each in one exchange."""
        wanted = list(recordings)
        exchange = await self._fresh(wanted[0], also=wanted[1:])
        client = exchange.client(exchange.urls["api"]["ws"]["public"]["spot"])
        for one in wanted:
            client.handle_text_or_binary_message(one.start)
        return exchange

    async def _fresh(self, recording: Recording, also: Sequence[Recording] = ()) -> Any:
        if self._exchange is not None:
            self._exchange.clients = {}
            await self._exchange.close()
        kind = "spot" if recording.spot else "swap"
        # A book over REST is asked for at the first change, not after some of them.
        options = {"defaultType": kind, "watchOrderBook": {"snapshotDelay": 0}}
        name = _NAMES.get(recording.venue, recording.venue)
        exchange = getattr(ccxt.pro, name)({"enableRateLimit": False, "options": options})
        exchange.set_markets([_market(one) for one in (recording, *also)])
        self._exchange, self._connection, self._whole = exchange, Connection(), recording.start
        self._symbol = _market(recording)["symbol"]
        original = exchange.client

        def client(url: str) -> Any:
            found = original(url)
            if found.connection is None:
                found.connection = self._connection
                found.connected.resolve(url)
                asyncio.get_running_loop().call_soon(found.receive_loop)
            return found

        async def fetch(*_asked: Any, **_how: Any) -> Any:
            return json.loads(self._whole)

        exchange.client, exchange.fetch = client, fetch
        return exchange

    async def _answer(self, recording: Recording) -> None:
        """Answer what it has sent, as the venue does, and let it go on."""
        await settled()
        while self._connection.sent:
            asked = json.loads(self._connection.sent.pop(0))
            if "req" in asked:
                self._connection.put(_answering(self._whole, asked))
            elif asked.get("op") == _LEAVES:
                for message in recording.answers:
                    self._connection.put(_answering(message, asked, left=True))
            else:
                for message in recording.answers:
                    self._connection.put(_answering(message, asked))
                for message in (*recording.before, *([self._whole] if recording.source == "stream" else [])):
                    self._connection.put(message)
            await settled()

    async def _watch(self, recording: Recording) -> Any:
        return await self._exchange.watch_order_book(self._symbol, None, _WAYS.get(recording.venue, {}))


def _arriving(message: Message) -> WSMessage:
    return WSMessage(WSMsgType.TEXT if isinstance(message, str) else WSMsgType.BINARY, message, None)


def _answering(message: Message, asked: dict[str, Any], *, left: bool = False) -> Message:
    """Return an answer with the id of what was asked, packed as it was; with `left` that a stream is left."""
    told = json.loads(unpacked(message))
    if left:
        return json.dumps({**told, "event": _LEAVES, "id": asked.get("id")})
    if "id" not in told or "id" not in asked:
        return message
    text = json.dumps({**told, "id": asked["id"]})
    if isinstance(message, str):
        return text
    return gzip.compress(text.encode()) if message.startswith(GZIP) else text.encode()


def _market(recording: Recording) -> dict[str, Any]:
    native = recording.native
    plain = {
        "id": native,
        "lowercaseId": native.lower(),
        "base": recording.base,
        "quote": recording.quote,
        "active": True,
    }
    if recording.spot:
        kind = {"spot": True, "contract": False, "inverse": False, "type": "spot"}
        return {**plain, **kind, "symbol": f"{recording.base}/{recording.quote}"}
    settle = recording.quote
    symbol = f"{recording.base}/{recording.quote}:{settle}"
    kind = {
        "spot": False,
        "swap": True,
        "contract": True,
        "linear": True,
        "inverse": False,
        "type": "swap",
        "settle": settle,
    }
    return {**plain, **kind, "symbol": symbol}


def _top(book: Any) -> Top:
    return (
        [(level[0], level[1]) for level in book["bids"][:SHOWN]],
        [(level[0], level[1]) for level in book["asks"][:SHOWN]],
    )


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    serve(Ccxt(), "ccxt", "orjson", "aiohttp", "protobuf")
