"""C-02, X-05: a hole begins where the book was last known to be right, never later: what is missing lies behind it."""

from __future__ import annotations

import msgspec
import pytest

from tapeline.domain.book import BookKeeper
from tests.unit.domain.test_book import EPOCH, delta, snapshot, stale, valid


def test_a_hole_begins_at_the_last_proof() -> None:
    keeper = valid()
    keeper.delta(delta(100, 101))
    keeper.proven(5_000)
    keeper.proven(4_000)
    assert stale(keeper.lost("silence")).start_us == 5_000


@pytest.mark.parametrize(("venue_us", "start_us"), [(None, 1_001), (1_003, 1_003)])
def test_a_hole_behind_an_answer_begins_when_it_was_asked_for_where_the_venue_tells_no_time(
    venue_us: int | None, start_us: int
) -> None:
    keeper = BookKeeper(epoch=EPOCH)
    keeper.snapshot(msgspec.structs.replace(snapshot(100, venue_us=venue_us), asked_us=1_001))
    assert stale(keeper.delta(delta(105, 106))).start_us == start_us


def test_a_change_that_the_answer_holds_proves_more_than_when_it_was_asked_for() -> None:
    keeper = BookKeeper(epoch=EPOCH)
    keeper.delta(delta(104, 106))
    keeper.snapshot(msgspec.structs.replace(snapshot(107), asked_us=1_001))
    assert stale(keeper.delta(delta(110, 111))).start_us == 1_060
