"""The gap rule case by case: the table first, then each way into and out of a valid book."""

from __future__ import annotations

import pytest

from tapeline.domain.book import (
    ALREADY_STALE,
    APPLIED,
    KEPT,
    OLD,
    REFRESHED,
    TABLE,
    BookDelta,
    BookKeeper,
    BookSnapshot,
    Hole,
    Restored,
    State,
    Top,
    Unusable,
    WentStale,
)
from tapeline.domain.levels import Column

Level = tuple[float, float]
EPOCH = 1_000


def columns(levels: tuple[Level, ...]) -> tuple[Column, Column]:
    return tuple(price for price, _ in levels), tuple(quantity for _, quantity in levels)


def delta(
    follows: int, sequence: int, *bids: Level, asks: tuple[Level, ...] = (), exact: dict[str, str] | None = None
) -> BookDelta:
    return BookDelta(
        native="BTCUSDT",
        follows=follows,
        first=follows + 1,
        sequence=sequence,
        bid_prices=columns(bids)[0],
        bid_quantities=columns(bids)[1],
        ask_prices=columns(asks)[0],
        ask_quantities=columns(asks)[1],
        venue_us=sequence * 10,
        received_us=sequence * 10 + 1,
        exact=exact,
    )


def snapshot(
    sequence: int,
    *,
    bids: tuple[Level, ...] = ((9.0, 1.0), (8.0, 2.0)),
    asks: tuple[Level, ...] = ((10.0, 3.0), (11.0, 4.0)),
    replaces: bool = False,
    limit: int | None = None,
    venue_us: int | None = None,
    exact: dict[str, str] | None = None,
) -> BookSnapshot:
    return BookSnapshot(
        native="BTCUSDT",
        sequence=sequence,
        replaces=replaces,
        limit=limit,
        bid_prices=columns(bids)[0],
        bid_quantities=columns(bids)[1],
        ask_prices=columns(asks)[0],
        ask_quantities=columns(asks)[1],
        venue_us=venue_us,
        received_us=sequence * 10 + 5,
        exact=exact,
    )


def valid(sequence: int = 100, *, most_levels: int = 5_000) -> BookKeeper:
    keeper = BookKeeper(epoch=EPOCH, most_levels=most_levels)
    assert keeper.snapshot(snapshot(sequence)) == Restored(snapshot(sequence), (), None)
    return keeper


def hole(**values: object) -> Hole:
    known: dict[str, object] = {"epoch": EPOCH, "from_id": "100", "start_us": 1005, "cause": "sequence"}
    return Hole(**{**known, **values})  # type: ignore[arg-type]  # named by the caller, compared as a whole


def stale(outcome: object) -> Hole:
    assert isinstance(outcome, WentStale)
    return outcome.hole


@pytest.mark.parametrize("state", TABLE)
def test_a_step_that_the_table_does_not_have_is_impossible(state: State) -> None:
    known = {step for steps in TABLE.values() for step in steps}
    assert {step for step in known if step not in TABLE[state]} == {
        "waiting": {"old", "next", "hole", "crossed"},
        "valid": {"kept"},
        "stale": {"old", "next", "hole", "crossed"},
    }[state]
    assert {following for following in TABLE[state].values() if following == "waiting"} == (
        {"waiting"} if state == "waiting" else set()
    )


def test_a_valid_book_cannot_be_connected_anew_before_it_is_lost() -> None:
    with pytest.raises(RuntimeError, match="a book that is valid cannot take the step 'epoch 2000 after 1000'"):
        valid().connected(2_000)


def test_an_epoch_rises() -> None:
    with pytest.raises(RuntimeError, match="epoch 1000 after 1000"):
        BookKeeper(epoch=EPOCH).connected(EPOCH)


def test_c_02_deltas_in_order_are_applied() -> None:
    keeper = valid()
    assert keeper.delta(delta(100, 101, (9.5, 5.0), (8.0, 0.0), (7.0, 0.0))) is APPLIED
    assert keeper.delta(delta(101, 105, asks=((10.0, 0.0),))) is APPLIED
    assert keeper.top(5) == Top((9.5, 9.0), (5.0, 1.0), (11.0,), (4.0,))
    assert (keeper.state, keeper.sequence, keeper.venue_us, keeper.received_us) == ("valid", 105, 1050, 1051)


def test_a_delta_that_the_book_has_is_ignored() -> None:
    keeper = valid()
    keeper.delta(delta(100, 102, (9.5, 5.0)))
    before = keeper.top(0)
    assert [keeper.delta(delta(100, 102, (9.5, 7.0))), keeper.delta(delta(99, 100, (1.0, 1.0)))] == [OLD, OLD]
    assert keeper.top(0) == before


@pytest.mark.parametrize(
    ("follows", "sequence", "fits"),
    [(100, 101, True), (98, 103, True), (99, 101, True), (90, 100, False), (101, 103, False)],
)
def test_c_02_the_first_delta_may_begin_before_the_snapshot(follows: int, sequence: int, fits: bool) -> None:  # noqa: FBT001 - a column of the table above
    outcome = valid().delta(delta(follows, sequence, (9.5, 1.0)))
    assert (outcome is APPLIED) == fits


def test_c_02_later_deltas_follow_exactly() -> None:
    keeper = valid()
    keeper.delta(delta(100, 102))
    assert stale(keeper.delta(delta(101, 104))) == hole(
        from_id="102", start_us=1020, detail="104 follows 101, the book has 102"
    )


def test_c_02_a_hole_makes_the_book_stale_until_a_snapshot_from_behind_it() -> None:
    keeper = valid()
    keeper.delta(delta(100, 101, (9.5, 5.0)))
    opened = stale(keeper.delta(delta(105, 106, (9.6, 6.0))))
    assert opened == hole(from_id="101", start_us=1010, detail="106 follows 105, the book has 101")
    assert (keeper.state, keeper.top(1).bid_prices) == ("stale", (9.5,))
    assert keeper.delta(delta(106, 107, (9.7, 7.0))) is KEPT
    assert keeper.snapshot(snapshot(104)) == Unusable("it ends at 104, the kept changes begin after 105")
    repair = snapshot(106)
    assert keeper.snapshot(repair) == Restored(
        repair,
        (delta(106, 107, (9.7, 7.0)),),
        hole(
            from_id="101", start_us=1010, detail=opened.detail, to_id="106", to_epoch=EPOCH, end_us=repair.received_us
        ),
    )
    assert (keeper.state, keeper.sequence, keeper.top(1).bid_prices) == ("valid", 107, (9.7,))


def test_a_hole_ends_no_earlier_than_the_last_change_that_the_snapshot_holds() -> None:
    keeper = valid()
    stale(keeper.delta(delta(105, 106)))
    outcome = keeper.snapshot(snapshot(107, venue_us=1_030))
    assert isinstance(outcome, Restored)
    assert outcome.hole is not None
    assert (outcome.hole.start_us, outcome.hole.end_us) == (1_005, 1_060)


def test_before_the_first_snapshot_changes_are_kept_and_there_is_no_hole() -> None:
    keeper = BookKeeper(epoch=EPOCH)
    assert [keeper.delta(delta(99, 100)), keeper.delta(delta(100, 102, (9.2, 1.0)))] == [KEPT, KEPT]
    taken = keeper.snapshot(snapshot(101))
    assert taken == Restored(snapshot(101), (delta(100, 102, (9.2, 1.0)),), None)
    assert keeper.sequence == 102


def test_a_hole_among_the_kept_drops_what_stands_before_it() -> None:
    keeper = BookKeeper(epoch=EPOCH)
    for one in (delta(99, 100), delta(105, 106), delta(100, 101), delta(106, 107)):
        keeper.delta(one)
    for early in (99, 100):
        told = f"it ends at {early}, the kept changes begin after 105"
        assert keeper.snapshot(snapshot(early)) == Unusable(told)
    assert keeper.snapshot(snapshot(105)) == Restored(snapshot(105), (delta(105, 106), delta(106, 107)), None)


def test_the_kept_are_bounded_and_the_newest_stay() -> None:
    keeper = BookKeeper(epoch=EPOCH, most_kept=3)
    for number in range(10):
        keeper.delta(delta(number, number + 1))
    assert keeper.snapshot(snapshot(5)) == Unusable("it ends at 5, the kept changes begin after 7")
    outcome = keeper.snapshot(snapshot(8))
    assert isinstance(outcome, Restored)
    assert [change.sequence for change in outcome.changes] == [9, 10]


def test_c_02_a_book_that_crosses_is_stale_and_its_change_is_kept() -> None:
    keeper = valid()
    crossing = delta(100, 101, (10.0, 1.0))
    assert stale(keeper.delta(crossing)) == hole(cause="crossed", detail="bid 10.0 meets ask 10.0 at 101, after 100")
    assert keeper.snapshot(snapshot(100)) == Unusable("it is crossed: bid 10.0 meets ask 10.0")
    assert keeper.state == "stale"
    outcome = keeper.snapshot(snapshot(101, asks=((10.5, 1.0),)))
    assert isinstance(outcome, Restored)
    assert keeper.top(1) == Top((9.0,), (1.0,), (10.5,), (1.0,))


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (snapshot(200, bids=(), asks=()), "it is empty"),
        (snapshot(200, bids=((10.0, 1.0),)), "it is crossed: bid 10.0 meets ask 10.0"),
        (snapshot(99), "it ends at 99, before the book's 100"),
    ],
)
def test_a_snapshot_that_is_no_book_does_not_help(wrong: BookSnapshot, reason: str) -> None:
    keeper = valid()
    keeper.lost("silence")
    assert keeper.snapshot(wrong) == Unusable(reason)
    assert (keeper.state, keeper.top(1).bid_prices) == ("stale", (9.0,))


def test_a_valid_book_needs_no_snapshot_from_rest() -> None:
    assert valid().snapshot(snapshot(300)) == Unusable("the book is valid")


def test_the_streams_own_snapshot_replaces_a_valid_book_with_a_hole_between() -> None:
    keeper = valid()
    new = snapshot(140, bids=((1.0, 1.0),), replaces=True)
    closed = hole(
        cause="venue", detail="the venue sent its book anew", to_id="140", to_epoch=EPOCH, end_us=new.received_us
    )
    assert keeper.snapshot(new) == Restored(new, (), closed)
    assert (keeper.state, keeper.top(5).bid_prices) == ("valid", (1.0,))


def test_the_same_book_sent_again_is_no_hole() -> None:
    again = snapshot(100, replaces=True)
    assert valid().snapshot(again) == Restored(again, (), None)


def test_numbers_that_restart_raise_the_epoch() -> None:
    keeper = valid()
    new = snapshot(1, replaces=True)
    outcome = keeper.snapshot(new)
    assert isinstance(outcome, Restored)
    assert keeper.epoch == EPOCH + 1
    assert outcome.hole == hole(
        cause="venue", detail="the venue sent its book anew", to_id="1", to_epoch=EPOCH + 1, end_us=1005
    )
    assert keeper.delta(delta(1, 2)) is APPLIED


def test_numbers_that_go_back_without_a_word_are_found_by_their_time() -> None:
    keeper = valid()
    keeper.delta(delta(100, 101))
    late = BookDelta(**{name: getattr(delta(4, 5), name) for name in BookDelta.__struct_fields__} | {"venue_us": 2_000})
    assert stale(keeper.delta(late)) == hole(from_id="101", start_us=1010, detail="numbers went back from 101 to 5")
    assert isinstance(keeper.snapshot(snapshot(5)), Restored)
    assert (keeper.state, keeper.epoch, keeper.sequence) == ("valid", EPOCH + 1, 5)


def test_the_stream_that_replaces_a_book_by_nothing_makes_it_stale() -> None:
    keeper = valid()
    nothing = snapshot(1, bids=(), asks=(), replaces=True)
    assert stale(keeper.snapshot(nothing)) == hole(cause="venue", detail="the venue replaced its book, and it is empty")
    assert keeper.top(1).bid_prices == (9.0,)


def test_what_is_kept_from_before_the_streams_snapshot_does_not_count() -> None:
    keeper = valid()
    stale(keeper.delta(delta(105, 106)))
    new = snapshot(3, replaces=True)
    outcome = keeper.snapshot(new)
    assert isinstance(outcome, Restored)
    assert (outcome.changes, keeper.sequence) == ((), 3)


def test_x_05_a_lost_connection_is_one_hole_over_two_epochs() -> None:
    keeper = valid()
    keeper.delta(delta(100, 101))
    assert stale(keeper.lost("disconnect", "1006")) == hole(
        from_id="101", start_us=1010, cause="disconnect", detail="1006"
    )
    assert keeper.lost("silence") is ALREADY_STALE
    keeper.connected(2_000)
    keeper.delta(delta(149, 150))
    outcome = keeper.snapshot(snapshot(149, venue_us=1_490))
    assert isinstance(outcome, Restored)
    assert outcome.hole == hole(
        from_id="101", start_us=1010, cause="disconnect", detail="1006", to_id="149", to_epoch=2_000, end_us=1_490
    )


def test_what_was_kept_of_the_old_connection_is_forgotten() -> None:
    keeper = BookKeeper(epoch=EPOCH)
    keeper.delta(delta(99, 100))
    keeper.lost("disconnect")
    keeper.connected(2_000)
    assert keeper.snapshot(snapshot(50)) == Restored(snapshot(50), (), None)


def test_the_hole_of_a_dead_predecessor_is_closed_by_the_first_snapshot() -> None:
    left = hole(epoch=5, from_id="7", start_us=70, cause="restart")
    keeper = BookKeeper(epoch=EPOCH, hole=left)
    outcome = keeper.snapshot(snapshot(100))
    assert isinstance(outcome, Restored)
    assert outcome.hole == hole(
        epoch=5, from_id="7", start_us=70, cause="restart", to_id="100", to_epoch=EPOCH, end_us=1005
    )


def test_beyond_a_snapshots_limit_nothing_is_known_until_it_is_asked_again() -> None:
    keeper = BookKeeper(epoch=EPOCH)
    keeper.snapshot(snapshot(100, limit=2))
    assert keeper.delta(delta(100, 101, (7.0, 1.0), asks=((12.0, 1.0), (10.5, 1.0)))) is APPLIED
    assert keeper.top(0) == Top((9.0, 8.0), (1.0, 2.0), (10.0, 10.5, 11.0), (3.0, 1.0, 4.0))
    assert (keeper.thin(2), keeper.thin(3)) == (False, True)
    assert (valid().thin(5), keeper.top(1)) == (False, Top((9.0,), (1.0,), (10.0,), (3.0,)))


def test_memory_is_bounded_and_the_top_is_kept() -> None:
    keeper = valid(most_levels=10)
    for number in range(500):
        assert keeper.delta(delta(100 + number, 101 + number, (8.9 - number / 100, 1.0))) is APPLIED
    top = keeper.top(0)
    assert len(top.bid_prices) <= 10 + 64
    assert top.bid_prices[:3] == (9.0, 8.9, 8.89)
    assert keeper.thin(200)


def test_c_02_a_number_that_no_double_holds_keeps_its_text_as_long_as_its_level() -> None:
    keeper = BookKeeper(epoch=EPOCH)
    keeper.snapshot(snapshot(100, exact={"bid_quantities[1]": "2.00000000000000001", "ask_prices[0]": "10.00000"}))
    assert keeper.top(2).exact == {"bid_quantities[1]": "2.00000000000000001", "ask_prices[0]": "10.00000"}
    keeper.delta(delta(100, 101, (8.5, 1.0), exact={"bid_prices[0]": "8.5000000000000001"}))
    assert keeper.top(5).exact == {
        "bid_prices[1]": "8.5000000000000001",
        "bid_quantities[2]": "2.00000000000000001",
        "ask_prices[0]": "10.00000",
    }
    keeper.delta(delta(101, 102, (8.0, 2.5), (8.5, 0.0), asks=((10.0, 0.0),)))
    assert keeper.top(5).exact is None


def test_a_thin_book_is_refreshed_in_flight_without_a_hole() -> None:
    keeper = BookKeeper(epoch=EPOCH)
    keeper.snapshot(snapshot(100, limit=2))
    assert keeper.refresh(snapshot(100)) == Unusable("no refresh was begun on a valid book")
    keeper.begin_refresh()
    for number in range(101, 104):
        assert keeper.delta(delta(number - 1, number, (9.0, float(number)))) is APPLIED
    deeper = ((9.0, 101.0), (8.0, 2.0), (7.0, 7.0))
    assert keeper.refresh(snapshot(99, bids=deeper)) == Unusable("it ends at 99, the kept changes begin after 100")
    assert keeper.refresh(snapshot(104, bids=deeper)) == Unusable("it ends at 104, ahead of the book's 103")
    assert keeper.refresh(snapshot(101, bids=((10.0, 1.0),))) == Unusable("it is crossed: bid 10.0 meets ask 10.0")
    assert keeper.refresh(snapshot(101, bids=deeper, limit=3)) is REFRESHED
    assert keeper.top(0).bid_prices == (9.0, 8.0, 7.0)
    assert keeper.top(1).bid_quantities == (103.0,)
    assert (keeper.state, keeper.sequence, keeper.epoch) == ("valid", 103, EPOCH)
    assert keeper.delta(delta(103, 104)) is APPLIED
    assert keeper.refresh(snapshot(104)) == Unusable("no refresh was begun on a valid book")


def test_a_refresh_ends_with_the_valid_book() -> None:
    keeper = valid()
    keeper.begin_refresh()
    keeper.delta(delta(100, 101))
    stale(keeper.delta(delta(105, 106)))
    keeper.begin_refresh()
    assert keeper.refresh(snapshot(106)) == Unusable("no refresh was begun on a valid book")
    assert keeper.snapshot(snapshot(104)) == Unusable("it ends at 104, the kept changes begin after 105")
    assert isinstance(keeper.snapshot(snapshot(106)), Restored)
