"""Reference prices are those of fresh, valid books; a key that names no instrument names none."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from executor.markets import Prices, instrument_of
from executor.terms import Instrument
from schemas import topics
from schemas.topics import TOPICS
from tapeline.domain.events import Book
from tapeline.runtime.codec import Codec
from tests.unit.strategies.views import NOW, book

BOOKS = topics.by_name("md.book")
CODEC = Codec({topic.subject: number for number, topic in enumerate(TOPICS, start=1)})
WHERE: Instrument = ("binance", "futures", "BTC/USDT")


def prices(found: Book, *, now_us: int = NOW) -> Prices:
    made = Prices(CODEC, lambda: now_us)
    made.put(WHERE, CODEC.encode(BOOKS, found))
    return made


def test_a_fresh_book_gives_the_middle_exactly() -> None:
    found = prices(book("binance", "futures", 0.1, 0.2))
    assert (dict(found), len(found)) == ({WHERE: Decimal("0.15")}, 1)


@pytest.mark.parametrize(
    ("changed", "later_us"),
    [({"state": "stale"}, 0), ({}, 2_000_001), ({"bid_prices": [], "bid_quantities": []}, 0)],
)
def test_what_may_not_be_traded_on_gives_no_price(changed: dict[str, object], later_us: int) -> None:
    one = msgspec.structs.replace(book("binance", "futures", 0.1, 0.2), published_us=NOW, **changed)
    found = prices(one, now_us=NOW + later_us)
    assert (WHERE in found, found.get(WHERE)) == (False, None)


def test_the_newest_book_counts_also_after_one_was_read() -> None:
    found = prices(book("binance", "futures", 0.1, 0.2))
    assert found[WHERE] == Decimal("0.15")
    found.put(WHERE, CODEC.encode(BOOKS, book("binance", "futures", 0.3, 0.4)))
    assert found[WHERE] == Decimal("0.35")


def test_bytes_that_are_no_book_are_no_price() -> None:
    found = prices(book("binance", "futures", 0.1, 0.2))
    found.put(WHERE, b"\x00 no book")
    assert (found.get(WHERE), list(found)) == (None, [])


@pytest.mark.parametrize(
    ("key", "where"),
    [
        (b"bybit:spot:ETH/USDT", ("bybit", "spot", "ETH/USDT")),
        (b"bybit:options:ETH/USDT", None),
        (b"bybit:spot:", None),
        (b":spot:ETH/USDT", None),
        (b"bybit", None),
        (b"\xff:spot:\xfe", ("\ufffd", "spot", "\ufffd")),
        (None, None),
    ],
)
def test_a_key_names_an_instrument_or_nothing(key: bytes | None, where: Instrument | None) -> None:
    assert instrument_of(key) == where
