"""The language of `--filter`: what it reads, what it refuses, when a record meets it."""

from __future__ import annotations

import pytest

from tapeline.cli.filters import Condition, check, holds, parse
from tapeline.errors import Misconfigured

TRADE: dict[str, object] = {
    "venue": "bybit",
    "symbol": "BTC/USDT",
    "price": 0.1,
    "quantity": 3,
    "backfilled": False,
    "exact": None,
    "bid_prices": [1.5, 1.0],
    "origin": {"topic": "md.trade", "offset": 7},
}
PLACE: dict[str, object] = {"key": "bybit:spot:BTC/USDT", "partition": 2, "offset": 41, "record": "tapeline.Trade"}


def test_conditions_are_separated_by_spaces_and_options() -> None:
    assert parse(["symbol=BTC/USDT venue~by", "note='two words'"]) == (
        Condition("symbol", "=", "BTC/USDT"),
        Condition("venue", "~", "by"),
        Condition("note", "=", "two words"),
    )


def test_the_first_sign_decides() -> None:
    assert parse(["a=b~c", "a~b=c"]) == (Condition("a", "=", "b~c"), Condition("a", "~", "b=c"))


@pytest.mark.parametrize("word", ["symbol", "=x", "~x"])
def test_what_is_no_condition_is_refused_with_an_example(word: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        parse([word])
    assert str(caught.value) == (
        f"the filter {word!r} is not a condition: write field=value or field~text, e.g. 'symbol=BTC/USDT venue~by'"
    )


def test_an_open_quotation_is_refused() -> None:
    with pytest.raises(Misconfigured) as caught:
        parse(["note='two"])
    assert (
        str(caught.value) == 'the filter "note=\'two" cannot be read (No closing quotation): close the quotation mark'
    )


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ("venue=bybit", True),
        ("venue=byb", False),
        ("venue~yb", True),
        ("venue=bybit symbol=ETH/USDT", False),
        ("price=0.10", True),
        ("price=cheap", False),
        ("quantity=3", True),
        ("quantity=3.0", True),
        ("backfilled=false", True),
        ("exact=null", True),
        ("bid_prices~1.5", True),
        ("origin.topic=md.trade origin.offset=7", True),
        ("origin.topic.name=x", False),
        ("key~BTC partition=2 offset=41", True),
        ("record=tapeline.Trade", True),
        ("unknown=1", False),
        ("unknown~", False),
        ("", True),
    ],
)
def test_all_conditions_must_hold(text: str, met: bool) -> None:  # noqa: FBT001 - the expected answer
    assert holds(parse([text]), TRADE, PLACE) is met


def test_a_field_of_the_value_comes_before_the_place() -> None:
    assert holds(parse(["key=inner"]), {"key": "inner"}, PLACE)


def test_a_large_whole_number_is_compared_exactly() -> None:
    assert not holds(parse(["at_us=9007199254740993"]), {"at_us": 9007199254740992}, {})


def test_an_unknown_field_names_the_nearest() -> None:
    with pytest.raises(Misconfigured) as caught:
        check(parse(["sybmol=BTC/USDT"]), {"symbol", "venue"}, "md.trade")
    assert str(caught.value) == "records of md.trade have no field 'sybmol': did you mean 'symbol'?"


def test_fields_of_the_record_and_of_its_place_are_known() -> None:
    check(parse(["origin.topic=x key~y offset=1"]), {"origin"}, "dlq")
    with pytest.raises(Misconfigured, match="no field 'orign'"):
        check(parse(["origin.topic=x orign=y"]), {"origin"}, "dlq")
