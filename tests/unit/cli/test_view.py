"""Numbers as a person reads them, and the pieces that views are made of."""

from __future__ import annotations

import pytest

from tapeline.cli.view import Cell, Line, length, line, row, size, span


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (12.7, "12 s"), (60, "1 min"), (185, "3 min 5 s"), (7440, "2 h 4 min"),
     (90000, "1 d 1 h")],
)  # fmt: skip
def test_a_length_of_time_has_two_units_at_most(seconds: float, text: str) -> None:
    assert span(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1536, "1.5 kB"), (220_000_000, "220 MB"), (5e12, "5000 GB")],
)
def test_bytes_have_three_digits_and_a_unit(count: float, text: str) -> None:
    assert size(count) == text


@pytest.mark.parametrize(
    ("ms", "text"),
    [(None, "forever"), (-1, "forever"), (86_400_000, "24 h"), (604_800_000, "7 d"), (60_000, "1 min"),
     (90_000, "90 s"), (1500, "1500 ms")],
)  # fmt: skip
def test_a_retention_time_is_a_whole_number_of_the_largest_unit(ms: int | None, text: str) -> None:
    assert length(ms) == text


def test_a_row_shows_a_dash_for_nothing() -> None:
    assert row("a", None, 0, Cell("b", "good")) == (Cell("a"), Cell("-", "dim"), Cell("0"), Cell("b", "good"))


def test_a_line_keeps_its_pieces() -> None:
    assert line("a", Cell("b", "bad")) == Line((Cell("a"), Cell("b", "bad")))
