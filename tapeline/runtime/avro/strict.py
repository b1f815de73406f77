"""What fastavro lets pass when it reads the schemas of others, compiled once per schema into functions that name it.

fastavro takes NaN and rounds a decimal that is too long. A check is built for each part of a schema; parts that need
none cost nothing.
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


class Wrong(InvalidMessage):
    """A value does not fit; the path to the field grows from the inside to the outside."""

    def __init__(self, reason: str, value: object) -> None:
        """Keep what is wrong; the path is added by the parts around it."""
        super().__init__(reason, value=value)
        self.path: tuple[str, ...] = ()

    def inside(self, place: str) -> Wrong:
        """Add the place around what is wrong, if it has a name: a field, or `[3]`; returns itself."""
        if place:
            self.path = (place, *self.path)
        return self

    def settled(self) -> InvalidMessage:
        """Return the error with its whole path as the field's name."""
        return InvalidMessage(self.reason, field=".".join(self.path).replace(".[", "["), value=self.value)


def reading(schema: dict[str, Any]) -> Check | None:
    """Build the check of a value that fastavro has read: only what reading itself does not ensure; None for nothing."""
    return _Builder().build(schema)


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

    def __init__(self) -> None:
        """Know no names yet."""
        self.named: dict[str, Check | None] = {}
        self.makers = {"record": self.record, "array": self.array, "map": self.map}

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
        return _number if name in ("float", "double") else self.named.get(name)

    def record(self, schema: dict[str, Any]) -> Check | None:
        """Check each field that needs it."""
        built = [(field["name"], self.build(field["type"])) for field in schema["fields"]]
        checks = tuple((name, check) for name, check in built if check is not None)
        if not checks:
            return None

        def fields(value: dict[str, Any]) -> None:
            _each((check, name, value[name]) for name, check in checks)

        return fields

    def array(self, schema: dict[str, Any]) -> Check | None:
        """Check each item."""
        item = self.build(schema["items"])
        if item is None:
            return None

        def each(value: list[Any]) -> None:
            _each((item, f"[{place}]", part) for place, part in enumerate(value))

        return each

    def map(self, schema: dict[str, Any]) -> Check | None:
        """Check each value."""
        item = self.build(schema["values"])
        if item is None:
            return None

        def each(value: dict[str, Any]) -> None:
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
        if len(branches) == 1:
            return self.build(branches[0])
        if not all(map(is_record, branches)):
            return None
        checks = {branch["name"]: self.build(branch) for branch in branches}

        def one_of(value: dict[str, Any]) -> None:
            check = checks[value[TYPE_HINT]]
            if check is not None:
                check(value)

        return one_of


def _each(parts: Iterable[tuple[Check, str, object]]) -> None:
    """Check (check, place, value) one after the other; a wrong one gets its place."""
    for check, place, value in parts:
        try:
            check(value)
        except Wrong as wrong:
            wrong.inside(place)
            raise


def _number(value: float) -> None:
    if not isfinite(value):
        raise Wrong("it must be a finite number", value)


def _decimal(precision: int, scale: int) -> Check:
    # fastavro rounds a longer number to `precision` digits when it reads: then it is at least this large.
    beyond = Decimal(10) ** (precision - scale)

    def decimal(value: Decimal) -> None:
        # abs() would round to the 28 digits of the default context.
        if value.copy_abs() >= beyond:
            raise Wrong(f"it must be smaller than 1E+{precision - scale}", value)

    return decimal
