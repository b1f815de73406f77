"""A venue's depth frame to a checked book, and on to an Avro record of 20 levels: ours against ccxt.pro's own handlers.

Both sides begin at the bytes of a frame with a book of 1,000 levels a side in place; ccxt has no records
and ends at its book. The stream is made here before the clock runs, shaped and numbered as the venue's.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache
from itertools import count, islice

import ccxt.pro  # type: ignore[import-untyped]  # it ships no types; it is the peer here and nothing else

from benchmarks.measure import Result, compare
from schemas import topics
from tapeline.domain.book import APPLIED, BookDelta, BookKeeper, BookSnapshot, Restored
from tapeline.domain.book_records import book_record
from tapeline.domain.events import Market, OfInstrument
from tapeline.runtime.codec import Codec
from tapeline.venues.contract import Feed
from tapeline.venues.registry import feed

LEVELS = 1_000
CHANGES = 30
"""Levels in a frame, as Binance's busiest spot symbol sends in 100 ms."""
CALLS = 400
ROUNDS = 9
DELETED_OF_9 = 4
_PLACES = 41
"""So many prices the best ask takes in turn: more than frames are ever behind."""
SHOWN = 20
PEER = "ccxt.pro"
START = 50_000_000_000
NATIVE, SYMBOL = "BTCUSDT", "BTC/USDT"


def run() -> list[Result]:
    """Return the comparisons for both venues."""
    return [result for venue in ("binance", "bybit") for result in _of(venue)]


def _of(venue: str) -> Iterator[Result]:
    market: Market = "spot"
    one = feed(venue, market)
    of = OfInstrument(venue=venue, market=market, symbol=SYMBOL)
    topic = topics.by_name("md.book")
    codec = Codec({topic.subject: 1})

    def to_book(keeper: BookKeeper, frame: bytes) -> None:
        (delta,) = one.decode(frame, 1)
        if not isinstance(delta, BookDelta) or keeper.delta(delta) is not APPLIED:
            message = f"the frame was not applied: {frame!r}"
            raise AssertionError(message)

    def to_record(keeper: BookKeeper, frame: bytes) -> bytes:
        to_book(keeper, frame)
        record = book_record(of, keeper, depth=SHOWN, conflated=0, first_received_us=1, published_us=1)
        return b"" if record is None else codec.encode(topic, record)

    for what, work in (("checked book", to_book), ("record of 20 levels", to_record)):
        yield from compare(
            f"{venue} depth frame of {CHANGES} levels to {what}",
            _ours(one, venue, work),
            {PEER: _theirs(venue)},
            calls=CALLS,
            rounds=ROUNDS,
        )


def _ours(one: Feed, venue: str, work: Callable[[BookKeeper, bytes], object]) -> Callable[[], object]:
    keeper = BookKeeper(epoch=1)
    first = next(frames(venue, START, whole=True))
    (snapshot,) = one.decode(first, 1) if venue == "bybit" else (one.read_book(first, NATIVE, LEVELS, 1),)
    held = isinstance(snapshot, BookSnapshot) and isinstance(keeper.snapshot(snapshot), Restored)
    if not held:
        message = f"no book: {snapshot}"
        raise AssertionError(message)
    stream = iter(_made(venue))
    return lambda: work(keeper, next(stream))


def _theirs(venue: str) -> Callable[[], object]:
    exchange = getattr(ccxt.pro, venue)({"enableRateLimit": False})
    exchange.set_markets(
        [{"id": NATIVE, "symbol": SYMBOL, "base": "BTC", "quote": "USDT", "spot": True, "type": "spot"}]
    )
    client = _Client("wss://stream.local/" + ("stream" if venue == "binance" else "v5/public/spot"))
    first = json.loads(next(frames(venue, START, whole=True)))
    if venue == "binance":
        exchange.orderbooks[SYMBOL] = exchange.order_book(exchange.parse_order_book(first, SYMBOL), LEVELS)
        exchange.orderbooks[SYMBOL]["nonce"] = first["lastUpdateId"]
    else:
        exchange.handle_message(client, first)
    stream = iter(_made(venue))
    counted = count(START + 1)

    def work() -> object:
        exchange.handle_message(client, json.loads(next(stream)))
        book = exchange.orderbooks[SYMBOL]
        if book["timestamp"] != next(counted):
            message = f"the peer did not apply the frame: {book}"
            raise AssertionError(message)
        return book

    return work


class _Client:
    """The little of a socket that ccxt's handlers ask for."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.subscriptions: dict[str, object] = {}
        self.lastPong = 0

    def resolve(self, result: object, _hash: str) -> object:
        """Give the result to those who wait: nobody does."""
        return result


@cache
def _made(venue: str) -> list[bytes]:
    return list(islice(frames(venue, START), CALLS * (ROUNDS + 1)))


def frames(
    venue: str, begin: int, *, whole: bool = False, native: str = NATIVE, market: Market = "spot", moving: bool = False
) -> Iterator[bytes]:
    """Yield the snapshot, or depth frames without end that change levels near the top, as the venue writes them.

    With `moving` the best ask has another price in each of them.
    """
    for number in count(begin if whole else begin + 1):
        sides = [
            [
                [f"{price:.2f}", "1.50000000" if whole else _quantity(number, at)]
                for at, price in enumerate(_prices(side, number, LEVELS if whole else CHANGES // 2))
            ]
            for side in (-1, 1)
        ]
        bids, asks = sides
        if moving:
            left = [] if whole else [[f"{_best_ask(number - 1):.2f}", "0.00000000"]]
            asks = [[f"{_best_ask(number):.2f}", "1.50000000"], *left, *asks]
        if venue == "bybit":
            kind = "snapshot" if whole else "delta"
            data = {"s": native, "b": bids, "a": asks, "u": number, "seq": number}
            frame: object = {
                "topic": f"orderbook.1000.{native}",
                "type": kind,
                "ts": number,
                "data": data,
                "cts": number,
            }
        elif whole:
            frame = {"lastUpdateId": number, "bids": bids, "asks": asks}
        else:
            data = {"e": "depthUpdate", "E": number, "s": native, "U": number, "u": number, "b": bids, "a": asks}
            data |= {"T": number, "pu": number - 1} if market == "futures" else {}
            frame = {"stream": f"{native.lower()}@depth@100ms", "data": data}
        yield json.dumps(frame, separators=(",", ":")).encode()


def _quantity(number: int, at: int) -> str:
    """Return a quantity: as in recorded frames, nearly half of the changes delete and as many bring a new level."""
    return "0.00000000" if (number + at) % 9 < DELETED_OF_9 else f"{(number * 7 + at) % 97 / 8 + 0.01:.8f}"


def _best_ask(number: int) -> float:
    return 60_000 + number % _PLACES / 100


def _prices(side: int, number: int, size: int) -> list[float]:
    step = 1 if size == LEVELS else 1 + number % 11
    return [60_000 + side * (0.5 + at * step) for at in range(size)]
