"""Books as both stores have them become one shape, and a store that is not there is said with its place."""

from __future__ import annotations

import msgspec

from tapeline.cli import explain_books
from tapeline.cli.explain_books import Found
from tapeline.cli.explain_parts import BookPart, Missing
from tapeline.domain.events import Book
from tapeline.domain.order_records import Cause
from tapeline.runtime.endpoints import Endpoints
from tests.unit.cli.explained import BUY, INTENT, SELL

BOOK = Book(
    venue="bybit", market="futures", symbol="BTC/USDT", epoch=5, sequence=7, state="valid", depth=2,
    bid_prices=(99.0,), bid_quantities=(1.0,), ask_prices=(100.0, 100.5), ask_quantities=(3.0, 1.0),
    first_received_us=1, venue_us=2, received_us=3, published_us=4,
)  # fmt: skip
ROW = {
    "at_us": 2, "epoch": 5, "sequence_num": 7, "state": "valid", "bids": [(99.0, 1.0)],
    "asks": [{"price": 100.0, "amount": 3.0}], "received_us": 3, "published_us": 4,
}  # fmt: skip


def test_a_record_value_for_value() -> None:
    assert explain_books.from_record(BOOK, Cause(topic="md.book", partition=2, offset=10)) == BookPart(
        instrument=BUY, place="md.book/2/10", source="kafka", epoch=5, sequence=7, state="valid", venue_us=2,
        first_received_us=1, received_us=3, published_us=4, bids=((99.0, 1.0),), asks=((100.0, 3.0), (100.5, 1.0)),
    )  # fmt: skip


def test_a_row_value_for_value() -> None:
    assert explain_books.from_row(ROW, BUY) == BookPart(
        instrument=BUY, place=None, source="clickhouse", epoch=5, sequence=7, state="valid", venue_us=2,
        first_received_us=None, received_us=3, published_us=4, bids=((99.0, 1.0),), asks=((100.0, 3.0),),
    )  # fmt: skip
    assert explain_books.from_row({**ROW, "at_us": 3}, BUY).venue_us is None


async def test_with_no_store_at_all_each_book_says_why() -> None:
    why = "Kafka is not running; ClickHouse is not running: run `tapeline up` or set clickhouse.host"
    assert await explain_books.find(Endpoints(), INTENT, (BUY, SELL)) == Found(
        missing=(Missing(part="book md.book/2/10", problem=why), Missing(part="book md.book/2/11", problem=why))
    )


async def test_an_intent_that_no_book_caused_misses_none() -> None:
    by_hand = msgspec.structs.replace(INTENT, cause=())
    assert await explain_books.find(Endpoints(), by_hand, (BUY,)) == Found()
