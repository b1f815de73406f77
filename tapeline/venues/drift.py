"""Where a frame and our wire structs have parted: fields that nobody named, needed ones that are away or changed.

There is no second schema. The frame is decoded once more while it is noted which structs read which bytes; its plain
values are then walked against those structs together, and what a venue's `ignored` names is no news. Nothing of this
touches data: a field that we do not read cannot make a book wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final, Literal, TypeGuard, get_origin

import msgspec
from msgspec import inspect

from tapeline.domain.book import BookDelta, BookSnapshot
from tapeline.errors import InvalidMessage
from tapeline.venues.contract import Answer, Event, Feed, FundingUpdate, PublicTrade, Unexpected
from tapeline.venues.watching import WALKED, Ignored, Watch, watched

Channel = Literal["book", "trade", "funding", "other"]
Kind = Literal["unknown", "missing", "changed", "endpoint"]
"""A field or frame that nobody named, a needed field that is away, one of another type, an address that is gone."""
CHANNELS: Final[Mapping[type, Channel]] = {
    BookDelta: "book",
    BookSnapshot: "book",
    PublicTrade: "trade",
    FundingUpdate: "funding",
}
"""Of which channel a frame is, by what it says; one that cannot be read, or is of no stream, is of `other`."""
NOTHING: Final = "an answer that names nothing"
SAID: Final[Mapping[Kind, str]] = {
    "unknown": "nobody knows {}",
    "missing": "{} is needed and away",
    "changed": "{} has another type",
    "endpoint": "{}",
}
FIXES: Final[Mapping[Kind, str]] = {
    "unknown": "data is whole; see what the venue says of it, then name it in its `ignored.py` or read it in `wire.py`",
    "missing": "frames of this form are set aside, so that books are stale; `tapeline dlq ls` has one for `wire.py`",
    "changed": "frames of this form are set aside, so that books are stale; `tapeline dlq ls` has one for `wire.py`",
    "endpoint": "look for the venue's announcement, then put the new address into its `__init__.py` or `rest.py`",
}
_MISSING: Final = re.compile(r"^Object missing required field `(?P<name>[^`]+)`")
_CHANGED: Final = re.compile(r"^Expected `.*`, got `")
_INDEX: Final = re.compile(r"\[(?:[0-9]+|\.\.\.)\]")
Types = tuple[inspect.Type, ...]


class Drift(msgspec.Struct, frozen=True, order=True):
    """One difference; list positions are left out of `field`, so that each item of a list is the same news."""

    channel: Channel
    kind: Kind
    field: str

    def __str__(self) -> str:
        """Say it in words."""
        return SAID[self.kind].format(self.field or "the whole of it")


def found(feed: Feed, frame: bytes, ignored: Ignored) -> tuple[Drift, ...]:
    """Return how a frame differs from what the feed's structs know, in order; frames of no stream are not compared."""
    with watched() as watch:
        try:
            events = feed.decode(frame, 1)
        except InvalidMessage as error:
            return _of_broken(error, watch)
    strange = [NOTHING if isinstance(one, Answer) else one.kind for one in events if _is_strange(one)]
    if strange:
        news = (kind for kind in strange if not any(known in kind for known in ignored.frames))
        return tuple(Drift("other", "unknown", kind) for kind in news)
    channel = next((CHANNELS[type(one)] for one in events if type(one) in CHANNELS), None)
    if channel is None:
        return ()
    names = {*watch.unknown, *_of_fields(watch, ignored)}
    return tuple(Drift(channel, "unknown", name) for name in sorted(names))


def is_compared(event: Event) -> bool:
    """Tell whether the frame that says this is compared at all: answers and pings are not."""
    return type(event) in CHANNELS or _is_strange(event)


def _is_strange(event: Event) -> TypeGuard[Answer | Unexpected]:
    """Tell whether an event is what is left of a frame that lost the field by which it is known."""
    return isinstance(event, Unexpected) or event == Answer(request_id=None)


def _of_broken(error: InvalidMessage, watch: Watch) -> tuple[Drift, ...]:
    """Return what the reason of a broken frame says of the protocol; a value that is merely wrong says nothing."""
    reason = str(error.__cause__) if isinstance(error.__cause__, msgspec.ValidationError) else ""
    field = _INDEX.sub("[]", error.field or "")
    missing = _MISSING.match(reason)
    if missing is not None:
        return (Drift("other", "missing", f"{field}.{missing['name']}".lstrip(".")),)
    if _CHANGED.match(reason):
        return (Drift("other", "changed", field),)
    names = field.replace("[]", "").split(".")
    is_there = any(_has(_plain(data), names) for _, data in watch.readings)
    if not reason and field and error.value is None and not is_there:
        return (Drift("other", "missing", field),)
    return ()


# ---------------------------------------------------------------- fields
def _of_fields(watch: Watch, ignored: Ignored) -> Iterator[str]:
    """Walk each value that was read against all that read it."""
    types: dict[bytes, list[Any]] = {}
    for kind, data in watch.readings:
        types.setdefault(data, []).append(kind)
    whole = next(iter(types), b"")
    for data, kinds in types.items():
        path = "" if data is whole else _place(whole, data)
        yield from _walk(_described(*kinds), _plain(data), path, ignored)


def _walk(types: Types, value: object, path: str, ignored: Ignored) -> Iterator[str]:
    if isinstance(value, dict):
        structs = [one for one in types if isinstance(one, inspect.StructType) and not one.array_like]
        known = _fields(structs)
        dropped = _ignored(structs, ignored)
        for name, inner in value.items() if structs else ():
            where = f"{path}.{name}" if path else str(name)
            if name in known:
                yield from _walk(known[name], inner, where, ignored)
            elif name not in dropped:
                yield where
    elif isinstance(value, list):
        items = _items(types)
        for inner in value[:WALKED] if items else ():
            yield from _walk(items, inner, f"{path}[]", ignored)


def _fields(structs: Sequence[inspect.StructType]) -> dict[str, Types]:
    """Return the fields that several readers of one object know, by their names on the wire."""
    known: dict[str, Types] = {}
    for struct in structs:
        for field in struct.fields:
            known[field.encode_name] = (*known.get(field.encode_name, ()), *_alternatives(field.type))
    return known


def _ignored(structs: Sequence[inspect.StructType], ignored: Ignored) -> set[str]:
    named = (base for one in structs for base in (get_origin(one.cls) or one.cls).__mro__)
    return {name for base in named if base in ignored.fields for name in ignored.fields[base].split()}


def _items(types: Types) -> Types:
    """Return what the items of a list may be; those of a fixed length are values alone."""
    lists = (one for one in types if isinstance(one, inspect.ListType | inspect.VarTupleType))
    return tuple(item for one in lists for item in _alternatives(one.item_type))


def _alternatives(one: inspect.Type) -> Types:
    if isinstance(one, inspect.Metadata):
        return _alternatives(one.type)
    return tuple(one.types) if isinstance(one, inspect.UnionType) else (one,)


def _described(*kinds: Any) -> Types:  # noqa: ANN401 - what a decoder is made for has no type
    return tuple(one for kind in dict.fromkeys(kinds) for one in _description(kind))


@cache
def _description(kind: Any) -> Types:  # noqa: ANN401 - as _described
    return _alternatives(inspect.type_info(kind))


# ---------------------------------------------------------------- plain values
def _plain(data: bytes) -> object:
    """Return a value as Python's own, None where it is none: what the structs skip may be no JSON that Python takes."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None


def _place(whole: bytes, part: bytes) -> str:
    """Return the field of the whole that holds the part, which was read by itself."""
    held = msgspec.json.decode(whole, type=dict[str, msgspec.Raw]) if whole.startswith(b"{") else {}
    return next((name for name, raw in held.items() if bytes(raw) == part), "")


def _has(value: object, names: Sequence[str]) -> bool:
    """Tell whether a field is there and not null, in each item where there is a list on the way."""
    if isinstance(value, list):
        return all(_has(one, names) for one in value[:WALKED])
    if not names:
        return value is not None
    return isinstance(value, dict) and _has(value.get(names[0]), names[1:])
