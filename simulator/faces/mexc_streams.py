"""The streams of MEXC spot by name, and their messages: protocol buffers inside one wrapper.

Field numbers are those of the sheet, section 9. Trade ids (field 5, new in 2026-06) are always sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from simulator.faces.protobuf import inner, text, whole
from simulator.frames import Kind
from simulator.journal import PriceLevel

# Fields of the wrapper.
_CHANNEL, _SYMBOL, _SENT = 1, 3, 6
_LIMIT_DEPTHS, _TICKERS, _DEPTHS, _DEALS, _TICKER = 303, 311, 313, 314, 315

_PACES_MS = {"10ms": 10, "100ms": 100}
_LIMITS = ("5", "10", "20")
_PACED: dict[str, Kind] = {
    "public.aggre.depth.v3.api.pb": "book",
    "public.aggre.deals.v3.api.pb": "trade",
    "public.aggre.bookTicker.v3.api.pb": "top",
}
_LIMIT = "public.limit.depth.v3.api.pb"
_BATCH = "public.bookTicker.batch.v3.api.pb"
_KLINE = "public.kline.v3.api.pb"
_SHORT, _LONG = 3, 4


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream; `channel` is its name without the symbol, as every message of it repeats; `kind` None is silent."""

    name: str
    wire: str
    kind: Kind | None
    channel: str
    every_ms: int = 0
    levels: int = 0


def parse_stream(name: str) -> Stream | None:
    """Read a stream's name; None for one that does not exist."""
    words = name.split("@")
    if words[0] != "spot" or not _SHORT <= len(words) <= _LONG:
        return None
    what = words[1]
    if what in _PACED and len(words) == _LONG and words[2] in _PACES_MS:
        return Stream(name, words[3], _PACED[what], "@".join(words[:3]), _PACES_MS[words[2]])
    if what == _LIMIT and len(words) == _LONG and words[3] in _LIMITS:
        return Stream(name, words[2], "top", f"spot@{_LIMIT}@{words[3]}", levels=int(words[3]))
    if what == _BATCH and len(words) == _SHORT:
        return Stream(name, words[2], "top", f"spot@{_BATCH}")
    if what == _KLINE and len(words) == _LONG:
        return Stream(name, words[2], None, "")
    return None


@dataclass(frozen=True, slots=True)
class Fill:
    """One trade; `side` is the taker's."""

    id: str
    price: str
    quantity: str
    side: str
    at_ms: int


def depths(
    bids: Iterable[PriceLevel], asks: Iterable[PriceLevel], stream: Stream, first: int, last: int
) -> tuple[int, bytes]:
    """Return changes of the book, which bring it from the version before `first` to `last`."""
    versions = text(4, str(first)) + text(5, str(last))
    return _DEPTHS, _sides(asks, bids) + text(3, stream.channel) + versions


def limit_depths(
    bids: Iterable[PriceLevel], asks: Iterable[PriceLevel], stream: Stream, version: int
) -> tuple[int, bytes]:
    """Return the top of the book as it is."""
    return _LIMIT_DEPTHS, _sides(asks, bids) + text(3, stream.channel) + text(4, str(version))


def deals(fills: Iterable[Fill], stream: Stream) -> tuple[int, bytes]:
    """Return trades; 1 is a taker who bought, 2 one who sold."""
    items = (
        text(1, one.price)
        + text(2, one.quantity)
        + whole(3, 1 if one.side == "buy" else 2)
        + whole(4, one.at_ms)
        + text(5, one.id)
        for one in fills
    )
    return _DEALS, b"".join(inner(1, item) for item in items) + text(2, stream.channel)


def ticker(bid: PriceLevel, ask: PriceLevel, version: int) -> tuple[int, bytes]:
    """Return the best prices."""
    return _TICKER, _best(bid, ask) + text(5, str(version))


def tickers(bid: PriceLevel, ask: PriceLevel, version: int) -> tuple[int, bytes]:
    """Return the best prices as a batch of one."""
    return _TICKERS, inner(1, _best(bid, ask)) + text(2, str(version))


def wrapped(stream: Stream, body: tuple[int, bytes], sent_ms: int) -> bytes:
    """Return a message as it is sent."""
    head = text(_CHANNEL, stream.name) + text(_SYMBOL, stream.wire) + whole(_SENT, sent_ms)
    return head + inner(*body)


def _sides(asks: Iterable[PriceLevel], bids: Iterable[PriceLevel]) -> bytes:
    sides = ((1, asks), (2, bids))
    return b"".join(inner(field, text(1, price) + text(2, size)) for field, side in sides for price, size in side)


def _best(bid: PriceLevel, ask: PriceLevel) -> bytes:
    return text(1, bid[0]) + text(2, bid[1]) + text(3, ask[0]) + text(4, ask[1])
