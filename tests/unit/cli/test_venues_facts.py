"""What `tapeline venues` says by the registry alone: rows, the word for the rule of a book, unconfirmed points."""

from __future__ import annotations

import pytest

from tapeline.cli.venues_facts import Book, Funding, Instruments, Trades, VenueRow, integrity, points, told
from tapeline.venues import registry
from tapeline.venues.contract import BookProtocol, NumberRule


def test_a_market_is_told_as_the_registry_has_it() -> None:
    found = told(registry.venue("binance"), "futures")
    assert found == VenueRow(
        venue="binance",
        market="futures",
        name="Binance",
        trades=Trades(ids="consecutive", recent=1000),
        book=Book(integrity="previous sequence", snapshot="rest", depths=(0,)),
        instruments=Instruments(),
        funding=Funding(source="stream", poll_s=None),
        traded=True,
        closing=False,
        unconfirmed=(
            "an unknown stream is acknowledged and stays silent",
            "that futures allow more than 200 streams on a connection",
            "the cost of `GET /api/v3/trades` (25 in the docs as remembered, 10 in ccxt: the higher one is counted)",
        ),
    )


def test_where_no_stream_tells_funding_whole_it_is_asked_for_too_and_spot_has_none() -> None:
    assert told(registry.venue("htx"), "futures").funding == Funding(source="stream and rest", poll_s=10)
    assert told(registry.venue("htx"), "spot").funding is None
    assert told(registry.venue("coinex"), "spot").closing


@pytest.mark.parametrize(
    ("rule", "checked", "word"),
    [
        ("sequence", False, "sequence"),
        ("previous", False, "previous sequence"),
        ("skipping", False, "skipping ids"),
        ("skipping", True, "checksum"),
        ("previous", True, "previous sequence, checksum"),
    ],
)
def test_the_rule_of_a_book_is_a_word(rule: NumberRule, checked: bool, word: str) -> None:  # noqa: FBT001 - a case
    checksum = registry.feed("coinex", "spot").facts.book.checksum if checked else None
    book = BookProtocol(
        snapshot="rest", stream_depths=(0,), rest_depths=(5,), rest_numbers="same", rule=rule, checksum=checksum
    )
    assert integrity(book) == word


def test_unconfirmed_points_are_cut_at_semicolons_outside_of_brackets() -> None:
    text = "Facts.\n\nUNCONFIRMED: one (a; b); two\nlines; three. Not checked: four.\n\nMore.\n"
    assert points(text) == ("one (a; b)", "two lines", "three")
    assert points("Facts.") == points(None) == ()
