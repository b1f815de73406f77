"""OKX's public side as pure functions: spot and futures (linear swaps) differ by the facts they are made with."""

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
    ServerClosing,
    StreamChannel,
    Unexpected,
    Want,
    in_batches,
    read,
    request_number,
)
from tapeline.venues.okx import market_2022, rest, wire

US_PER_MS: Final = rest.US_PER_MS
WANTS_PER_REQUEST: Final = 100
"""The arguments of a request may have 64 KB; those of so many wants have 25."""
BEFORE_FIRST: Final = -1
"""`prevSeqId` of a whole book."""
CHANGES: Final = frozenset({"books", "books-l2-tbt", "books50-l2-tbt"})
WHOLE: Final = frozenset({"books5"})
STREAMS: Final[Mapping[StreamChannel, tuple[str, ...]]] = {
    "book": ("books",),
    "trade": ("trades-all",),
    "funding": ("funding-rate", "mark-price", "index-tickers"),
}
"""OKX's channels of each want; the last of funding goes by the name of the index."""
WANTED: Final[Mapping[str, StreamChannel]] = {name: channel for channel, names in STREAMS.items() for name in names}
INDEX: Final = "index-tickers"
UPGRADE: Final = "64008"
ID_DIGITS: Final = 32
"""OKX takes ids of so many characters."""
PING: Final = b"ping"
PONG: Final = b"pong"
_UNKNOWN: Final = re.compile(r"channel:([^\s,]+),instId:([^\s,]+)")
"""How error 60018 names the stream that there is not, in the midst of its words."""


class OkxFeed(rest.OkxRest):
    """One market of OKX."""

    def subscribe(self, wants: Sequence[Want], first_id: int) -> tuple[Ask, ...]:
        """Return the frames that ask for these streams, by socket."""
        return self._asks("subscribe", wants, first_id)

    def unsubscribe(self, wants: Sequence[Want], first_id: int) -> tuple[Ask, ...]:
        """Return the frames that give these streams up, by socket."""
        return self._asks("unsubscribe", wants, first_id)

    def ping(self, request_id: int) -> bytes | None:  # noqa: ARG002 - OKX's ping has no id
        """Return OKX's own ping, a word that is no JSON."""
        return PING

    def decode(self, frame: bytes, received_us: int) -> tuple[Event, ...]:
        """Return what a frame says; a book's frame, the most frequent one, is decoded in one go."""
        if frame.startswith(_BOOK_HEAD):
            return _books(frame, received_us)
        if frame == PONG:
            return (Pong(),)
        envelope = read(_ENVELOPE, frame)
        if envelope.event is not None:
            return (_answer(envelope, envelope.event),)
        channel = envelope.arg.channel if envelope.arg is not None else "no channel and no event"
        reader = _READERS.get(channel)
        # Funding is of futures alone; all other channels are of both markets.
        if reader is None or WANTED.get(channel, "book") not in self.facts.channels:
            return (Unexpected(kind=channel),)
        return reader(frame, received_us)

    def _asks(self, op: str, wants: Sequence[Want], first_id: int) -> tuple[Ask, ...]:
        asks: list[Ask] = []
        for socket in self.facts.sockets:
            mine = [want for want in wants if self.facts.channels[want.channel] == socket]
            for batch in in_batches(mine, WANTS_PER_REQUEST):
                request_id = first_id + len(asks)
                args = [arg for want in batch for arg in _args(want)]
                frame = msgspec.json.encode({"id": str(request_id), "op": op, "args": args})
                asks.append(Ask(socket=socket, request_id=request_id, wants=batch, frame=frame))
        return tuple(asks)


def _args(want: Want) -> list[dict[str, str]]:
    index = want.native.removesuffix(rest.SWAP)
    return [{"channel": name, "instId": index if name == INDEX else want.native} for name in STREAMS[want.channel]]


def _books(data: bytes, received_us: int) -> tuple[Event, ...]:
    frame = read(_BOOK, data)
    channel, native = frame.arg.channel, frame.arg.native
    if channel not in CHANGES and channel not in WHOLE:
        # `books-rpi`: with orders that only some takers can reach.
        return (Unexpected(kind=channel),)
    if native is None:
        raise InvalidMessage("a book is of an instrument", field="arg.instId")
    texts = rest.level_texts(data, len(frame.data))
    return tuple(
        _whole(book, native, text, received_us, routine=channel in WHOLE)
        if channel in WHOLE or _begins(frame, book)
        else _change(book, native, text, received_us)
        for book, text in zip(frame.data, texts, strict=True)
    )


def _begins(frame: wire.BookFrame, book: wire.Book) -> bool:
    """Tell whether a frame of changes holds a whole book; one that does not say it has a `prevSeqId` that does."""
    if frame.action in {"snapshot", "update"}:
        return frame.action == "snapshot"
    if frame.action is None and book.previous == BEFORE_FIRST:
        return True
    raise InvalidMessage("a book is a snapshot or an update", field="action", value=frame.action)


def _whole(book: wire.Book, native: str, texts: exact.Exact | None, received_us: int, *, routine: bool) -> BookSnapshot:
    bid_prices, bid_quantities = rest.columns(book.bids)
    ask_prices, ask_quantities = rest.columns(book.asks)
    return BookSnapshot(
        native=native,
        sequence=book.sequence if book.sequence is not None else market_2022.number(book, changes=not routine),
        replaces=True,
        routine=routine,
        bid_prices=bid_prices,
        bid_quantities=bid_quantities,
        ask_prices=ask_prices,
        ask_quantities=ask_quantities,
        venue_us=book.book_ms * US_PER_MS,
        received_us=received_us,
        exact=texts,
    )


def _change(book: wire.Book, native: str, texts: exact.Exact | None, received_us: int) -> BookDelta:
    bid_prices, bid_quantities = rest.columns(book.bids)
    ask_prices, ask_quantities = rest.columns(book.asks)
    sequence, follows = book.sequence, book.previous
    if sequence is None:
        sequence = market_2022.number(book, changes=True)
    elif follows is None:
        raise InvalidMessage("a change names the one before", field="data[0].prevSeqId")
    # What is sent while nothing changes repeats the last number. It is of no time: a known number at a new time would
    # be a venue that counts from the start again.
    changes = sequence != follows or bool(book.bids or book.asks)
    return BookDelta(
        native=native,
        follows=follows,
        first=sequence,
        sequence=sequence,
        bid_prices=bid_prices,
        bid_quantities=bid_quantities,
        ask_prices=ask_prices,
        ask_quantities=ask_quantities,
        venue_us=book.book_ms * US_PER_MS if changes else None,
        received_us=received_us,
        exact=texts,
    )


def _trades(data: bytes, received_us: int) -> tuple[Event, ...]:
    return tuple(rest.trades(read(_TRADES, data).data, data, received_us))


def _marks(data: bytes, received_us: int) -> tuple[FundingUpdate, ...]:
    marks = read(_MARK, data).data
    return tuple(
        FundingUpdate(
            native=mark.native,
            whole=False,
            mark_price=mark.mark_price,
            venue_us=mark.mark_ms * US_PER_MS,
            received_us=received_us,
            exact=exact.of_fields(mark_price=text.get("markPx")),
        )
        for mark, text in zip(marks, rest.texts(data, len(marks)), strict=True)
    )


def _indices(data: bytes, received_us: int) -> tuple[FundingUpdate, ...]:
    tickers = read(_INDEX, data).data
    return tuple(
        FundingUpdate(
            native=ticker.index + rest.SWAP,
            whole=False,
            index_price=ticker.index_price,
            venue_us=ticker.index_ms * US_PER_MS,
            received_us=received_us,
            exact=exact.of_fields(index_price=text.get("idxPx")),
        )
        for ticker, text in zip(tickers, rest.texts(data, len(tickers)), strict=True)
    )


def _answer(envelope: wire.Envelope, event: str) -> Answer | ServerClosing | Unexpected:
    request_id = request_number(envelope.request_id, ID_DIGITS)
    if event in {"subscribe", "unsubscribe"} and envelope.arg is not None:
        return Answer(request_id=request_id, streams=_streams(envelope.arg.channel, envelope.arg.native))
    if event == "error":
        named = _UNKNOWN.search(envelope.message)
        streams = _streams(named[1], named[2]) if named else ()
        return Answer(request_id=request_id, error=f"{envelope.code} {envelope.message}", streams=streams)
    if event == "notice" and envelope.code == UPGRADE:
        return ServerClosing(reason=envelope.message or UPGRADE)
    return Unexpected(kind=f"{event} {envelope.code}" if envelope.code else event)


def _streams(channel: str, native: str | None) -> tuple[tuple[StreamChannel, str | None], ...]:
    """Return the want that one of OKX's streams is for; of funding there are three answers."""
    wanted = WANTED.get(channel)
    if wanted is None or native is None:
        return ()
    return ((wanted, native + rest.SWAP if channel == INDEX else native),)


_BOOK_HEAD: Final = b'{"arg":{"channel":"books'
_BOOK: Final = msgspec.json.Decoder(wire.BookFrame, strict=False)
_TRADES: Final = msgspec.json.Decoder(wire.TradeFrame, strict=False)
_MARK: Final = msgspec.json.Decoder(wire.MarkFrame, strict=False)
_INDEX: Final = msgspec.json.Decoder(wire.IndexFrame, strict=False)
_ENVELOPE: Final = msgspec.json.Decoder(wire.Envelope)
_READERS: Final[Mapping[str, Callable[[bytes, int], tuple[Event, ...]]]] = {
    **dict.fromkeys(CHANGES | WHOLE, _books),
    "trades-all": _trades,
    "trades": _trades,
    "funding-rate": rest.fundings,
    "mark-price": _marks,
    INDEX: _indices,
}
