"""What fastavro lets pass and our contracts do not, compiled once per schema into plain functions that name the field.

fastavro writes 1.5 as the long 1, True as 1, takes NaN, and rounds a decimal that is too long while reading. A check
is built for each part of a schema; parts that need none cost nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from math import isfinite
from typing import Any, Final

from tapeline.errors import InvalidMessage

Check = Callable[[Any], None]
"""Returns when the value fits and raises Wrong when it does not."""

Schema = str | list[Any] | dict[str, Any]
"""A schema as fastavro has parsed it: names are full, and a named type is given whole where it comes first."""

TYPE_HINT: Final = "-type"
"""Names the record of a union in plain values: fastavro's own convention for writing."""

_LONG_LEAST: Final = -(2**63)
_LONG_MOST: Final = 2**63 - 1
_INT_MOST: Final = 2**31 - 1


class Wrong(InvalidMessage):
    """A value does not fit; the path to the field grows from the inside to the outside."""

    def __init__(self, reason: str, value: object) -> None:
        """Keep what is wrong; the path is added by the parts around it."""
        super().__init__(reason, value=value)
        self.path: tuple[str, ...] = ()

    def settled(self) -> InvalidMessage:
        """Return the error with its whole path as the field's name."""
        return InvalidMessage(self.reason, field=".".join(self.path).replace(".[", "["), value=self.value)


def writing(schema: dict[str, Any]) -> Check:
    """Build the full check of a value that is to be written with a parsed schema of ours."""
    return _Builder(types=True).build(schema) or _pass


def reading(schema: dict[str, Any]) -> Check | None:
    """Build the check of a value that fastavro has read: only what reading itself does not ensure; None for nothing."""
    return _Builder(types=False).build(schema)


def nodes(schema: Schema) -> Iterator[Schema]:
    """Yield a schema and every schema inside it, once each where it stands."""
    yield schema
    if isinstance(schema, list):
        inner: list[Schema] = schema
    elif isinstance(schema, dict):
        inner = [field["type"] for field in schema.get("fields", ())]
        inner += [schema[name] for name in ("items", "values") if name in schema]
    else:
        inner = []
    for part in inner:
        yield from nodes(part)


def is_record(schema: Schema) -> bool:
    """Tell whether this very schema is a record that is given whole."""
    return isinstance(schema, dict) and schema["type"] == "record"


def has_tagged_union(schema: Schema) -> bool:
    """Tell whether a union somewhere in the schema has several records, so that their names must be kept."""
    unions = [node for node in nodes(schema) if isinstance(node, list)]
    return any(sum(map(is_record, union)) > 1 for union in unions)


def tagged(value: object) -> object:
    """Turn fastavro's (name, value) in unions into records that hold their name under `-type`, and bare symbols."""
    if isinstance(value, tuple):
        name, inner = value
        found = tagged(inner)
        return {TYPE_HINT: name, **found} if isinstance(found, dict) else found
    if isinstance(value, dict):
        return {name: tagged(part) for name, part in value.items()}
    if isinstance(value, list):
        return [tagged(part) for part in value]
    return value


class _Builder:
    """Builds the checks of one schema; named types are kept, because later uses give only their name."""

    def __init__(self, *, types: bool) -> None:
        """Check types too, or only numbers."""
        self.types = types
        self.named: dict[str, Check | None] = {}
        self.makers = {"record": self.record, "enum": self.enum, "array": self.array, "map": self.map}

    def build(self, schema: Schema) -> Check | None:
        """Return the check of a schema, or None when nothing need be checked."""
        if isinstance(schema, str):
            return self.name(schema)
        if isinstance(schema, list):
            return self.union(schema)
        if schema.get("logicalType") == "decimal":
            return _decimal(schema["precision"], schema["scale"])
        make = self.makers.get(schema["type"])
        check = self.name(schema["type"]) if make is None else make(schema)
        if "name" in schema:
            self.named[schema["name"]] = check
        return check

    def name(self, name: str) -> Check | None:
        """Return the check of a primitive type, or of a type that was given before."""
        if name in ("float", "double"):
            return _number
        if name in _TYPES:
            return _TYPES[name] if self.types else None
        return self.named.get(name)

    def enum(self, schema: dict[str, Any]) -> Check | None:
        """Check that the symbol is one of the schema's."""
        return _enum(frozenset(schema["symbols"])) if self.types else None

    def record(self, schema: dict[str, Any]) -> Check | None:
        """Check each field that needs it, and on writing that no field is missing or unknown."""
        required = {field["name"] for field in schema["fields"] if "default" not in field}
        known = {field["name"] for field in schema["fields"]}
        built = [(field["name"], self.build(field["type"])) for field in schema["fields"]]
        checks = tuple((name, check) for name, check in built if check is not None)
        if not checks and not self.types:
            return None

        def fields(value: dict[str, Any]) -> None:
            name = ""
            try:
                for name, check in checks:
                    check(value[name])
            except Wrong as wrong:
                wrong.path = (name, *wrong.path)
                raise

        def strict(value: object) -> None:
            if not isinstance(value, dict):
                raise Wrong("it must be a record", value)
            if value.keys() == known:
                fields(value)
                return
            names = value.keys() - {TYPE_HINT}
            if not required <= names <= known:
                raise _misfit(required - names, names - known)
            # fastavro writes the default of a field that is left out.
            _each((check, name, value[name]) for name, check in checks if name in value)

        return strict if self.types else fields

    def array(self, schema: dict[str, Any]) -> Check | None:
        """Check each item; an array of doubles is summed first, because a sum that is finite has only finite items."""
        item = self.build(schema["items"])
        if schema["items"] == "double":
            return _doubles
        if item is None:
            return None

        def each(value: object) -> None:
            if not isinstance(value, list | tuple):
                raise Wrong("it must be an array", value)
            _each((item, f"[{place}]", part) for place, part in enumerate(value))

        return each

    def map(self, schema: dict[str, Any]) -> Check | None:
        """Check each key and value."""
        item = self.build(schema["values"])
        if item is None:
            return None

        def each(value: object) -> None:
            if not isinstance(value, dict):
                raise Wrong("it must be a map", value)
            if self.types:
                _each((_text, f"[{key!r}]", key) for key in value)
            _each((item, f"[{key!r}]", part) for key, part in value.items())

        return each

    def union(self, branches: list[Any]) -> Check | None:
        """Check an optional value as its one type, and one of several records as the one that it names."""
        if "null" in branches and len(branches) == 2:  # noqa: PLR2004 - null and one other type
            inner = self.build(next(branch for branch in branches if branch != "null"))

            def optional(value: object) -> None:
                if value is not None and inner is not None:
                    inner(value)

            return optional if inner is not None else None
        if not all(map(is_record, branches)):
            return None  # only in schemas of others, which we read and never write
        checks = {branch["name"]: self.build(branch) for branch in branches}

        def one_of(value: object) -> None:
            name = value.get(TYPE_HINT) if isinstance(value, dict) else None
            if name not in checks:
                raise Wrong(f"it must name one of {', '.join(checks)} under {TYPE_HINT!r}", value)
            check = checks[name]
            if check is not None:
                check(value)

        return one_of


def _pass(_value: object) -> None:
    """Accept anything."""


def _misfit(missing: set[str], unknown: set[str]) -> Wrong:
    name = min(missing or unknown)
    wrong = Wrong("the field is missing" if missing else "there is no such field", None)
    wrong.path = (name,)
    return wrong


def _each(parts: Iterable[tuple[Check, str, object]]) -> None:
    """Check (check, place, value) one after the other; a wrong one gets its place."""
    for check, place, value in parts:
        try:
            check(value)
        except Wrong as wrong:
            wrong.path = (place, *wrong.path)
            raise


def _number(value: object) -> None:
    if type(value) is not float and (isinstance(value, bool) or not isinstance(value, int)):
        raise Wrong("it must be a number", value)
    try:
        finite = isfinite(value)
    except OverflowError:
        finite = False
    if not finite:
        raise Wrong("it must be a finite number", value)


def _doubles(value: object) -> None:
    if not isinstance(value, list | tuple):
        raise Wrong("it must be an array", value)
    try:
        if isfinite(sum(value)):
            return
    except (TypeError, OverflowError):
        pass  # one of the items is no number, or too large for a double: the slow way names it
    _each((_number, f"[{place}]", part) for place, part in enumerate(value))


def _enum(symbols: frozenset[str]) -> Check:
    def symbol(value: object) -> None:
        if type(value) is not str or value not in symbols:
            raise Wrong(f"it must be one of {', '.join(sorted(symbols))}", value)

    return symbol


def _decimal(precision: int, scale: int) -> Check:
    # fastavro rounds a longer number to `precision` digits when it reads: then it is at least this large.
    beyond = Decimal(10) ** (precision - scale)

    def decimal(value: object) -> None:
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

    return decimal


def _null(value: object) -> None:
    if value is not None:
        raise Wrong("it must be null", value)


def _boolean(value: object) -> None:
    if type(value) is not bool:
        raise Wrong("it must be true or false", value)


def _long(value: object) -> None:
    if type(value) is not int or not _LONG_LEAST <= value <= _LONG_MOST:
        raise Wrong("it must be an integer of 64 bits", value)


def _int(value: object) -> None:
    if type(value) is not int or not -_INT_MOST - 1 <= value <= _INT_MOST:
        raise Wrong("it must be an integer of 32 bits", value)


def _bytes(value: object) -> None:
    if type(value) is not bytes:
        raise Wrong("it must be bytes", value)


def _text(value: object) -> None:
    if type(value) is not str:
        raise Wrong("it must be text", value)
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Wrong("it must be valid Unicode", value) from None


_TYPES: Final[dict[str, Check]] = {
    "null": _null,
    "boolean": _boolean,
    "int": _int,
    "long": _long,
    "bytes": _bytes,
    "string": _text,
}
