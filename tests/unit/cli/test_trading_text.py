"""Money as it is read: JSON keeps every digit, a table rounds, and what rounds to nothing has no sign."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tapeline.cli import trading_text
from tapeline.cli.view import Cell
from tapeline.domain.machines.order import ORDER

D = Decimal


@pytest.mark.parametrize(
    ("amount", "exact", "shown", "gained"),
    [
        (D("1.500"), "1.5", "1.5", Cell("+1.5", "good")),
        (D("-0.123456789123456789"), "-0.123456789123456789", "-0.12345679", Cell("-0.12345679", "bad")),
        (D("0.000000001"), "0.000000001", "0", Cell("0", "dim")),
        (D("-0.000000001"), "-0.000000001", "0", Cell("0", "dim")),
        (D("12345678901234567890.1"), *("12345678901234567890.1",) * 2, Cell("+12345678901234567890.1", "good")),
        (None, None, None, None),
    ],
)
def test_an_amount_is_whole_in_json_and_short_in_a_table(
    amount: D | None, exact: str | None, shown: str | None, gained: Cell | None
) -> None:
    assert (trading_text.exact(amount), trading_text.shown(amount), trading_text.gained(amount)) == (
        exact, shown, gained,
    )  # fmt: skip


def test_every_status_has_its_style() -> None:
    assert set(trading_text.STATUSES) == set(ORDER.table)
