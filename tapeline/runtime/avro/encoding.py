"""Values to their Avro bytes, part by part: what the generated writers call, and the tables they look into.

Each function refuses what is not exactly a value of its type; a bool is no integer, a float subclass no number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Context, Decimal
from functools import cache
from math import isfinite
from struct import Struct
from typing import Any, Final, TypeVar

import msgspec

from tapeline.runtime.avro.strict import TYPE_HINT, Wrong

Item = Callable[[Any], bytes]
"""Writes one item of an array or a map."""

T = TypeVar("T")

NOT_INTEGER: Final = "it must be an integer of 64 bits"
NOT_TEXT: Final = "it must be text"
NOT_UNICODE: Final = "it must be valid Unicode"
NOT_RECORD: Final = "it must be a record"

_LONG_LEAST: Final = -(2**63)
_LONG_MOST: Final = 2**63 - 1
_MOST_KEPT: Final = 4_096
_BITS: Final = 7
_LOW: Final = 0x7F
_MORE: Final = 0x80


class TooLong(Exception):
    """An integer has more than 64 bits."""


class Kept(dict[int, T]):
    """What is made of a number, kept for the next time, so many at most."""

    def __init__(self, make: Callable[[int], T]) -> None:
        """Make what is not there with this function."""
        super().__init__()
        self._make = make

    def __missing__(self, number: int) -> T:
        """Make it and keep it."""
        made = self._make(number)
        if len(self) >= _MOST_KEPT:
            self.clear()
        self[number] = made
        return made


def unsigned(number: int) -> bytes:
    """Return a number that is not negative in groups of seven bits, the lowest first."""
    out = bytearray()
    while number > _LOW:
        out.append(number & _LOW | _MORE)
        number >>= _BITS
    out.append(number)
    return bytes(out)


def _zigzag(number: int) -> bytes:
    if not _LONG_LEAST <= number <= _LONG_MOST:
        raise TooLong
    return unsigned(number << 1 if number >= 0 else ~(number << 1))


def _upper(number: int) -> bytes:
    """Return the upper part of an integer, all but its 27 lowest bits."""
    if number > _LONG_MOST >> 27:
        raise TooLong
    return unsigned(number)


LONGS: Final = Kept(_zigzag)
"""Small integers and counts. Larger ones are written in three parts, of which the upper one seldom changes:
`LOWER[n << 1 & 0x3FFF]`, `LOWER[n >> 13 & 0x3FFF]`, `UPPER[n >> 27]`."""
UPPER: Final = Kept(_upper)
COUNTS: Final = Kept(lambda count: unsigned(count << 1) if count else b"")
"""How many items a block has; without items there is no block."""
COLUMNS: Final = Kept(lambda count: (COUNTS[count], Struct(f"<{count}dx").pack))
"""How many doubles there are, and what packs them and the zero that ends their block."""
PACK_DOUBLE: Final = Struct("<d").pack


@cache
def lower() -> tuple[bytes, ...]:
    """Return the table LOWER: fourteen bits as two bytes that more follow."""
    return tuple(bytes((bits & _LOW | _MORE, bits >> _BITS | _MORE)) for bits in range(1 << 2 * _BITS))


def long(value: object) -> bytes:
    """Return an integer's bytes."""
    if type(value) is not int:
        raise Wrong(NOT_INTEGER, value)
    try:
        return LONGS[value]
    except TooLong:
        raise Wrong(NOT_INTEGER, value) from None


def text(value: object) -> bytes:
    """Return a text's bytes."""
    if type(value) is not str:
        raise Wrong(NOT_TEXT, value)
    try:
        found = value.encode()
    except UnicodeEncodeError:
        raise Wrong(NOT_UNICODE, value) from None
    return LONGS[len(found)] + found


def raw(value: object) -> bytes:
    """Return the bytes of bytes."""
    if type(value) is not bytes:
        raise Wrong("it must be bytes", value)
    return LONGS[len(value)] + value


def boolean(value: object) -> bytes:
    """Return the byte of true or false."""
    if type(value) is not bool:
        raise Wrong("it must be true or false", value)
    return b"\x01" if value else b"\x00"


def double(value: object) -> bytes:
    """Return a finite number's bytes."""
    if type(value) is not float and (isinstance(value, bool) or not isinstance(value, int)):
        raise Wrong("it must be a number", value)
    try:
        finite = isfinite(value)
    except OverflowError:
        finite = False
    if not finite:
        raise Wrong("it must be a finite number", value)
    return PACK_DOUBLE(value)


def doubles(value: object) -> tuple[bytes, bytes]:
    """Return the count and the bytes of a column, number by number: the way that names the wrong one."""
    items = _items(value)
    return COUNTS[len(items)], b"".join((*_each(items, double), b"\x00"))


def array(value: object, write: Item) -> bytes:
    """Return an array's bytes, all items in one block."""
    items = _items(value)
    return b"".join((COUNTS[len(items)], *_each(items, write), b"\x00"))


def mapping(value: object, write: Item) -> bytes:
    """Return a map's bytes, all items in one block."""
    if not isinstance(value, dict):
        raise Wrong("it must be a map", value)
    parts = [COUNTS[len(value)]]
    key: object = None
    try:
        for key, item in value.items():
            parts += text(key), write(item)
    except Wrong as wrong:
        wrong.inside(f"[{key!r}]")
        raise
    parts.append(b"\x00")
    return b"".join(parts)


def symbol(symbols: Mapping[str, bytes]) -> Item:
    """Return the writer of one of these symbols."""
    reason = one_of(symbols)

    def write(value: object) -> bytes:
        found = symbols.get(value) if type(value) is str else None
        if found is None:
            raise Wrong(reason, value)
        return found

    return write


def one_of(symbols: Mapping[str, bytes]) -> str:
    """Say which symbols there are."""
    return f"it must be one of {', '.join(sorted(symbols))}"


def money(precision: int, scale: int) -> Item:
    """Return the writer of a Decimal of so many digits; nothing is ever rounded."""
    beyond = Decimal(10) ** (precision - scale)
    exact = Context(prec=precision)

    def write(value: object) -> bytes:
        if type(value) is not Decimal:
            raise Wrong("it must be a Decimal", value)
        if not value.is_finite():
            raise Wrong("it must be a finite number", value)
        # abs() would round to the 28 digits of the default context.
        if value.copy_abs() >= beyond:
            raise Wrong(f"it must be smaller than 1E+{precision - scale}", value)
        exponent = value.as_tuple().exponent
        if isinstance(exponent, int) and exponent < -scale:
            raise Wrong(f"it has more than {scale} decimal places", value)
        unscaled = int(value.scaleb(scale, exact)) if value else 0
        size = unscaled.bit_length() // 8 + 1
        return LONGS[size] + unscaled.to_bytes(size, "big", signed=True)

    return write


def choice(writers: Mapping[object, tuple[Callable[[Any, bytes], bytes], bytes]], names: tuple[str, ...]) -> Item:
    """Return the writer of one of several records: a Struct is told by its type, plain values by `-type`."""
    reason = f"it must name one of {', '.join(names)} under {TYPE_HINT!r}"

    def write(value: object) -> bytes:
        kind = value.get(TYPE_HINT) if isinstance(value, dict) else type(value)
        found = writers.get(kind) if isinstance(kind, str | type) else None
        if found is None:
            raise Wrong(reason, value)
        record, branch = found
        return record(value, branch)

    return write


def completed(value: object, defaults: Mapping[str, object]) -> dict[str, Any]:
    """Return plain values with the defaults of what is left out; a field without a default must be there."""
    if not isinstance(value, dict):
        raise Wrong(NOT_RECORD, value)
    names = value.keys() - {TYPE_HINT}
    missing = {name for name, default in defaults.items() if default is msgspec.NODEFAULT} - names
    unknown = names - defaults.keys()
    if missing or unknown:
        reason = "the field is missing" if missing else "there is no such field"
        raise Wrong(reason, None).inside(min(map(str, missing or unknown)))
    return {**defaults, **value}


def _items(value: object) -> list[Any] | tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise Wrong("it must be an array", value)
    return value


def _each(items: list[Any] | tuple[Any, ...], write: Item) -> list[bytes]:
    parts: list[bytes] = []
    try:
        for item in items:
            parts.append(write(item))  # noqa: PERF401 - where it stops is the place that is named
    except Wrong as wrong:
        wrong.inside(f"[{len(parts)}]")
        raise
    return parts
