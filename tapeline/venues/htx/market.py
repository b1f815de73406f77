"""HTX's public side as pure functions: a channel's name says what a frame is, on spot and on futures alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from tapeline.domain import exact
from tapeline.domain.book import BookDelta, BookSnapshot
from tapeline.errors import InvalidMessage
from tapeline.venues.contract import (
    Answer,
    Ask,
    Event,
    Pong,
    ServerClosing,
    ServerPing,
    Unexpected,
    Want,
    read,
    request_number,
)
from tapeline.venues.htx import meaning, rest, wire
from tapeline.venues.htx.gzipped import inflate

CANDLES: Final = ("mark_price.1min", "index.1min")
PRICES: Final = {"mark_price": "mark_price", "index": "index_price"}
"""What the close of a candle of this name is the price of."""


class HtxFeed(rest.HtxRest):
    """One market of HTX."""

    def native(self, symbol: str) -> str:
        """Return the venue's name of a symbol: joined and small on spot, with a dash on futures."""
        if self.facts.market == "spot":
            return symbol.replace("/", "").lower()
        return symbol.replace("/", "-").upper()

    def subscribe(self, wants: Sequence[Want], first_id: int) -> tuple[Ask, ...]:
        """Return the frames that ask for these streams, one for each topic; a snapshot is one request."""
        return self._asks("sub", wants, first_id)

    def unsubscribe(self, wants: Sequence[Want], first_id: int) -> tuple[Ask, ...]:
        """Return the frames that give these streams up; of a snapshot there is nothing to give up."""
        return self._asks("unsub", [want for want in wants if want.channel != "snapshot"], first_id)

    def ping(self, request_id: int) -> bytes | None:  # noqa: ARG002 - the contract's signature
        """Return None: the server pings, and HTX documents no ping of ours."""
        return None

    def decode(self, frame: bytes, received_us: int) -> tuple[Event, ...]:
        """Return what a frame says, once it is out of its gzip."""
        data = inflate(frame)
        envelope = read(_ENVELOPE, data)
        if envelope.channel is not None:
            return self._push(envelope.channel, data, received_us)
        if envelope.reply is not None and envelope.status == "ok":
            return self._reply(envelope, envelope.reply, data, received_us)
        if envelope.ping is not None:
            return (ServerPing(reply=msgspec.json.encode({"pong": envelope.ping})),)
        if envelope.op is not None:
            return self._operation(envelope, envelope.op, data, received_us)
        if envelope.pong is not None:
            return (Pong(),)
        if envelope.status is None:
            raise InvalidMessage("a frame has a channel, a reply, a status, a ping or an op", field="status")
        return (_answer(envelope),)

    def _asks(self, verb: Literal["sub", "unsub"], wants: Sequence[Want], first_id: int) -> tuple[Ask, ...]:
        asks: list[Ask] = []
        for want in wants:
            socket = self.facts.channels["book" if want.channel == "snapshot" else want.channel]
            for topic in self._topics(want):
                request_id = first_id + len(asks)
                asked = {
                    "req" if want.channel == "snapshot" else verb: f"market.{want.native}.{topic}",
                    "id": str(request_id),
                }
                if topic.endswith(".high_freq"):
                    asked["data_type"] = "incremental"
                frame = msgspec.json.encode(asked)
                asks.append(Ask(socket=socket, request_id=request_id, wants=(want,), frame=frame))
        return tuple(asks)

    def _topics(self, want: Want) -> tuple[str, ...]:
        if want.channel == "trade":
            return ("trade.detail",)
        if want.channel == "funding":
            return CANDLES
        depths = self.facts.book.stream_depths
        depth = next((levels for levels in depths if levels >= want.depth > 0), depths[-1])
        return (f"mbp.{depth}" if self.facts.market == "spot" else f"depth.size_{depth}.high_freq",)

    def _push(self, channel: str, data: bytes, received_us: int) -> tuple[Event, ...]:
        match channel.split("."):
            case ["market", native, "mbp" | "depth", *kind]:
                book = _book(native, kind, data, received_us)
                return (Unexpected(kind=channel) if book is None else book,)
            case ["market", native, "trade", "detail"]:
                return self._trades(native, data, received_us)
            case ["market", native, "mark_price" | "index" as name, "1min"]:
                return (meaning.price(native, PRICES[name], read(_CANDLE, data), data, received_us),)
        return (Unexpected(kind=channel),)

    def _trades(self, native: str, data: bytes, received_us: int) -> tuple[Event, ...]:
        spot = self.facts.market == "spot"
        rows = read(_SPOT_TRADES, data).tick.data if spot else read(_SWAP_TRADES, data).tick.data
        texts = read(_RAW_TRADES, data).tick.data if exact.suspicious(data) else None
        return meaning.trades(native, rows, texts, received_us)

    def _reply(self, envelope: wire.Envelope, reply: str, data: bytes, received_us: int) -> tuple[Event, ...]:
        match reply.split("."):
            case ["market", native, "mbp", _]:
                book = read(_REPLY, data)
                found = meaning.numbered(native, book.data, book.ts, data, received_us, came="asked")
                return (_answer(envelope), found)
        return (_answer(envelope), Unexpected(kind=reply))

    def _operation(self, envelope: wire.Envelope, op: str, data: bytes, received_us: int) -> tuple[Event, ...]:
        """Return what a frame of the notification socket says, whose frames have an `op`."""
        topic = envelope.topic or op
        if op == "ping":
            return (ServerPing(reply=msgspec.json.encode({"op": "pong", "ts": envelope.ts})),)
        if op in {"sub", "unsub"}:
            return (_answer(envelope),)
        if op == "close":
            return (ServerClosing(reason=_trouble(envelope) or op),)
        if op == "notify" and topic.startswith("public.") and topic.endswith(".funding_rate"):
            pushed = read(_RATES, data)
            return meaning.rates(pushed.data, pushed.ts, data, received_us)
        return (Unexpected(kind=topic),)


def _book(native: str, kind: Sequence[str], data: bytes, received_us: int) -> BookDelta | BookSnapshot | None:
    match kind:
        case ["refresh", _]:
            pushed = read(_NUMBERED, data)
            return meaning.numbered(native, pushed.tick, pushed.ts, data, received_us, came="routine")
        case [_, "high_freq"]:
            return meaning.step(native, read(_STEP, data).tick, data, received_us)
        case ["step0" | "step6"]:
            return meaning.whole(native, read(_WHOLE, data).tick, data, received_us, came="routine")
        case [depth] if depth.isdigit():
            return meaning.change(native, read(_CHANGE, data), data, received_us)
    # All other steps round prices.
    return None


def _answer(envelope: wire.Envelope) -> Answer:
    named = envelope.client_id if envelope.request_id is None else envelope.request_id
    # Market sockets say how it went in `status`, the notification socket by a code that is 0 when all is well.
    refused = envelope.code not in {0, None} if envelope.status is None else envelope.status != "ok"
    return Answer(request_id=request_number(named), error=(_trouble(envelope) or "refused") if refused else None)


def _trouble(envelope: wire.Envelope) -> str:
    said = (envelope.code, envelope.message)
    return " ".join(str(part) for part in said if part is not None)


_ENVELOPE: Final = msgspec.json.Decoder(wire.Envelope)
_CHANGE: Final = msgspec.json.Decoder(wire.ChangeFrame, strict=False)
_NUMBERED: Final = msgspec.json.Decoder(wire.NumberedFrame, strict=False)
_REPLY: Final = msgspec.json.Decoder(wire.NumberedReply, strict=False)
_STEP: Final = msgspec.json.Decoder(wire.StepFrame, strict=False)
_WHOLE: Final = msgspec.json.Decoder(wire.WholeFrame, strict=False)
_CANDLE: Final = msgspec.json.Decoder(wire.CandleFrame, strict=False)
_RATES: Final = msgspec.json.Decoder(wire.PushedRates, strict=False)
_SPOT_TRADES: Final = msgspec.json.Decoder(wire.TradeFrame[wire.SpotDeal], strict=False)
_SWAP_TRADES: Final = msgspec.json.Decoder(wire.TradeFrame[wire.SwapDeal], strict=False)
_RAW_TRADES: Final = msgspec.json.Decoder(wire.TradeFrame[wire.RawDeal])
