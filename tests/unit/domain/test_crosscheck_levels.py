"""C-02: single levels against the venue's REST answer, where no number says which of the two is newer."""

from __future__ import annotations

import msgspec

from tapeline.domain.book import BookKeeper
from tapeline.domain.crosscheck import differences
from tests.unit.domain.test_book import snapshot


def book(**sides: object) -> BookKeeper:
    keeper = BookKeeper(epoch=1)
    keeper.snapshot(msgspec.structs.replace(snapshot(5, replaces=True), **sides))
    return keeper


SIDES: dict[str, object] = {
    "bid_prices": (10.0, 9.0, 8.0),
    "bid_quantities": (1.0, 2.0, 3.0),
    "ask_prices": (11.0, 12.0),
    "ask_quantities": (1.0, 2.0),
}


def test_equal_levels_do_not_differ_and_beyond_the_shorter_side_nothing_is_known() -> None:
    short = msgspec.structs.replace(snapshot(9), **{**SIDES, "bid_prices": (10.0, 9.0), "bid_quantities": (1.0, 2.0)})
    assert differences(book(**SIDES), short) == frozenset()


def test_what_is_there_on_one_side_alone_or_otherwise_is_told_with_both_quantities() -> None:
    other = msgspec.structs.replace(
        snapshot(9),
        bid_prices=(10.0, 9.5, 8.0),
        bid_quantities=(1.5, 1.0, 3.0),
        ask_prices=(11.0, 12.0),
        ask_quantities=(1.0, 2.5),
    )
    assert differences(book(**SIDES), other) == {
        ("bid", 10.0, 1.0, 1.5),
        ("bid", 9.5, 0.0, 1.0),
        ("bid", 9.0, 2.0, 0.0),
        ("ask", 12.0, 2.0, 2.5),
    }


def test_against_a_side_of_nothing_all_levels_differ() -> None:
    empty = msgspec.structs.replace(snapshot(9), **{**SIDES, "ask_prices": (), "ask_quantities": ()})
    assert differences(book(**SIDES), empty) == {("ask", 11.0, 1.0, 0.0), ("ask", 12.0, 2.0, 0.0)}
