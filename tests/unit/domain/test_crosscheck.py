"""What a REST answer says about a quiet book: proven, behind, or nothing."""

from __future__ import annotations

import msgspec
import pytest

from tapeline.domain.book import BookDelta, BookKeeper, BookSnapshot
from tapeline.domain.crosscheck import Behind, Numbers, Same, Unknown, compare

SNAPSHOT = BookSnapshot(
    native="BTCUSDT",
    sequence=100,
    replaces=False,
    bid_prices=(9.0, 8.0),
    bid_quantities=(1.0, 2.0),
    ask_prices=(10.0,),
    ask_quantities=(3.0,),
    venue_us=1_000,
    received_us=1_005,
)


def keeper() -> BookKeeper:
    made = BookKeeper(epoch=1)
    made.snapshot(SNAPSHOT)
    return made


def answer(**values: object) -> BookSnapshot:
    return msgspec.structs.replace(SNAPSHOT, **values)


@pytest.mark.parametrize(
    ("numbers", "snapshot", "judged"),
    [
        ("same", answer(venue_us=2_000), Same(2_000)),
        ("same", answer(venue_us=None, received_us=2_500), Same(2_500)),
        ("same", answer(venue_us=None, asked_us=2_400, received_us=2_500), Same(2_400)),
        ("same", answer(sequence=99), Unknown("the answer is older than the book: 99 < 100")),
        ("same", answer(sequence=140), Unknown("the venue is at 140, ours at 100, with equal levels")),
        (
            "same",
            answer(sequence=140, bid_quantities=(1.0, 2.5)),
            Behind("bids at 140, ours at 100: level 1 is (8.0, 2.0), the venue has (8.0, 2.5)"),
        ),
        (
            "same",
            answer(ask_prices=(), ask_quantities=()),
            Behind("asks at 100, ours at 100: 1 levels, the venue has 0"),
        ),
        ("other", answer(sequence=3, venue_us=1_000), Same(1_000)),
        ("other", answer(sequence=3, venue_us=999), Unknown("the answer is older than the book: 999 < 1000")),
        ("other", answer(sequence=3, venue_us=None), Unknown("neither number nor time can be compared")),
        (
            "other",
            answer(sequence=3, venue_us=1_001, ask_prices=(10.5,)),
            Behind("asks at 1001, ours at 1000: level 0 is (10.0, 3.0), the venue has (10.5, 3.0)"),
        ),
    ],
)
def test_a_quiet_book_is_judged(numbers: Numbers, snapshot: BookSnapshot, judged: object) -> None:
    assert compare(keeper(), snapshot, numbers=numbers) == judged


def test_levels_beyond_the_shorter_side_say_nothing() -> None:
    deeper = answer(bid_prices=(9.0, 8.0, 7.0), bid_quantities=(1.0, 2.0, 3.0))
    assert compare(keeper(), deeper, numbers="same") == Same(1_000)


def test_a_stale_book_cannot_be_proven() -> None:
    stale = keeper()
    stale.lost("silence")
    assert compare(stale, SNAPSHOT, numbers="same") == Unknown("there is no valid book")


def test_what_arrives_between_two_looks_makes_the_second_one_good() -> None:
    book, newer = keeper(), answer(sequence=101, bid_quantities=(4.0, 2.0))
    told = "bids at 101, ours at 100: level 0 is (9.0, 1.0), the venue has (9.0, 4.0)"
    assert compare(book, newer, numbers="same") == Behind(told)
    book.delta(
        BookDelta(
            native="BTCUSDT",
            follows=100,
            first=101,
            sequence=101,
            bid_prices=(9.0,),
            bid_quantities=(4.0,),
            ask_prices=(),
            ask_quantities=(),
            received_us=9,
        )
    )
    assert compare(book, newer, numbers="same") == Same(1_000)
