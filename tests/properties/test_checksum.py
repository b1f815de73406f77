"""A venue that shows a window and a checksum: what is lost is found at the next push, and records rebuild the book."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from tapeline.domain.book import APPLIED, Applied, BookDelta, BookKeeper, BookSnapshot, Restored, WentStale
from tapeline.domain.checksum import Check, ChecksumRule, TextLevels

LEVELS = 3
Side = dict[str, str]
Book = tuple[Side, Side]
BID_PRICES = st.sampled_from([str(price) for price in range(1, 10)])
ASK_PRICES = st.sampled_from([str(price) for price in range(10, 19)])
QUANTITIES = st.sampled_from(["0", "0", "1", "1.0", "2"])
STEPS = st.lists(
    st.tuples(
        st.dictionaries(BID_PRICES, QUANTITIES, max_size=3),
        st.dictionaries(ASK_PRICES, QUANTITIES, max_size=3),
        st.sampled_from(["", "", "", "lose", "twice", "whole"]),
    ),
    max_size=30,
)


def _best(side: Side, *, bids: bool) -> TextLevels:
    return tuple(sorted(side.items(), key=lambda level: float(level[0]), reverse=bids)[:LEVELS])


def _number(bids: TextLevels, asks: TextLevels) -> int:
    return int.from_bytes(repr((bids, asks)).encode(), "big")


def _shown(book: Book) -> tuple[TextLevels, TextLevels]:
    return _best(book[0], bids=True), _best(book[1], bids=False)


def _columns(levels: TextLevels) -> tuple[tuple[float, ...], tuple[float, ...]]:
    return tuple(float(price) for price, _ in levels), tuple(float(quantity) for _, quantity in levels)


class Venue:
    """A book deeper than what it shows, and the pushes that lead from one window to the next."""

    def __init__(self, *, tells_deletions: bool) -> None:
        self._tells = tells_deletions
        self.book: Book = ({"5": "1"}, {"14": "1"})
        self.at = 100

    def whole(self) -> BookSnapshot:
        bids, asks = _shown(self.book)
        return BookSnapshot(
            native="X",
            sequence=self.at,
            replaces=True,
            routine=True,
            bid_prices=_columns(bids)[0],
            bid_quantities=_columns(bids)[1],
            ask_prices=_columns(asks)[0],
            ask_quantities=_columns(asks)[1],
            venue_us=self.at,
            received_us=self.at,
            check=Check(value=_number(bids, asks), bids=bids, asks=asks),
        )

    def step(self, bids: Side, asks: Side) -> BookDelta:
        before = _shown(self.book)
        for side, changes, kept in ((self.book[0], bids, "5"), (self.book[1], asks, "14")):
            side.update(changes)
            for price in [price for price, quantity in side.items() if quantity == "0"]:
                del side[price]
            # Neither side is ever empty.
            side.setdefault(kept, "1")
        self.at += 1
        after = _shown(self.book)
        told = [tuple(self._changes(*sides)) for sides in zip(before, after, strict=True)]
        return BookDelta(
            native="X",
            follows=None,
            first=self.at,
            sequence=self.at,
            bid_prices=_columns(told[0])[0],
            bid_quantities=_columns(told[0])[1],
            ask_prices=_columns(told[1])[0],
            ask_quantities=_columns(told[1])[1],
            venue_us=self.at,
            received_us=self.at,
            check=Check(value=_number(*after), bids=told[0], asks=told[1]),
        )

    def _changes(self, before: TextLevels, after: TextLevels) -> Iterator[tuple[str, str]]:
        yield from (level for level in after if level not in before)
        now = {price for price, _ in after}
        for price, _ in before:
            # A level that only left the window may be told as deleted, or not at all.
            left = price in self.book[0] or price in self.book[1]
            if price not in now and (self._tells or not left):
                yield price, "0"


class Reader:
    """Who knows nothing of windows and checksums: the records alone make its book."""

    def __init__(self) -> None:
        self.sides: tuple[dict[float, float], dict[float, float]] = ({}, {})

    def take(self, record: BookDelta | BookSnapshot) -> None:
        if isinstance(record, BookSnapshot):
            self.sides = ({}, {})
        self.sides[0].update(zip(record.bid_prices, record.bid_quantities, strict=True))
        self.sides[1].update(zip(record.ask_prices, record.ask_quantities, strict=True))

    def book(self) -> tuple[dict[float, float], dict[float, float]]:
        bids, asks = ({price: size for price, size in side.items() if size} for side in self.sides)
        return bids, asks


def _after(held: tuple[TextLevels, TextLevels], delta: BookDelta) -> tuple[TextLevels, TextLevels]:
    """Return what a window must come to by a change, told by hand."""
    assert delta.check is not None
    sides = (dict(held[0]) | dict(delta.check.bids), dict(held[1]) | dict(delta.check.asks))
    bids, asks = ({price: quantity for price, quantity in side.items() if quantity != "0"} for side in sides)
    return _shown((bids, asks))


@given(STEPS, st.booleans())
def test_c_02_a_lost_change_is_found_at_the_next_push_unless_the_book_came_out_equal(
    steps: list[tuple[Side, Side, str]],
    tells_deletions: bool,  # noqa: FBT001 - Hypothesis fills it in
) -> None:
    venue, keeper, reader = Venue(tells_deletions=tells_deletions), _keeper(), Reader()
    reader.take(venue.whole())
    keeper.snapshot(venue.whole())
    held = _shown(venue.book)
    for bids, asks, fault in steps:
        delta = venue.step(bids, asks)
        if fault == "lose":
            continue
        if fault == "whole" or keeper.state != "valid":
            outcome = keeper.snapshot(venue.whole())
            assert isinstance(outcome, Restored)
            reader.take(outcome.snapshot)
            held = _shown(venue.book)
        else:
            told = [keeper.delta(delta) for _ in range(2 if fault == "twice" else 1)]
            held = _after(held, delta)
            if held != _shown(venue.book):
                assert isinstance(told[0], WentStale)
                assert told[0].hole.cause == "checksum"
                continue
            assert isinstance(told[0], Applied)
            reader.take(delta if told[0].change is None else told[0].change)
        top = keeper.top(0)
        mine = ((top.bid_prices, top.bid_quantities), (top.ask_prices, top.ask_quantities))
        assert (keeper.state, mine) == ("valid", tuple(_columns(levels) for levels in _shown(venue.book)))
        assert reader.book() == (dict(zip(*mine[0], strict=True)), dict(zip(*mine[1], strict=True)))


@given(STEPS, st.booleans())
def test_c_02_a_stream_that_loses_nothing_never_goes_stale(
    steps: list[tuple[Side, Side, str]],
    tells_deletions: bool,  # noqa: FBT001 - Hypothesis fills it in
) -> None:
    venue, keeper = Venue(tells_deletions=tells_deletions), _keeper()
    keeper.snapshot(venue.whole())
    outcomes = [keeper.delta(venue.step(bids, asks)) for bids, asks, _ in steps]
    assert all(isinstance(outcome, Applied) for outcome in outcomes)
    if tells_deletions:
        assert all(outcome is APPLIED for outcome in outcomes)


def _keeper() -> BookKeeper:
    return BookKeeper(epoch=1, checksum=ChecksumRule(levels=LEVELS, of=_number))
