"""Names as people write them: three spellings are one symbol, and a wrong one is told the nearest."""

from __future__ import annotations

import pytest

from gateway import naming
from gateway.naming import Place, Unknown

PLACES = [
    Place("bybit", "spot", "BTC/USDT"),
    Place("bybit", "futures", "ETH/USDT"),
    Place("binance", "spot", "ETH/USDT"),
]


@pytest.mark.parametrize("pair", ["BTC/USDT", "BTC-USDT", "BTCUSDT", "btc_usdt", "btcusdt"])
def test_k3_every_spelling_finds_the_same_instrument(pair: str) -> None:
    assert naming.find(PLACES, "Bybit", "spot", pair) == Place("bybit", "spot", "BTC/USDT")


@pytest.mark.parametrize(
    ("venue", "pair", "told"),
    [
        ("bibyt", "BTCUSDT", "no book of the exchange 'bibyt' is known: did you mean 'bybit'?"),
        ("kraken", "BTCUSDT", "no book of the exchange 'kraken' is known: known are binance, bybit"),
        ("bybit", "BTCUSDC", "bybit has no spot book of 'BTCUSDC': did you mean 'BTC/USDT'?"),
        ("bybit", "DOGE", "bybit has no spot book of 'DOGE': known are BTC/USDT"),
        ("bybit", "ETHUSDT", "bybit has no spot book of ETH/USDT: it has one on futures, so say market=futures"),
    ],
)
def test_a_wrong_name_is_told_what_to_write(venue: str, pair: str, told: str) -> None:
    assert naming.find(PLACES, venue, "spot", pair) == Unknown(told)


def test_while_nothing_is_known_nothing_is_near() -> None:
    told = "no book of the exchange 'bybit' is known: none is known yet, try again when producers run"
    assert naming.find([], "bybit", "spot", "BTC/USDT") == Unknown(told)


def test_many_names_are_not_all_listed() -> None:
    assert naming.hint("?", [f"S{number:02}" for number in range(12)]) == (
        "known are S00, S01, S02, S03, S04, S05, S06, S07, S08, S09 and 2 more"
    )


@pytest.mark.parametrize(
    ("text", "symbol"),
    [
        ("btc-usdt", "BTC/USDT"),
        ("1000PEPE/USDT", "1000PEPE/USDT"),
        ("币安人生_usdt", "币安人生/USDT"),
        ("BTCUSDT", None),
        ("/USDT", None),
        ("A/B/C", None),
        ("", None),
    ],
)
def test_an_unknown_symbol_is_understood_when_it_shows_base_and_quote(text: str, symbol: str | None) -> None:
    assert naming.spelt(text) == symbol


def test_a_long_value_is_shown_short() -> None:
    assert naming.shown("x" * 99) == "'" + "x" * 39 + ".."
