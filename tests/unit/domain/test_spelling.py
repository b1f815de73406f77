"""Names as people spell them: what is between the letters does not count; a wrong one is told the nearest."""

from __future__ import annotations

import pytest

from tapeline.domain import spelling

KNOWN = ["BTC/USDT", "ETH/USDT", "ETH/BTC"]


@pytest.mark.parametrize("text", ["BTC/USDT", "BTC-USDT", "BTCUSDT", "btc_usdt", " btc usdt "])
def test_every_spelling_is_one_name(text: str) -> None:
    assert spelling.spellings(KNOWN)[spelling.squeezed(text)] == "BTC/USDT"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("BTCUSDC", "did you mean 'BTC/USDT'?"),
        ("eth-bct", "did you mean 'ETH/BTC'?"),
        ("zzz", "known are BTC/USDT, ETH/BTC and 1 more"),
        ("?", "known are BTC/USDT, ETH/BTC and 1 more"),
    ],
)
def test_a_wrong_name_is_told_the_nearest_or_what_there_is(text: str, told: str) -> None:
    assert spelling.advice(text, KNOWN, most=2) == told


def test_what_is_listed_whole_has_no_more() -> None:
    assert spelling.advice("zzz", KNOWN, most=3) == "known are BTC/USDT, ETH/BTC, ETH/USDT"
