"""Whether a period of a tape is whole: where its records begin and end, and the holes that the ledger has; pure.

A period is whole where the tape has a record at its start or before, one at its end or later, and no hole in between
that is open or was not filled. A closed hole of a book is one all the same: what changed in it is not recorded. Funding
is a state that is told again and again: it is whole where it was told often enough.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from tapeline.domain.events import Channel
from tapeline.domain.instruments import Market
from tapeline.runtime import clock

TAPES: Final[dict[Channel, str]] = {"book": "orderbook_deltas", "trade": "trades", "funding": "funding"}
"""The table in which the records of a channel stand."""
FUNDING_WITHIN_US: Final = 15 * 60 * 1_000_000
"""Funding without a record for longer has a hole: the ledger has only what was shed of it, and the
slowest venue is asked every ten minutes."""

Stream = tuple[str, Market, Channel]
Extent = tuple[int, int]
"""The times of the first and the last record."""


class Hole(msgspec.Struct, frozen=True, kw_only=True):
    """A hole: what lies between its ends may be missing; `backfilled`, it was fetched later. Open: it has no end."""

    start: str
    start_us: int
    end: str | None
    end_us: int | None
    cause: str
    detail: str | None
    backfilled: bool
    epoch: int
    from_id: str | None
    to_id: str | None


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """One channel of one market in --json; `began` and `ended` are its first and its last record of all time."""

    venue: str
    market: Market
    channel: Channel
    complete: bool
    began: str | None
    began_us: int | None
    ended: str | None
    ended_us: int | None
    holes: tuple[Hole, ...]


def hole(row: Mapping[str, object]) -> tuple[Stream, Hole]:
    """Return a row of the gap ledger as a hole, and whose it is."""
    found = msgspec.convert(row, _Row)
    return (found.venue, found.market, found.channel), Hole(
        start=clock.iso(found.start_us),
        start_us=found.start_us,
        end=None if found.end_us is None else clock.iso(found.end_us),
        end_us=found.end_us,
        cause=found.cause,
        detail=found.detail,
        backfilled=found.backfilled,
        epoch=found.epoch,
        from_id=found.from_id,
        to_id=found.to_id,
    )


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the gap ledger, as it is asked for."""

    venue: str
    market: Market
    channel: Channel
    start_us: int
    end_us: int | None
    cause: str
    detail: str | None
    backfilled: bool
    epoch: int
    from_id: str | None
    to_id: str | None


def within(holes: Iterable[Hole], from_us: int, to_us: int) -> tuple[Hole, ...]:
    """Return the holes that touch a period, the oldest first."""
    found = (one for one in holes if one.start_us <= to_us and (one.end_us is None or one.end_us >= from_us))
    return tuple(sorted(found, key=lambda one: (one.start_us, one.epoch)))


def coverages(
    extents: Mapping[Stream, Extent], holes: Iterable[tuple[Stream, Hole]], from_us: int, to_us: int
) -> tuple[Coverage, ...]:
    """Return how whole a period is, by venue, market and channel."""
    by_stream: dict[Stream, list[Hole]] = {stream: [] for stream in extents}
    for stream, one in holes:
        by_stream.setdefault(stream, []).append(one)
    found = (
        _coverage(stream, extents.get(stream), within(known, from_us, to_us), from_us, to_us)
        for stream, known in by_stream.items()
        # Of what has no tape there is nothing to say without a hole.
        if stream in extents or within(known, from_us, to_us)
    )
    return tuple(sorted(found, key=lambda one: (one.venue, one.market != "spot", one.channel)))


def _coverage(stream: Stream, extent: Extent | None, holes: tuple[Hole, ...], from_us: int, to_us: int) -> Coverage:
    venue, market, channel = stream
    began_us, ended_us = extent or (None, None)
    recorded = extent is not None and extent[0] <= from_us and extent[1] >= to_us
    return Coverage(
        venue=venue,
        market=market,
        channel=channel,
        complete=recorded and all(one.backfilled and one.end_us is not None for one in holes),
        began=None if began_us is None else clock.iso(began_us),
        began_us=began_us,
        ended=None if ended_us is None else clock.iso(ended_us),
        ended_us=ended_us,
        holes=holes,
    )


def lacks(one: Coverage, from_us: int, to_us: int) -> tuple[str, ...]:
    """Say in words what a channel lacks of a period, apart from its holes."""
    if one.began_us is None or one.ended_us is None:
        return ("nothing of it is stored",)
    if one.began_us > to_us:
        return ("recording began after it",)
    if one.ended_us < from_us:
        return ("recording ended before it",)
    late = [f"recording began at {one.began}"] if one.began_us > from_us else []
    early = [f"the last record is of {one.ended}"] if one.ended_us < to_us else []
    return (*late, *early)
