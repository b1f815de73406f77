"""One side of a book against a plain dictionary, both sides, any changes: what is shown is known, and bounded."""

from __future__ import annotations

from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from tapeline.domain.levels import SLACK, Column, Levels

MOST = 30
Side = Literal["bid", "ask"]
SIDES = st.sampled_from(["bid", "ask"])
PRICES = st.integers(1, 150).map(float)
SOME = st.lists(st.tuples(PRICES, st.sampled_from([0.0, 0.0, 1.0, 2.5])), max_size=20)
# So many at once that the side outgrows its bound.
MANY = st.tuples(st.integers(1, 60), st.integers(0, 150)).map(
    lambda ends: [(float(price), 1.0) for price in range(ends[0], ends[0] + ends[1])]
)
CHANGES = st.one_of(SOME, MANY)
FEW = st.lists(st.tuples(PRICES, st.sampled_from([0.0, 1.0, 2.5])), max_size=60, unique_by=lambda level: level[0])


def columns(levels: list[tuple[float, float]]) -> tuple[Column, Column]:
    return tuple(price for price, _ in levels), tuple(quantity for _, quantity in levels)


class Plain:
    """The same by a dictionary that is sorted anew each time; `rank` is lower for better prices."""

    def __init__(self, side: Side) -> None:
        self.sign = -1.0 if side == "bid" else 1.0
        self.held: dict[float, float] = {}
        self.horizon: float | None = None

    def best_first(self) -> list[float]:
        return sorted(self.held, key=lambda price: price * self.sign)

    def replace(self, levels: list[tuple[float, float]], limit: int | None) -> None:
        self.held = {price: quantity for price, quantity in levels if quantity}
        whole = limit is None or len(levels) < limit or not self.held
        self.horizon = None if whole else self.best_first()[-1]
        self.cut(0)

    def change(self, levels: list[tuple[float, float]]) -> None:
        self.held |= dict(levels)
        self.held = {price: quantity for price, quantity in self.held.items() if quantity}
        self.cut(SLACK)

    def cut(self, slack: int) -> None:
        if len(self.held) > MOST + slack:
            kept = self.best_first()[:MOST]
            self.held = {price: self.held[price] for price in kept}
            worst = kept[-1]
            nearer = self.horizon is None or worst * self.sign < self.horizon * self.sign
            self.horizon = worst if nearer else self.horizon

    def known(self) -> list[tuple[float, float]]:
        horizon = self.horizon
        return [
            (price, self.held[price])
            for price in self.best_first()
            if horizon is None or price * self.sign <= horizon * self.sign
        ]


@given(SIDES, FEW, st.booleans(), st.lists(CHANGES, max_size=4), st.integers(0, 40))
def test_a_side_shows_what_a_plain_dictionary_would(
    side: Side,
    first: list[tuple[float, float]],
    may_go_on: bool,  # noqa: FBT001 - as above
    changes: list[list[tuple[float, float]]],
    count: int,
) -> None:
    levels, plain = Levels(side, most=MOST), Plain(side)
    limit = len(first) if may_go_on else None
    levels.replace(*columns(first), limit=limit, texts={})
    plain.replace(first, limit)
    for change in [[], *changes]:
        levels.change(*columns(change))
        plain.change(change)
        known = plain.known()
        assert levels.top(0) == columns(known)
        assert levels.top(count) == columns(known[:count] if count else known)
        assert (levels.known(), levels.whole()) == (len(known), plain.horizon is None)
        assert levels.best() == next(iter(plain.best_first()), None)
