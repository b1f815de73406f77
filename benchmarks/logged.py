"""What a producer has brought into the broker's log, read back when it is there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from benchmarks.exchange import Frame
from benchmarks.loads import Book, Change, Log
from schemas.topics import by_name
from tapeline.runtime import clock
from tapeline.runtime.codec import Codec
from tapeline.runtime.endpoints import KafkaEndpoint
from tapeline.runtime.kafka import Reader
from tapeline.runtime.kafka.records import Partition, Record, Start

TOPICS = ("md.delta", "md.book", "md.gap")
VALID_S = 600.0
LINGER_S = 15.0
"""What is still on its way is given up when nothing more of it has come for so long."""
_MOST = 5_000
_LOOK_S = 0.1

Places = Mapping[Partition, int]


async def places(kafka: KafkaEndpoint) -> Places:
    """Return where the log ends now."""
    async with Reader.assigned(kafka, dict.fromkeys(TOPICS, "end"), client_id="benchmark") as reader:
        return await reader.ends()


async def valid(kafka: KafkaEndpoint, codec: Codec, since: Places, symbols: Iterable[str]) -> None:
    """Wait until the newest book of each symbol is a valid one."""
    missing = set(symbols)
    starts: dict[Partition | str, Start] = {one: at for one, at in since.items() if one.topic == "md.book"}
    async with Reader.assigned(kafka, starts, client_id="benchmark") as reader, asyncio.timeout(VALID_S):
        while missing:
            for records in (await reader.batches(max_records=_MOST)).values():
                for record in records:
                    book = codec.decode(by_name("md.book"), record.value or b"")
                    (missing.discard if book.state == "valid" else missing.add)(book.symbol)


async def read(kafka: KafkaEndpoint, codec: Codec, since: Places, sent: Iterable[Frame]) -> Log:
    """Read until the change of each frame is there, and a book with the last one of each symbol, or no more comes."""
    log = Log()
    changes = set(sent)
    books = dict(sorted(changes))
    until_s = clock.monotonic_s() + LINGER_S
    starts: dict[Partition | str, Start] = dict(since)
    async with Reader.assigned(kafka, starts, client_id="benchmark") as reader:
        while (changes or books) and clock.monotonic_s() < until_s:
            before = len(changes) + len(books)
            async for record in reader.until_end(max_records=_MOST):
                _take(log, codec, record)
            changes.difference_update((one.symbol, one.number) for one in log.changes)
            for book in log.books:
                if book.number >= books.get(book.symbol, book.number + 1):
                    del books[book.symbol]
            if len(changes) + len(books) < before:
                until_s = clock.monotonic_s() + LINGER_S
            await asyncio.sleep(_LOOK_S)
    return log


def _take(log: Log, codec: Codec, record: Record) -> None:
    found = codec.decode(by_name(record.topic), record.value or b"")
    if record.topic == "md.gap":
        log.gaps.append(found.symbol)
    elif record.topic == "md.book":
        log.books.append(Book(record.partition, record.offset, found.symbol, found.sequence, found.conflated))
    elif found.kind == "change":
        log.changes.append(Change(found.symbol, found.sequence, found.received_us, found.published_us))
    else:
        log.wholes.append((found.symbol, found.published_us))
