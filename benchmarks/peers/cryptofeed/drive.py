"""cryptofeed fed with recorded frames: its own feeds, handlers and callbacks, with the network's ends replaced.

The user's callback gets each book. A snapshot that it asks over REST is answered at once, so is a subscription.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from typing import Any

from cryptofeed import _json as its_json
from cryptofeed.connection import WSAsyncConn
from cryptofeed.defines import L2_BOOK
from cryptofeed.exchanges import (
    OKX,
    Binance,
    BinanceFutures,
    Bitget,
    Bybit,
    Gate,
    GateFutures,
    KuCoin,
    KuCoinFutures,
    MEXCSpot,
)
from cryptofeed.symbols import Symbols

from benchmarks.peers.driving import SHOWN, Delivery, Message, Recording, Seen, Take, Top, serve

_FEEDS = {
    ("binance", "spot"): Binance,
    ("binance", "futures"): BinanceFutures,
    ("bybit", "spot"): Bybit,
    ("bybit", "futures"): Bybit,
    ("okx", "spot"): OKX,
    ("okx", "futures"): OKX,
    ("kucoin", "spot"): KuCoin,
    ("kucoin", "futures"): KuCoinFutures,
    ("mexc", "spot"): MEXCSpot,
    ("bitget", "spot"): Bitget,
    ("bitget", "futures"): Bitget,
    ("gateio", "spot"): Gate,
    ("gateio", "futures"): GateFutures,
}
_PATHS = {"spot": "spot", "futures": "linear"}


class Connection:
    """A socket and a REST client of nothing: what is asked for is answered by what the venue would say."""

    def __init__(self, recording: Recording, said: list[str]) -> None:
        """Begin with the book of the recording's start; `said` is told what was asked for."""
        self.uuid = "recorded"
        self.address = f"wss://recorded/v5/public/{_PATHS[recording.market]}"
        self.subscription: dict[str, list[str]] = {}
        self.asked = False
        self.whole = recording.start
        self._said = said

    async def read(self, _address: str, **_how: Any) -> Message:
        """Answer a request: the book over REST."""
        self._said.append("asks for a new book")
        return self.whole

    async def write(self, _text: str) -> None:
        """Take a subscription."""
        self.asked = True


class Cryptofeed:
    """One feed at a time."""

    binary = False

    def __init__(self) -> None:
        """Begin without a feed."""
        self._book: Any = None
        self._handed: list[Top] = []
        self._said: list[str] = []

    async def begin(self, recording: Recording, to: str) -> Take:
        """Hold the book of the start."""

        async def keep(book: Any, _receipt_s: float) -> None:
            self._book = book

        async def write(book: Any, _receipt_s: float) -> None:
            self._book = book
            its_json.dumpb(book.to_dict(numeric_type=float))

        feed, connection = self._feed(recording, keep if to == "book" else write, SHOWN if to == "record" else 0)
        await self._started(feed, connection, recording)
        handle = feed.message_handler

        async def take(frame: Message) -> None:
            await handle(frame, connection, 1.0)

        return take

    def top(self) -> Top:
        """Return what the book says now."""
        return _top(self._book)

    async def live(self, url: str, take: Take) -> None:
        """Read with its own connection, which asks for an encrypted address and does not look at it again."""
        connection = WSAsyncConn("wss://recorded", "recorded")
        connection.address = url
        async with connection.connect():
            async for frame in connection.read():
                await take(frame)

    async def meet(self, recording: Recording, deliveries: Sequence[Delivery]) -> list[Seen]:
        """Feed these; on an exception connect again at once, as its connection handler does after a second."""

        async def hand(book: Any, _receipt_s: float) -> None:
            self._handed.append(_top(book))

        feed, connection = self._feed(recording, hand, 0)
        await self._started(feed, connection, recording)
        found = []
        for frame, at in deliveries:
            self._handed, connection.whole = [], recording.wholes[at]
            self._said.clear()
            try:
                await feed.message_handler(frame, connection, time.time())
            except Exception as error:  # noqa: BLE001 - as its connection handler does
                self._said.append(f"{type(error).__name__}, connects again")
                await feed.subscribe(connection)
            if connection.asked and not recording.over_rest:
                connection.asked = False
                await feed.message_handler(connection.whole, connection, time.time())
            found.append(Seen(self._handed, list(self._said)))
        return found

    async def hold(self, recordings: Iterable[Recording]) -> object:
        """Hold a book of each in one feed."""
        wanted = list(recordings)

        async def keep(book: Any, _receipt_s: float) -> None:
            self._book = book

        feed, connection = self._feed(wanted[0], keep, 0, also=wanted[1:])
        for one in wanted:
            await feed.message_handler(one.start, connection, 1.0)
        return feed

    def _feed(self, recording: Recording, callback: Any, depth: int, also: Sequence[Recording] = ()) -> Any:
        kind = _FEEDS[recording.venue, recording.market]
        names = {_name(one): _native(one) for one in (recording, *also)}
        Symbols.set(kind.id, names, {"instrument_type": dict.fromkeys(names, "spot")})
        feed = kind(symbols=list(names), channels=[L2_BOOK], callbacks={L2_BOOK: callback}, max_depth=depth)
        connection = Connection(recording, self._said)
        connection.subscription = feed.subscription
        feed.http_conn = connection
        return feed, connection

    async def _started(self, feed: Any, connection: Connection, recording: Recording) -> None:
        await feed.subscribe(connection)
        connection.asked = False
        for message in recording.before:
            await feed.message_handler(message, connection, time.time())
        if recording.over_rest:
            if not recording.before:
                await feed._snapshot(_native(recording))  # noqa: SLF001 - what its first frame would do
        else:
            await feed.message_handler(recording.start, connection, time.time())


def _name(recording: Recording) -> str:
    plain = f"{recording.base}-{recording.quote}"
    return plain if recording.spot else f"{plain}-PERP"


def _native(recording: Recording) -> str:
    """Return its own word for the instrument, where that is not the venue's."""
    if recording.venue == "bitget":
        return f"{recording.native}_{'SPOT' if recording.spot else 'USDT-FUTURES'}"
    slashed = recording.venue == "bybit" and recording.spot
    return f"{recording.base}/{recording.quote}" if slashed else recording.native


def _top(book: Any) -> Top:
    bids, asks = book.book.bids, book.book.asks
    return tuple(  # type: ignore[return-value]  # two of them
        [(float(price), float(side[price])) for price in (side.index(at)[0] for at in range(min(SHOWN, len(side))))]
        for side in (bids, asks)
    )


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    serve(Cryptofeed(), "cryptofeed", "order-book", "msgspec")
