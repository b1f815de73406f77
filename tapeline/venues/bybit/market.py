"""Bybit's public side as pure functions: spot and futures (category linear) differ by the facts they are made with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from tapeline.domain import exact
from tapeline.domain.book import BookDelta, BookSnapshot
from tapeline.errors import InvalidMessage
from tapeline.venues.bybit import rest, wire
from tapeline.venues.contract import (
    Answer,
    Ask,
    Event,
    Facts,
    FundingUpdate,
    Pong,
    PublicTrade,
    Unexpected,
    Want,
    columns,
    in_batches,
    read,
    request_number,
)

US_PER_MS: Final = 1_000
SOCKET: Final = "public"
TOPICS_PER_REQUEST: Final = 10
"""Spot's own limit; linear has none, but one bad topic fails its whole request, so batches stay small there too."""
RESTARTED: Final = 1
"""`u` of the first frame after a restart of the service, a whole book whatever its `type` says."""


class BybitFeed(rest.BybitRest):
    """One market of Bybit."""

    def __init__(self, facts: Facts, category: str) -> None:
        """Take the market's facts and Bybit's name for it."""
        super().__init__(facts, category)
        self._category = category

    def native(self, symbol: str) -> str:
        """Return the venue's name of a symbol: base and quote joined, or base and PERP where USDC settles."""
        base, _, quote = symbol.upper().partition("/")
        return f"{base}PERP" if quote == "USDC" and self.facts.market == "futures" else base + quote

    def subscribe(self, wants: Sequence[Want], first_id: int) -> tuple[Ask, ...]:
        """Return the frames that ask for these streams."""
        return self._asks("subscribe", wants, first_id)

    def unsubscribe(self, wants: Sequence[Want], first_id: int) -> tuple[Ask, ...]:
        """Return the frames that give these streams up."""
        return self._asks("unsubscribe", wants, first_id)

    def ping(self, request_id: int) -> bytes | None:
        """Return Bybit's own ping, due every 20 s."""
        return msgspec.json.encode({"req_id": str(request_id), "op": "ping"})

    def decode(self, frame: bytes, received_us: int) -> tuple[Event, ...]:
        """Return what a frame says; a book's frame, the most frequent one, is decoded in one go."""
        if frame.startswith(_BOOK_HEAD):
            return (_book(read(_BOOK, frame), frame, received_us),)
        envelope = read(_ENVELOPE, frame)
        if envelope.topic is None:
            return (_answer(envelope),)
        if envelope.topic.startswith("orderbook."):
            return (_book(read(_BOOK, frame), frame, received_us),)
        if envelope.topic.startswith("publicTrade."):
            return _trades(read(_TRADES, frame), frame, received_us)
        if envelope.topic.startswith("tickers.") and "funding" in self.facts.channels:
            return (_funding(read(_TICKER, frame), received_us),)
        return (Unexpected(kind=envelope.topic),)

    def _asks(self, op: str, wants: Sequence[Want], first_id: int) -> tuple[Ask, ...]:
        asks: list[Ask] = []
        for batch in in_batches(wants, TOPICS_PER_REQUEST):
            request_id = first_id + len(asks)
            topics = [self._topic(want) for want in batch]
            frame = msgspec.json.encode({"req_id": str(request_id), "op": op, "args": topics})
            asks.append(
                Ask(socket=self.facts.channels[batch[0].channel], request_id=request_id, wants=batch, frame=frame)
            )
        return tuple(asks)

    def _topic(self, want: Want) -> str:
        if want.channel == "trade":
            return f"publicTrade.{want.native}"
        if want.channel == "funding":
            return f"tickers.{want.native}"
        depths = self.facts.book.stream_depths
        depth = next((levels for levels in depths if levels >= want.depth > 0), depths[-1])
        return f"orderbook.{depth}.{want.native}"


def _book(book: wire.BookFrame, frame: bytes, received_us: int) -> BookDelta | BookSnapshot:
    data = book.data
    bid_prices, bid_quantities = columns(data.bids)
    ask_prices, ask_quantities = columns(data.asks)
    venue_us = (book.system_ms if book.engine_ms is None else book.engine_ms) * US_PER_MS
    texts = rest.level_texts(frame, "data") if exact.suspicious(frame) else None
    if book.kind == "delta" and data.update != RESTARTED:
        return BookDelta(
            native=data.native,
            follows=data.update - 1,
            first=data.update,
            sequence=data.update,
            bid_prices=bid_prices,
            bid_quantities=bid_quantities,
            ask_prices=ask_prices,
            ask_quantities=ask_quantities,
            venue_us=venue_us,
            received_us=received_us,
            exact=texts,
        )
    if book.kind not in {"snapshot", "delta"}:
        raise InvalidMessage("a book is a snapshot or a delta", field="type", value=book.kind)
    return BookSnapshot(
        native=data.native,
        sequence=data.update,
        replaces=True,
        bid_prices=bid_prices,
        bid_quantities=bid_quantities,
        ask_prices=ask_prices,
        ask_quantities=ask_quantities,
        venue_us=venue_us,
        received_us=received_us,
        exact=texts,
    )


def _trades(trades: wire.TradeFrame, frame: bytes, received_us: int) -> tuple[PublicTrade, ...]:
    texts: list[Any] = read(_PLAIN, frame)["data"] if exact.suspicious(frame) else [{}] * len(trades.data)
    return tuple(
        PublicTrade(
            native=deal.native,
            trade_id=deal.trade_id,
            sequence=deal.order,
            price=deal.price,
            quantity=deal.quantity,
            side=rest.side(deal.taker, "S"),
            venue_us=deal.trade_ms * US_PER_MS,
            received_us=received_us,
            exact=exact.of_fields(price=text.get("p"), quantity=text.get("v")),
        )
        for deal, text in zip(trades.data, texts, strict=True)
    )


def _funding(ticker: wire.TickerFrame, received_us: int) -> FundingUpdate:
    venue_us = ticker.system_ms * US_PER_MS
    return rest.funding(ticker.data, venue_us, received_us, whole=ticker.kind == "snapshot")


def _answer(envelope: wire.Envelope) -> Answer | Pong | Unexpected:
    request_id = request_number(envelope.request_id)
    if envelope.op == "pong" or (envelope.op == "ping" and envelope.message == "pong"):
        return Pong(request_id=request_id)
    if envelope.success is None:
        return Unexpected(kind=envelope.op or "no topic and no op")
    return Answer(request_id=request_id, error=None if envelope.success else envelope.message or "refused")


_BOOK_HEAD: Final = b'{"topic":"orderbook.'
_BOOK: Final = msgspec.json.Decoder(wire.BookFrame, strict=False)
_TRADES: Final = msgspec.json.Decoder(wire.TradeFrame, strict=False)
_TICKER: Final = msgspec.json.Decoder(wire.TickerFrame, strict=False)
_ENVELOPE: Final = msgspec.json.Decoder(wire.Envelope)
_PLAIN: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder()
