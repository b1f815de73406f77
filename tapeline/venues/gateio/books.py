"""Gate's books: the frames of `obu`, and how a frame of either numbered channel becomes a change or a whole book."""

from __future__ import annotations

from typing import Final

import msgspec

from tapeline.domain.book import BookDelta, BookSnapshot
from tapeline.domain.levels import Column
from tapeline.errors import InvalidMessage
from tapeline.venues.contract import columns, read
from tapeline.venues.gateio import wire
from tapeline.venues.gateio.values import US_PER_MS, level_texts

Sides = tuple[tuple[Column, Column], tuple[Column, Column]]
"""Bids and asks, each as a column of prices and one of quantities."""


def update(frame: bytes, received_us: int) -> tuple[BookDelta | BookSnapshot]:
    """Return what a frame of `obu` says; one without levels counts on, and the next follows it."""
    told = read(_UPDATE, frame).result
    levels = columns(told.bids or ()), columns(told.asks or ())
    return (said(told, _native(told.stream), levels, frame, received_us),)


def said(
    told: wire.BookUpdate | wire.Increment, native: str, levels: Sides, frame: bytes, received_us: int
) -> BookDelta | BookSnapshot:
    """Return the whole book where a frame says that it is full, else the change from its `U` up to its `u`."""
    (bid_prices, bid_quantities), (ask_prices, ask_quantities) = levels
    texts = level_texts(frame, "b", "a", inside="result")
    if told.full:
        return BookSnapshot(
            native=native,
            sequence=told.last,
            replaces=True,
            bid_prices=bid_prices,
            bid_quantities=bid_quantities,
            ask_prices=ask_prices,
            ask_quantities=ask_quantities,
            venue_us=told.at_ms * US_PER_MS,
            received_us=received_us,
            exact=texts,
        )
    first = told.first
    if first is None or first > told.last:
        raise InvalidMessage("a change names its first number, none behind its last", field="result.U", value=first)
    return BookDelta(
        native=native,
        follows=first - 1,
        first=first,
        sequence=told.last,
        bid_prices=bid_prices,
        bid_quantities=bid_quantities,
        ask_prices=ask_prices,
        ask_quantities=ask_quantities,
        venue_us=told.at_ms * US_PER_MS,
        received_us=received_us,
        exact=texts,
    )


def _native(stream: str) -> str:
    """Return the name inside that of a stream, as in `ob.BTC_USDT.50`."""
    native = stream.removeprefix("ob.").rpartition(".")[0]
    if not native or not stream.startswith("ob."):
        raise InvalidMessage("a book's stream is ob, name and levels", field="result.s", value=stream)
    return native


_UPDATE: Final = msgspec.json.Decoder(wire.Frame[wire.BookUpdate], strict=False)
