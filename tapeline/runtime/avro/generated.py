"""Functions that write and read a record, made from its schema once and kept by whoever asked.

They know a record's body alone; what stands before it on the wire is the codec's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from tapeline.runtime.avro import reader_code, writer_code
from tapeline.runtime.avro.shape import Record

Write = Callable[[Any, bytes], bytes]
"""Takes a value and what stands before it, returns both; InvalidMessage names the first field that does not fit."""

Read = Callable[[bytes, int], Any]
"""Takes bytes and where the value begins; InvalidMessage where they are not exactly one value."""


def writer(record: Record) -> Write:
    """Return the function that writes a record."""
    source, name = writer_code.source(record)
    return cast("Write", source.made(name))


def reader(record: Record) -> Read:
    """Return the function that reads a record, which must end where the bytes end."""
    source, name = reader_code.source(record)
    return cast("Read", source.made(name))
