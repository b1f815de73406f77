"""BingX's public side as pure functions: spot and swaps differ by the facts and the paths they are made with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from tapeline.domain import exact
from tapeline.domain.book import BookDelta, BookSnapshot
from tapeline.errors import InvalidMessage
from tapeline.venues.bingx import rest, wire
from tapeline.venues.bingx.values import (
    US_PER_MS,
    best_first,
    failure,
    inflated,
    level_texts,
    oldest_first,
    plain,
    side,
    with_ids,
)
from tapeline.venues.contract import (
    Answer,
    Ask,
    Event,
    FundingUpdate,
    PublicTrade,
    ServerPing,
    StreamChannel,
    Unexpected,
    Want,
    columns,
    read,
    request_number,
)

TOPICS: Final[dict[StreamChannel, str]] = {"book": "incrDepth", "trade": "trade", "funding": "markPrice"}
"""What follows the instrument in the name of each stream."""
PING: Final = b"Ping"


class BingxFeed(rest.BingxRest):
    """One market of BingX."""

    def native(self, symbol: str) -> str:
        """Return the venue's name of a symbol: base and quote with a dash, in upper case, which it insists on."""
        return symbol.replace("/", "-").upper()

    def subscribe(self, wants: Sequence[Want], first_id: int) -> tuple[Ask, ...]:
        """Return the frames that ask for these streams, one by one: an array of topics gets no answer."""
        return self._asks("sub", wants, first_id)

    def unsubscribe(self, wants: Sequence[Want], first_id: int) -> tuple[Ask, ...]:
        """Return the frames that give these streams up."""
        return self._asks("unsub", wants, first_id)

    def ping(self, request_id: int) -> bytes | None:  # noqa: ARG002 - the contract's signature
        """Return None: BingX pings by a message and answers none of ours."""
        return None

    def decode(self, frame: bytes, received_us: int) -> tuple[Event, ...]:
        """Return what a frame says, gzip'd as BingX sends it or plain."""
        text = inflated(frame)
        if text == PING:
            return (ServerPing(reply=b"Pong"),)
        envelope = read(_ENVELOPE, text)
        if envelope.ping is not None:
            return (ServerPing(reply=_pong(envelope)),)
        if envelope.code or not envelope.data_type or bytes(envelope.data) in _NOTHING:
            return (_answer(envelope),)
        return self._data(envelope.data_type, text, received_us)

    def _data(self, data_type: str, text: bytes, received_us: int) -> tuple[Event, ...]:
        native, _, topic = data_type.partition("@")
        if not native:
            raise InvalidMessage("a topic begins with its instrument", field="dataType", value=data_type)
        if topic == "incrDepth":
            return (_increment(native, read(_INCREMENT, text), text, received_us),)
        if topic.startswith("depth"):
            return (_whole(native, read(_WHOLE, text), text, received_us),)
        if topic == "trade":
            return self._trades(native, read(_DEALS, text).data, text, received_us)
        if topic == "markPrice" and "funding" in self.facts.channels:
            return (_mark(native, read(_MARK, text).data, text, received_us),)
        return (Unexpected(kind=data_type),)

    def _asks(self, kind: str, wants: Sequence[Want], first_id: int) -> tuple[Ask, ...]:
        return tuple(
            Ask(
                socket=self.facts.channels[want.channel],
                request_id=request_id,
                wants=(want,),
                frame=msgspec.json.encode(
                    {"id": str(request_id), "reqType": kind, "dataType": f"{want.native}@{TOPICS[want.channel]}"}
                ),
            )
            for request_id, want in enumerate(wants, first_id)
        )

    def _trades(
        self, native: str, told: wire.Deal | tuple[wire.Deal, ...], text: bytes, received_us: int
    ) -> tuple[PublicTrade, ...]:
        deals = told if isinstance(told, tuple) else (told,)
        named = self.facts.trades.ids != "none"
        texts: list[Any] = [{}] * len(deals)
        if exact.suspicious(text):
            whole = plain(text)
            texts = whole if isinstance(whole, list) else [whole]
        if named and any(deal.trade_id in {None, ""} for deal in deals):
            raise InvalidMessage("a trade has an id", field="data.t")
        found = [
            PublicTrade(
                native=native,
                trade_id=str(deal.trade_id),
                price=deal.price,
                quantity=deal.quantity,
                side=side(buyer_made=deal.buyer_made),
                venue_us=deal.trade_ms * US_PER_MS,
                received_us=received_us,
                exact=exact.of_fields(price=kept.get("p"), quantity=kept.get("q")),
            )
            for deal, kept in zip(deals, texts, strict=True)
        ]
        return oldest_first(found) if named else with_ids(oldest_first(found))


def _increment(native: str, frame: wire.IncrementalBook, text: bytes, received_us: int) -> BookDelta | BookSnapshot:
    data = frame.data
    bid_prices, bid_quantities = columns(best_first(data.bids, bids=True))
    ask_prices, ask_quantities = columns(best_first(data.asks, bids=False))
    venue_us = _at_us(data.time, data.timestamp, frame.ts, frame.timestamp)
    if data.action == "all":
        return BookSnapshot(
            native=native,
            sequence=data.last_update_id,
            replaces=True,
            bid_prices=bid_prices,
            bid_quantities=bid_quantities,
            ask_prices=ask_prices,
            ask_quantities=ask_quantities,
            venue_us=venue_us,
            received_us=received_us,
            exact=level_texts(text),
        )
    return BookDelta(
        native=native,
        # Numbers leave some out though nothing is lost, so none of them says what came before.
        follows=None,
        first=data.last_update_id,
        sequence=data.last_update_id,
        bid_prices=bid_prices,
        bid_quantities=bid_quantities,
        ask_prices=ask_prices,
        ask_quantities=ask_quantities,
        venue_us=venue_us,
        received_us=received_us,
        exact=level_texts(text),
    )


def _whole(native: str, frame: wire.WholeBook, text: bytes, received_us: int) -> BookSnapshot:
    data = frame.data
    bid_prices, bid_quantities = columns(best_first(data.bids, bids=True))
    ask_prices, ask_quantities = columns(best_first(data.asks, bids=False))
    venue_us = _at_us(frame.ts, frame.timestamp, data.time, data.timestamp)
    return BookSnapshot(
        native=native,
        # These books have no number: their time is one, on spot that of their arrival.
        sequence=received_us if venue_us is None else venue_us,
        replaces=True,
        routine=True,
        bid_prices=bid_prices,
        bid_quantities=bid_quantities,
        ask_prices=ask_prices,
        ask_quantities=ask_quantities,
        venue_us=venue_us,
        received_us=received_us,
        exact=level_texts(text),
    )


def _mark(native: str, mark: wire.Mark, text: bytes, received_us: int) -> FundingUpdate:
    texts = plain(text) if exact.suspicious(text) else {}
    return FundingUpdate(
        native=native,
        whole=False,
        mark_price=mark.mark_price,
        venue_us=mark.event_ms * US_PER_MS,
        received_us=received_us,
        exact=exact.of_fields(mark_price=texts.get("p")),
    )


def _pong(envelope: wire.Envelope) -> bytes:
    time = {} if envelope.time is None else {"time": envelope.time}
    return msgspec.json.encode({"pong": envelope.ping, **time})


def _answer(envelope: wire.Envelope) -> Answer | Unexpected:
    error = failure(envelope.code, envelope.msg)
    if error is None and envelope.id is None:
        return Unexpected(kind=envelope.data_type or envelope.event or "no topic and no id")
    number = request_number(envelope.id)
    if number is not None:
        return Answer(request_id=number, error=error)
    return Answer(request_id=None, error=error, streams=_streams(envelope) if envelope.id is None else ())


def _streams(envelope: wire.Envelope) -> tuple[tuple[StreamChannel, str | None], ...]:
    """Return the stream that a refusal without an id speaks of: by its topic, or by a word of its text alone."""
    native, _, topic = (envelope.data_type or "").partition("@")
    words = {topic} if topic else set((envelope.msg or "").replace(":", " ").split())
    return tuple((channel, native or None) for channel, name in TOPICS.items() if name in words)


def _at_us(*told: int | None) -> int | None:
    return next((ms * US_PER_MS for ms in told if ms is not None), None)


_NOTHING: Final = frozenset({b"", b"null"})
_ENVELOPE: Final = msgspec.json.Decoder(wire.Envelope, strict=False)
_INCREMENT: Final = msgspec.json.Decoder(wire.IncrementalBook, strict=False)
_WHOLE: Final = msgspec.json.Decoder(wire.WholeBook, strict=False)
_DEALS: Final = msgspec.json.Decoder(wire.Deals, strict=False)
_MARK: Final = msgspec.json.Decoder(wire.MarkPrice, strict=False)
