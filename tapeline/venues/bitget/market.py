"""Bitget's public side as pure functions: live data is asked of v3, frames of v2 are understood as well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from tapeline.errors import InvalidMessage
from tapeline.venues.bitget import books, rest, tape, wire
from tapeline.venues.contract import (
    Answer,
    Ask,
    Event,
    Facts,
    Pong,
    StreamChannel,
    Unexpected,
    Want,
    in_batches,
    read,
)

US_PER_MS: Final = 1_000
ARGS_PER_REQUEST: Final = 10
"""25 books in one request have cost the connection."""
TOPICS: Final[dict[StreamChannel, str]] = {"book": "books", "trade": "publicTrade", "funding": "ticker"}
CHANNELS: Final[dict[str, StreamChannel]] = {
    "books": "book",
    **dict.fromkeys(sorted(books.WHOLE), "book"),
    "publicTrade": "trade",
    "trade": "trade",
    "ticker": "funding",
}
"""What the channels of both generations are to us."""
PING: Final = b"ping"
PONG: Final = b"pong"


class BitgetFeed(rest.BitgetRest):
    """One market of Bitget."""

    def __init__(self, facts: Facts, category: str) -> None:
        """Take the market's facts and Bitget's name for it."""
        super().__init__(facts, category)
        self._type = category.lower()

    def native(self, symbol: str) -> str:
        """Return the venue's name of a symbol: base and quote joined, alike on spot and futures."""
        return symbol.replace("/", "").upper()

    def subscribe(self, wants: Sequence[Want], first_id: int) -> tuple[Ask, ...]:
        """Return the frames that ask for these streams."""
        return self._asks("subscribe", wants, first_id)

    def unsubscribe(self, wants: Sequence[Want], first_id: int) -> tuple[Ask, ...]:
        """Return the frames that give these streams up."""
        return self._asks("unsubscribe", wants, first_id)

    def ping(self, request_id: int) -> bytes | None:  # noqa: ARG002 - the contract's signature
        """Return Bitget's own ping, due every 30 s; it has no place for an id."""
        return PING

    def decode(self, frame: bytes, received_us: int) -> tuple[Event, ...]:
        """Return what a frame says; a change of a book, the most frequent one, is decoded in one go."""
        if frame.startswith(_UPDATE_HEAD) and frame.find(_BOOKS_TOPIC, 0, _PEEK) >= 0:
            found = read(_UNIFIED_BOOKS, frame)
            if found.arg.inst_type == self._type and found.arg.native:
                return books.events(found, frame, received_us)
        if frame == PONG:
            return (Pong(),)
        envelope = read(_ENVELOPE, frame)
        if envelope.event is not None or envelope.arg is None:
            return (self._answer(envelope),)
        return self._event(envelope.arg, frame, received_us)

    def _asks(self, op: str, wants: Sequence[Want], first_id: int) -> tuple[Ask, ...]:
        asks: list[Ask] = []
        for batch in in_batches(wants, ARGS_PER_REQUEST):
            args = [{"instType": self._type, "topic": TOPICS[want.channel], "symbol": want.native} for want in batch]
            frame = msgspec.json.encode({"op": op, "args": args})
            socket, request_id = self.facts.channels[batch[0].channel], first_id + len(asks)
            asks.append(Ask(socket=socket, request_id=request_id, wants=batch, frame=frame))
        return tuple(asks)

    def _channel(self, arg: wire.Arg) -> StreamChannel | None:
        """Return which channel of ours a stream is, None where it is none: products share names and one address."""
        channel = CHANNELS.get(arg.name) if arg.inst_type.lower() == self._type and arg.native else None
        return channel if channel in self.facts.channels else None

    def _event(self, arg: wire.Arg, frame: bytes, received_us: int) -> tuple[Event, ...]:
        channel, classic = self._channel(arg), arg.topic is None
        if channel == "book":
            told = read(_CLASSIC_BOOKS, frame) if classic else read(_UNIFIED_BOOKS, frame)
            return books.events(told, frame, received_us)
        if channel == "trade":
            deals = read(_CLASSIC_DEALS, frame).data if classic else read(_UNIFIED_DEALS, frame).data
            return tape.trades(deals, frame, arg.native, received_us)
        if channel == "funding":
            tickers = read(_TICKERS, frame)
            at_us = tickers.sent_ms * US_PER_MS
            return tuple([tape.of_ticker(one, arg.native, at_us, received_us) for one in tickers.data])
        return (Unexpected(kind=f"{arg.inst_type} {arg.name}"),)

    def _answer(self, envelope: wire.Envelope) -> Answer | Unexpected:
        """Read an answer: without an id, that to an `unsubscribe` would pass for one to what was asked after it."""
        code = envelope.code
        arg = envelope.arg or _quoted(envelope.message or "")
        channel = None if arg is None else self._channel(arg)
        streams = () if arg is None or channel is None else ((channel, arg.native),)
        if envelope.event == "error" or code not in {None, 0, "0", "", rest.GOOD}:
            return Answer(request_id=None, error=f"{code} {envelope.message}", streams=streams)
        if envelope.event == "subscribe":
            return Answer(request_id=None, streams=streams)
        return Unexpected(kind=envelope.event or "no stream and no event")


def _quoted(words: str) -> wire.Arg | None:
    """Return the stream that an error of v3 quotes at the beginning of its words, None where it does not."""
    try:
        return read(_ARG, words[: words.rfind("}") + 1].encode("utf-8", "replace"))
    except InvalidMessage:
        return None


_PEEK: Final = 160
_UPDATE_HEAD: Final = b'{"action":"update",'
_BOOKS_TOPIC: Final = b'"topic":"books"'
_ENVELOPE: Final = msgspec.json.Decoder(wire.Envelope)
_ARG: Final = msgspec.json.Decoder(wire.Arg)
_UNIFIED_BOOKS: Final = msgspec.json.Decoder(wire.UnifiedBooks, strict=False)
_CLASSIC_BOOKS: Final = msgspec.json.Decoder(wire.ClassicBooks, strict=False)
_UNIFIED_DEALS: Final = msgspec.json.Decoder(wire.UnifiedDeals, strict=False)
_CLASSIC_DEALS: Final = msgspec.json.Decoder(wire.ClassicDeals, strict=False)
_TICKERS: Final = msgspec.json.Decoder(wire.Tickers, strict=False)
