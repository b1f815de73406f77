"""OKX's books as recorded until 2022: no sequence numbers but a live checksum, so that only time puts them in order.

No socket sends this form any more. It is told by what it lacks and by what it has: a frame of today that lost its
`seqId` is broken, because today's checksum is 0. A hole cannot be seen in it, a repetition can.
"""

from __future__ import annotations

from tapeline.errors import InvalidMessage
from tapeline.venues.okx import wire


def number(book: wire.Book, *, changes: bool) -> int:
    """Return what stands for the number of a book without one: its time in milliseconds.

    `changes` is whether the channel tells changes: those carry the checksum of the book that they lead to.
    """
    if book.previous is not None or (changes and not book.checksum):
        raise InvalidMessage("a book has a number", field="data[0].seqId")
    return book.book_ms
