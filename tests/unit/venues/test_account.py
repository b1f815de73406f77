"""Numbers of a venue stay exact, and what is no number is refused before it is one."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from tapeline.errors import InvalidMessage
from tapeline.venues.account import Amount, MaybeAmount, MaybeSigned, Signed, average_price, fill_id, summed


@pytest.mark.parametrize("text", ["0", "1", "0.00000001", "1234567890.123456789012345678", "0E-8", "0.0e10"])
def test_what_a_venue_writes_is_a_number(text: str) -> None:
    for kind in (Amount, MaybeAmount, Signed, MaybeSigned):
        assert msgspec.json.decode(msgspec.json.encode(text), type=kind) == text
    assert msgspec.json.decode(msgspec.json.encode(f"-{text}"), type=Signed) == f"-{text}"


@pytest.mark.parametrize(
    "text", ["NaN", "Infinity", "1e99", "1E+3", "+1", "1.", ".5", "1_0", " 1", "1\n", "0x1", "\u0661", "1" * 21, "--1"]
)
def test_what_is_no_number_is_none(text: str) -> None:
    for kind in (Amount, MaybeAmount, Signed, MaybeSigned):
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(msgspec.json.encode(text), type=kind)


def test_below_zero_and_nothing_are_told_apart() -> None:
    for kind in (Amount, MaybeAmount):
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode('"-1"', type=kind)
    for kind in (MaybeAmount, MaybeSigned):
        assert msgspec.json.decode('""', type=kind) == ""
    for kind in (Amount, Signed):
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode('""', type=kind)


def test_sums_are_exact_where_a_double_or_28_digits_would_round() -> None:
    big = Decimal("12345678901234567890.000000000000000001")
    assert summed(big, Decimal("0.000000000000000000000000000001"), big.copy_negate()) == Decimal("1e-30")


@pytest.mark.parametrize(
    ("value", "quantity", "price"),
    [
        ("10", "3", "3.333333333333333333"),
        ("20", "3", "6.666666666666666667"),
        ("0", "3", None),
        ("-1", "3", None),
        ("3", "0", None),
    ],
)
def test_an_average_price_has_18_decimals(value: str, quantity: str, price: str | None) -> None:
    assert average_price(Decimal(value), Decimal(quantity)) == (None if price is None else Decimal(price))


def test_an_average_that_no_price_can_be_is_refused() -> None:
    with pytest.raises(InvalidMessage, match="no such price"):
        average_price(Decimal(99999999999999999999), Decimal("1e-30"))


def test_e_16_a_fill_is_named_by_trade_and_order() -> None:
    assert fill_id(56, "28") == "56:28"
