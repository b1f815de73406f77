"""Avro bytes to their values, part by part: what the generated readers call, and the tables they look into.

The bytes end in `PADDING`, so that a reader may look ahead; who has read into it finds out at the end, because a place
only moves on. A count or a length is compared with what is left before anything is made of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Context, Decimal
from functools import cache
from math import isfinite
from struct import Struct
from struct import error as StructError  # noqa: N812 - struct.error says too little alone
from typing import Any, Final

from tapeline.errors import InvalidMessage
from tapeline.runtime.avro.strict import Wrong

Item = Callable[[bytes, int], tuple[Any, int]]
"""Reads one value at a place and returns it with the place behind it."""

PADDING: Final = bytes(16)
NOT_FINITE: Final = "it must be a finite number"

UNPACK_DOUBLE: Final = Struct("<d").unpack_from
UNPACK_WIDE: Final = Struct("<HHI").unpack_from
"""Looks at eight bytes as the three parts of which most integers of eight bytes are made."""
UNPACK_DOUBLES: Final = tuple(Struct(f"<{count}d").unpack_from for count in range(64))
"""For as many doubles as a count of one byte can tell."""
UPPER: Final[dict[int, int]] = {}
"""What the last four of eight bytes stand for: seldom new, learned by `longer`."""

_BITS: Final = 7
_LOW: Final = 0x7F
_MORE: Final = 0x80
_MOST_BYTES: Final = 10
_MOST: Final = 2**64
_MOST_KEPT: Final = 4_096
_DOUBLE: Final = 8
_WIDE_BITS: Final = 27


class Broken(ValueError):
    """These bytes are no value of the schema."""


BROKEN: Final = (Broken, IndexError, StructError, UnicodeDecodeError)
"""All that a reader meets in bytes that are no value of the schema."""


def broken(error: Exception, record: str) -> Wrong:
    """Say what is wrong with the bytes of a record."""
    why = "the bytes end too early" if isinstance(error, IndexError | StructError) else str(error)
    return Wrong(f"the body is no {record}: {why}", None)


@cache
def lower() -> tuple[dict[int, int], dict[int, int]]:
    """Return the tables LOWEST and LOWER: what the first and the second two of eight bytes stand for.

    Only bytes that more follow are there, and only the integers that are not negative.
    """
    wide = {bits & _LOW | _MORE | (bits >> _BITS | _MORE) << 8: bits for bits in range(1 << 2 * _BITS)}
    return {two: bits >> 1 for two, bits in wide.items() if not bits & 1}, {
        two: bits << 2 * _BITS - 1 for two, bits in wide.items()
    }


def unended(left: int, record: str) -> InvalidMessage:
    """Say that a record does not end where its bytes do."""
    if left < 0:
        return InvalidMessage(f"the body is no {record}: the bytes end too early")
    return InvalidMessage(f"{left} bytes are left after the {record}")


def long(data: bytes, place: int) -> tuple[int, int]:
    """Return an integer of any length."""
    bits, shift = 0, 0
    for at in range(place, place + _MOST_BYTES):
        byte = data[at]
        bits |= (byte & _LOW) << shift
        if byte < _MORE:
            break
        shift += _BITS
    else:
        raise Broken(f"an integer has more than {_MOST_BYTES} bytes")
    if bits >= _MOST:
        raise Broken("an integer has more than 64 bits")
    return (bits >> 1) ^ -(bits & 1), at + 1


def longer(data: bytes, place: int, value: int, four: int) -> tuple[int, int]:
    """Return an integer that is not negative, of which four bytes are read and the next four are looked at."""
    if not four & 0x80:
        return value | (four & _LOW) << _WIDE_BITS, place + 5
    upper = four & _LOW | four >> 1 & 0x3F80
    if not four & 0x8000:
        return value | upper << _WIDE_BITS, place + 6
    upper |= four >> 2 & 0x1FC000
    if not four & 0x800000:
        return value | upper << _WIDE_BITS, place + 7
    if four & 0x80000000:
        return long(data, place)
    upper |= four >> 3 & 0xFE00000
    if len(UPPER) >= _MOST_KEPT:
        UPPER.clear()
    UPPER[four] = upper << _WIDE_BITS
    return value | upper << _WIDE_BITS, place + 8


def length(data: bytes, place: int) -> tuple[int, int]:
    """Return how many bytes a text or bytes have, and where they begin."""
    size, begin = long(data, place)
    if not 0 <= size <= len(data) - begin:
        raise Broken(f"{size} bytes are said to follow")
    return size, begin


def text(data: bytes, place: int) -> tuple[str, int]:
    """Return a text."""
    size, begin = length(data, place)
    end = begin + size
    return data[begin:end].decode(), end


def raw(data: bytes, place: int) -> tuple[bytes, int]:
    """Return bytes."""
    size, begin = length(data, place)
    end = begin + size
    return data[begin:end], end


def boolean(data: bytes, place: int) -> tuple[bool, int]:
    """Return true or false: one byte, of which others than 0 and 1 mean different things to different readers."""
    byte = data[place]
    if byte > 1:
        raise Broken(f"the byte {byte} is neither true nor false")
    return byte == 1, place + 1


def double(data: bytes, place: int) -> tuple[float, int]:
    """Return a finite number."""
    (value,) = UNPACK_DOUBLE(data, place)
    if not isfinite(value):
        raise Wrong(NOT_FINITE, value)
    return value, place + _DOUBLE


def doubles(data: bytes, place: int) -> tuple[tuple[float, ...], int]:
    """Return a column in any number of blocks of any size."""
    values: list[float] = []
    count, place = _block(data, place, _DOUBLE)
    while count:
        values.extend(Struct(f"<{count}d").unpack_from(data, place))
        count, place = _block(data, place + count * _DOUBLE, _DOUBLE)
    return tuple(values), place


def finite(values: tuple[float, ...]) -> None:
    """Name the number of a column that is not finite: the sum of finite ones may be infinite too."""
    for place, value in enumerate(values):
        if not isfinite(value):
            raise Wrong(NOT_FINITE, value).inside(f"[{place}]")


def array(data: bytes, place: int, read: Item) -> tuple[list[Any], int]:
    """Return an array in any number of blocks."""
    values: list[Any] = []
    count, place = _block(data, place, 1)
    try:
        while count:
            for _ in range(count):
                value, place = read(data, place)
                values.append(value)
            count, place = _block(data, place, 1)
    except Wrong as wrong:
        wrong.inside(f"[{len(values)}]")
        raise
    return values, place


def mapping(data: bytes, place: int, read: Item) -> tuple[dict[str, Any], int]:
    """Return a map in any number of blocks; of a key that comes twice the last value counts."""
    values: dict[str, Any] = {}
    key = ""
    count, place = _block(data, place, 2)
    try:
        while count:
            for _ in range(count):
                key, place = text(data, place)
                values[key], place = read(data, place)
            count, place = _block(data, place, 2)
    except Wrong as wrong:
        wrong.inside(f"[{key!r}]")
        raise
    return values, place


def symbol(symbols: Mapping[int, str]) -> Item:
    """Return the reader of one of these symbols, by their byte."""

    def read(data: bytes, place: int) -> tuple[str, int]:
        found = symbols.get(data[place])
        if found is None:
            raise Broken(f"the byte {data[place]} is no symbol")
        return found, place + 1

    return read


def choice(readers: Mapping[int, Item]) -> Item:
    """Return the reader of one of several records, by their byte."""

    def read(data: bytes, place: int) -> tuple[Any, int]:
        found = readers.get(data[place])
        if found is None:
            raise Broken(f"the byte {data[place]} is no branch of the union")
        return found(data, place + 1)

    return read


def money(precision: int, scale: int) -> Item:
    """Return the reader of a Decimal of at most so many digits."""
    beyond = 10**precision
    exact = Context(prec=precision)

    def read(data: bytes, place: int) -> tuple[Decimal, int]:
        found, end = raw(data, place)
        unscaled = int.from_bytes(found, "big", signed=True)
        if not -beyond < unscaled < beyond:
            raise Wrong(f"it must be smaller than 1E+{precision - scale}", unscaled)
        return Decimal(unscaled).scaleb(-scale, exact), end

    return read


def _block(data: bytes, place: int, least: int) -> tuple[int, int]:
    """Return how many items a block has, 0 for the end, each of at least so many bytes, and where they begin."""
    count, begin = long(data, place)
    if count < 0:
        # The block tells its size too, for those who want to pass over it.
        count, begin = -count, long(data, begin)[1]
    if count * least > len(data) - begin:
        raise Broken(f"{count} items are said to follow")
    return count, begin
