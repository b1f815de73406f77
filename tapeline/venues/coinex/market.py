"""CoinEx's public side as pure functions: spot and futures differ by the facts they are made with."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Final

import msgspec

from tapeline.domain.book import BookDelta, BookSnapshot
from tapeline.errors import InvalidMessage
from tapeline.venues.coinex import reading, rest, wire
from tapeline.venues.contract import (
    Answer,
    Ask,
    Event,
    FundingUpdate,
    Pong,
    PublicTrade,
    StreamChannel,
    Unexpected,
    Want,
    read,
)

CHANNELS: Final[dict[StreamChannel, str]] = {"book": "depth", "trade": "deals", "funding": "state"}
MOST_BYTES: Final = 16 * 1024 * 1024
"""What one frame may come to when it is inflated."""


class CoinexFeed(rest.CoinexRest):
    """One market of CoinEx."""

    def native(self, symbol: str) -> str:
        """Return the venue's name of a symbol: base and quote joined."""
        return symbol.replace("/", "").upper()

    def subscribe(self, wants: Sequence[Want], first_id: int) -> tuple[Ask, ...]:
        """Return the frames that ask for these streams: one for each channel, with all its markets."""
        return self._asks("subscribe", wants, first_id)

    def unsubscribe(self, wants: Sequence[Want], first_id: int) -> tuple[Ask, ...]:
        """Return the frames that give these streams up."""
        return self._asks("unsubscribe", wants, first_id)

    def ping(self, request_id: int) -> bytes | None:
        """Return CoinEx's own ping, due every 60 s."""
        return msgspec.json.encode({"method": "server.ping", "params": {}, "id": request_id})

    def decode(self, frame: bytes, received_us: int) -> tuple[Event, ...]:
        """Return what a frame says, compressed as the venue sends it or plain."""
        text = frame if frame.startswith(b"{") else _inflated(frame)
        if text.startswith(_BOOK_HEAD):
            return (_book(text, received_us),)
        envelope = read(_ENVELOPE, text)
        match envelope.method:
            case None:
                return (_answer(envelope),)
            case "depth.update":
                return (_book(text, received_us),)
            case "deals.update":
                return _trades(text, received_us)
            case "state.update" if "funding" in self.facts.channels:
                return _funding(text, received_us)
            case _:
                return (Unexpected(kind=envelope.method),)

    def _asks(self, what: str, wants: Sequence[Want], first_id: int) -> tuple[Ask, ...]:
        asks: list[Ask] = []
        for channel in CHANNELS:
            mine = tuple(want for want in wants if want.channel == channel)
            if not mine:
                continue
            request_id = first_id + len(asks)
            whole = channel == "book" and what == "subscribe"
            markets = [[want.native, rest.WINDOW, "0", False] if whole else want.native for want in mine]
            method = f"{CHANNELS[channel]}.{what}"
            frame = msgspec.json.encode({"method": method, "params": {"market_list": markets}, "id": request_id})
            asks.append(Ask(socket=self.facts.channels[channel], request_id=request_id, wants=mine, frame=frame))
        return tuple(asks)


def _inflated(frame: bytes) -> bytes:
    inflater = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    try:
        text = inflater.decompress(frame, MOST_BYTES + 1)
    except zlib.error as error:
        raise InvalidMessage(f"the frame is neither JSON nor compressed: {error}") from error
    if len(text) > MOST_BYTES:
        raise InvalidMessage(f"the frame inflates to more than {MOST_BYTES} bytes")
    if not inflater.eof or inflater.unused_data:
        raise InvalidMessage("the compressed frame is cut, or goes on behind its end")
    return text


def _book(text: bytes, received_us: int) -> BookDelta | BookSnapshot:
    told = reading.depth(text)
    if told.whole:
        return BookSnapshot(
            native=told.native,
            sequence=told.updated_ms,
            replaces=True,
            routine=True,
            bid_prices=told.bid_prices,
            bid_quantities=told.bid_quantities,
            ask_prices=told.ask_prices,
            ask_quantities=told.ask_quantities,
            venue_us=told.updated_ms * reading.US_PER_MS,
            received_us=received_us,
            exact=told.exact,
            check=told.check,
        )
    return BookDelta(
        native=told.native,
        follows=None,
        first=told.updated_ms,
        sequence=told.updated_ms,
        bid_prices=told.bid_prices,
        bid_quantities=told.bid_quantities,
        ask_prices=told.ask_prices,
        ask_quantities=told.ask_quantities,
        venue_us=told.updated_ms * reading.US_PER_MS,
        received_us=received_us,
        exact=told.exact,
        check=told.check,
    )


def _trades(text: bytes, received_us: int) -> tuple[PublicTrade, ...]:
    told = read(_DEALS, text).data
    plain = reading.texts(text, len(told.deal_list), "data", "deal_list")
    return reading.trades(told.deal_list, plain, told.market, received_us)


def _funding(text: bytes, received_us: int) -> tuple[FundingUpdate, ...]:
    states = read(_STATES, text).data.state_list
    plain = reading.texts(text, len(states), "data", "state_list")
    return tuple(reading.funding(state, said, received_us) for state, said in zip(states, plain, strict=True))


def _answer(envelope: wire.Envelope) -> Answer | Pong | Unexpected:
    if envelope.code is None:
        return Unexpected(kind="no method and no code")
    data = bytes(envelope.data)
    error = reading.failure(envelope.code, envelope.message, data)
    if error is None and data.startswith(b"{") and read(_RESULT, data).result == "pong":
        return Pong(request_id=envelope.request_id)
    return Answer(request_id=envelope.request_id, error=error)


_BOOK_HEAD: Final = b'{"method":"depth.update"'
_ENVELOPE: Final = msgspec.json.Decoder(wire.Envelope)
_RESULT: Final = msgspec.json.Decoder(wire.Result)
_DEALS: Final = msgspec.json.Decoder(wire.DealsFrame, strict=False)
_STATES: Final = msgspec.json.Decoder(wire.StateFrame, strict=False)
