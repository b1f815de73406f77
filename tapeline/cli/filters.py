"""The language of `--filter`: `field=value` and `field~text`, separated by spaces; all must hold."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from tapeline.errors import Misconfigured

PLACE_FIELDS = ("key", "partition", "offset", "record")
"""What every record has, whatever its schema says; a field of the same name in the value comes first."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition on one field, dotted for a field inside a field."""

    field: str
    sign: Literal["=", "~"]
    wanted: str


def parse(expressions: Iterable[str]) -> tuple[Condition, ...]:
    """Read filter expressions; raise Misconfigured for one that is not `field=value` or `field~text`."""
    return tuple(_condition(word) for text in expressions for word in _split(text))


def check(conditions: Iterable[Condition], known: Collection[str], where: str) -> None:
    """Raise Misconfigured when a condition names a field that the topic's record does not have."""
    for condition in conditions:
        first = condition.field.split(".")[0]
        if first not in known and first not in PLACE_FIELDS:
            near = difflib.get_close_matches(first, [*known, *PLACE_FIELDS], n=1, cutoff=0.0)
            raise Misconfigured(f"records of {where} have no field {first!r}", fix=f"did you mean {near[0]!r}?")


def holds(conditions: Iterable[Condition], value: Mapping[str, object], place: Mapping[str, object]) -> bool:
    """Tell whether a record meets every condition; a field it lacks meets none."""
    return all(_meets(condition, value, place) for condition in conditions)


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise Misconfigured(f"the filter {text!r} cannot be read ({error})", fix="close the quotation mark") from None


def _condition(word: str) -> Condition:
    places = [(word.index(sign), sign) for sign in ("=", "~") if sign in word]
    if not places or min(places)[0] == 0:
        raise Misconfigured(
            f"the filter {word!r} is not a condition",
            fix="write field=value or field~text, e.g. 'symbol=BTC/USDT venue~by'",
        )
    at, sign = min(places)
    return Condition(field=word[:at], sign="=" if sign == "=" else "~", wanted=word[at + 1 :])


def _meets(condition: Condition, value: Mapping[str, object], place: Mapping[str, object]) -> bool:
    found, actual = _look_up(condition.field, value)
    if not found:
        found, actual = _look_up(condition.field, place)
    if not found:
        return False
    return condition.wanted in _text(actual) if condition.sign == "~" else _equals(actual, condition.wanted)


def _look_up(field: str, value: Mapping[str, object]) -> tuple[bool, object]:
    inside: object = value
    for part in field.split("."):
        if not isinstance(inside, Mapping) or part not in inside:
            return False, None
        inside = inside[part]
    return True, inside


def _equals(actual: object, wanted: str) -> bool:
    """Compare numbers as numbers (0.10 equals 0.1), everything else as text."""
    if isinstance(actual, int | float) and not isinstance(actual, bool):
        try:
            return actual == (int(wanted) if wanted.lstrip("+-").isdigit() else float(wanted))
        except ValueError:
            return False
    return _text(actual) == wanted


def _text(actual: object) -> str:
    """Return the value as JSON writes it, so that a filter is typed as it is shown."""
    if actual is None or isinstance(actual, bool):
        return {None: "null", True: "true", False: "false"}[actual]
    return str(actual)
