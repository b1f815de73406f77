"""Binance's public side as pure functions: spot and futures differ by the facts and the `Rules` they are made with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from tapeline.domain import exact
from tapeline.domain.book import BookDelta, BookSnapshot
from tapeline.errors import InvalidMessage
from tapeline.venues.binance import rest, wire
from tapeline.venues.contract import (
    Answer,
    Ask,
    Event,
    Facts,
    FundingUpdate,
    PublicTrade,
    ServerClosing,
    StreamChannel,
    Unexpected,
    Want,
    columns,
    in_batches,
    read,
    request_number,
)

US_PER_MS: Final = 1_000
STREAMS_PER_REQUEST: Final = 100
"""Binance names no limit for one request; so many stream names stay far below any sensible frame size."""


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """How one market of Binance differs from the other."""

    streams: dict[StreamChannel, str]
    """What follows the name of the instrument in each stream's name."""
    chained: bool
    """Whether a depth event names the last id before it (`pu`); else it begins right after (`U`)."""
    paths: rest.Paths


class BinanceFeed(rest.BinanceRest):
    """One market of Binance."""

    def __init__(self, facts: Facts, rules: Rules) -> None:
        """Take the market's facts and rules."""
        super().__init__(facts, rules.paths)
        self._rules = rules

    def native(self, symbol: str) -> str:
        """Return the venue's name of a symbol: base and quote joined."""
        return symbol.replace("/", "").upper()

    def subscribe(self, wants: Sequence[Want], first_id: int) -> tuple[Ask, ...]:
        """Return the frames that ask for these streams, by socket."""
        return self._asks("SUBSCRIBE", wants, first_id)

    def unsubscribe(self, wants: Sequence[Want], first_id: int) -> tuple[Ask, ...]:
        """Return the frames that give these streams up, by socket."""
        return self._asks("UNSUBSCRIBE", wants, first_id)

    def ping(self, request_id: int) -> bytes | None:  # noqa: ARG002 - the contract's signature
        """Return None: Binance knows the WebSocket protocol's own ping alone."""
        return None

    def decode(self, frame: bytes, received_us: int) -> tuple[Event, ...]:
        """Return what a frame says; a depth event, the most frequent one, is decoded in one go."""
        at = frame.find(_DEPTH_NAME, 0, _PEEK)
        if at >= 0:
            if frame[at + len(_DEPTH_NAME) : at + len(_DEPTH_NAME) + 1].isdigit():
                return (self._top(frame, received_us),)
            return (self._delta(read(_DEPTH_ENVELOPE, frame).data, frame, received_us),)
        envelope = read(_ENVELOPE, frame)
        data = bytes(envelope.data)
        if data:
            return self._event(read(_HEAD, data).event, data, received_us)
        if envelope.event is not None:
            return self._event(envelope.event, frame, received_us)
        return (_answer(envelope),)

    def _asks(self, method: str, wants: Sequence[Want], first_id: int) -> tuple[Ask, ...]:
        asks: list[Ask] = []
        for socket in self.facts.sockets:
            mine = [want for want in wants if self.facts.channels[want.channel] == socket]
            for batch in in_batches(mine, STREAMS_PER_REQUEST):
                request_id = first_id + len(asks)
                names = [want.native.lower() + self._rules.streams[want.channel] for want in batch]
                frame = msgspec.json.encode({"method": method, "params": names, "id": request_id})
                asks.append(Ask(socket=socket, request_id=request_id, wants=batch, frame=frame))
        return tuple(asks)

    def _event(self, kind: str | None, data: bytes, received_us: int) -> tuple[Event, ...]:
        if kind == "depthUpdate":
            return (self._delta(read(_DEPTH, data), data, received_us),)
        if kind in {"trade", "aggTrade"}:
            return self._trade(read(_DEAL, data), data, received_us)
        if kind == "markPriceUpdate":
            return (_funding(read(_MARK_PRICE, data), data, received_us),)
        if kind == "serverShutdown":
            return (ServerClosing(reason="serverShutdown"),)
        return (Unexpected(kind=kind or "no event name"),)

    def _delta(self, depth: wire.Depth, frame: bytes, received_us: int) -> BookDelta:
        follows = depth.first - 1
        if self._rules.chained:
            if depth.previous is None:
                raise InvalidMessage("a futures depth event names the one before", field="pu")
            follows = depth.previous
        if not follows < depth.first <= depth.last:
            raise InvalidMessage("the ids of a depth event rise", field="U", value=depth.first)
        bid_prices, bid_quantities = columns(depth.bids)
        ask_prices, ask_quantities = columns(depth.asks)
        at_ms = depth.event_ms if depth.transaction_ms is None else depth.transaction_ms
        return BookDelta(
            native=depth.native,
            follows=follows,
            first=depth.first,
            sequence=depth.last,
            bid_prices=bid_prices,
            bid_quantities=bid_quantities,
            ask_prices=ask_prices,
            ask_quantities=ask_quantities,
            venue_us=at_ms * US_PER_MS,
            received_us=received_us,
            exact=rest.level_texts(frame, "b", "a") if exact.suspicious(frame) else None,
        )

    def _top(self, frame: bytes, received_us: int) -> BookSnapshot:
        """Return the best levels, whole in each frame; on spot only the stream's name says whose they are."""
        told: wire.Depth | wire.BookAnswer
        if self._rules.chained:
            told = depth = read(_DEPTH_ENVELOPE, frame).data
            native, bids, asks = depth.native, "b", "a"
        else:
            envelope = read(_TOP_ENVELOPE, frame)
            told = envelope.data
            native, bids, asks = envelope.stream.partition("@")[0].upper(), "bids", "asks"
        bid_prices, bid_quantities = columns(told.bids)
        ask_prices, ask_quantities = columns(told.asks)
        at_ms = told.event_ms if told.transaction_ms is None else told.transaction_ms
        return BookSnapshot(
            native=native,
            sequence=told.last,
            replaces=True,
            routine=True,
            bid_prices=bid_prices,
            bid_quantities=bid_quantities,
            ask_prices=ask_prices,
            ask_quantities=ask_quantities,
            venue_us=None if at_ms is None else at_ms * US_PER_MS,
            received_us=received_us,
            exact=rest.level_texts(frame, bids, asks) if exact.suspicious(frame) else None,
        )

    def _trade(self, deal: wire.Deal, data: bytes, received_us: int) -> tuple[Event, ...]:
        if deal.kind != "MARKET":
            # Insurance fund and auto-deleveraging: no trade of the market.
            return ()
        aggregated = deal.event == "aggTrade"
        number = deal.aggregate_id if aggregated else deal.trade_id
        if number is None:
            raise InvalidMessage("a trade has an id", field="a" if aggregated else "t")
        return (
            PublicTrade(
                native=deal.native,
                trade_id=str(number),
                sequence=number,
                price=deal.price,
                quantity=deal.quantity,
                side="sell" if deal.buyer_made else "buy",
                venue_us=deal.trade_ms * US_PER_MS,
                received_us=received_us,
                exact=rest.field_texts(data, price="p", quantity="q"),
            ),
        )


def _funding(mark: wire.MarkPrice, data: bytes, received_us: int) -> FundingUpdate:
    return FundingUpdate(
        native=mark.native,
        whole=True,
        rate=mark.rate,
        mark_price=mark.mark_price,
        index_price=mark.index_price,
        next_us=mark.next_ms * US_PER_MS,
        venue_us=mark.event_ms * US_PER_MS,
        received_us=received_us,
        exact=rest.field_texts(data, rate="r", mark_price="p", index_price="i"),
    )


def _answer(envelope: wire.Envelope) -> Answer:
    trouble = envelope.error
    if trouble is None and envelope.code is not None:
        trouble = wire.Trouble(code=envelope.code, message=envelope.message or "")
    return Answer(
        request_id=request_number(envelope.request_id),
        error=None if trouble is None else f"{trouble.code} {trouble.message}",
    )


_PEEK: Final = 64
_DEPTH_NAME: Final = b"@depth"
"""Behind it stands how many levels there are, where each frame holds them all."""
_TOP_ENVELOPE: Final = msgspec.json.Decoder(wire.TopEnvelope, strict=False)
_DEPTH_ENVELOPE: Final = msgspec.json.Decoder(wire.DepthEnvelope, strict=False)
_DEPTH: Final = msgspec.json.Decoder(wire.Depth, strict=False)
_DEAL: Final = msgspec.json.Decoder(wire.Deal, strict=False)
_MARK_PRICE: Final = msgspec.json.Decoder(wire.MarkPrice, strict=False)
_HEAD: Final = msgspec.json.Decoder(wire.Head)
_ENVELOPE: Final = msgspec.json.Decoder(wire.Envelope)
