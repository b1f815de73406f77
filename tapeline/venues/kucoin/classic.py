"""KuCoin's classic sockets, whose frames name a `topic`: books without a snapshot of their own, and trades.

Nothing is subscribed in this form (it needs a token of a REST call); it is read because recordings hold it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import field

from tapeline.domain import exact
from tapeline.domain.book import BookDelta, BookSnapshot
from tapeline.domain.levels import Column
from tapeline.errors import InvalidMessage
from tapeline.venues.contract import (
    Event,
    Levels,
    Milliseconds,
    Price,
    PublicTrade,
    Quantity,
    Sequence64,
    T,
    Unexpected,
    columns,
    read,
)
from tapeline.venues.kucoin import rest, wire

US_PER_MS: Final = 1_000
SIDES: Final = frozenset({"buy", "sell"})
NANOSECONDS: Final = 10**17
"""No time in milliseconds comes near it: `ts` has been told in both units."""

Numbered = tuple[tuple[Quantity, Quantity, Sequence64], ...]
"""Price, quantity and number of each change. Price 0 fills a number that changed nothing here."""


class Changes(msgspec.Struct, frozen=True):
    """The changed levels of both sides."""

    bids: Numbered
    asks: Numbered


class SpotChange(msgspec.Struct, frozen=True):
    """What changed from `sequenceStart` to `sequenceEnd`; recordings of 2021 tell no time."""

    native: str = field(name="symbol")
    first: Sequence64 = field(name="sequenceStart")
    last: Sequence64 = field(name="sequenceEnd")
    changes: Changes
    time: Milliseconds | None = None


class SpotBook(msgspec.Struct, frozen=True):
    """`/market/level2:{symbol}`: 3470068w0."""

    data: SpotChange


class FuturesChange(msgspec.Struct, frozen=True):
    """One level, as the text `price,side,lots`."""

    sequence: Sequence64
    change: str
    timestamp: Milliseconds


class FuturesBook(msgspec.Struct, frozen=True):
    """`/contractMarket/level2:{symbol}`: 3470082w0."""

    data: FuturesChange


class Whole(msgspec.Struct, frozen=True):
    """The best levels; spot tells no number."""

    bids: Levels
    asks: Levels
    sequence: Sequence64 | None = None
    timestamp: Milliseconds | None = None
    ts: wire.Nanoseconds | None = None


class WholeBook(msgspec.Struct, frozen=True):
    """`level2Depth5` and `level2Depth50` of either market: 3470069w0, 3470083w0."""

    data: Whole


class MatchFrame(msgspec.Struct, frozen=True):
    """`/market/match:{symbol}`, 3470072w0, and `/contractMarket/execution:{symbol}`, 3470086w0."""

    data: wire.Match


def decode(topic: str, frame: bytes, received_us: int) -> Event:
    """Return what a frame of this topic says; all but books and trades is unexpected."""
    channel, _, native = topic.partition(":")
    meaning = _CHANNELS.get(channel)
    return Unexpected(kind=topic) if meaning is None else meaning(frame, native, received_us)


def _spot_delta(frame: bytes, native: str, received_us: int) -> BookDelta:
    data = read(_SPOT_BOOK, frame).data
    if data.native != native:
        raise InvalidMessage("the book is of another instrument than its topic", field="data.symbol", value=data.native)
    if data.first > data.last:
        raise InvalidMessage("the numbers of a change rise", field="data.sequenceStart", value=data.first)
    bids, asks = _places(data.changes.bids), _places(data.changes.asks)
    bid_prices, bid_quantities = _columns(data.changes.bids, bids)
    ask_prices, ask_quantities = _columns(data.changes.asks, asks)
    return BookDelta(
        native=native,
        follows=data.first - 1,
        first=data.first,
        sequence=data.last,
        bid_prices=bid_prices,
        bid_quantities=bid_quantities,
        ask_prices=ask_prices,
        ask_quantities=ask_quantities,
        venue_us=None if data.time is None else data.time * US_PER_MS,
        received_us=received_us,
        exact=_texts(frame, bids, asks) if exact.suspicious(frame) else None,
    )


def _places(levels: Numbered) -> list[int]:
    """Return where the levels stand that changed something, in the order of their numbers: the wire keeps none."""
    return sorted((at for at, level in enumerate(levels) if level[0]), key=lambda at: levels[at][2])


def _columns(levels: Numbered, places: Sequence[int]) -> tuple[Column, Column]:
    return tuple(levels[at][0] for at in places), tuple(levels[at][1] for at in places)


def _texts(frame: bytes, bids: Sequence[int], asks: Sequence[int]) -> exact.Exact | None:
    changes = read(_PLAIN, frame)["data"]["changes"]
    return exact.of_levels([changes["bids"][at] for at in bids], [changes["asks"][at] for at in asks])


def _futures_delta(frame: bytes, native: str, received_us: int) -> BookDelta:
    data = read(_FUTURES_BOOK, frame).data
    price, _, rest_of_it = data.change.partition(",")
    side, _, quantity = rest_of_it.partition(",")
    if side not in SIDES:
        raise InvalidMessage("a change is a price, buy or sell, and lots", field="data.change", value=data.change)
    level = ((_number(_PRICE, price), _number(_QUANTITY, quantity)),)
    bids, asks = (level, ()) if side == "buy" else ((), level)
    texts = [(price, quantity)]
    bid_prices, bid_quantities = columns(bids)
    ask_prices, ask_quantities = columns(asks)
    return BookDelta(
        native=native,
        follows=data.sequence - 1,
        first=data.sequence,
        sequence=data.sequence,
        bid_prices=bid_prices,
        bid_quantities=bid_quantities,
        ask_prices=ask_prices,
        ask_quantities=ask_quantities,
        venue_us=data.timestamp * US_PER_MS,
        received_us=received_us,
        exact=exact.of_levels(texts if bids else (), texts if asks else ()),
    )


def _number(decoder: msgspec.json.Decoder[T], text: str) -> T:
    try:
        return decoder.decode(text)
    except msgspec.DecodeError as error:
        raise InvalidMessage("no such number", field="data.change", value=text) from error


def _whole(frame: bytes, native: str, received_us: int) -> BookSnapshot:
    data = read(_WHOLE, frame).data
    if data.timestamp is not None:
        venue_us = data.timestamp * US_PER_MS
    elif data.ts is not None:
        venue_us = data.ts // 1_000 if data.ts >= NANOSECONDS else data.ts * US_PER_MS
    else:
        raise InvalidMessage("a whole book tells its time", field="data.timestamp")
    bid_prices, bid_quantities = columns(data.bids)
    ask_prices, ask_quantities = columns(data.asks)
    return BookSnapshot(
        native=native,
        # Spot counts nothing here, and time rises as a number does.
        sequence=venue_us if data.sequence is None else data.sequence,
        replaces=True,
        routine=True,
        bid_prices=bid_prices,
        bid_quantities=bid_quantities,
        ask_prices=ask_prices,
        ask_quantities=ask_quantities,
        venue_us=venue_us,
        received_us=received_us,
        exact=rest.level_texts(frame, "data", "bids", "asks") if exact.suspicious(frame) else None,
    )


def _match(frame: bytes, native: str, received_us: int) -> PublicTrade:
    match = read(_MATCH, frame).data
    if match.symbol != native:
        raise InvalidMessage("the trade is of another instrument than its topic", field="data.symbol")
    return rest.trade(match, read(_PLAIN, frame)["data"], native, received_us, "data")


_SPOT_BOOK: Final = msgspec.json.Decoder(SpotBook, strict=False)
_FUTURES_BOOK: Final = msgspec.json.Decoder(FuturesBook, strict=False)
_WHOLE: Final = msgspec.json.Decoder(WholeBook, strict=False)
_MATCH: Final = msgspec.json.Decoder(MatchFrame, strict=False)
_PRICE: Final[msgspec.json.Decoder[float]] = msgspec.json.Decoder(Price)
_QUANTITY: Final[msgspec.json.Decoder[float]] = msgspec.json.Decoder(Quantity)
_PLAIN: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(float_hook=str)
_CHANNELS: Final[Mapping[str, Callable[[bytes, str, int], Event]]] = {
    "/market/level2": _spot_delta,
    "/contractMarket/level2": _futures_delta,
    "/spotMarket/level2Depth5": _whole,
    "/spotMarket/level2Depth50": _whole,
    "/contractMarket/level2Depth5": _whole,
    "/contractMarket/level2Depth50": _whole,
    "/market/match": _match,
    "/contractMarket/execution": _match,
}
