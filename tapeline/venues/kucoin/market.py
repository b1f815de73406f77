"""KuCoin's public side as pure functions: the unified sockets are asked, their frames and classic ones are read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from tapeline.domain import exact
from tapeline.domain.book import BookDelta, BookSnapshot
from tapeline.errors import InvalidMessage
from tapeline.venues.contract import (
    Answer,
    Ask,
    Event,
    FundingUpdate,
    Pong,
    PublicTrade,
    ServerClosing,
    StreamChannel,
    Unexpected,
    Want,
    columns,
    read,
    request_number,
)
from tapeline.venues.kucoin import classic, rest, rules, wire

NS_PER_US: Final = 1_000
US_PER_MS: Final = 1_000
SOCKET: Final = "public"
INCREMENT: Final = "increment"
"""How the depth begins of streams that tell changes; all others tell whole books."""
BEST: Final = "1"
"""The depth of the best bid and ask alone."""

_STREAMS: Final[dict[StreamChannel, tuple[str, ...]]] = {
    "book": ("obu",),
    "trade": ("trade",),
    "funding": ("funding-fee", "mark-price"),
}
"""What is asked for: the rate and the prices of a perpetual come on streams of their own."""


class KucoinFeed(rest.KucoinRest):
    """One market of KuCoin."""

    def native(self, symbol: str) -> str:
        """Return the venue's name of a symbol; futures call BTC by its older name XBT and end in M."""
        base, _, quote = symbol.upper().partition("/")
        if self.facts.market == "spot":
            return f"{base}-{quote}"
        return f"{rules.XBT if base == rules.BTC else base}{quote}M"

    def subscribe(self, wants: Sequence[Want], first_id: int) -> tuple[Ask, ...]:
        """Return the frames that ask for these streams."""
        return self._asks("SUBSCRIBE", wants, first_id)

    def unsubscribe(self, wants: Sequence[Want], first_id: int) -> tuple[Ask, ...]:
        """Return the frames that give these streams up."""
        return self._asks("UNSUBSCRIBE", wants, first_id)

    def ping(self, request_id: int) -> bytes | None:
        """Return KuCoin's own ping, due every 18 s; more than one in a second costs the socket."""
        return msgspec.json.encode({"id": str(request_id), "type": "ping"})

    def decode(self, frame: bytes, received_us: int) -> tuple[Event, ...]:
        """Return what a frame says; a book's frame, the most frequent one, is decoded in one go."""
        if frame.startswith(_BOOK_HEAD):
            return (_book(frame, received_us),)
        envelope = read(_ENVELOPE, frame)
        if envelope.channel is not None:
            return (self._pushed(envelope.channel, frame, received_us),)
        if envelope.topic is not None:
            return (classic.decode(envelope.topic, frame, received_us),)
        return _answer(envelope)

    def _asks(self, action: str, wants: Sequence[Want], first_id: int) -> tuple[Ask, ...]:
        """Return one frame for each stream: books, trades and mark prices take a single symbol."""
        asks: list[Ask] = []
        for want in wants:
            for channel in _STREAMS[want.channel]:
                request_id = first_id + len(asks)
                frame = {"id": str(request_id), "action": action, "channel": channel, "symbol": want.native}
                if want.channel != "funding":
                    frame["tradeType"] = self._calls.trade_type
                if want.channel == "book":
                    frame["depth"] = "increment@10ms"
                asks.append(Ask(socket=SOCKET, request_id=request_id, wants=(want,), frame=msgspec.json.encode(frame)))
        return tuple(asks)

    def _pushed(self, channel: str, frame: bytes, received_us: int) -> Event:
        kind = channel.partition(".")[0]
        if kind == "obu":
            return _book(frame, received_us)
        if kind == "trade":
            return _trade(frame, received_us)
        if kind == "mark-price" and "funding" in self.facts.channels:
            return _mark(frame, received_us)
        if kind == "funding-fee" and "funding" in self.facts.channels:
            return _rate(frame, received_us)
        return Unexpected(kind=channel)


def _book(frame: bytes, received_us: int) -> BookDelta | BookSnapshot | Unexpected:
    book = read(_BOOK, frame)
    if book.depth == BEST:
        return Unexpected(kind=f"obu at depth {BEST}")
    data = book.data
    if data.first > data.last:
        raise InvalidMessage("the numbers of a book rise", field="d.O", value=data.first)
    bid_prices, bid_quantities = columns(data.bids)
    ask_prices, ask_quantities = columns(data.asks)
    venue_us = (book.pushed_ns if data.engine_ns is None else data.engine_ns) // NS_PER_US
    texts = rest.level_texts(frame, "d", "b", "a") if _suspicious(frame) else None
    if book.kind == "delta":
        return BookDelta(
            native=data.native,
            follows=data.first - 1,
            first=data.first,
            sequence=data.last,
            bid_prices=bid_prices,
            bid_quantities=bid_quantities,
            ask_prices=ask_prices,
            ask_quantities=ask_quantities,
            venue_us=venue_us,
            received_us=received_us,
            exact=texts,
        )
    if book.kind != "snapshot":
        raise InvalidMessage("a book is a snapshot or a delta", field="t", value=book.kind)
    return BookSnapshot(
        native=data.native,
        sequence=data.last,
        replaces=True,
        routine=not book.depth.startswith(INCREMENT),
        bid_prices=bid_prices,
        bid_quantities=bid_quantities,
        ask_prices=ask_prices,
        ask_quantities=ask_quantities,
        venue_us=venue_us,
        received_us=received_us,
        exact=texts,
    )


def _suspicious(frame: bytes) -> bool:
    """Tell whether a level may be too long: times of 19 digits stand outside the first and last bracket of levels."""
    return exact.suspicious(frame[frame.find(b"[") : frame.rfind(b"]")])


def _trade(frame: bytes, received_us: int) -> PublicTrade:
    deal = read(_DEAL, frame).data
    # Each frame has times of 19 digits, so that only the two texts themselves tell whether they are too long.
    texts = read(_PLAIN, frame)["d"]
    return PublicTrade(
        native=deal.native,
        trade_id=deal.trade_id,
        sequence=deal.order,
        price=deal.price,
        quantity=deal.quantity,
        side=rest.side(deal.taker, "d.S"),
        venue_us=deal.trade_ns // NS_PER_US,
        received_us=received_us,
        exact=exact.of_fields(price=texts["p"], quantity=texts["q"]),
    )


def _mark(frame: bytes, received_us: int) -> FundingUpdate:
    mark = read(_MARK, frame).data
    texts = read(_PLAIN, frame)["d"]
    return FundingUpdate(
        native=mark.native,
        whole=False,
        mark_price=mark.mark_price,
        index_price=mark.index_price,
        venue_us=mark.at_ms * US_PER_MS,
        received_us=received_us,
        exact=exact.of_fields(mark_price=texts["mp"], index_price=texts["ip"]),
    )


def _rate(frame: bytes, received_us: int) -> FundingUpdate:
    pushed = read(_RATE, frame)
    rate = pushed.data
    return FundingUpdate(
        native=rate.native,
        whole=False,
        rate=rate.rate,
        next_us=rate.next_ms * US_PER_MS,
        interval_us=rate.interval_ms * US_PER_MS or None,
        venue_us=pushed.pushed_ns // NS_PER_US,
        received_us=received_us,
        exact=exact.of_fields(rate=read(_PLAIN, frame)["d"]["fr"]),
    )


def _answer(envelope: wire.Envelope) -> tuple[Event, ...]:
    request_id = request_number(envelope.request_id)
    if envelope.kind == "pong":
        return (Pong(request_id=request_id),)
    if envelope.kind == "welcome" or (envelope.message == "welcome" and envelope.result is None):
        # The first frame of each connection, which says nothing that is of use.
        return ()
    if envelope.kind == "ack":
        return (Answer(request_id=request_id),)
    if envelope.kind == "error":
        told = read(_PLAIN, bytes(envelope.data) or b'""')
        error = f"{envelope.code} {told}"
        return (ServerClosing(reason=error) if told == "ping timeout" else Answer(request_id=request_id, error=error),)
    if envelope.result is None:
        return (Unexpected(kind=envelope.kind or "no channel, no topic and no type"),)
    refused = envelope.message or envelope.reason or "refused"
    return (Answer(request_id=request_id, error=None if envelope.result else refused),)


_BOOK_HEAD: Final = b'{"T":"obu.'
_BOOK: Final = msgspec.json.Decoder(wire.BookFrame, strict=False)
_DEAL: Final = msgspec.json.Decoder(wire.DealFrame, strict=False)
_MARK: Final = msgspec.json.Decoder(wire.MarkFrame, strict=False)
_RATE: Final = msgspec.json.Decoder(wire.RateFrame, strict=False)
_ENVELOPE: Final = msgspec.json.Decoder(wire.Envelope, strict=False)
_PLAIN: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(float_hook=str)
