"""MEXC's futures socket as pure functions: JSON text, one contract a request, answers that name a channel alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

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
    broken,
    read,
)
from tapeline.venues.mexc import futures_rest, rest, wire

STREAMS: Final[Mapping[StreamChannel, tuple[str, ...]]] = {
    "book": ("depth",),
    "trade": ("deal",),
    "funding": ("funding.rate", "fair.price", "index.price"),
}
"""What is asked for, by what it is for; the answer to the first one speaks for all of a Want."""
SPEAKERS: Final = {f"rs.sub.{names[0]}": channel for channel, names in STREAMS.items()}
SILENT: Final = frozenset(
    [f"rs.sub.{name}" for names in STREAMS.values() for name in names[1:]]
    + [f"rs.unsub.{name}" for names in STREAMS.values() for name in names]
)
"""Answers that nobody waits for, while they say success."""
TAKEN: Final = "success"
CLOSING: Final = "close the channel"
_CONTRACT: Final = re.compile(r"Contract \[([^\]]+)\]")
_BOOK_NAME: Final = b'"push.depth"'


class FuturesFeed(futures_rest.FuturesRest):
    """MEXC's linear perpetuals."""

    def native(self, symbol: str) -> str:
        """Return the venue's name of a symbol: base and quote with an underscore."""
        return symbol.replace("/", "_").upper()

    def subscribe(self, wants: Sequence[Want], first_id: int) -> tuple[Ask, ...]:
        """Return the frames that ask for these streams; those behind the first of a Want speak for no other."""
        return self._asks("sub", wants, first_id)

    def unsubscribe(self, wants: Sequence[Want], first_id: int) -> tuple[Ask, ...]:
        """Return the frames that give these streams up."""
        return self._asks("unsub", wants, first_id)

    def ping(self, request_id: int) -> bytes | None:  # noqa: ARG002 - the contract's signature
        """Return MEXC's own ping; its answer carries no id of ours."""
        return b'{"method":"ping"}'

    def decode(self, frame: bytes, received_us: int) -> tuple[Event, ...]:
        """Return what a frame says; a book's changes, the most frequent ones, are decoded in one go."""
        if _BOOK_NAME in frame:
            return (_delta(read(_DEPTH, frame), frame, received_us),)
        envelope = read(_ENVELOPE, frame)
        reader = _READERS.get(envelope.channel)
        if reader is not None:
            return reader(frame, received_us)
        if envelope.channel == "pong":
            return (Pong(),)
        if envelope.channel.startswith("rs."):
            return _answers(envelope.channel, envelope.data)
        return (Unexpected(kind=envelope.channel),)

    def _asks(self, verb: str, wants: Sequence[Want], first_id: int) -> tuple[Ask, ...]:
        asks: list[Ask] = []
        for want in wants:
            for at, name in enumerate(STREAMS[want.channel]):
                frame = msgspec.json.encode({"method": f"{verb}.{name}", "param": {"symbol": want.native}})
                asks.append(
                    Ask(
                        socket=self.facts.channels[want.channel],
                        request_id=first_id + len(asks),
                        wants=() if at else (want,),
                        frame=frame,
                    )
                )
        return tuple(asks)


def _delta(depth: wire.DepthFrame, frame: bytes, received_us: int) -> BookDelta:
    """Return changes: merged ones span several versions, others are one version each."""
    if depth.channel != "push.depth":
        raise InvalidMessage("a frame is of one channel", field="channel", value=depth.channel)
    data = depth.data
    first = data.version if data.begin is None else data.begin
    sequence = data.version if data.end is None else data.end
    if first > sequence:
        raise InvalidMessage("the versions of a frame rise", field="data.begin", value=first)
    bid_prices, bid_quantities = futures_rest.counted(data.bids)
    ask_prices, ask_quantities = futures_rest.counted(data.asks)
    return BookDelta(
        native=depth.symbol,
        follows=first - 1,
        first=first,
        sequence=sequence,
        bid_prices=bid_prices,
        bid_quantities=bid_quantities,
        ask_prices=ask_prices,
        ask_quantities=ask_quantities,
        venue_us=(depth.sent_ms if data.engine_ms is None else data.engine_ms) * rest.US_PER_MS,
        received_us=received_us,
        exact=futures_rest.level_texts(frame) if exact.suspicious(frame) else None,
    )


def _whole(frame: bytes, received_us: int) -> tuple[BookSnapshot]:
    depth = read(_DEPTH, frame)
    data = depth.data
    bid_prices, bid_quantities = futures_rest.counted(data.bids)
    ask_prices, ask_quantities = futures_rest.counted(data.asks)
    whole = BookSnapshot(
        native=depth.symbol,
        sequence=data.version,
        replaces=True,
        routine=True,
        bid_prices=bid_prices,
        bid_quantities=bid_quantities,
        ask_prices=ask_prices,
        ask_quantities=ask_quantities,
        venue_us=(depth.sent_ms if data.engine_ms is None else data.engine_ms) * rest.US_PER_MS,
        received_us=received_us,
        exact=futures_rest.level_texts(frame) if exact.suspicious(frame) else None,
    )
    return (whole,)


def _trades(frame: bytes, received_us: int) -> tuple[PublicTrade, ...]:
    deals = read(_DEALS, frame)
    data = (deals.data,) if isinstance(deals.data, wire.Contract) else deals.data
    return rest.trades(deals.symbol, futures_rest.contract_rows(data, frame), received_us)


def _rate(frame: bytes, received_us: int) -> tuple[FundingUpdate]:
    told = read(_RATE, frame)
    next_ms = told.data.next_ms
    update = FundingUpdate(
        native=told.symbol,
        whole=False,
        rate=told.data.rate,
        next_us=None if next_ms is None else next_ms * rest.US_PER_MS,
        venue_us=told.sent_ms * rest.US_PER_MS,
        received_us=received_us,
        exact=futures_rest.field_texts(frame, rate="rate"),
    )
    return (update,)


def _mark(frame: bytes, received_us: int) -> tuple[FundingUpdate]:
    told = read(_PRICE, frame)
    update = FundingUpdate(
        native=told.symbol,
        whole=False,
        mark_price=told.data.price,
        venue_us=told.sent_ms * rest.US_PER_MS,
        received_us=received_us,
        exact=futures_rest.field_texts(frame, mark_price="price"),
    )
    return (update,)


def _index(frame: bytes, received_us: int) -> tuple[FundingUpdate]:
    told = read(_PRICE, frame)
    update = FundingUpdate(
        native=told.symbol,
        whole=False,
        index_price=told.data.price,
        venue_us=told.sent_ms * rest.US_PER_MS,
        received_us=received_us,
        exact=futures_rest.field_texts(frame, index_price="price"),
    )
    return (update,)


def _answers(channel: str, data: msgspec.Raw) -> tuple[Event, ...]:
    """Return what an answer says: success names its channel and no contract, an error a contract and no channel."""
    told = _text(data)
    if channel == "rs.error":
        if CLOSING in told:
            return (ServerClosing(reason=told),)
        found = _CONTRACT.search(told)
        # Without its contract none of its channels exists.
        streams = () if found is None else tuple((of, found[1]) for of in STREAMS)
        return (Answer(request_id=None, error=told, streams=streams),)
    if channel in SILENT and told == TAKEN:
        return ()
    of = SPEAKERS.get(channel)
    if of is None:
        return (Unexpected(kind=f"{channel}: {told}"[:100]),)
    return (Answer(request_id=None, error=None if told == TAKEN else told or "refused", streams=((of, None),)),)


def _text(data: msgspec.Raw) -> str:
    """Return an answer's data as text, whatever it is."""
    raw = bytes(data)
    try:
        told = msgspec.json.decode(raw) if raw else ""
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise broken(error, raw) from error
    return told if isinstance(told, str) else raw.decode("utf-8", "replace")


_DEPTH: Final = msgspec.json.Decoder(wire.DepthFrame, strict=False)
_DEALS: Final = msgspec.json.Decoder(wire.DealFrame, strict=False)
_RATE: Final = msgspec.json.Decoder(wire.RateFrame, strict=False)
_PRICE: Final = msgspec.json.Decoder(wire.PriceFrame, strict=False)
_ENVELOPE: Final = msgspec.json.Decoder(wire.Envelope)
_READERS: Final[Mapping[str, Callable[[bytes, int], tuple[Event, ...]]]] = {
    "push.depth.full": _whole,
    "push.deal": _trades,
    "push.funding.rate": _rate,
    "push.fair.price": _mark,
    "push.index.price": _index,
}
"""What each channel's frames mean, but for the changes of a book."""
