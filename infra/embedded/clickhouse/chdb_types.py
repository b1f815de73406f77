"""The one typed seam to chdb: what this front uses of it; nobody else imports it."""

from __future__ import annotations

import importlib
import sys
from typing import Protocol, cast

_NOT_NEEDED = "pyarrow"


class Result(Protocol):
    """A whole answer, or one chunk of a streamed one."""

    def bytes(self) -> bytes | None:
        """Return the answer in its format."""

    def rows_read(self) -> int:
        """Return how many rows the answer has."""

    def storage_rows_read(self) -> int:
        """Return how many rows were read to make it; 0 in a chunk."""

    def storage_bytes_read(self) -> int:
        """Return how many bytes were read to make it; 0 in a chunk."""

    def rows_written(self) -> int:
        """Return how many rows the statement wrote."""

    def bytes_written(self) -> int:
        """Return how many bytes the statement wrote."""


class Chunks(Protocol):
    """A SELECT whose answer is fetched in chunks."""

    def fetch(self) -> Result | None:
        """Return the next chunk, None at the end."""

    def close(self) -> None:
        """Stop the query; nothing happens when it has ended."""


class Connection(Protocol):
    """A session of its own on the engine of this process."""

    def query(self, query: str, format: str) -> Result:  # noqa: A002 - the name that chdb gave it
        """Run one statement and return its whole answer."""

    def send_query(self, query: str, format: str) -> Chunks:  # noqa: A002 - the name that chdb gave it
        """Run one SELECT and return its answer in chunks."""

    def close(self) -> None:
        """End the session; the engine stops with the last one."""


class _Module(Protocol):
    def connect(self, connection_string: str) -> Connection: ...


def load() -> _Module:
    """Import chdb without pyarrow, which it would only use to convert answers: 40 MB and 0.7 s for nothing."""
    absent = _NOT_NEEDED not in sys.modules
    if absent:
        sys.modules[_NOT_NEEDED] = None  # type: ignore[assignment] # how Python spells "cannot be imported"
    try:
        return cast("_Module", importlib.import_module("chdb"))
    finally:
        if absent:
            del sys.modules[_NOT_NEEDED]
