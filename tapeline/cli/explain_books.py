"""Finds the books that an intent names as its causes: in Kafka by their place, later in ClickHouse by their time.

Retention takes md.book after a day. ClickHouse keeps no places, so there it is the newest book of the instrument that
had been published when the decision was made; whether it gives the decided price is told with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any, Final

import msgspec

from tapeline.cli.connecting import decoder_of
from tapeline.cli.explain_parts import BookPart, Missing
from tapeline.cli.market_reading import CLIENT, Source
from tapeline.domain.events import Book
from tapeline.domain.order_records import Cause, OrderIntent
from tapeline.errors import InvalidMessage, TapelineError
from tapeline.runtime import clickhouse, clock
from tapeline.runtime.endpoints import Endpoints
from tapeline.runtime.kafka import Partition, Reader, Record, Start, admin

BOOKS: Final = "md.book"
_WITHIN_S: Final = 10.0
_LOOK_BACK_S: Final = 60
_US_PER_S: Final = 1_000_000
_STORED: Final = """
SELECT toUnixTimestamp64Micro(ts) AS at_us, epoch, sequence_num, state, bids, asks,
    toUnixTimestamp64Micro(received_ts) AS received_us, toUnixTimestamp64Micro(published_ts) AS published_us
FROM orderbook_snapshots
WHERE exchange_id = {venue:String} AND market_type = {market:String} AND pair = {pair:String}
    AND ts BETWEEN fromUnixTimestamp64Micro({since_us:Int64}) AND fromUnixTimestamp64Micro({until_us:Int64})
    AND published_ts <= fromUnixTimestamp64Micro({decided_us:Int64})
ORDER BY published_ts DESC, epoch DESC, sequence_num DESC LIMIT 1"""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """The books in the order of their causes, and why some could not be read."""

    books: tuple[BookPart, ...] = ()
    missing: tuple[Missing, ...] = ()


async def find(known: Endpoints, intent: OrderIntent, instruments: tuple[str, ...]) -> Found:
    """Return the books of an intent's causes; `instruments` are theirs, for what Kafka has no more."""
    causes = tuple(cause for cause in intent.cause if cause.topic == BOOKS)
    kept, lost = await _from_kafka(known, causes)
    books: list[BookPart] = []
    missing: list[Missing] = []
    named = {book.instrument for book in kept.values()}
    left = [name for name in instruments if name not in named]
    for cause in causes:
        if cause in kept:
            books.append(kept[cause])
            continue
        place = _place(cause)
        # Any of the instruments that no other cause has named: a row of ClickHouse tells no place.
        older, problem = (
            await _from_clickhouse(known, left.pop(0), intent) if left else (None, "no instrument is known")
        )
        if older is not None:
            books.append(older)
            missing.append(Missing(part=f"book {place}", problem=f"{lost[cause]}; shown is what ClickHouse has"))
        else:
            missing.append(Missing(part=f"book {place}", problem=f"{lost[cause]}; {problem}"))
    return Found(books=tuple(books), missing=tuple(missing))


async def _from_kafka(
    known: Endpoints, causes: tuple[Cause, ...]
) -> tuple[Mapping[Cause, BookPart], Mapping[Cause, str]]:
    """Return what Kafka still has, and of the others why not."""
    if not causes:
        return {}, {}
    if known.found_kafka is None:
        return {}, dict.fromkeys(causes, "Kafka is not running")
    found: dict[Cause, BookPart] = {}
    problems: dict[Cause, str] = {}
    try:
        async with AsyncExitStack() as stack:
            decoder = await decoder_of(known, stack)
            places = {Partition(cause.topic, cause.partition) for cause in causes}
            async with admin(known.kafka) as asked:
                begins, ends = await asked.beginnings(list(places)), await asked.ends(list(places))
            for cause in causes:
                where = Partition(cause.topic, cause.partition)
                if not begins.get(where, 0) <= cause.offset < ends.get(where, 0):
                    problems[cause] = f"Kafka does not keep it any more (the oldest is {begins.get(where, 0)})"
                    continue
                record = await _record(known, cause)
                if record is None or record.value is None:
                    problems[cause] = "Kafka has no record there"
                    continue
                try:
                    _, value = await decoder.value(record.value)
                    found[cause] = from_record(msgspec.convert(value, Book), cause)
                except (InvalidMessage, msgspec.ValidationError) as error:
                    problems[cause] = f"the record cannot be read ({error})"
    except TapelineError as error:
        for cause in causes:
            if cause not in found:
                problems.setdefault(cause, str(error))
    return found, problems


async def _record(known: Endpoints, cause: Cause) -> Record | None:
    """Return the record at a place, None where there is none."""
    where = Partition(cause.topic, cause.partition)
    start: Mapping[Partition | str, Start] = {where: cause.offset}
    give_up_s = clock.monotonic_s() + _WITHIN_S
    async with Reader.assigned(known.kafka, start, client_id=CLIENT) as reader:
        source = Source(known.kafka, reader)
        while clock.monotonic_s() < give_up_s:
            for record in await source.arrived(0.5):
                return record if record.offset == cause.offset else None
    return None


async def _from_clickhouse(known: Endpoints, instrument: str, intent: OrderIntent) -> tuple[BookPart | None, str]:
    """Return the newest book of an instrument that was there at the decision, or why there is none."""
    venue, market, pair = instrument.split(":", 2)
    parameters = {
        "venue": venue,
        "market": market,
        "pair": pair,
        "since_us": intent.decided_us - _LOOK_BACK_S * _US_PER_S,
        "until_us": intent.decided_us + _LOOK_BACK_S * _US_PER_S,
        "decided_us": intent.decided_us,
    }
    try:
        client = await clickhouse.connect(known.clickhouse)
        try:
            answer = await client.query(_STORED, parameters=parameters)
            rows = tuple(answer.named_results())
        finally:
            await client.close()
    except TapelineError as error:
        return None, str(error)
    except Exception as error:  # noqa: BLE001 - the library's own errors; whatever it is, the rest is still shown
        return None, f"ClickHouse does not answer ({clickhouse.reason(error)})"
    if not rows:
        return None, f"ClickHouse has no book of {instrument} in the {_LOOK_BACK_S} s before the decision"
    return from_row(rows[0], instrument), ""


def from_record(book: Book, cause: Cause) -> BookPart:
    """Return a record of md.book as it is shown."""
    return BookPart(
        instrument=book.key,
        place=_place(cause),
        source="kafka",
        epoch=book.epoch,
        sequence=book.sequence,
        state=book.state,
        venue_us=book.venue_us,
        first_received_us=book.first_received_us,
        received_us=book.received_us,
        published_us=book.published_us,
        bids=tuple(zip(book.bid_prices, book.bid_quantities, strict=True)),
        asks=tuple(zip(book.ask_prices, book.ask_quantities, strict=True)),
    )


def from_row(row: Mapping[str, Any], instrument: str) -> BookPart:
    """Return a row of orderbook_snapshots as it is shown; ts is the receipt where the venue gave no time."""
    return BookPart(
        instrument=instrument,
        place=None,
        source="clickhouse",
        epoch=row["epoch"],
        sequence=row["sequence_num"],
        state=row["state"],
        venue_us=None if row["at_us"] == row["received_us"] else row["at_us"],
        first_received_us=None,
        received_us=row["received_us"],
        published_us=row["published_us"],
        bids=tuple(map(_level, row["bids"])),
        asks=tuple(map(_level, row["asks"])),
    )


def _level(found: Any) -> tuple[float, float]:  # noqa: ANN401 - the client gives a named tuple as tuple or as dict
    price, amount = found.values() if isinstance(found, dict) else found
    return float(price), float(amount)


def _place(cause: Cause) -> str:
    return f"{cause.topic}/{cause.partition}/{cause.offset}"
