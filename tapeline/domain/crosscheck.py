"""A quiet book against the venue's REST answer: it is proven, behind, or the answer says nothing about it.

One look proves no loss: what REST knows may still be on its way over the socket. A shell that hears Behind asks again
after its grace; only a book that is behind twice, and has not moved in between, has lost something.

Where numbers leave some out a book that moves may have lost something too. Of such a book single levels are compared:
one that differs twice, with the same two values both times, was not told in between, and what was told is not so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

from tapeline.domain.book import BookKeeper, BookSnapshot
from tapeline.domain.levels import Column

Differences = frozenset[tuple[str, float, float, float]]
"""Side, price, our quantity and the venue's; a level that is not there has none."""

Numbers = Literal["same", "other"]
"""How REST counts: as the stream does, or by numbers of its own."""


class Same(msgspec.Struct, frozen=True):
    """The book is as the venue says, at this time."""

    at_us: int


class Behind(msgspec.Struct, frozen=True):
    """The venue says something newer, or something else at the same number."""

    detail: str


class Unknown(msgspec.Struct, frozen=True):
    """The answer cannot be compared."""

    reason: str


def compare(keeper: BookKeeper, snapshot: BookSnapshot, *, numbers: Numbers) -> Same | Behind | Unknown:
    """Compare a valid book with a REST snapshot, level by level as far as both go.

    Numbers decide which of the two is newer or, where REST has numbers of its own, the venue's times. Equal levels at
    a newer number prove nothing: the venue may count what it has not sent yet, and what is lost shows at the next
    delta.
    """
    if keeper.state != "valid" or keeper.sequence is None:
        return Unknown("there is no valid book")
    if numbers != "other":
        ours, theirs = keeper.sequence, snapshot.sequence
    elif keeper.venue_us is None or snapshot.venue_us is None:
        return Unknown("neither number nor time can be compared")
    else:
        ours, theirs = keeper.venue_us, snapshot.venue_us
    if theirs < ours:
        return Unknown(f"the answer is older than the book: {theirs} < {ours}")
    top = keeper.top(0)
    sides = (
        ("bids", top.bid_prices, top.bid_quantities, snapshot.bid_prices, snapshot.bid_quantities),
        ("asks", top.ask_prices, top.ask_quantities, snapshot.ask_prices, snapshot.ask_quantities),
    )
    for side, *columns in sides:
        told = _difference(*columns)
        if told is not None:
            return Behind(f"{side} at {theirs}, ours at {ours}: {told}")
    if numbers == "same" and theirs > ours:
        return Unknown(f"the venue is at {theirs}, ours at {ours}, with equal levels")
    return Same(snapshot.stood_us)


def _difference(prices: Column, quantities: Column, venue_prices: Column, venue_quantities: Column) -> str | None:
    """Say where two sides differ; beyond the shorter one nothing is known, but one of nothing is shorter by all."""
    if bool(prices) != bool(venue_prices):
        return f"{len(prices)} levels, the venue has {len(venue_prices)}"
    ours = zip(prices, quantities, strict=True)
    theirs = zip(venue_prices, venue_quantities, strict=True)
    for at, (one, other) in enumerate(zip(ours, theirs, strict=False)):
        if one != other:
            return f"level {at} is {one}, the venue has {other}"
    return None


def differences(keeper: BookKeeper, snapshot: BookSnapshot) -> Differences:
    """Return the levels in which a valid book and a REST snapshot differ, as far as both go."""
    top = keeper.top(0)
    bids = _unlike("bid", -1, (top.bid_prices, top.bid_quantities), (snapshot.bid_prices, snapshot.bid_quantities))
    asks = _unlike("ask", 1, (top.ask_prices, top.ask_quantities), (snapshot.ask_prices, snapshot.ask_quantities))
    return frozenset((*bids, *asks))


def _unlike(
    side: str, sign: int, ours: tuple[Column, Column], theirs: tuple[Column, Column]
) -> Iterator[tuple[str, float, float, float]]:
    """Yield what differs up to the worst level of the side that is shorter; an empty one ends nowhere."""
    ends = [sign * prices[-1] for prices, _ in (ours, theirs) if prices]
    mine, other = dict(zip(*ours, strict=True)), dict(zip(*theirs, strict=True))
    for price in mine.keys() | other.keys():
        pair = (mine.get(price, 0.0), other.get(price, 0.0))
        if pair[0] != pair[1] and sign * price <= min(ends):
            yield (side, price, *pair)
