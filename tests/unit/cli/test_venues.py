"""The answer of `tapeline venues`: what counts as a failure, its table, and what is said in words."""

from __future__ import annotations

import msgspec
import pytest

from tapeline.cli.venues import fails, probed_view, said, view
from tapeline.cli.venues_facts import VenueRow, told
from tapeline.cli.venues_probe import judged
from tapeline.cli.view import Cell, Grid, Line
from tapeline.venues import registry

FUTURES = told(registry.venue("bybit"), "futures")
CLOSING = told(registry.venue("coinex"), "spot")


def probed(row: VenueRow, **errors: str) -> VenueRow:
    """Return a row of a probe in which these parts have errors."""
    parts = {name: msgspec.structs.replace(getattr(row, name), error=text) for name, text in errors.items()}
    return judged(msgspec.structs.replace(row, network="main", symbol="BTC/USDT", **parts))


def text(block: object) -> str:
    assert isinstance(block, Line)
    return "".join(cell.text for cell in block.cells)


@pytest.mark.parametrize(
    ("row", "failed"),
    [
        (FUTURES, False),
        (probed(FUTURES), False),
        (probed(FUTURES, trades="none came"), True),
        (probed(FUTURES, funding="no rate came"), True),
        (probed(CLOSING, book="no whole book came"), False),
        (msgspec.structs.replace(probed(CLOSING, book="no whole book came"), network="simulated"), True),
    ],
)
def test_what_should_work_and_does_not_is_a_failure(row: VenueRow, failed: bool) -> None:  # noqa: FBT001 - a case
    assert fails(row) is failed


def test_the_table_of_the_registry_and_the_points_of_a_named_venue() -> None:
    grid, _, head, first, second = view((FUTURES,), named=True)
    assert isinstance(grid, Grid)
    assert [cell.text for cell in grid.rows[0]] == [
        "bybit", "futures", "ids", "sequence", "stream", "rest", "stream", "yes", "2 unconfirmed",
    ]  # fmt: skip
    assert text(head) == "unconfirmed:"
    assert [text(first), text(second)] == [f"- {point}" for point in FUTURES.unconfirmed]
    (closing,) = view((CLOSING,), named=False)
    assert isinstance(closing, Grid)
    assert closing.rows[0][-1] == Cell("closing, 7 unconfirmed", "bad")


def test_a_probe_is_a_row_each_and_its_errors_in_words_and_what_was_left_out_once() -> None:
    left = msgspec.structs.replace(FUTURES, error="no simulator of it runs")
    grid, _, error, out = probed_view((probed(FUTURES, book="no change of it came"), left))
    assert isinstance(grid, Grid)
    assert [[cell.text for cell in row] for row in grid.rows] == [
        ["FAIL", "bybit", "futures", "main", "BTC/USDT", "-", "-", "-", "-", "sequence", "-"]
    ]
    assert text(error) == "bybit futures book: no change of it came"
    assert text(out) == "not probed, no simulator of it runs: bybit futures"


def test_a_rate_that_only_rest_told_is_said() -> None:
    assert FUTURES.funding is not None
    late = msgspec.structs.replace(FUTURES.funding, received="rest", rate="0.0001")
    row = judged(msgspec.structs.replace(FUTURES, funding=late))
    assert (row.ok, said(row)) == (True, ("funding: over REST; the stream told none in that time",))
