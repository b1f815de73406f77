"""How a book is made: a delta put into its two sides, a snapshot with what continues it, each held to its checksum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from tapeline.domain.book_values import BookDelta, BookSnapshot
from tapeline.domain.checksum import ChecksumRule, Window
from tapeline.domain.levels import Levels, texts_by_place


class Built(NamedTuple):
    """A book made of a snapshot and the kept changes behind it, and how it differs from the venue's checksum."""

    bids: Levels
    asks: Levels
    window: Window | None
    changes: tuple[BookDelta, ...]
    unlike: str | None


def build(snapshot: BookSnapshot, later: Sequence[BookDelta], most: int, rule: ChecksumRule | None) -> Built:
    """Make a book of a snapshot and the changes behind it, of at most so many levels a side."""
    bids, asks = Levels("bid", most=most), Levels("ask", most=most)
    limit, exact = snapshot.limit, snapshot.exact
    bids.replace(snapshot.bid_prices, snapshot.bid_quantities, limit=limit, texts=texts_by_place(exact, "bid"))
    asks.replace(snapshot.ask_prices, snapshot.ask_quantities, limit=limit, texts=texts_by_place(exact, "ask"))
    if rule is None:
        for delta in later:
            put(bids, asks, delta)
        return Built(bids, asks, None, tuple(later), None)
    window = Window(rule)
    unlike = _unlike(window, bids, asks, snapshot)
    changes: list[BookDelta] = []
    for delta in later:
        if unlike is None:
            put(bids, asks, delta)
            change, unlike = checked(window, bids, asks, delta)
            changes.append(change)
    return Built(bids, asks, window, tuple(changes), unlike)


def put(bids: Levels, asks: Levels, delta: BookDelta) -> None:
    """Put a delta into the two sides."""
    if delta.bid_prices:
        bids.change(delta.bid_prices, delta.bid_quantities)
    if delta.ask_prices:
        asks.change(delta.ask_prices, delta.ask_quantities)
    if delta.exact is not None or bids.noted or asks.noted:
        bids.note(delta.bid_prices, texts_by_place(delta.exact, "bid"))
        asks.note(delta.ask_prices, texts_by_place(delta.exact, "ask"))


def checked(window: Window, bids: Levels, asks: Levels, delta: BookDelta) -> tuple[BookDelta, str | None]:
    """Cut an applied delta to the window; return it with the deletions that this took, and what is wrong by then."""
    check = delta.check
    if check is None:
        return delta, "it has no checksum"
    window.note(delta.bid_prices, delta.ask_prices, check)
    low, high = window.beyond(bids, asks)
    if low or high:
        no_bids, no_asks = (0.0,) * len(low), (0.0,) * len(high)
        cut = {"bid_prices": low, "bid_quantities": no_bids, "ask_prices": high, "ask_quantities": no_asks}
        put(bids, asks, msgspec.structs.replace(delta, exact=None, **cut))
        delta = msgspec.structs.replace(delta, **{name: getattr(delta, name) + more for name, more in cut.items()})
    return delta, window.wrong(bids, asks, check)


def _unlike(window: Window, bids: Levels, asks: Levels, snapshot: BookSnapshot) -> str | None:
    """Take the texts of a whole book, and say what is wrong with it."""
    if snapshot.check is None:
        return "it has no checksum"
    if any(window.beyond(bids, asks)):
        return f"it has {len(bids.prices)} bids and {len(asks.prices)} asks, more than its checksum is of"
    window.note(snapshot.bid_prices, snapshot.ask_prices, snapshot.check)
    return window.wrong(bids, asks, snapshot.check)


def no_book(snapshot: BookSnapshot, built: Built) -> str | None:
    """Say why what was made of a snapshot is no book to show, None where it is one."""
    bids, asks = built.bids, built.asks
    if built.unlike is not None:
        return built.unlike
    if not snapshot.bid_prices and not snapshot.ask_prices:
        return "it is empty"
    if bids.prices and asks.prices and bids.prices[-1] >= asks.prices[0]:
        return f"it is crossed: bid {bids.best()} meets ask {asks.best()}"
    return None
