"""Gate's numbers as ours: instants in two units and as text with a fraction, levels in two shapes, exact rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Context, Decimal
from typing import Any, Final

import msgspec

from tapeline.domain import exact
from tapeline.domain.levels import Column
from tapeline.errors import InvalidMessage
from tapeline.venues.contract import Number, T, read
from tapeline.venues.gateio import wire

US_PER_S: Final = 1_000_000
US_PER_MS: Final = 1_000
FIRST_MS: Final = 10**11
"""What is below it counts seconds (until the year 5138), all else milliseconds (since 1973): REST calls both `_ms`."""
MOST_MS: Final = 10**14
MOST_RULE: Final = Decimal(10) ** 18
LEAST_EXPONENT: Final = -30


def micros(instant: Decimal, name: str) -> int:
    """Return an instant, in seconds or in milliseconds, either with a fraction, in microseconds."""
    if not instant.is_finite() or not 0 <= instant < MOST_MS:
        raise InvalidMessage("no such time", field=name, value=str(instant))
    return int(_EXACT.multiply(instant, US_PER_S if instant < FIRST_MS else US_PER_MS))


def rule(told: Decimal | None, name: str) -> Decimal | None:
    """Return a number of the rules, None where there is no such rule: Gate leaves it out, or writes 0."""
    if told is None:
        return None
    if not told.is_finite() or not 0 <= told < MOST_RULE or int(told.as_tuple().exponent) < LEAST_EXPONENT:
        raise InvalidMessage("no such rule", field=name, value=str(told))
    return told or None


def times(contracts: Decimal | None, size: Decimal) -> Decimal | None:
    """Return a number of contracts in base currency."""
    return None if contracts is None else _EXACT.multiply(contracts, size)


def number(text: str | None, name: str) -> float | None:
    """Return the number in a text; Gate writes "" for none."""
    return _inside(_NUMBER, text, name) if text else None


def sides(levels: wire.Levels) -> tuple[Column, Column]:
    """Return levels of either shape as a column of prices and one of quantities."""
    prices = tuple(level.price if isinstance(level, wire.Level) else level[0] for level in levels)
    quantities = tuple(level.quantity if isinstance(level, wire.Level) else level[1] for level in levels)
    return prices, quantities


def level_texts(data: bytes, bids: str, asks: str, *, inside: str | None = None) -> exact.Exact | None:
    """Return the texts to keep of the levels of a frame or of an answer."""
    if not exact.suspicious(data):
        return None
    told: Mapping[str, Any] = read(PLAIN, data)
    holder: Mapping[str, Any] = told if inside is None else told[inside]
    return exact.of_levels(_pairs(holder.get(bids)), _pairs(holder.get(asks)))


def text(value: object) -> str:
    """Return the text of a number, whether Gate wrote it as text or as a number."""
    return value if isinstance(value, str) else str(value)


def _pairs(levels: Iterable[Any] | None) -> list[list[str]]:
    return [
        [text(one) for one in ((level["p"], level["s"]) if isinstance(level, dict) else level)]
        for level in levels or ()
    ]


def _inside(decoder: msgspec.json.Decoder[T], told: str, name: str) -> T:
    try:
        return decoder.decode(told)
    except msgspec.DecodeError as error:
        raise InvalidMessage("no such number", field=name, value=told) from error


_EXACT: Final = Context(prec=100)
PLAIN: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(float_hook=str)
"""JSON as it is, with its fractions still as text."""
_NUMBER: Final = msgspec.json.Decoder(Number)
