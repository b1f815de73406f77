"""MEXC's spot socket as pure functions: control is JSON text, market data is protobuf, told apart by the first byte."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec

from tapeline.domain import exact
from tapeline.domain.book import BookDelta, BookSnapshot
from tapeline.errors import InvalidMessage
from tapeline.venues.contract import (
    Answer,
    Ask,
    Event,
    Pong,
    PublicTrade,
    StreamChannel,
    Unexpected,
    Want,
    broken,
    columns,
    in_batches,
    read,
)
from tapeline.venues.mexc import protobuf, rest, spot_rest, wire

STREAMS: Final[Mapping[StreamChannel, str]] = {
    "book": "spot@public.aggre.depth.v3.api.pb@100ms",
    "trade": "spot@public.aggre.deals.v3.api.pb@100ms",
}
CHANNELS: Final = {stream: channel for channel, stream in STREAMS.items()}
TOPICS_PER_REQUEST: Final = 30
"""As many as a connection may have."""
REFUSED: Final = "Not Subscribed"
"""Stands in the text of an answer whose code is 0 all the same; the refused topics stand in brackets behind it."""
_TOPIC: Final = re.compile(r"spot@[^,\]\s]+")
_BRACKETS: Final = re.compile(r"\[[^\]]*\]?")
S = TypeVar("S")


class SpotFeed(spot_rest.SpotRest):
    """MEXC's spot market."""

    def native(self, symbol: str) -> str:
        """Return the venue's name of a symbol: base and quote joined."""
        return symbol.replace("/", "").upper()

    def subscribe(self, wants: Sequence[Want], first_id: int) -> tuple[Ask, ...]:
        """Return the frames that ask for these streams."""
        return self._asks("SUBSCRIPTION", wants, first_id)

    def unsubscribe(self, wants: Sequence[Want], first_id: int) -> tuple[Ask, ...]:
        """Return the frames that give these streams up."""
        return self._asks("UNSUBSCRIPTION", wants, first_id)

    def ping(self, request_id: int) -> bytes | None:  # noqa: ARG002 - the contract's signature
        """Return MEXC's own ping; its answer carries no id of ours."""
        return b'{"method":"PING"}'

    def decode(self, frame: bytes, received_us: int) -> tuple[Event, ...]:
        """Return what a frame says; `{` can begin no message of MEXC, it would open a group."""
        if frame.startswith(b"{"):
            return _answers(read(_REPLY, frame))
        push = protobuf.message(frame)
        body = push.WhichOneof(protobuf.BODY)
        if body == "publicAggreDepths":
            return (_delta(push, frame, received_us),)
        if body == "publicAggreDeals":
            return _trades(push, frame, received_us)
        if body == "publicLimitDepths":
            return (_whole(push, frame, received_us),)
        # Frames that name a stream and say nothing more do occur.
        return (Unexpected(kind=push.channel if body else f"{push.channel} without a body"),)

    def _asks(self, method: str, wants: Sequence[Want], first_id: int) -> tuple[Ask, ...]:
        asks: list[Ask] = []
        for batch in in_batches(wants, TOPICS_PER_REQUEST):
            topics = [f"{STREAMS[want.channel]}@{want.native}" for want in batch]
            frame = msgspec.json.encode({"method": method, "params": topics})
            socket = self.facts.channels[batch[0].channel]
            asks.append(Ask(socket=socket, request_id=first_id + len(asks), wants=batch, frame=frame))
        return tuple(asks)


def _delta(push: Any, frame: bytes, received_us: int) -> BookDelta:  # noqa: ANN401 - protobuf's messages have no type
    body = push.publicAggreDepths
    bids, asks = _levels(body.bids), _levels(body.asks)
    told = {"bids": bids, "asks": asks, "fromVersion": body.fromVersion, "toVersion": body.toVersion}
    depths = _typed(told | {"atMs": _at_ms(push)}, wire.Depths, frame)
    if depths.from_version > depths.to_version:
        raise InvalidMessage("the versions of a frame rise", field="fromVersion", value=depths.from_version)
    bid_prices, bid_quantities = columns(depths.bids)
    ask_prices, ask_quantities = columns(depths.asks)
    return BookDelta(
        native=push.symbol,
        follows=depths.from_version - 1,
        first=depths.from_version,
        sequence=depths.to_version,
        bid_prices=bid_prices,
        bid_quantities=bid_quantities,
        ask_prices=ask_prices,
        ask_quantities=ask_quantities,
        venue_us=depths.at_ms * rest.US_PER_MS or None,
        received_us=received_us,
        exact=exact.of_levels(bids, asks) if exact.suspicious(frame) else None,
    )


def _whole(push: Any, frame: bytes, received_us: int) -> BookSnapshot:  # noqa: ANN401 - as _delta
    body = push.publicLimitDepths
    bids, asks = _levels(body.bids), _levels(body.asks)
    told = {"bids": bids, "asks": asks, "version": body.version, "atMs": _at_ms(push)}
    depths = _typed(told, wire.LimitDepths, frame)
    bid_prices, bid_quantities = columns(depths.bids)
    ask_prices, ask_quantities = columns(depths.asks)
    return BookSnapshot(
        native=push.symbol,
        sequence=depths.version,
        replaces=True,
        routine=True,
        bid_prices=bid_prices,
        bid_quantities=bid_quantities,
        ask_prices=ask_prices,
        ask_quantities=ask_quantities,
        venue_us=depths.at_ms * rest.US_PER_MS or None,
        received_us=received_us,
        exact=exact.of_levels(bids, asks) if exact.suspicious(frame) else None,
    )


def _trades(push: Any, frame: bytes, received_us: int) -> tuple[PublicTrade, ...]:  # noqa: ANN401 - as _delta
    told = [
        {
            "price": deal.price,
            "quantity": deal.quantity,
            "tradeType": deal.tradeType,
            "time": deal.time,
            "tradeId": deal.tradeId,
        }
        for deal in push.publicAggreDeals.deals
    ]
    deals = _typed({"deals": told}, wire.Deals, frame).deals
    rows = [
        (
            deal.trade_id,
            deal.price,
            deal.quantity,
            rest.taker(deal.trade_type, "tradeType"),
            deal.time,
            exact.of_fields(price=text["price"], quantity=text["quantity"]),
        )
        for deal, text in zip(deals, told, strict=True)
    ]
    return rest.trades(push.symbol, rows, received_us)


def _levels(side: Any) -> list[tuple[str, str]]:  # noqa: ANN401 - as _delta
    return [(level.price, level.quantity) for level in side]


def _at_ms(push: Any) -> int:  # noqa: ANN401 - as _delta
    """Return when the frame was sent or made, 0 where it says neither."""
    return int(push.sendTime or push.createTime)


def _typed(told: dict[str, Any], kind: type[S], frame: bytes) -> S:
    """Return texts as the numbers that they must be."""
    try:
        return msgspec.convert(told, kind, strict=False)
    except msgspec.ValidationError as error:
        raise broken(error, frame) from error


def _answers(reply: wire.Reply) -> tuple[Event, ...]:
    """Return what a text says: its code is 0 also for a refusal, and it names topics instead of requests."""
    told = reply.message
    if told is None:
        return (Unexpected(kind=reply.old_channel or "a text without msg"),)
    if told == "PONG":
        return (Pong(),)
    if reply.code:
        return (Answer(request_id=None, error=f"{reply.code} {told}", streams=_named(told)),)
    if REFUSED in told:
        refused = _named(" ".join(_BRACKETS.findall(told)))
        taken = _named(_BRACKETS.sub(" ", told))
        answers = (Answer(request_id=None, error=told.strip(), streams=refused),)
        return (*answers, Answer(request_id=None, streams=taken)) if taken else answers
    taken = _named(told)
    return (Answer(request_id=None, streams=taken),) if taken else (Unexpected(kind=told[:100]),)


def _named(text: str) -> tuple[tuple[StreamChannel, str | None], ...]:
    """Return the streams of ours that stand in a text."""
    found: list[tuple[StreamChannel, str | None]] = []
    for topic in _TOPIC.findall(text):
        stream, _, native = topic.rpartition("@")
        channel = CHANNELS.get(stream)
        if channel is not None:
            found.append((channel, native))
    return tuple(found)


_REPLY: Final = msgspec.json.Decoder(wire.Reply)
