"""Prices of a size, the best venue of a symbol, and spreads net of four fees; stale and short books have none."""

from __future__ import annotations

import json
import math
from pathlib import Path

import msgspec
import pytest

from tapeline.domain.events import Book, Market
from tapeline.domain.spread import (
    NO_WAY,
    Best,
    Quote,
    Short,
    Spread,
    average_price,
    best,
    build,
    gross_of,
    offered,
    signal_id,
)

NOW_US = 10_000_000


def book(
    venue: str,
    *,
    bid: float,
    ask: float,
    market: Market = "futures",
    state: str = "valid",
    age_us: int = 0,
    sequence: int = 7,
    size: float = 1.0,
) -> Book:
    return Book(
        venue=venue,
        market=market,
        symbol="BTC/USDT",
        epoch=5,
        sequence=sequence,
        state="valid" if state == "valid" else "stale",
        depth=20,
        bid_prices=(bid, bid - 1),
        bid_quantities=(size, size),
        ask_prices=(ask, ask + 1),
        ask_quantities=(size, size),
        first_received_us=NOW_US - 500 - sequence,
        received_us=NOW_US - 400 + sequence,
        published_us=NOW_US - age_us,
    )


@pytest.mark.parametrize(
    ("size", "price"),
    [(0.5, 10.0), (1.0, 10.0), (2.0, 10.5), (4.0, 11.25), (6.0, 11.5), (6.000001, Short(6.0)), (9.0, Short(6.0))],
)
def test_d_03_the_average_price_of_a_size_or_a_refusal(size: float, price: float | Short) -> None:
    assert average_price((10.0, 11.0, 12.0), (1.0, 1.0, 4.0), size) == (
        price if isinstance(price, Short) else pytest.approx(price, rel=1e-15)
    )


def test_d_03_an_empty_side_refuses() -> None:
    assert average_price((), (), 1.0) == Short(0.0)


@pytest.mark.parametrize("size", [0.0, -1.0, float("nan")])
def test_d_03_a_size_is_more_than_nothing(size: float) -> None:
    with pytest.raises(ValueError, match="a size is more than nothing"):
        average_price((1.0,), (1.0,), size)


def test_d_02_best_bid_and_ask_over_the_venues() -> None:
    books = [
        book("binance", bid=100, ask=102),
        book("bybit", bid=101, ask=103),
        book("okx", bid=999, ask=1, state="stale"),
        book("gateio", bid=999, ask=1, age_us=2_000_001),
        msgspec.structs.replace(book("htx", bid=999, ask=1), symbol="ETH/USDT"),
    ]
    assert best("BTC/USDT", books, NOW_US) == Best(
        symbol="BTC/USDT",
        bid=Quote(venue="bybit", market="futures", price=101, quantity=1.0, epoch=5, sequence=7),
        ask=Quote(venue="binance", market="futures", price=102, quantity=1.0, epoch=5, sequence=7),
    )


def test_d_02_a_symbol_without_a_tradable_book_has_no_best() -> None:
    old = book("binance", bid=1, ask=2, age_us=2_000_001)
    assert best("BTC/USDT", [old], NOW_US) == Best(symbol="BTC/USDT", bid=None, ask=None)
    just = book("binance", bid=1, ask=2, age_us=2_000_000)
    assert best("BTC/USDT", [just], NOW_US).bid is not None


def test_d_04_a_spread_is_net_of_four_fees() -> None:
    dear = book("bybit", bid=101, ask=102, sequence=9)
    cheap = book("binance", bid=99, ask=100)
    gross, fees = 101 / 100 - 1, 2 * (0.0005 + 0.00055)
    found = build(cheap, 100.0, dear, 101.0, size=1.0, fees=fees, first_received_us=dear.first_received_us, now_us=3)
    assert found == Spread(
        signal_id=signal_id(cheap, dear, 1.0),
        symbol="BTC/USDT",
        quantity=1.0,
        buy_venue="binance",
        buy_market="futures",
        buy_epoch=5,
        buy_sequence=7,
        buy_price=100.0,
        sell_venue="bybit",
        sell_market="futures",
        sell_epoch=5,
        sell_sequence=9,
        sell_price=101.0,
        gross=gross,
        fees=fees,
        net=gross - fees,
        first_received_us=dear.first_received_us,
        received_us=dear.received_us,
        published_us=3,
    )


def test_d_03_a_side_that_is_too_short_for_the_size_has_no_way() -> None:
    found = book("binance", bid=99, ask=100, size=2.0)
    assert offered(found, 4.0) == (100.5, 98.5)
    short = msgspec.structs.replace(found, ask_prices=(100.0,), ask_quantities=(2.0,))
    assert offered(short, 4.0) == (math.inf, 98.5)
    assert offered(book("binance", bid=99, ask=100, size=1.0), 4.0) == (math.inf, 0.0)
    assert (gross_of(math.inf, 98.5), gross_of(100.0, 0.0), gross_of(math.inf, 0.0)) == (NO_WAY, NO_WAY, NO_WAY)


def test_a_signal_is_named_by_its_inputs_alone() -> None:
    one, other = book("binance", bid=99, ask=100), book("bybit", bid=101, ask=102)
    again = msgspec.structs.replace(one, published_us=1, received_us=2)
    assert signal_id(one, other, 1.0) == signal_id(again, other, 1.0) == "f3a75b75-2b54-59cb-af73-82d7bed4244a"
    different = {signal_id(other, one, 1.0), signal_id(one, other, 2.0)}
    different |= {signal_id(msgspec.structs.replace(one, sequence=8), other, 1.0)}
    different |= {signal_id(msgspec.structs.replace(one, epoch=6), other, 1.0)}
    assert len(different | {signal_id(one, other, 1.0)}) == 5


def test_x_09_a_spread_has_the_fields_of_its_record() -> None:
    schema = json.loads((Path(__file__).parents[3] / "schemas" / "avro" / "Spread.avsc").read_text("utf-8"))
    assert [field["name"] for field in schema["fields"]] == list(Spread.__struct_fields__)
