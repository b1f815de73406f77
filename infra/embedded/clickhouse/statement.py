"""What one request asks for: its kind, the format it names, where its data starts; a pure reading of bytes.

Nothing is rewritten but an INSERT that brings data: its FORMAT and SETTINGS clauses are taken out, because the engine
wants both behind the place where the data is. Settings of the request never come near the text: they are set on a
connection that lives for this one request (see engine).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Literal

from infra.embedded.clickhouse.lexer import Piece, pieces
from infra.embedded.clickhouse.refusal import BAD_ARGUMENTS, NOT_IMPLEMENTED, SYNTAX_ERROR, Refused

Kind = Literal["select", "insert", "copy", "other"]
"""`insert` brings its rows, `copy` reads them from a query, `other` defines, describes or changes."""

# As ClickHouse's own max_query_size; the data of an INSERT does not count.
MAX_TEXT = 256 * 1024
_SELECTS = frozenset({"SELECT", "WITH", "FROM"})
_ANSWERS = _SELECTS | {"SHOW", "DESCRIBE", "DESC", "EXISTS", "EXPLAIN", "CHECK", "KILL"}
_DATA_SPACES = b" \t\f"


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement; `data` starts at this offset of the bytes that were read (an INSERT only).

    `answers` tells a statement that has an answer, maybe without rows, from one that only does something. `settings` is
    the SETTINGS clause of an INSERT that brings data: the engine wants it behind the place where the data is.
    """

    kind: Kind
    text: str
    format: str | None = None
    data: int | None = None
    answers: bool = False
    settings: str = ""


def read(query: bytes, body: bytes) -> tuple[Statement, bytes]:
    """Return the statement and its data, from the `query` parameter (may be empty) and the body of a request.

    As in ClickHouse the statement is the parameter followed by the body; raises Refused for what cannot be answered.
    """
    if not query.strip():
        statement = parse(body)
        return statement, b"" if statement.data is None else body[_data_start(body, statement) :]
    statement = parse(query)
    if statement.data is not None:
        left = query[statement.data :]
        return statement, body if left.strip() in {b"", b";"} else query[_data_start(query, statement) :] + body
    if body.strip():
        statement = parse(query + b"\n" + body)
    return statement, b""


def parse(text: bytes) -> Statement:
    """Return the statement at the start of `text`; what follows an INSERT's FORMAT or VALUES is not looked at."""
    window = text[:MAX_TEXT]
    found = pieces(window)
    first = next(found, None)
    if first is None:
        raise Refused(SYNTAX_ERROR, "Syntax error: failed at position 1 (end of query): Empty query.")
    if first.word == "INSERT":
        return _insert(text, window, _Ahead(found))
    rest = [first, *found]
    _bounded(text)
    _refuse_sessions(rest)
    _refuse_files(rest)
    _refuse_several(rest)
    named = _named_format(window, rest)
    opening = first.first if first.kind == "group" else first.word
    writes = any(here.word == "INSERT" and after.word == "INTO" for here, after in pairwise(rest))
    kind: Kind = "copy" if writes else "select" if opening in _SELECTS else "other"
    return Statement(kind, _decoded(window), named, answers=opening in _ANSWERS and not writes)


class _Ahead:
    """Pieces with a look at the next one."""

    def __init__(self, found: Iterator[Piece]) -> None:
        self._found = found
        self._kept: list[Piece] = []

    def take(self) -> Piece | None:
        """Return the next piece and go on."""
        return self._kept.pop() if self._kept else next(self._found, None)

    def peek(self) -> Piece | None:
        """Return the next piece and stay."""
        piece = self.take()
        if piece is not None:
            self._kept.append(piece)
        return piece

    def rest(self) -> list[Piece]:
        """Return all that is left."""
        return list(chain(reversed(self._kept), self._found))


def _insert(text: bytes, window: bytes, ahead: _Ahead) -> Statement:
    """Read an INSERT up to where its data starts, or to its end when it reads the rows from a query."""
    _skip_target(ahead)
    selects = False
    settings: int | None = None
    while (piece := ahead.take()) is not None:
        after = ahead.peek()
        if piece.word == "VALUES":
            return _with_data(window[: piece.start], settings, "Values", piece.end)
        if piece.word == "FORMAT" and after is not None and after.kind == "word":
            return _with_format(window, settings, piece, ahead)
        if piece.word == "FROM" and after is not None and after.word == "INFILE":
            raise Refused(NOT_IMPLEMENTED, "FROM INFILE names a file of the server: send the rows in the body")
        if piece.word == "SETTINGS" and settings is None:
            settings = piece.start
        if piece.word in _SELECTS:
            _refuse_several(ahead.rest())
            selects = True
        elif piece.word == ";":
            _refuse_several([piece, *ahead.rest()])
            window = window[: piece.start]
        # INSERT INTO t (SELECT ..); a column may be called `from`, so that word tells nothing here.
        selects = selects or piece.first in {"SELECT", "WITH"}
    _bounded(text)
    if selects:
        return Statement("copy", _decoded(window))
    return _with_data(window, settings, None, len(text))


def _with_data(head: bytes, settings: int | None, named: str | None, data: int) -> Statement:
    at = len(head) if settings is None else settings
    return Statement("insert", _decoded(head[:at]), named, data, settings=_decoded(head[at:]))


def _skip_target(ahead: _Ahead) -> None:
    """Go past INTO TABLE FUNCTION and the name, so that a table may be called `values` or `format`."""
    for word in ("INTO", "TABLE", "FUNCTION"):
        here = ahead.peek()
        if here is not None and here.word == word:
            ahead.take()
    ahead.take()
    while (here := ahead.peek()) is not None and here.word == ".":
        ahead.take()
        ahead.take()


def _with_format(window: bytes, settings: int | None, clause: Piece, ahead: _Ahead) -> Statement:
    """Take FORMAT x out of the text; settings that stand behind it join those before it."""
    name = ahead.take()
    if name is None:
        raise Refused(SYNTAX_ERROR, "Syntax error: FORMAT names no format")
    head, end = window[: clause.start], name.end
    after = ahead.peek()
    if after is not None and after.word == "SETTINGS":
        end = _settings_end(ahead)
        settings = len(head) if settings is None else settings
        head += window[after.start : end]
    return _with_data(head, settings, window[name.start : name.end].decode("ascii"), end)


def _settings_end(ahead: _Ahead) -> int:
    """Return where `SETTINGS a = 1, b = 'x'` ends: behind the value that no comma follows."""
    comma: Piece | None = ahead.take()
    while comma is not None:
        name, equals, value = ahead.take(), ahead.take(), ahead.take()
        if name is None or value is None or equals is None or equals.word != "=":
            raise Refused(SYNTAX_ERROR, "Syntax error: SETTINGS behind FORMAT is not a list of name = value")
        after = ahead.peek()
        comma = ahead.take() if after is not None and after.word == "," else None
        end = value.end
    return end


def _data_start(body: bytes, statement: Statement) -> int:
    """Return where the data starts in a body that began with its statement: behind one line end, or behind spaces."""
    at = statement.data or 0
    if statement.format == "Values":
        return at
    if body[at : at + 1] == b";":
        raise Refused(SYNTAX_ERROR, "You have excessive ';' symbol before data for INSERT")
    while body[at : at + 1] and body[at : at + 1] in _DATA_SPACES:
        at += 1
    for end in (b"\r", b"\n"):
        at += body[at : at + 1] == end
    return at


def _named_format(window: bytes, rest: list[Piece]) -> str | None:
    """Return the format that a trailing FORMAT clause names; a column called format is none."""
    for index in range(len(rest) - 2, 0, -1):
        if rest[index].word == "FORMAT" and rest[index + 1].kind == "word":
            behind = rest[index + 2 :]
            if not behind or behind[0].word in {"SETTINGS", ";"}:
                return window[rest[index + 1].start : rest[index + 1].end].decode("ascii")
    return None


def _refuse_sessions(rest: list[Piece]) -> None:
    words = [piece.word for piece in rest[:4]]
    if words[0] in {"SET", "USE"}:
        raise Refused(
            NOT_IMPLEMENTED,
            f"{words[0]} changes a session, and none is kept here: send the setting or the database with the request",
        )
    if words[0] == "CREATE" and "TEMPORARY" in words:
        raise Refused(NOT_IMPLEMENTED, "a temporary table lives in a session, and none is kept here: create a table")


def _refuse_files(rest: list[Piece]) -> None:
    for here, after in pairwise(rest):
        if here.word == "INTO" and after.word == "OUTFILE":
            raise Refused(NOT_IMPLEMENTED, "INTO OUTFILE would write a file of the server: read the answer instead")


def _refuse_several(rest: list[Piece]) -> None:
    ended = False
    for piece in rest:
        if ended and piece.word != ";":
            raise Refused(SYNTAX_ERROR, "Syntax error (Multi-statements are not allowed)")
        ended = ended or piece.word == ";"


def _bounded(text: bytes) -> None:
    if len(text) > MAX_TEXT:
        raise Refused(SYNTAX_ERROR, f"Syntax error: Max query size exceeded ({MAX_TEXT} bytes)")


def _decoded(text: bytes) -> str:
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused(BAD_ARGUMENTS, f"the statement is not UTF-8 ({error}): bind that value instead") from None
