"""What an agent is handed: the records of one fetch of one partition, with key, offset, time, headers and value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from faust.types import ConsumerMessage
    from faust.types.transports import ConsumerT

    from processors.transport.outstanding import Outstanding, Ticket
    from tapeline.runtime.kafka import Record


class Batch:
    """Consecutive records of one partition; nothing of it is committed before `acknowledge`.

    `replayed` batches come from before the committed offset: they rebuild state, and nothing is to be emitted for them.
    `assignment` counts the rebalances of this process: state of another number must not be used.
    """

    __slots__ = ("_consumer", "_message", "assignment", "home", "partition", "records", "replayed", "ticket", "topic")

    def __init__(
        self,
        records: Sequence[Record],
        *,
        ticket: Ticket,
        home: Outstanding,
        assignment: int,
        replayed: bool = False,
    ) -> None:
        """Take at least one record, all of the same partition; `ticket` stands for them in `home`."""
        self.records = records
        self.topic = records[0].topic
        self.partition = records[0].partition
        self.assignment = assignment
        self.replayed = replayed
        self.ticket = ticket
        self.home = home
        self._message: ConsumerMessage | None = None
        self._consumer: ConsumerT | None = None

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self.records)

    @property
    def end(self) -> int:
        """Return the offset behind the last record."""
        return self.records[-1].offset + 1

    def newest(self) -> Sequence[Record]:
        """Return the last record of each key, in the order of their offsets: all that a reader of state must decode."""
        found: dict[bytes | None, Record] = {}
        for record in self.records:
            # Taken out first, so that the dict has the order of the last occurrences.
            found.pop(record.key, None)
            found[record.key] = record
        return tuple(found.values())

    def carried_by(self, message: ConsumerMessage, consumer: ConsumerT) -> None:
        """Tie the batch to the Faust message that counts how many agents still have it."""
        self._message = message
        self._consumer = consumer

    def acknowledge(self) -> None:
        """Say, once per agent, that all that follows from these records is stored; the last agent makes it count."""
        if self._message is not None and self._consumer is not None:
            self._message.ack(self._consumer)
