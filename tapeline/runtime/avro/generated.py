"""Functions that write and read a record, made from its schema once and kept by whoever asked.

They know a record's body alone; what stands before it on the wire is the codec's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from tapeline.errors import InvalidMessage
from tapeline.runtime.avro import reader_code, writer_code
from tapeline.runtime.avro.decoding import PADDING
from tapeline.runtime.avro.shape import Record
from tapeline.runtime.avro.strict import Wrong

Write = Callable[[Any, bytes], bytes]
"""Takes a value and what stands before it, returns both; InvalidMessage names the first field that does not fit."""

Read = Callable[[bytes, int], Any]
"""Takes bytes and where the value begins; InvalidMessage where they are not exactly one value."""


def writer(record: Record) -> Write:
    """Return the function that writes a record."""
    source, name = writer_code.source(record)
    written = cast("Write", source.made(name))

    def write(value: Any, head: bytes) -> bytes:  # noqa: ANN401 - a Struct or plain values
        try:
            return written(value, head)
        except Wrong as wrong:
            raise wrong.settled() from None

    return write


def reader(record: Record) -> Read:
    """Return the function that reads a record, which must end where the bytes end."""
    source, name = reader_code.source(record)
    read_from = cast("Callable[[bytes, int], tuple[Any, int]]", source.made(name))

    def read(data: bytes, place: int) -> Any:  # noqa: ANN401 - a Struct or plain values
        try:
            value, end = read_from(data + PADDING, place)
        except Wrong as wrong:
            raise wrong.settled() from None
        if end != len(data):
            left = len(data) - end
            if left < 0:
                raise InvalidMessage(f"the body is no {record.name}: the bytes end too early")
            raise InvalidMessage(f"{left} bytes are left after the {record.name}")
        return value

    return read
