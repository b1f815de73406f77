"""The commit rule, pure: what may be committed of a partition is the end of the acknowledged prefix of its batches.

It cannot pass a batch that is not acknowledged, whatever is acknowledged behind it, and holes in the offsets (compacted
records, records gone by retention, markers of transactions) need no thought, because a batch knows its own end.
"""

from __future__ import annotations

from collections import deque
from typing import Final

MAX_RECORDS: Final = 4_000
MAX_BYTES: Final = 8 * 1024 * 1024


class Ticket:
    """One batch that was handed out: where it ends, how much it holds, whether it is acknowledged."""

    __slots__ = ("at_ms", "done", "end", "records", "size")

    def __init__(self, end: int, *, records: int, size: int, at_ms: int) -> None:
        """Note the offset behind the batch, its number of records and bytes, and the time of its last record."""
        self.end = end
        self.records = records
        self.size = size
        self.at_ms = at_ms
        self.done = False


class Outstanding:
    """The batches of one partition that were handed out and not yet committed, in the order of their offsets.

    It lives as long as the partition is ours: at a rebalance it is closed, and what is acknowledged later counts for
    nothing, because the batch will be delivered again, here or elsewhere.
    """

    __slots__ = ("_max_bytes", "_max_records", "_open", "_waiting", "at_ms", "end", "records", "size")

    def __init__(self, *, max_records: int = MAX_RECORDS, max_bytes: int = MAX_BYTES) -> None:
        """Begin with nothing handed out; the limits say when `has_room` becomes false."""
        self._max_records = max_records
        self._max_bytes = max_bytes
        self._waiting: deque[Ticket] = deque()
        self._open = True
        self.end: int | None = None
        """What may be committed: the offset behind the acknowledged prefix; None while nothing is."""
        self.at_ms = 0
        """The time of the last record of that prefix."""
        self.records = 0
        self.size = 0

    def __len__(self) -> int:
        """Return how many batches stand between the committable offset and what was handed out last."""
        return len(self._waiting)

    @property
    def has_room(self) -> bool:
        """Whether more may be handed out: one batch always, further ones within the limits."""
        return not self._waiting or (self.records < self._max_records and self.size < self._max_bytes)

    def deliver(self, ticket: Ticket) -> None:
        """Note that a batch is handed out; batches come in the order of their offsets."""
        last = self._waiting[-1].end if self._waiting else self.end
        if last is not None and ticket.end <= last:
            message = f"a batch that ends at {ticket.end} was handed out behind one that ends at {last}"
            raise ValueError(message)
        self._waiting.append(ticket)
        self.records += ticket.records
        self.size += ticket.size

    def acknowledge(self, ticket: Ticket) -> bool:
        """Note that a batch is done with; return whether `end` has moved. Twice is as good as once."""
        if not self._open or ticket.done:
            return False
        ticket.done = True
        before = self.end
        while self._waiting and self._waiting[0].done:
            first = self._waiting.popleft()
            self.records -= first.records
            self.size -= first.size
            self.end, self.at_ms = first.end, first.at_ms
        return self.end != before

    def close(self) -> None:
        """Forget everything: the partition is not ours any more, or is read again from elsewhere."""
        self._open = False
        self._waiting.clear()
        self.records = self.size = 0
        self.end = None
