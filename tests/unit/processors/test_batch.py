"""A batch keeps its records, and its newest record of each key is all that a reader of state decodes."""

from __future__ import annotations

from dataclasses import dataclass, field

from processors.transport.batch import Batch
from processors.transport.outstanding import Outstanding, Ticket


@dataclass(frozen=True, slots=True)
class Kept:
    """A record as the library gives it."""

    offset: int
    key: bytes | None
    value: bytes | None
    topic: str = "md.book"
    partition: int = 3
    timestamp: int = 5
    headers: tuple[tuple[str, bytes], ...] = field(default=())


def batch(*records: Kept) -> Batch:
    return Batch(
        records, ticket=Ticket(records[-1].offset + 1, records=1, size=1, at_ms=5), home=Outstanding(), assignment=1
    )


def test_the_newest_record_of_each_key_stands_in_the_order_of_offsets() -> None:
    records = (Kept(1, b"a", b"1"), Kept(2, b"b", b"2"), Kept(4, b"a", b"3"), Kept(5, None, b"4"), Kept(6, None, None))

    found = batch(*records)

    assert found.newest() == (records[1], records[2], records[4])
    assert (len(found), found.end, found.topic, found.partition) == (5, 7, "md.book", 3)


def test_a_batch_that_no_message_carries_is_acknowledged_in_vain() -> None:
    found = batch(Kept(1, b"a", b"1"))
    found.home.deliver(found.ticket)

    found.acknowledge()

    assert found.home.end is None
