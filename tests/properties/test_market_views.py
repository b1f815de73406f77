"""Live views: whatever comes in whatever order, a lower epoch or an older sequence changes nothing."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tapeline.cli.market_books import Books
from tapeline.cli.market_plan import Plan
from tapeline.cli.market_spreads import Spreads, legs_of
from tapeline.domain.events import Book, Gap
from tapeline.domain.spread import Spread

SYMBOL = "BTC/USDT"
PLAN = Plan(text=SYMBOL)
NOW_US = 1_000
FEW = st.integers(1, 4)
VENUES = st.sampled_from(["binance", "bybit", "okx"])
BOOKS = st.builds(
    Book,
    venue=VENUES,
    market=st.sampled_from(["spot", "futures"]),
    symbol=st.just(SYMBOL),
    epoch=FEW,
    sequence=FEW,
    state=st.sampled_from(["valid", "stale"]),
    depth=st.just(20),
    bid_prices=st.just((1.0,)),
    bid_quantities=st.just((1.0,)),
    ask_prices=st.just((2.0,)),
    ask_quantities=st.just((1.0,)),
    first_received_us=st.just(0),
    received_us=st.just(0),
    published_us=st.integers(1, 999),
)
GAPS = st.builds(
    Gap,
    venue=VENUES,
    market=st.just("spot"),
    symbol=st.just(SYMBOL),
    channel=st.sampled_from(["book", "trade"]),
    epoch=FEW,
    start_us=FEW,
    cause=st.just("sequence"),
    published_us=st.just(0),
)
LEGS = st.lists(st.tuples(VENUES, st.sampled_from(["spot", "futures"])), min_size=2, max_size=2, unique=True)


@st.composite
def spreads(draw: st.DrawFn) -> Spread:
    (buy_venue, buy_market), (sell_venue, sell_market) = draw(LEGS)
    return Spread(
        signal_id="x",
        symbol=SYMBOL,
        quantity=1.0,
        buy_venue=buy_venue,
        buy_market="spot" if buy_market == "spot" else "futures",
        buy_epoch=draw(FEW),
        buy_sequence=draw(FEW),
        buy_price=1.0,
        sell_venue=sell_venue,
        sell_market="spot" if sell_market == "spot" else "futures",
        sell_epoch=draw(FEW),
        sell_sequence=draw(FEW),
        sell_price=1.0,
        gross=0.0,
        fees=0.0,
        net=0.0,
        first_received_us=0,
        received_us=0,
        published_us=draw(st.integers(1, 999)),
    )


def books_of(values: Sequence[Book | Gap]) -> Books:
    books = Books(SYMBOL, PLAN)
    for value in values:
        books.take(value)
    return books


@given(st.lists(BOOKS, max_size=30))
def test_the_book_shown_is_the_last_of_the_highest_epoch_and_sequence(values: list[Book]) -> None:
    newest: dict[str, Book] = {}
    for value in sorted(values, key=lambda book: (book.epoch, book.sequence)):  # stable: equal ones stay in order
        newest[value.key] = value
    assert {one.book.key: one.book for one in books_of(values).standings(NOW_US)} == newest


@given(st.lists(st.one_of(BOOKS, GAPS), max_size=30), st.data())
def test_a_record_that_is_sent_again_later_and_is_older_changes_nothing(
    values: list[Book | Gap], data: st.DataObject
) -> None:
    books = books_of(values)
    before = books.standings(NOW_US)
    known = {one.book.key: (one.book.epoch, one.book.sequence) for one in before}
    older = [
        value
        for value in values
        if isinstance(value, Gap) or (value.epoch, value.sequence) < known[value.key]
    ]  # fmt: skip
    for value in data.draw(st.permutations(older)):
        books.take(value)
    assert books.standings(NOW_US) == before


@given(st.lists(GAPS, max_size=20))
def test_as_many_gaps_are_counted_as_are_newer_than_all_before(values: list[Gap]) -> None:
    book = Book(
        venue="okx", market="spot", symbol=SYMBOL, epoch=1, sequence=1, state="valid", depth=1, bid_prices=(),
        bid_quantities=(), ask_prices=(), ask_quantities=(), first_received_us=0, received_us=0, published_us=0,
    )  # fmt: skip
    ours = [(gap.epoch, gap.start_us) for gap in values if (gap.venue, gap.channel) == ("okx", "book")]
    newer = [place for at, place in enumerate(ours) if all(place > earlier for earlier in ours[:at])]
    twice = [one for gap in values for one in (gap, msgspec.structs.replace(gap, end_us=9))]
    (shown,) = (one for one in books_of([book, *twice]).standings(NOW_US) if one.book.venue == "okx")
    assert shown.holes.count == len(newer)


@given(st.lists(spreads(), max_size=30))
def test_the_books_behind_a_pair_never_go_back(values: list[Spread]) -> None:
    shown = Spreads(SYMBOL, PLAN)
    for value in values:
        before = {one.pair: one.spread for one in shown.offers(NOW_US)}
        shown.take(value)
        after = {one.pair: one.spread for one in shown.offers(NOW_US)}
        pair = " ".join(sorted(legs_of(value)))
        known = before.get(pair)
        older = known is not None and any(legs_of(value)[leg] < place for leg, place in legs_of(known).items())
        assert after == (before if older else before | {pair: value})
