"""Which numbers keep their text: those, and only those, that may not come back from a double."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapeline.domain.exact import of_fields, of_levels, suspicious, too_long


@pytest.mark.parametrize(
    ("text", "long"),
    [
        ("0.35130000", False),
        ("12345678.00000000", False),
        ("123456789012345", False),
        ("1234567890123450000", False),
        ("0.000000000000000000123", False),
        ("1234567890123456", True),
        ("1.234567890123456", True),
        ("-0.1234567890123456", True),
        ("1.234567890123456e5", True),
        (1.5, False),
        (None, False),
    ],
)
def test_a_number_of_more_than_fifteen_digits_is_too_long(text: object, long: bool) -> None:  # noqa: FBT001 - a column of the table above
    assert too_long(text) == long


@given(st.decimals(min_value=0, max_value=10**12, places=10))
def test_what_is_not_too_long_comes_back_from_a_double(number: Decimal) -> None:
    text = f"{number:f}"
    assert too_long(text) or Decimal(repr(float(text))) == number


@given(st.text(alphabet="0123456789.", min_size=1, max_size=40), st.binary(max_size=30), st.binary(max_size=30))
def test_no_long_number_hides_in_a_frame(text: str, before: bytes, after: bytes) -> None:
    assert suspicious(before + text.encode() + after) or not too_long(text)


def test_texts_are_kept_by_field() -> None:
    assert of_levels([["1", "2"]], [["3", "1.0000000000000001"], ["1.0000000000000001", "2", "more"]]) == {
        "ask_quantities[0]": "1.0000000000000001",
        "ask_prices[1]": "1.0000000000000001",
    }
    assert of_levels([["1", "2"]], []) is None
    assert of_fields(price="1.0000000000000001", quantity="2") == {"price": "1.0000000000000001"}
    assert of_fields(price=None) is None
