"""The engine: every request gets a connection of its own, so no setting, database or parameter outlives its request.

Measured with chdb 4.4: a connection costs 0.1 ms, statements of several connections run at the same time (an INSERT
takes 18 ms beside a SELECT that runs for seconds), and the global interpreter lock is free meanwhile. One connection is
kept open, because the engine stops with the last one.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from infra.embedded.clickhouse import chdb_types, folder
from infra.embedded.clickhouse.chdb_types import Chunks, Connection
from infra.embedded.clickhouse.refusal import BAD_ARGUMENTS, EngineRefused, Refused
from infra.embedded.clickhouse.statement import Statement
from tapeline.errors import Misconfigured

# Formats whose chunks, one after the other, are one valid answer: no header, no footer, no file structure.
STREAMED = frozenset({"Native", "RowBinary", "TabSeparated", "TSV", "CSV", "JSONEachRow"})
# What holds for every request that does not say otherwise. The engine's own default would queue an INSERT apart from
# its token; an answer is kept in memory until it is sent, so it has a bound; times mean UTC wherever this runs.
DEFAULTS: Mapping[str, str] = {
    "async_insert": "0",
    "max_result_bytes": str(1 << 30),
    "result_overflow_mode": "throw",
    "session_timezone": "UTC",
}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*\Z")
_PARAMETER = re.compile(r"[A-Za-z0-9_$]+\Z")
_BROKEN_PARTS = (
    "SELECT database, table, name FROM system.detached_parts WHERE reason LIKE 'broken%' ORDER BY ALL LIMIT 1"
)
_REASON_CHARS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One statement with all that belongs to it."""

    statement: Statement
    data: bytes = b""
    default_format: str = "TabSeparated"
    database: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    reads_only: bool = False

    @property
    def format(self) -> str:
        """Return the format of the answer, or of the data of an INSERT."""
        return self.statement.format or self.default_format


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole answer and what it cost; a figure that the engine does not tell is None."""

    body: bytes = b""
    read_rows: int | None = None
    read_bytes: int | None = None
    written_rows: int = 0
    written_bytes: int = 0
    result_rows: int = 0


@dataclass(slots=True)
class Stream:
    """A SELECT under way; `fetch` until None, then `close`."""

    connection: Connection
    chunks: Chunks
    rows: int = 0

    def fetch(self) -> bytes | None:
        """Return the next bytes of the answer, None at its end."""
        with _engine_errors():
            chunk = self.chunks.fetch()
            if chunk is None:
                return None
            self.rows += chunk.rows_read()
            return chunk.bytes() or b""

    def close(self) -> None:
        """Stop the query where it still runs and give its connection back."""
        with contextlib.suppress(RuntimeError):
            self.chunks.close()
        self.connection.close()


class Engine:
    """The engine over one folder; each method may be called from any thread, several at once."""

    def __init__(self, path: Path) -> None:
        """Start the engine; raise Misconfigured with the one sentence when the data cannot be opened."""
        folder.check(path)
        self._connect = chdb_types.load().connect
        # Parameters travel in a SET, which may be longer than a statement; those are bounded by `statement`.
        self._where = f"{path}?max_query_size={1 << 28}"
        with _stderr_kept() as said:
            try:
                self._keeper = self._connect(self._where)
            except RuntimeError as error:
                raise folder.damaged(path, _reason(said, str(error))) from None
        try:
            self._refuse_broken_parts(path)
        except Misconfigured:
            self.close()
            raise

    def run(self, job: Job) -> Answer:
        """Run one statement to its end."""
        connection = self._session(job)
        try:
            with _engine_errors():
                return _inserted(connection, job) if job.statement.data is not None else _queried(connection, job)
        finally:
            connection.close()

    def stream(self, job: Job) -> Stream:
        """Start one SELECT whose format is in STREAMED."""
        connection = self._session(job)
        try:
            with _engine_errors():
                return Stream(connection, connection.send_query(job.statement.text, job.format))
        except BaseException:
            connection.close()
            raise

    def close(self) -> None:
        """Stop the engine: it ends its merges and lets go of the folder."""
        self._keeper.close()

    def _session(self, job: Job) -> Connection:
        """Return a new connection that means what the request says."""
        connection = self._connect(self._where)
        try:
            with _engine_errors():
                connection.query(_set(job), "Null")
                if job.database:
                    connection.query(f"USE {_identifier(job.database)}", "Null")
                if job.reads_only:
                    # The last word: nothing can be set after it.
                    connection.query("SET readonly = 2", "Null")
        except BaseException:
            connection.close()
            raise
        return connection

    def _refuse_broken_parts(self, path: Path) -> None:
        """Refuse rows that are gone from sight: the engine moves a damaged part aside and goes on without it."""
        found = (self._keeper.query(_BROKEN_PARTS, "TabSeparated").bytes() or b"").decode().split()
        if found:
            database, table, part = found
            raise folder.damaged(path, f"part {part} of table {database}.{table} cannot be read and was set aside")


def _inserted(connection: Connection, job: Job) -> Answer:
    with _file_of(job.data) as path:
        # Each part on a line of its own: a comment at the end of one must not swallow the next.
        written = connection.query(
            f"{job.statement.text}\nFROM INFILE {_literal(path)} COMPRESSION 'none'\n{job.statement.settings}\n"
            f"FORMAT {job.format}",
            "Null",
        )
    return Answer(
        read_rows=written.rows_written(),
        read_bytes=written.bytes_written(),
        written_rows=written.rows_written(),
        written_bytes=written.bytes_written(),
    )


@contextlib.contextmanager
def _file_of(data: bytes) -> Iterator[str]:
    """Give the engine the rows as a file, in memory where the system has such files.

    chdb's stream of rows (`send_insert`) is not used: it answers well when the engine refused the rows at the end of
    the statement (a constraint, too many parts), and nothing is stored then.
    """
    with contextlib.ExitStack() as held:
        if sys.platform == "linux":
            file: IO[bytes] = held.enter_context(os.fdopen(os.memfd_create("rows"), "wb"))
            path = f"/proc/self/fd/{file.fileno()}"
        else:
            named = held.enter_context(tempfile.NamedTemporaryFile())
            file, path = named.file, named.name
        file.write(data)
        file.flush()
        yield path


def _queried(connection: Connection, job: Job) -> Answer:
    result = connection.query(job.statement.text, job.format)
    return Answer(
        body=result.bytes() or b"",
        read_rows=result.storage_rows_read(),
        read_bytes=result.storage_bytes_read(),
        written_rows=result.rows_written(),
        written_bytes=result.bytes_written(),
        result_rows=result.rows_read(),
    )


def _set(job: Job) -> str:
    """Return the one SET of a request: defaults, then its settings, then its parameters."""
    for name in job.settings:
        if not _NAME.match(name):
            raise Refused(BAD_ARGUMENTS, f"{name!r} is no name of a setting")
    for name in job.parameters:
        if not _PARAMETER.match(name):
            raise Refused(BAD_ARGUMENTS, f"{name!r} is no name of a query parameter")
    values = {**DEFAULTS, **job.settings, **{f"param_{name}": value for name, value in job.parameters.items()}}
    return "SET " + ", ".join(f"{name} = {_literal(value)}" for name, value in values.items())


def _literal(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _identifier(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace("`", "\\`")
    return f"`{escaped}`"


@contextlib.contextmanager
def _engine_errors() -> Iterator[None]:
    """Pass on what the engine refuses; chdb raises RuntimeError and subclasses of Exception of its own."""
    try:
        yield
    except Refused:
        raise
    except (MemoryError, UnicodeError):
        raise
    except Exception as error:
        # chdb's own ChdbError derives from Exception alone.
        raise EngineRefused(str(error)) from error


@contextlib.contextmanager
def _stderr_kept() -> Iterator[IO[bytes]]:
    """Send what the engine prints while it starts to a file: its exception does not say why it could not."""
    sys.stderr.flush()
    own = os.dup(2)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            yield said
        finally:
            os.dup2(own, 2)
            os.close(own)


def _reason(said: IO[bytes], raised: str) -> str:
    """Return the engine's own words, short, without the mark-up of its exceptions."""
    said.seek(0)
    text = said.read().decode("utf-8", "replace").strip() or raised
    return re.sub(r"\s+", " ", text).removesuffix(".")[:_REASON_CHARS]
