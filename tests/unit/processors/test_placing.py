"""What is replayed, what is new and what is missing, by offsets alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from faust.types import TP

from processors.transport.placing import Places
from tests.unit.processors.test_batch import Kept

PLACE = TP("md.book", 0)


def records(*offsets: int) -> list[Kept]:
    return [Kept(offset, b"k", b"v") for offset in offsets]


def places(start: int, committed: Mapping[TP, int], *, oldest: int = 0, goal: int | None = None) -> Places:
    async def beginnings(asked: Iterable[TP]) -> Mapping[TP, int]:
        return dict.fromkeys(asked, oldest)

    return Places(beginnings, {PLACE: start}, committed, None if goal is None else {PLACE: goal})


def split(found: Places, *offsets: int) -> list[tuple[bool, list[int]]]:
    return [(old, [record.offset for record in part]) for old, part in found.split(PLACE, records(*offsets))]


def test_what_lies_before_the_committed_offset_is_replayed() -> None:
    found = places(5, {PLACE: 8})

    assert split(found, 5, 6) == [(True, [5, 6])]
    assert split(found, 7, 8, 9) == [(True, [7]), (False, [8, 9])]
    assert split(found, 10) == [(False, [10])]
    assert found.next(PLACE, 0) == 11


def test_without_a_commit_everything_is_new() -> None:
    assert split(places(0, {}), 0, 1) == [(False, [0, 1])]


async def test_only_what_was_deleted_counts_as_missed() -> None:
    deleted, compacted, warm = places(3, {PLACE: 3}, oldest=10), places(3, {PLACE: 3}), places(0, {PLACE: 8}, oldest=10)

    assert await deleted.missed(PLACE, 10) == 7
    assert await compacted.missed(PLACE, 10) == 0
    assert await warm.missed(PLACE, 10) == 2
    assert await deleted.missed(PLACE, 3) == 0


def test_a_rebuilt_partition_is_rebuilding_until_it_is_read_to_its_goal() -> None:
    found = places(0, {PLACE: 3}, goal=4)

    assert found.rebuilding == {PLACE}
    assert split(found, 0, 2) == [(True, [0, 2])]
    assert found.rebuilding == {PLACE}
    assert split(found, 3, 4) == [(False, [3, 4])]
    assert found.rebuilding == frozenset()


def test_an_empty_one_and_one_without_a_goal_rebuild_nothing() -> None:
    assert places(4, {}, goal=4).rebuilding == places(0, {}).rebuilding == frozenset()
