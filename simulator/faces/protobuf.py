"""Writes messages of protocol buffers (proto3) field by field: what a venue sends in binary, from its field numbers.

Only what is written here: varints of numbers from zero up, texts, and messages within messages.
"""

from __future__ import annotations

_VARINT = 0
_BYTES = 2
_SEVEN = 0x7F
_MORE = 0x80


def varint(number: int) -> bytes:
    """Return a number in groups of seven bits, lowest first, each but the last with its high bit set."""
    found = bytearray()
    while number > _SEVEN:
        found.append(number & _SEVEN | _MORE)
        number >>= 7
    found.append(number)
    return bytes(found)


def whole(field: int, number: int) -> bytes:
    """Return a field that holds a number; zero is the default, which is not written."""
    return varint(field << 3 | _VARINT) + varint(number) if number else b""


def text(field: int, value: str) -> bytes:
    """Return a field that holds text; the empty one is the default, which is not written."""
    return inner(field, value.encode()) if value else b""


def inner(field: int, body: bytes) -> bytes:
    """Return a field that holds a message, which is written even if it is empty."""
    return varint(field << 3 | _BYTES) + varint(len(body)) + body
