"""`tapeline groups lag`: how many records each consumer group has not processed yet."""

from __future__ import annotations

import asyncio
import difflib
from functools import partial

import msgspec

from tapeline.cli.failure import OK
from tapeline.cli.reaching import services
from tapeline.cli.render import Output
from tapeline.cli.view import Cell, Grid, View, line, row
from tapeline.errors import Misconfigured
from tapeline.runtime import topics_admin
from tapeline.runtime.kafka import Admin, admin


class PartitionLag(msgspec.Struct, frozen=True, kw_only=True):
    """How far a group is in one partition."""

    topic: str
    partition: int
    committed: int | None
    end: int
    lag: int


class GroupLag(msgspec.Struct, frozen=True, kw_only=True):
    """How far a group is in all: `lag` is the sum."""

    group: str
    state: str
    members: int
    lag: int
    partitions: tuple[PartitionLag, ...]


def lag(out: Output, *, group: str | None) -> int:
    """Show all groups, or one with its partitions."""
    found = asyncio.run(_ask(group))
    out.show({"groups": found}, partial(_all_view if group is None else _one_view, found))
    return OK


async def _ask(group: str | None) -> tuple[GroupLag, ...]:
    async with admin(services().kafka) as asked:
        names = await asked.groups()
        if group is not None and group not in names:
            near = difflib.get_close_matches(group, names, n=1, cutoff=0.0)
            fix = f"did you mean {near[0]!r}?" if near else "no group has read anything yet"
            raise Misconfigured(f"there is no consumer group {group!r}", fix=fix)
        return tuple([await read(asked, name) for name in (names if group is None else [group])])


async def read(asked: Admin, group: str) -> GroupLag:
    """Return how far one group is."""
    state, members = await asked.members(group)
    parts = tuple(
        PartitionLag(topic=one.topic, partition=one.partition, committed=one.committed, end=one.end, lag=one.lag)
        for one in await topics_admin.lag(asked, group)
    )
    total = sum(part.lag for part in parts)
    return GroupLag(group=group, state=state, members=len(members), lag=total, partitions=parts)


def _all_view(found: tuple[GroupLag, ...]) -> View:
    rows = tuple(
        row(
            Cell(it.group, "name"),
            it.state,
            it.members,
            Cell(" ".join(sorted({part.topic for part in it.partitions})), "dim"),
            _lag(it.lag),
        )
        for it in found
    )
    return (Grid(("group", "state", "members>", "topics", "lag>"), rows, empty="no consumer group yet"),)


def _one_view(found: tuple[GroupLag, ...]) -> View:
    (it,) = found
    rows = tuple(
        row(Cell(part.topic, "name"), part.partition, part.committed, part.end, _lag(part.lag))
        for part in it.partitions
    )
    head = line(Cell(it.group, "bold"), f"  {it.state}, {it.members} members, lag ", _lag(it.lag))
    return (head, Grid(("topic", "partition>", "committed>", "end>", "lag>"), rows, empty="nothing committed"))


def _lag(count: int) -> Cell:
    return Cell(f"{count:,}", "warn" if count else "good")
