"""An Avro schema as a person reads it: one line per field, types in short words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One field of a record."""

    name: str
    type: str
    doc: str


def fields(schema: Mapping[str, object]) -> tuple[Field, ...]:
    """Return the fields of a record schema."""
    return tuple(_fields(schema))


def _fields(schema: Mapping[str, object]) -> Iterator[Field]:
    listed = schema.get("fields")
    for field in listed if isinstance(listed, list) else ():
        yield Field(name=str(field["name"]), type=type_text(field["type"]), doc=str(field.get("doc", "")))


def type_text(schema: object) -> str:
    """Return a type in short words: `double`, `string?` (may be null), `array of double`, `buy|sell`, `decimal`."""
    if isinstance(schema, str):
        return schema.removeprefix("tapeline.")
    if isinstance(schema, list):
        others = [type_text(part) for part in schema if part != "null"]
        return " or ".join(others) + ("?" if "null" in schema else "")
    if not isinstance(schema, Mapping):
        return str(schema)
    return _complex(schema)


def _complex(schema: Mapping[str, object]) -> str:
    kind = schema["type"]
    if "logicalType" in schema:
        return str(schema["logicalType"])
    if kind == "array":
        return f"array of {type_text(schema['items'])}"
    if kind == "map":
        return f"map of {type_text(schema['values'])}"
    if kind == "enum":
        symbols = schema["symbols"]
        return "|".join(str(symbol) for symbol in symbols) if isinstance(symbols, list) else "enum"
    return str(schema["name"]) if kind in {"record", "fixed"} else type_text(kind)
