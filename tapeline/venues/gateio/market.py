"""Gate's public side as pure functions: spot and futures differ by the facts they are made with and by their prefix."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from tapeline.domain import exact
from tapeline.venues.contract import (
    Answer,
    Ask,
    Event,
    Facts,
    Pong,
    PublicTrade,
    ServerClosing,
    StreamChannel,
    Unexpected,
    Want,
    in_batches,
    read,
    request_number,
)
from tapeline.venues.gateio import books, older_books, rest, trades, wire
from tapeline.venues.gateio.values import PLAIN, US_PER_MS

STREAMS_PER_REQUEST: Final = 20
"""Gate names no limit; one unknown name refuses its whole request, so requests stay small."""
CHANNELS: Final[Mapping[StreamChannel, str]] = {"book": "obu", "trade": "trades", "funding": "tickers"}
ANSWERS: Final = frozenset({"subscribe", "unsubscribe"})
SUCCESS: Final = "success"

Reader = Callable[[bytes, int], tuple[Event, ...]]


class GateFeed(rest.GateRest):
    """One market of Gate."""

    def __init__(self, facts: Facts, prefix: str) -> None:
        """Take the market's facts and where its REST calls are; channels begin with the market's name."""
        super().__init__(facts, prefix)
        market = facts.market
        self._head = f'{market}.obu"'.encode()
        self._readers: Mapping[tuple[str, str | None], Reader] = {
            (f"{market}.obu", "update"): books.update,
            (f"{market}.order_book_update", "update"): older_books.increment,
            **(
                {("spot.trades", "update"): _spot_trade, ("spot.order_book", "update"): older_books.spot_top}
                if market == "spot"
                else {
                    ("futures.trades", "update"): _futures_trades,
                    ("futures.tickers", "update"): _funding,
                    ("futures.order_book", "all"): older_books.futures_top,
                }
            ),
        }

    def native(self, symbol: str) -> str:
        """Return the venue's name of a symbol: base and quote with a line between them, the same on both markets."""
        return symbol.upper().replace("/", "_")

    def subscribe(self, wants: Sequence[Want], first_id: int) -> tuple[Ask, ...]:
        """Return the frames that ask for these streams, by channel."""
        return self._asks("subscribe", wants, first_id)

    def unsubscribe(self, wants: Sequence[Want], first_id: int) -> tuple[Ask, ...]:
        """Return the frames that give these streams up, by channel."""
        return self._asks("unsubscribe", wants, first_id)

    def ping(self, request_id: int) -> bytes | None:  # noqa: ARG002 - its answer carries no id
        """Return Gate's own ping."""
        return msgspec.json.encode({"channel": f"{self.facts.market}.ping"})

    def decode(self, frame: bytes, received_us: int) -> tuple[Event, ...]:
        """Return what a frame says; a book's frame, the most frequent one, is decoded in one go."""
        if frame.find(self._head, 0, _PEEK) >= 0 and _UPDATE in frame:
            return books.update(frame, received_us)
        envelope = read(_ENVELOPE, frame)
        if envelope.channel == f"{self.facts.market}.pong":
            return (Pong(request_id=_id(envelope)),)
        if envelope.error is not None or envelope.event in ANSWERS:
            return (_answer(envelope),)
        reader = self._readers.get((envelope.channel, envelope.event))
        if reader is not None:
            return reader(frame, received_us)
        if envelope.event == "upgrade" or (
            envelope.channel == f"{self.facts.market}.system" and _status(envelope).type == "upgrade"
        ):
            return (ServerClosing(reason="upgrade"),)
        return (Unexpected(kind=envelope.channel or envelope.event or "no channel and no event"),)

    def _asks(self, event: str, wants: Sequence[Want], first_id: int) -> tuple[Ask, ...]:
        asks: list[Ask] = []
        for channel, name in CHANNELS.items():
            mine = [want for want in wants if want.channel == channel]
            for batch in in_batches(mine, STREAMS_PER_REQUEST):
                request_id = first_id + len(asks)
                told = {
                    "id": request_id,
                    "channel": f"{self.facts.market}.{name}",
                    "event": event,
                    "payload": [self._stream(want) for want in batch],
                }
                socket = self.facts.channels[channel]
                asks.append(Ask(socket=socket, request_id=request_id, wants=batch, frame=msgspec.json.encode(told)))
        return tuple(asks)

    def _stream(self, want: Want) -> str:
        if want.channel != "book":
            return want.native
        depths = self.facts.book.stream_depths
        depth = next((levels for levels in depths if levels >= want.depth > 0), depths[-1])
        return f"ob.{want.native}.{depth}"


def _spot_trade(frame: bytes, received_us: int) -> tuple[PublicTrade]:
    deal = read(_SPOT_TRADE, frame).result
    texts = read(PLAIN, frame)["result"] if exact.suspicious(frame) else None
    return (trades.spot(deal, texts, received_us, inside="result."),)


def _futures_trades(frame: bytes, received_us: int) -> tuple[PublicTrade, ...]:
    deals = read(_FUTURES_TRADES, frame).result
    texts = read(PLAIN, frame)["result"] if exact.suspicious(frame) else None
    return trades.futures(deals, texts, received_us, inside="result")


def _funding(frame: bytes, received_us: int) -> tuple[Event, ...]:
    told = read(_TICKERS, frame)
    found: list[Event] = []
    for at, ticker in enumerate(told.result):
        at_ms = told.at_ms if ticker.at_ms is None else ticker.at_ms
        venue_us = None if at_ms is None else at_ms * US_PER_MS
        found.append(rest.funding(ticker, ticker.native, venue_us, received_us, inside=f"result[{at}]."))
    return tuple(found)


def _answer(envelope: wire.Envelope) -> Answer:
    trouble = envelope.error
    if trouble is not None:
        return Answer(request_id=_id(envelope), error=f"{trouble.code} {trouble.message}")
    status = _status(envelope).status
    return Answer(request_id=_id(envelope), error=None if status in {None, SUCCESS} else status)


def _status(envelope: wire.Envelope) -> wire.Status:
    data = bytes(envelope.result)
    return read(_STATUS, data) if data.startswith(b"{") else wire.Status()


def _id(envelope: wire.Envelope) -> int | None:
    return request_number(envelope.request_id, _LONGEST_ID)


_PEEK: Final = 128
_LONGEST_ID: Final = 10
_UPDATE: Final = b'"event":"update"'
_ENVELOPE: Final = msgspec.json.Decoder(wire.Envelope)
_STATUS: Final = msgspec.json.Decoder(wire.Status)
_SPOT_TRADE: Final = msgspec.json.Decoder(wire.Frame[wire.SpotTrade], strict=False)
_FUTURES_TRADES: Final = msgspec.json.Decoder(wire.Frame[tuple[wire.FuturesTrade, ...]], strict=False)
_TICKERS: Final = msgspec.json.Decoder(wire.Frame[tuple[wire.Ticker, ...]], strict=False)
