"""The one spelling of an Avro schema: two texts that mean the same to Confluent's registry become equal text here.

`canonical` keeps all that a person wrote (docs, aliases, defaults, order of fields, foreign attributes) and fixes only
what carries no meaning: white space, the order of attributes, `{"type": "string"}` for `"string"`. `normalized` fixes
also how names are written (always in full) and drops `"order": "ascending"`, which is the default.
"""

from __future__ import annotations

import functools
import json
import re
import warnings
from typing import Any, Final

import avro.errors
import avro.schema
import fastavro

_ATTRIBUTES: Final = (
    *("type", "name", "namespace", "doc", "fields", "symbols", "items", "values", "size", "default", "order"),
    *("logicalType", "precision", "scale"),
)
_FIELD_ATTRIBUTES: Final = ("name", *(name for name in _ATTRIBUTES if name != "name"))
_LAST: Final = ("aliases",)
_PRIMITIVES: Final = frozenset({"null", "boolean", "int", "long", "float", "double", "bytes", "string"})
_NAMED: Final = frozenset({"record", "error", "enum", "fixed"})
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CACHED: Final = 4096


class InvalidSchema(ValueError):
    """The text is not an Avro schema; the message says why."""


@functools.lru_cache(maxsize=_CACHED)
def canonical(text: str, *, normalize: bool = False) -> str:
    """Return the one spelling of a schema; raise InvalidSchema when the text is none.

    Two readers must agree that it is a schema: the reference implementation, and the codec that our processes use
    (which also refuses a default that does not fit its type).
    """
    node = _decoded(text)
    _check(node)
    parse(text)
    return json.dumps(_ordered(_named(node, "") if normalize else node), separators=(",", ":"), ensure_ascii=False)


@functools.lru_cache(maxsize=_CACHED)
def parse(text: str) -> avro.schema.Schema:
    """Parse a schema with the reference implementation; raise InvalidSchema when it is none."""
    with warnings.catch_warnings():
        # An unknown logical type is legal and ignored by every reader; nobody stands here to read the warning.
        warnings.simplefilter("ignore", avro.errors.IgnoredLogicalType)
        try:
            schema = avro.schema.parse(text)
            fastavro.parse_schema(json.loads(text))
        except (avro.errors.AvroException, fastavro.schema.SchemaParseException) as error:
            raise InvalidSchema(str(error)) from error
        except (TypeError, KeyError, ValueError, AttributeError, RecursionError) as error:
            # The two libraries do not check the shape of what they read before they use it.
            raise InvalidSchema(f"not an Avro schema ({type(error).__name__}: {error})") from error
    return schema


def _decoded(text: str) -> Any:  # noqa: ANN401 - JSON is of any type
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidSchema(f"not JSON: {error}") from error


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _check(node: Any) -> None:  # noqa: ANN401 - JSON is of any type
    """Refuse what both libraries let through and the specification does not."""
    if isinstance(node, list):
        if not node:
            raise InvalidSchema("a union needs at least one branch")
        for branch in node:
            _check(branch)
    elif isinstance(node, dict):
        fields = node.get("fields", ())
        for field in fields if isinstance(fields, list) else ():
            name = field.get("name") if isinstance(field, dict) else None
            if not isinstance(name, str) or _NAME.fullmatch(name) is None:
                raise InvalidSchema(f"{name!r} is not a valid name of a field")
            _check(field.get("type"))
        for inner in ("items", "values"):
            if inner in node:
                _check(node[inner])


def _ordered(node: Any) -> Any:  # noqa: ANN401 - JSON is of any type
    """Put the attributes of a schema in one order; `{"type": "string"}` shrinks to `"string"`."""
    if isinstance(node, list):
        return [_ordered(branch) for branch in node]
    if not isinstance(node, dict):
        return node
    if node.keys() == {"type"} and isinstance(node["type"], str) and node["type"] in _PRIMITIVES:
        return node["type"]
    return _attributes(node, _ATTRIBUTES)


def _attributes(node: dict[str, Any], first: tuple[str, ...]) -> dict[str, Any]:
    known = [key for key in first if key in node]
    foreign = sorted(key for key in node if key not in first and key not in _LAST)
    last = [key for key in _LAST if key in node]
    return {key: _attribute(key, node[key]) for key in (*known, *foreign, *last)}


def _attribute(key: str, value: Any) -> Any:  # noqa: ANN401 - JSON is of any type
    if key == "fields":
        return [_attributes(field, _FIELD_ATTRIBUTES) for field in value]
    return _ordered(value) if key in {"type", "items", "values"} else _plain(value)


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON is of any type
    """Sort by key what is not a schema: a default, a foreign attribute."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return {key: _plain(value[key]) for key in sorted(value)} if isinstance(value, dict) else value


def _named(node: Any, space: str) -> Any:  # noqa: ANN401 - JSON is of any type
    """Write every name in full, seen from the namespace `space`."""
    if isinstance(node, list):
        return [_named(branch, space) for branch in node]
    if isinstance(node, str):
        return node if node in _PRIMITIVES else _full(node, space)
    kind = node["type"]
    if not isinstance(kind, str):
        return {**node, "type": _named(kind, space)}
    made = dict(node)
    if kind in _NAMED:
        made["name"] = _full(node["name"], node.get("namespace", space))
        made.pop("namespace", None)
        space = made["name"].rpartition(".")[0]
        if "aliases" in node:
            made["aliases"] = [_full(alias, space) for alias in node["aliases"]]
        if "fields" in node:
            made["fields"] = [_field(field, space) for field in node["fields"]]
        return made
    for inner in ("items", "values"):
        if inner in node:
            made[inner] = _named(node[inner], space)
    return made


def _field(field: dict[str, Any], space: str) -> dict[str, Any]:
    made = {**field, "type": _named(field["type"], space)}
    if made.get("order") == "ascending":
        del made["order"]
    return made


def _full(name: str, space: str) -> str:
    return name if "." in name or not space else f"{space}.{name}"
