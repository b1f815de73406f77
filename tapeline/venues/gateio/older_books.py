"""Gate's older book channels: increments that begin at a REST snapshot, and whole books at every push.

We do not ask for them: `obu` sends its own snapshot. What was recorded of them is read by the same rule of continuity:
an increment holds `U` to `u`, so it follows `U - 1`, and REST's `id` is of the same numbering.
"""

from __future__ import annotations

from typing import Final

import msgspec

from tapeline.domain.book import BookDelta, BookSnapshot
from tapeline.venues.contract import read
from tapeline.venues.gateio import books, wire
from tapeline.venues.gateio.values import US_PER_MS, level_texts, sides


def increment(frame: bytes, received_us: int) -> tuple[BookDelta | BookSnapshot]:
    """Return the change in a frame of `order_book_update`, or the whole book where it says that it is full."""
    told = read(_INCREMENT, frame).result
    levels = sides(told.bids or ()), sides(told.asks or ())
    return (books.said(told, told.native, levels, frame, received_us),)


def spot_top(frame: bytes, received_us: int) -> tuple[BookSnapshot]:
    """Return the book in a frame of `spot.order_book`."""
    return (_whole(read(_SPOT_TOP, frame).result, frame, received_us),)


def futures_top(frame: bytes, received_us: int) -> tuple[BookSnapshot]:
    """Return the book in a frame of `futures.order_book`."""
    return (_whole(read(_FUTURES_TOP, frame).result, frame, received_us),)


def _whole(book: wire.SpotTop | wire.FuturesTop, frame: bytes, received_us: int) -> BookSnapshot:
    bid_prices, bid_quantities = sides(book.bids)
    ask_prices, ask_quantities = sides(book.asks)
    return BookSnapshot(
        native=book.native,
        sequence=book.last,
        replaces=True,
        routine=True,
        bid_prices=bid_prices,
        bid_quantities=bid_quantities,
        ask_prices=ask_prices,
        ask_quantities=ask_quantities,
        venue_us=book.at_ms * US_PER_MS,
        received_us=received_us,
        exact=level_texts(frame, "bids", "asks", inside="result"),
    )


_INCREMENT: Final = msgspec.json.Decoder(wire.Frame[wire.Increment], strict=False)
_SPOT_TOP: Final = msgspec.json.Decoder(wire.Frame[wire.SpotTop], strict=False)
_FUTURES_TOP: Final = msgspec.json.Decoder(wire.Frame[wire.FuturesTop], strict=False)
