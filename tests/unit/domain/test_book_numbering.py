"""D-19, C-02: venues that number otherwise: numbers that leave some out, counting anew, idle changes, whole books."""

from __future__ import annotations

import msgspec
import pytest

from tapeline.domain.book import APPLIED, OLD, BookDelta, BookKeeper, BookSnapshot, Restored, Unusable, WentStale
from tests.unit.domain.test_book import delta, snapshot


def skipping(sequence: int, at: int | None = None, *bids: tuple[float, float]) -> BookDelta:
    """Return a change whose venue does not say what it follows."""
    return msgspec.structs.replace(
        delta(0, sequence, *bids), follows=None, first=sequence, venue_us=(sequence if at is None else at) * 10
    )


def valid(*, replaces: bool = True) -> BookKeeper:
    """Return a book that is valid at 5."""
    keeper = BookKeeper(epoch=1_000)
    assert isinstance(keeper.snapshot(snapshot(5, replaces=replaces, venue_us=50)), Restored)
    return keeper


def test_numbers_that_leave_some_out_prove_no_hole() -> None:
    keeper = valid()
    assert [keeper.delta(skipping(number, None, (9.0, float(number)))) for number in (6, 9, 14)] == [APPLIED] * 3
    assert (keeper.sequence, keeper.top(1).bid_quantities) == (14, (14.0,))


def test_a_repeated_change_without_a_predecessor_is_ignored_and_one_that_was_overtaken_is_a_hole() -> None:
    keeper = valid()
    keeper.delta(skipping(9))
    assert keeper.delta(skipping(9)) is OLD
    outcome = keeper.delta(skipping(7))
    assert isinstance(outcome, WentStale)
    # Since the last proof, the snapshot, each change may have had one before it that never came.
    assert (outcome.hole.from_id, outcome.hole.cause, keeper.state) == ("5", "sequence", "stale")


def test_changes_on_their_way_when_a_book_was_asked_for_lie_before_it() -> None:
    keeper = valid(replaces=False)
    assert keeper.delta(skipping(4)) is OLD
    assert keeper.delta(skipping(6)) is APPLIED


def test_kept_changes_without_predecessors_continue_any_snapshot_before_them() -> None:
    keeper = BookKeeper(epoch=1_000)
    for number in (6, 8):
        keeper.delta(skipping(number, None, (9.0, float(number))))
    outcome = keeper.snapshot(snapshot(6, venue_us=60))
    assert isinstance(outcome, Restored)
    assert ([one.sequence for one in outcome.changes], keeper.top(1).bid_quantities) == ([8], (8.0,))


def test_an_idle_change_is_a_sign_of_life() -> None:
    keeper = valid()
    idle = msgspec.structs.replace(delta(5, 5), venue_us=9_999)
    assert keeper.delta(idle) is OLD
    assert (keeper.state, keeper.sequence) == ("valid", 5)


def test_a_venue_that_counts_anew_and_says_so_loses_nothing() -> None:
    keeper = valid()
    anew = msgspec.structs.replace(delta(4, 3, (9.0, 7.0)), follows=5, received_us=70)
    outcome = keeper.delta(anew)
    assert outcome == Restored(
        BookSnapshot(
            native="BTCUSDT",
            sequence=3,
            replaces=True,
            bid_prices=(9.0, 8.0),
            bid_quantities=(7.0, 2.0),
            ask_prices=(10.0, 11.0),
            ask_quantities=(3.0, 4.0),
            venue_us=30,
            received_us=70,
        ),
        (),
        None,
    )
    assert (keeper.state, keeper.epoch, keeper.sequence) == ("valid", 1_001, 3)
    assert keeper.delta(delta(3, 4)) is APPLIED


@pytest.mark.parametrize(("replaces", "found"), [(True, WentStale), (False, type(OLD))])
def test_right_after_the_streams_own_book_an_old_number_at_a_new_time_is_a_restart(
    replaces: bool,  # noqa: FBT001 - a column of the table above
    found: type,
) -> None:
    keeper = valid(replaces=replaces)
    restarted = msgspec.structs.replace(delta(1, 2), venue_us=900)
    assert isinstance(keeper.delta(restarted), found)


def test_whole_books_as_a_routine_are_no_holes() -> None:
    keeper = valid()
    outcome = keeper.snapshot(msgspec.structs.replace(snapshot(8, replaces=True, bids=((9.5, 1.0),)), routine=True))
    assert isinstance(outcome, Restored)
    assert (outcome.hole, keeper.epoch, keeper.top(1).bid_prices) == (None, 1_000, (9.5,))


def test_a_routine_book_that_another_one_has_overtaken_changes_nothing() -> None:
    keeper = BookKeeper(epoch=1_000)
    keeper.snapshot(msgspec.structs.replace(snapshot(8, replaces=False, venue_us=80), routine=True))
    late = msgspec.structs.replace(snapshot(7, replaces=False, venue_us=70), routine=True)
    assert keeper.snapshot(late) == Unusable("it ends at 7, and the book was at 8 later")
    assert (keeper.state, keeper.sequence, keeper.epoch) == ("valid", 8, 1_000)
    # The same number again, or one that counts anew at a later time, is a book of its own.
    again = msgspec.structs.replace(snapshot(8, replaces=False, venue_us=79), routine=True)
    assert isinstance(keeper.snapshot(again), Restored)
    anew = msgspec.structs.replace(snapshot(1, replaces=False, venue_us=90), routine=True)
    assert isinstance(keeper.snapshot(anew), Restored)
    # After a loss nothing stands that could be newer.
    keeper.lost("venue", "a block left")
    assert isinstance(
        keeper.snapshot(msgspec.structs.replace(snapshot(0, replaces=False, venue_us=9), routine=True)), Restored
    )


def test_a_routine_book_of_a_stream_is_in_order_whatever_its_number() -> None:
    keeper = BookKeeper(epoch=1_000)
    keeper.snapshot(msgspec.structs.replace(snapshot(8, replaces=True, venue_us=80), routine=True))
    early = msgspec.structs.replace(snapshot(7, replaces=True, venue_us=70, bids=((9.5, 1.0),)), routine=True)
    assert isinstance(keeper.snapshot(early), Restored)
    assert (keeper.sequence, keeper.top(1).bid_prices) == (7, (9.5,))
