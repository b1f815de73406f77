"""What the search for drift needs of each venue: which structs read a frame, and which of its fields are no news.

Nothing is noted but inside `watched`, so that a frame that nobody watches pays for one look at an empty list.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

WALKED: Final = 3
"""So many items of a list are looked at: a whole book has thousands, all alike."""


class Watch(msgspec.Struct):
    """What was noted of one frame."""

    readings: list[tuple[Any, bytes]] = []
    """Which type read which bytes, in the order of the readings."""
    unknown: list[str] = []
    """Fields that no type knows, found by a reader that is not of JSON."""


WATCHING: Final[list[Watch]] = []
"""Who watches now, the innermost last."""


class Ignored(msgspec.Struct, frozen=True, kw_only=True):
    """What a venue sends that we know and do not read."""

    fields: Mapping[type[msgspec.Struct], str] = {}
    """Names of fields beside those of a struct, with spaces between them."""
    frames: tuple[str, ...] = ()
    """What stands in the kind of an `Unexpected` that comes all the same."""


@contextlib.contextmanager
def watched() -> Iterator[Watch]:
    """Note what is read while the block runs; the block awaits nothing."""
    watch = Watch()
    WATCHING.append(watch)
    try:
        yield watch
    finally:
        _ = WATCHING.pop()
