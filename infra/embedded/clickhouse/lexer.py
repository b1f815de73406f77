"""ClickHouse SQL cut into top-level pieces: strings, comments and brackets are each one piece, so no rule looks inside.

Bytes in, pieces out, lazily: whoever has found the end of the statement never reads the data behind it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

PieceKind = Literal["word", "quoted", "string", "number", "group", "mark", "broken"]

_TRIVIA = re.compile(rb"(?:[\s\x00]++|--[^\n]*+|//[^\n]*+|#[ !][^\n]*+)++")
_COMMENT_EDGE = re.compile(rb"/\*|\*/")
_SIMPLE: tuple[tuple[PieceKind, re.Pattern[bytes]], ...] = (
    ("word", re.compile(rb"[A-Za-z_][A-Za-z0-9_$]*+")),
    ("number", re.compile(rb"[0-9][A-Za-z0-9_.]*+")),
    ("string", re.compile(rb"'(?:[^'\\]++|\\.|'')*+'", re.DOTALL)),
    ("quoted", re.compile(rb'"(?:[^"\\]++|\\.|"")*+"', re.DOTALL)),
    ("quoted", re.compile(rb"`(?:[^`\\]++|\\.|``)*+`", re.DOTALL)),
    # The lexer of ClickHouse takes typographic quotes too (as text processors write them).
    ("string", re.compile(rb"\xe2\x80\x98.*?\xe2\x80\x99", re.DOTALL)),
    ("quoted", re.compile(rb"\xe2\x80\x9c.*?\xe2\x80\x9d", re.DOTALL)),
)
_HEREDOC = re.compile(rb"\$[A-Za-z0-9_]*\$")
_UNCLOSED = (b"'", b'"', b"`", b"\xe2\x80\x98", b"\xe2\x80\x9c")
_CLOSING = {b"(": b")", b"[": b"]", b"{": b"}"}


@dataclass(frozen=True, slots=True)
class Piece:
    """One top-level piece; `word` is a word in upper case or a mark as it stands, `first` a group's first word."""

    kind: PieceKind
    start: int
    end: int
    word: str = ""
    first: str = ""


def pieces(text: bytes, start: int = 0) -> Iterator[Piece]:
    """Yield the top-level pieces from `start` on; one that is never closed is `broken` and reaches to the end."""
    at = skip_trivia(text, start)
    while at < len(text):
        piece = _piece(text, at)
        yield piece
        at = skip_trivia(text, piece.end)


def skip_trivia(text: bytes, at: int) -> int:
    """Return where the next piece starts: behind spaces and comments; a comment that is never closed is a piece."""
    while True:
        if found := _TRIVIA.match(text, at):
            at = found.end()
        elif text.startswith(b"/*", at) and (end := _comment_end(text, at)):
            at = end
        else:
            return at


def _piece(text: bytes, at: int) -> Piece:
    opening = text[at : at + 1]
    if opening in _CLOSING:
        return _group(text, at)
    return _token(text, at)


def _token(text: bytes, at: int) -> Piece:
    """Return the piece at `at`, brackets as single marks."""
    for kind, pattern in _SIMPLE:
        if found := pattern.match(text, at):
            return Piece(kind, at, found.end(), found.group().decode("ascii").upper() if kind == "word" else "")
    if opened := _HEREDOC.match(text, at):
        end = text.find(opened.group(), opened.end())
        if end >= 0:
            return Piece("string", at, end + len(opened.group()))
    if text.startswith((*_UNCLOSED, b"/*"), at):
        return Piece("broken", at, len(text))
    return Piece("mark", at, at + 1, chr(text[at]))


def _group(text: bytes, at: int) -> Piece:
    """Return everything up to the bracket that closes this one, however deep it goes."""
    waiting = [_CLOSING[text[at : at + 1]]]
    first = ""
    here = skip_trivia(text, at + 1)
    while here < len(text):
        token = _token(text, here)
        mark = text[here : here + 1] if token.kind == "mark" else b""
        if mark in _CLOSING:
            waiting.append(_CLOSING[mark])
        elif mark == waiting[-1]:
            waiting.pop()
            if not waiting:
                return Piece("group", at, token.end, first=first)
        elif not first and token.kind == "word":
            first = token.word
        here = skip_trivia(text, token.end)
    return Piece("broken", at, len(text))


def _comment_end(text: bytes, at: int) -> int:
    """Return where the comment at `at` ends, 0 when it never does; comments nest."""
    depth = 0
    for edge in _COMMENT_EDGE.finditer(text, at):
        depth += 1 if edge.group() == b"/*" else -1
        if depth == 0:
            return edge.end()
    return 0
