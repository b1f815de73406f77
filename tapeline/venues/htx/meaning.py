"""What HTX's typed values mean as books, trades and funding, on streams and over REST alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from tapeline.domain import exact
from tapeline.domain.book import BookDelta, BookSnapshot
from tapeline.venues.contract import FundingUpdate, PublicTrade, columns, read
from tapeline.venues.htx import wire

Came = Literal["asked", "anew", "routine"]
"""How a whole book came: we asked for it, the stream began anew, or the stream says all each time."""
US_PER_MS: Final = 1_000


# ---------------------------------------------------------------- books
def change(native: str, frame: wire.ChangeFrame, data: bytes, received_us: int) -> BookDelta:
    """Return the changes of a spot book; one without levels moves the number on."""
    tick = frame.tick
    # A number that went back would be the venue counting anew: the book's rule says what becomes of that.
    first = min(tick.previous + 1, tick.sequence)
    return _delta(native, (tick.previous, first, tick.sequence), tick, frame.ts, data, received_us)


def step(native: str, tick: wire.Step, data: bytes, received_us: int) -> BookDelta | BookSnapshot:
    """Return a futures book, or its changes, which follow the version before."""
    if tick.event == "snapshot":
        return _snapshot(native, tick.version, tick, tick.ts, data, received_us, came="anew")
    return _delta(native, (tick.version - 1, tick.version, tick.version), tick, tick.ts, data, received_us)


def whole(
    native: str, tick: wire.Whole, data: bytes, received_us: int, *, came: Came, limit: int | None = None
) -> BookSnapshot:
    """Return a book of a channel that says all each time, or of REST."""
    sequence = tick.version if tick.mrid is None else tick.mrid
    return _snapshot(native, sequence, tick, tick.ts, data, received_us, came=came, limit=limit)


def numbered(native: str, book: wire.Numbered, ms: int, data: bytes, received_us: int, *, came: Came) -> BookSnapshot:
    """Return a whole spot book that counts as the increments do."""
    return _snapshot(native, book.sequence, book, ms, data, received_us, came=came)


# ---------------------------------------------------------------- trades
def trades(
    native: str,
    deals: Sequence[wire.SpotDeal | wire.SpotRestDeal | wire.SwapDeal],
    texts: Sequence[wire.RawDeal] | None,
    received_us: int,
) -> tuple[PublicTrade, ...]:
    """Return the trades of these rows, in their order; `texts` are the rows as written, where a number is long."""
    return tuple(
        PublicTrade(
            native=native,
            trade_id=str(deal.trade_id),
            sequence=deal.trade_id,
            price=deal.price,
            quantity=deal.amount,
            side=deal.direction,
            venue_us=deal.ts * US_PER_MS,
            received_us=received_us,
            exact=None if texts is None else _deal_texts(texts[at]),
        )
        for at, deal in enumerate(deals)
    )


# ---------------------------------------------------------------- funding
def price(native: str, name: str, frame: wire.CandleFrame, data: bytes, received_us: int) -> FundingUpdate:
    """Return the mark price or the index price, which is what the running candle last closed at."""
    texts = exact.of_fields(**{name: _text(read(_RAW_CANDLE, data).tick.close)}) if exact.suspicious(data) else None
    return FundingUpdate(
        native=native,
        whole=False,
        mark_price=frame.tick.close if name == "mark_price" else None,
        index_price=frame.tick.close if name == "index_price" else None,
        venue_us=frame.ts * US_PER_MS,
        received_us=received_us,
        exact=texts,
    )


def rates(
    rows: Sequence[wire.PushedRate | wire.Rate], ms: int, data: bytes, received_us: int
) -> tuple[FundingUpdate, ...]:
    """Return the rates of these rows, each with the settlement that it is for."""
    texts: tuple[wire.RawRate, ...] | None = None
    if exact.suspicious(data):
        written = read(_RAW_RATES, data).data
        texts = written if isinstance(written, tuple) else (written,)
    return tuple(
        FundingUpdate(
            native=row.native,
            whole=False,
            rate=row.rate,
            next_us=row.settlement_ms * US_PER_MS,
            venue_us=ms * US_PER_MS,
            received_us=received_us,
            exact=None if texts is None else exact.of_fields(rate=_text(texts[at].funding_rate)),
        )
        for at, row in enumerate(rows)
    )


# ---------------------------------------------------------------- inside
def _delta(
    native: str, ends: tuple[int, int, int], sides: wire.Sides, ms: int, data: bytes, received_us: int
) -> BookDelta:
    follows, first, sequence = ends
    bid_prices, bid_quantities = columns(sides.bids)
    ask_prices, ask_quantities = columns(sides.asks)
    return BookDelta(
        native=native,
        follows=follows,
        first=first,
        sequence=sequence,
        bid_prices=bid_prices,
        bid_quantities=bid_quantities,
        ask_prices=ask_prices,
        ask_quantities=ask_quantities,
        venue_us=ms * US_PER_MS,
        received_us=received_us,
        exact=_level_texts(data),
    )


def _snapshot(
    native: str,
    sequence: int,
    sides: wire.Sides,
    ms: int,
    data: bytes,
    received_us: int,
    *,
    came: Came,
    limit: int | None = None,
) -> BookSnapshot:
    bid_prices, bid_quantities = columns(sides.bids)
    ask_prices, ask_quantities = columns(sides.asks)
    return BookSnapshot(
        native=native,
        sequence=sequence,
        replaces=came != "asked",
        routine=came == "routine",
        limit=limit,
        bid_prices=bid_prices,
        bid_quantities=bid_quantities,
        ask_prices=ask_prices,
        ask_quantities=ask_quantities,
        venue_us=ms * US_PER_MS,
        received_us=received_us,
        exact=_level_texts(data),
    )


def _level_texts(data: bytes) -> exact.Exact | None:
    """Return the texts to keep of a frame's levels: HTX writes numbers, which only their own bytes keep exact."""
    if not exact.suspicious(data):
        return None
    book = read(_RAW_BOOK, data)
    sides = book.tick or book.data or wire.RawSides()
    bids, asks = ([tuple(map(_text, level)) for level in levels] for levels in (sides.bids, sides.asks))
    return exact.of_levels(bids, asks)


def _deal_texts(deal: wire.RawDeal) -> exact.Exact | None:
    return exact.of_fields(price=_text(deal.price), quantity=_text(deal.amount))


def _text(raw: msgspec.Raw) -> str:
    return bytes(raw).decode().strip('"')


_RAW_BOOK: Final = msgspec.json.Decoder(wire.RawBook)
_RAW_CANDLE: Final = msgspec.json.Decoder(wire.RawCandleFrame)
_RAW_RATES: Final = msgspec.json.Decoder(wire.RawRates)
