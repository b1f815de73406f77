"""A schema as a tree of what we have to write and read, with the Struct of each record; what we do not use is refused.

The generators of code walk this tree alone: names are resolved, and a union is either an optional value or a choice of
records that name themselves.
"""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec

from tapeline.runtime.avro.strict import Schema, is_record

MOST_BRANCHES: Final = 64
"""So many symbols, or branches of a union, have a number of one byte."""


@dataclass(frozen=True, slots=True)
class Primitive:
    """A value without parts."""

    kind: Literal["boolean", "bytes", "double", "long", "string"]


@dataclass(frozen=True, slots=True)
class Money:
    """A Decimal of so many digits, so many of them behind the point."""

    precision: int
    scale: int


@dataclass(frozen=True, slots=True)
class Symbol:
    """One text of these."""

    symbols: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Array:
    """Items in their order: a tuple in a Struct, else a list."""

    item: Shape
    frozen: bool


@dataclass(frozen=True, slots=True)
class Map:
    """Items by their name."""

    item: Shape


@dataclass(frozen=True, slots=True)
class Maybe:
    """A value or None; `none` and `some` are the numbers of the two branches."""

    inner: Shape
    none: int
    some: int


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several records, which plain values name under `-type`."""

    records: tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class Field:
    """One field; a field without a default has NODEFAULT."""

    name: str
    shape: Shape
    default: object


@dataclass(frozen=True, slots=True)
class Record:
    """A Struct, or plain values where there is none; `tagged` stands in a choice and names itself."""

    name: str
    fields: tuple[Field, ...]
    struct: type[msgspec.Struct] | None
    tagged: bool


Shape = Primitive | Money | Symbol | Array | Map | Maybe | Choice | Record

_PRIMITIVES: Final[Mapping[str, Primitive]] = {
    kind: Primitive(kind) for kind in ("boolean", "bytes", "double", "long", "string")
}


def shape(schema: Mapping[str, Any], struct: type[msgspec.Struct] | None) -> Record:
    """Return the tree of a record's schema as fastavro has parsed it; TypeError for what we neither write nor read."""
    return _Maker().record(schema, struct, tagged=False)


class _Maker:
    """Makes the tree of one schema; named types are kept, because later uses give only their name."""

    def __init__(self) -> None:
        """Know no names yet."""
        self._named: dict[str, dict[str, Any]] = {}

    def record(self, schema: Mapping[str, Any], struct: type[msgspec.Struct] | None, *, tagged: bool) -> Record:
        """Return the tree of a record; each of its bytes belongs to a field, so that lengths can be believed."""
        types: dict[str, Any] = {}
        if struct is not None:
            types = {field.name: field.type for field in msgspec.structs.fields(struct)}
            if set(types) != {field["name"] for field in schema["fields"]}:
                raise TypeError(f"{struct.__name__} has other fields than the record {schema['name']}")
        made = [
            Field(
                name=field["name"],
                shape=self._any(field["type"], types.get(field["name"]), frozen=struct is not None),
                default=field.get("default", msgspec.NODEFAULT),
            )
            for field in schema["fields"]
        ]
        if not made:
            raise TypeError(f"the record {schema['name']} has no fields")
        return Record(name=schema["name"], fields=tuple(made), struct=struct, tagged=tagged)

    def _any(self, schema: Schema, annotation: object, *, frozen: bool) -> Shape:
        if isinstance(schema, list):
            return self._union(schema, annotation, frozen=frozen)
        if isinstance(schema, dict):
            made = self._whole(schema, annotation, frozen=frozen)
            if "name" in schema:
                # Only now: a record that holds itself is not ours.
                self._named[schema["name"]] = schema
            return made
        if schema in _PRIMITIVES:
            return _PRIMITIVES[schema]
        if schema in self._named:
            return self._whole(self._named[schema], annotation, frozen=frozen)
        raise TypeError(f"nothing of ours is written as {schema!r}")

    def _whole(self, schema: dict[str, Any], annotation: object, *, frozen: bool) -> Shape:
        """Return the tree of a type that is given whole."""
        if schema.get("logicalType") == "decimal":
            return Money(schema["precision"], schema["scale"])
        if schema["type"] == "record":
            return self.record(schema, self._struct(schema, annotation) if frozen else None, tagged=False)
        if schema["type"] == "enum":
            return Symbol(_few(schema["symbols"]))
        if schema["type"] == "array":
            return Array(self._any(schema["items"], annotation, frozen=frozen), frozen)
        if schema["type"] == "map":
            return Map(self._any(schema["values"], annotation, frozen=frozen))
        raise TypeError(f"nothing of ours is written as {schema['type']!r}")

    def _union(self, branches: list[Any], annotation: object, *, frozen: bool) -> Shape:
        if "null" in branches and len(branches) == 2:  # noqa: PLR2004 - null and one other type
            none = branches.index("null")
            return Maybe(self._any(branches[1 - none], annotation, frozen=frozen), none=none, some=1 - none)
        if not all(map(is_record, branches)):
            raise TypeError("a union of ours is an optional value or a choice of records")
        made: list[Record] = []
        for branch in _few(branches):
            made.append(self.record(branch, self._struct(branch, annotation) if frozen else None, tagged=True))
            self._named[branch["name"]] = branch
        return Choice(tuple(made))

    def _struct(self, schema: Mapping[str, Any], annotation: object) -> type[msgspec.Struct]:
        wanted = schema["name"].rpartition(".")[2]
        for struct in _structs(annotation):
            if struct.__name__ == wanted:
                return struct
        raise TypeError(f"{annotation} has no Struct {wanted}")


def _structs(annotation: object) -> Iterator[type[msgspec.Struct]]:
    """Yield every Struct that an annotation names."""
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        yield annotation
    for inner in typing.get_args(annotation):
        yield from _structs(inner)


def _few(branches: list[Any]) -> tuple[Any, ...]:
    if len(branches) > MOST_BRANCHES:
        raise TypeError(f"{len(branches)} symbols or branches are more than {MOST_BRANCHES}")
    return tuple(branches)
