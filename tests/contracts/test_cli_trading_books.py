"""The commands of trading on the real broker and store: the newest mids, and the books that an intent names."""

from __future__ import annotations

import dataclasses
import uuid
from decimal import Decimal

import msgspec
import pytest

from schemas import topics
from sinks import store
from sinks.rows.snapshots import SNAPSHOTS
from tapeline.cli import explain_books, trading_marks
from tapeline.cli.reaching import impatient
from tapeline.cli.trading_marks import Mark, Marks
from tapeline.domain.events import Book
from tapeline.domain.order_records import Cause, OrderIntent
from tapeline.runtime import clock
from tapeline.runtime.codec import Codec
from tapeline.runtime.endpoints import Endpoints, KafkaEndpoint
from tapeline.runtime.kafka import Publisher
from tapeline.runtime.runfile import RunFile
from tapeline.runtime.settings import Settings
from tests.support.sinks import book, found
from tests.unit.cli.explained import INTENT

D = Decimal

BOOKS = topics.by_name("md.book")


@pytest.fixture
def known(tapeline_settings: Settings, tapeline_up: RunFile) -> Endpoints:
    return impatient(found(tapeline_settings))


@pytest.fixture
def symbol() -> str:
    return f"{uuid.uuid4().hex[:10]}/USDT"


async def published(known: Endpoints, *books: Book) -> list[Cause]:
    """Publish books and return their places."""
    assert known.run is not None
    codec = Codec(known.run.schema_ids)
    places: list[Cause] = []
    async with Publisher(known.kafka, client_id="test") as publisher:
        for one in books:
            stored = await publisher.publish(BOOKS.name, one.key, codec.encode(BOOKS, one))
            places.append(Cause(topic=BOOKS.name, partition=stored.partition, offset=stored.offset))
    return places


def caused(symbol: str, *causes: Cause, decided_us: int = 1) -> OrderIntent:
    return msgspec.structs.replace(INTENT, symbol=symbol, cause=causes, decided_us=decided_us)


async def test_the_mid_is_of_the_newest_book_of_each_instrument(known: Endpoints, symbol: str) -> None:
    await published(
        known,
        book(symbol, 1),
        book(symbol, 2, bid_prices=(1.1, 1.0), ask_prices=(1.2,)),
        book(symbol, 3, venue="okx", state="stale"),
    )
    mine, stale = f"bybit:spot:{symbol}", f"okx:spot:{symbol}"
    at_us = book(symbol, 2).published_us
    assert await trading_marks.read(known, {mine, stale}) == Marks(
        mids={mine: Mark(price=D("1.15"), source="book", at_us=at_us)}, problem=f"no valid book of {stale}"
    )
    assert await trading_marks.read(known, set()) == Marks()


async def test_a_broker_that_is_away_is_said_and_no_error(known: Endpoints, symbol: str) -> None:
    away = dataclasses.replace(known, found_kafka=KafkaEndpoint(bootstrap="127.0.0.1:1", max_retries=0))
    told = await trading_marks.read(away, {f"bybit:spot:{symbol}"})
    assert told.mids == {}
    assert "127.0.0.1:1" in str(told.problem)


async def test_a_cause_is_read_at_its_place(known: Endpoints, symbol: str) -> None:
    first, second = book(symbol, 1), book(symbol, 2, venue="okx", venue_us=None)
    _, one, two, _ = await published(known, book(symbol, 0), first, second, book(symbol, 3))
    answer = await explain_books.find(known, caused(symbol, one, two), (first.key, second.key))
    assert answer.missing == ()
    assert answer.books == (explain_books.from_record(first, one), explain_books.from_record(second, two))


async def test_a_place_that_does_not_exist_says_so_and_the_other_book_is_shown(known: Endpoints, symbol: str) -> None:
    first = book(symbol, 1)
    (one,) = await published(known, first)
    beyond = msgspec.structs.replace(one, offset=one.offset + 1_000_000)
    answer = await explain_books.find(known, caused(symbol, beyond, one), ("okx:spot:" + symbol, first.key))
    assert [book.place for book in answer.books] == [f"md.book/{one.partition}/{one.offset}"]
    (lost,) = answer.missing
    assert lost.part == f"book md.book/{beyond.partition}/{beyond.offset}"
    assert "Kafka does not keep it any more" in lost.problem
    assert lost.problem.endswith(f"ClickHouse has no book of okx:spot:{symbol} in the 60 s before the decision")


async def test_what_kafka_has_no_more_is_the_book_of_that_moment_in_clickhouse(known: Endpoints, symbol: str) -> None:
    before, at, after = (book(symbol, number) for number in (1, 2, 3))
    async with store.store(known.clickhouse) as tables:
        await tables.insert(
            SNAPSHOTS,
            SNAPSHOTS.columns((before, at, after)),
            token=uuid.uuid4().hex,
            send_by_s=clock.monotonic_s() + 30,
        )
    away = dataclasses.replace(known, found_kafka=KafkaEndpoint(bootstrap="127.0.0.1:1", max_retries=0))
    gone, other = (Cause(topic="md.book", partition=0, offset=offset) for offset in (5, 6))
    intent = caused(symbol, gone, other, decided_us=at.published_us)
    answer = await explain_books.find(away, intent, (at.key, f"okx:spot:{symbol}"))
    shown = explain_books.from_record(at, gone)
    assert answer.books == (msgspec.structs.replace(shown, place=None, source="clickhouse", first_received_us=None),)
    assert [(one.part, one.problem.partition("; ")[2]) for one in answer.missing] == [
        ("book md.book/0/5", "shown is what ClickHouse has"),
        ("book md.book/0/6", f"ClickHouse has no book of okx:spot:{symbol} in the 60 s before the decision"),
    ]
