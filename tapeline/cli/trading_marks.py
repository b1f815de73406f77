"""What open quantities are worth now: the mid of the newest valid book of each instrument, with its age."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from contextlib import AsyncExitStack
from decimal import Decimal
from typing import Final, Literal

import msgspec

from tapeline.cli import market_reading
from tapeline.cli.connecting import decoder_of
from tapeline.cli.market_reading import CLIENT, LOOK_BACK, Source
from tapeline.domain import money
from tapeline.domain.events import Book
from tapeline.domain.money import plus, times
from tapeline.domain.partition import partition_of
from tapeline.domain.positions import OurPosition
from tapeline.errors import TapelineError
from tapeline.runtime.endpoints import Endpoints
from tapeline.runtime.kafka import Partition, Reader, Record, Start

_BOOKS: Final = "md.book"
_HALF: Final = Decimal("0.5")


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """A price and when it was so; `stored` is the last that the executor has noted with the position."""

    price: Decimal
    source: Literal["book", "stored"]
    at_us: int


class Marks(msgspec.Struct, frozen=True, kw_only=True):
    """The mids that were found, by instrument, and why some or all could not be read."""

    mids: Mapping[str, Mark] = {}
    problem: str | None = None

    def of(self, held: OurPosition, key: str) -> Mark | None:
        """Return the price of a position: the book's, else the stored one, else none."""
        found = self.mids.get(key)
        if found is not None or held.mark_price is None:
            return found
        return Mark(price=held.mark_price, source="stored", at_us=held.updated_us)


def mid(book: Book) -> Mark | None:
    """Return the mid of a book as exact money, None of one that is stale or has one side only."""
    if book.state != "valid" or not book.bid_prices or not book.ask_prices:
        return None
    bid, ask = (money.exact(prices[0]) for prices in (book.bid_prices, book.ask_prices))
    return Mark(price=times(plus(bid, ask), _HALF), source="book", at_us=book.published_us)


async def read(known: Endpoints, wanted: Collection[str]) -> Marks:
    """Return the mids of these instruments as far as the broker has them; it is no error when it does not answer."""
    if not wanted:
        return Marks()
    if known.found_kafka is None:
        return Marks(problem="Kafka is not running")
    # What the library logs of a broker that is gone would be written above the table; we say it ourselves.
    logging.getLogger("aiokafka").addHandler(logging.NullHandler())
    try:
        return await _read(known, frozenset(wanted))
    except TapelineError as error:
        return Marks(problem=str(error))


async def _read(known: Endpoints, wanted: frozenset[str]) -> Marks:
    extents = await market_reading.extents(known.kafka, (_BOOKS,))
    places = {Partition(_BOOKS, partition_of(key.rpartition(":")[2], len(extents))) for key in wanted}
    goals = {place: extents[place][1] for place in places}
    starts: dict[Partition | str, Start] = {
        place: max(extents[place][0], end - LOOK_BACK) for place, end in goals.items()
    }
    newest: dict[str, Record] = {}
    async with AsyncExitStack() as stack:
        decoder = await decoder_of(known, stack)
        reader = await stack.enter_async_context(Reader.assigned(known.kafka, starts, client_id=CLIENT))
        async for record in Source(known.kafka, reader).until(goals):
            key = "" if record.key is None else record.key.decode("utf-8", "replace")
            if key in wanted:
                newest[key] = record
        found: dict[str, Mark | None] = {}
        for key, record in newest.items():
            _, value = await decoder.value(record.value or b"")
            found[key] = mid(msgspec.convert(value, Book))
    mids = {key: one for key, one in found.items() if one is not None}
    without = sorted(wanted - mids.keys())
    return Marks(mids=mids, problem=f"no valid book of {', '.join(without)}" if without else None)
