"""What a person types becomes one symbol that is known, or a sentence with the nearest; options are checked first."""

from __future__ import annotations

import pytest

from tapeline.cli.failure import Failure
from tapeline.cli.market_plan import Plan, checked
from tapeline.cli.market_symbols import Missing, symbol_of
from tapeline.errors import Misconfigured

KNOWN = ("BTC/USDT", "ETH/USDT", "ETH/BTC", "1000PEPE/USDT")


@pytest.mark.parametrize("text", ["BTC/USDT", "BTC-USDT", "btcusdt", "BTCUSDT", " btc_usdt ", "Btc/Usdt"])
def test_k3_every_spelling_is_one_symbol(text: str) -> None:
    assert symbol_of(text, KNOWN) == "BTC/USDT"


@pytest.mark.parametrize(
    ("text", "symbol"),
    [("btcusdt", "BTC/USDT"), ("eth-btc", "ETH/BTC"), ("ethbtc", "ETH/BTC"), ("BTCFDUSD", "BTC/FDUSD"),
     ("abc/xyz", "ABC/XYZ")],
)  # fmt: skip
def test_where_nothing_is_known_the_spelling_is_believed(text: str, symbol: str) -> None:
    assert symbol_of(text, ()) == symbol


@pytest.mark.parametrize("text", ["", "/", "BTC", "usdt", "BTC/", "A/B/C", "b*c/usdt"])
def test_where_nothing_is_known_a_text_without_two_sides_is_refused(text: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        symbol_of(text, ())
    assert str(caught.value) == f"{text!r} is no symbol: write base and quote, e.g. BTC/USDT"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("BTC-USTD", "no symbol 'BTC/USTD' is known here: did you mean 'BTC/USDT'?"),
        ("pepeusdt", "no symbol 'PEPE/USDT' is known here: did you mean '1000PEPE/USDT'?"),
        ("btcust", "no symbol 'btcust' is known here: did you mean 'BTC/USDT'?"),
        ("zzz", "no symbol 'zzz' is known here: known are 1000PEPE/USDT, BTC/USDT, ETH/BTC, ETH/USDT"),
    ],
)
def test_an_unknown_symbol_names_the_nearest(text: str, sentence: str) -> None:
    with pytest.raises(Missing) as caught:
        symbol_of(text, KNOWN)
    assert str(caught.value) == sentence


def test_of_many_known_symbols_a_few_are_listed() -> None:
    with pytest.raises(Missing) as caught:
        symbol_of("zzz", [f"{letter}/USDT" for letter in "ABCDEFG"])
    assert caught.value.fix == "known are A/USDT, B/USDT, C/USDT, D/USDT, E/USDT and 2 more"


def test_two_symbols_of_the_same_letters_are_told_apart_by_the_slash() -> None:
    known = ("AB/CDE", "ABC/DE")
    assert symbol_of("abc-de", known) == "ABC/DE"
    with pytest.raises(Misconfigured) as caught:
        symbol_of("abcde", known)
    assert str(caught.value) == "'abcde' may be AB/CDE or ABC/DE: write it with its slash"


def test_what_is_not_there_ends_with_exit_code_1() -> None:
    missing = Missing("no book", fix="wait")
    assert missing.failure == Failure(kind="missing", problem="no book", fix="wait", exit_code=1)


def test_options_become_a_plan() -> None:
    plan = checked("x", venue="bybit", market="spot", depth=3, for_s=1.5, once=True)
    assert plan == Plan(text="x", venue="bybit", market="spot", depth=3, for_s=1.5, once=True)
    parts = [plan.part, checked("x", venue=None, market="spot", for_s=None, once=False).part, Plan(text="x").part]
    assert parts == [" at bybit spot", " at spot", ""]


@pytest.mark.parametrize(
    ("venue", "market", "sentence"),
    [
        ("bybitt", None, "unknown exchange: bybitt: did you mean bybit?"),
        (None, "future", "there is no market 'future': use spot or futures"),
    ],
)
def test_an_unknown_venue_or_market_is_refused(venue: str | None, market: str | None, sentence: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        checked("BTC/USDT", venue=venue, market=market, for_s=None, once=False)
    assert str(caught.value).startswith(sentence)
