"""DESIGN 5, socket to md.*: stale is said first, one instrument is repaired alone, a valid book is said each second."""

from __future__ import annotations

import pytest

from producers.effects import BookChanged, Effects, Emit, Fetch
from producers.feed import BookFeed
from tapeline.domain.book import BookDelta, BookSnapshot, Hole
from tapeline.domain.events import Book, DeltaBatch, Gap, OfInstrument
from tapeline.venues.binance import SPOT as BINANCE
from tapeline.venues.bybit import SPOT as BYBIT

OF = OfInstrument(venue="binance", market="spot", symbol="BTC/USDT")
S = 1_000_000
SNAPSHOT, CHECK = Fetch("snapshot"), Fetch("check")


def delta(sequence: int, follows: int | None = None, bid: float = 9.0) -> BookDelta:
    before = sequence - 1 if follows is None else follows
    return BookDelta(
        native="BTCUSDT",
        follows=before,
        first=before + 1,
        sequence=sequence,
        bid_prices=(bid,),
        bid_quantities=(float(sequence),),
        ask_prices=(),
        ask_quantities=(),
        venue_us=sequence * 10,
        received_us=sequence * 10 + 1,
    )


def snapshot(sequence: int, *, replaces: bool = False, quantity: float | None = None) -> BookSnapshot:
    return BookSnapshot(
        native="BTCUSDT",
        sequence=sequence,
        replaces=replaces,
        bid_prices=(9.0,),
        bid_quantities=(float(sequence) if quantity is None else quantity,),
        ask_prices=(10.0,),
        ask_quantities=(1.0,),
        venue_us=sequence * 10,
        received_us=sequence * 10 + 1,
    )


def told(effects: Effects) -> list[object]:
    """Return the effects with records cut to what tells them apart."""
    shown: list[object] = []
    for effect in effects:
        record = effect.record if isinstance(effect, Emit) else None
        if isinstance(record, Gap):
            shown.append(("gap", record.from_id, record.to_id, record.cause))
        elif isinstance(record, DeltaBatch):
            shown.append((record.kind, record.sequence))
        else:
            shown.append(effect)
    return shown


def rest(hole: Hole | None = None) -> BookFeed:
    return BookFeed(OF, BINANCE.facts.book, depth=20, hole=hole)


def valid() -> BookFeed:
    """Return a feed with a valid book at 10, at time 0."""
    feed = rest()
    feed.connected(5, 0)
    feed.delta(delta(10), 0)
    feed.snapshot(snapshot(10), 0)
    return feed


def state(feed: BookFeed, now_us: int = 0) -> str | None:
    book = feed.book(conflated=0, first_received_us=0, now_us=now_us)
    return None if book is None else book.state


def test_over_rest_the_snapshot_is_asked_for_once_the_first_change_is_here() -> None:
    """K4: a whole book stands at the beginning of each subscription."""
    feed = rest()
    feed.connected(5, 0)
    assert feed.delta(delta(10), 1) == [SNAPSHOT]
    assert feed.delta(delta(11), 2) == []
    assert told(feed.snapshot(snapshot(10), 3)) == [("snapshot", 10), ("change", 11), BookChanged(101)]
    assert state(feed) == "valid"


def test_a_quiet_market_is_asked_for_its_book_too() -> None:
    feed = rest()
    feed.connected(5, 0)
    # Older than the first change that comes it would be of no use: first the changes must have been asked for.
    assert feed.tick(9 * S) == []
    feed.sent(9 * S)
    assert feed.tick(10 * S) == []
    feed.subscribed(11 * S)
    assert (feed.tick(12 * S - 1), feed.tick(12 * S), feed.tick(12 * S + 1)) == ([], [SNAPSHOT], [])


def test_a_stream_that_is_never_confirmed_is_asked_for_its_book_all_the_same() -> None:
    feed = rest()
    feed.connected(5, 0)
    feed.sent(S)
    assert (feed.tick(11 * S - 1), feed.tick(11 * S)) == ([], [SNAPSHOT])


def test_a_stream_that_is_confirmed_after_its_first_change_asks_for_no_second_snapshot() -> None:
    feed = rest()
    feed.connected(5, 0)
    feed.sent(0)
    assert feed.delta(delta(10), 1) == [SNAPSHOT]
    feed.subscribed(2)
    assert feed.tick(S + 2) == []


def test_a_book_that_waits_for_its_turn_on_the_socket_is_not_asked_for_twice() -> None:
    feed = BookFeed(OF, BYBIT.facts.book, depth=20)
    feed.connected(5, 0)
    feed.snapshot(snapshot(10, replaces=True), 0)
    assert feed.delta(delta(12), S)[-1] == SNAPSHOT
    assert feed.tick(40 * S) == []
    feed.sent(40 * S)
    assert (feed.tick(43 * S - 1), feed.tick(43 * S)) == ([], [SNAPSHOT])


def test_from_a_stream_the_book_comes_by_itself_and_is_asked_for_when_it_does_not() -> None:
    feed = BookFeed(OF, BYBIT.facts.book, depth=20)
    feed.connected(5, 0)
    assert feed.delta(delta(10), 1) == []
    assert feed.tick(9 * S) == []  # what asks for it still waits for the venue's rate
    feed.sent(10 * S)
    assert (feed.tick(13 * S - 1), feed.tick(13 * S)) == ([], [SNAPSHOT])
    # Asked for again it is late again only after that has gone out, and a book that is here waits for nothing.
    assert feed.tick(17 * S) == []
    feed.sent(20 * S)
    feed.sent(22 * S)
    assert (feed.tick(23 * S - 1), feed.tick(23 * S)) == ([], [SNAPSHOT])
    assert told(feed.snapshot(snapshot(20, replaces=True), 24 * S)) == [("snapshot", 20), BookChanged(201)]


def test_after_a_hole_stale_is_published_first_then_the_gap_then_the_repair() -> None:
    """K4: behind each gap of a book stands a whole one."""
    feed = valid()
    assert told(feed.delta(delta(12, 11), 7)) == [BookChanged(7), ("gap", "10", None, "sequence"), SNAPSHOT]
    assert state(feed) == "stale"
    assert told(feed.snapshot(snapshot(12), 8)) == [
        ("gap", "10", "12", "sequence"),
        ("snapshot", 12),
        BookChanged(121),
    ]
    assert state(feed) == "valid"


def test_a_lost_connection_is_a_gap_until_the_next_ones_snapshot() -> None:
    feed = valid()
    assert told(feed.lost("disconnect", "cut", 7)) == [BookChanged(7), ("gap", "10", None, "disconnect")]
    assert feed.tick(100 * S) == []
    feed.connected(6, 0)
    assert feed.book(conflated=0, first_received_us=0, now_us=0) is None
    assert feed.delta(delta(20), 101 * S) == [SNAPSHOT]
    effects = feed.snapshot(snapshot(20), 101 * S)
    assert told(effects)[0] == ("gap", "10", "20", "disconnect")
    gap = effects[0].record if isinstance(effects[0], Emit) else None
    assert isinstance(gap, Gap)
    assert (gap.epoch, gap.to_epoch) == (5, 6)


def test_the_hole_of_a_dead_predecessor_is_closed_before_the_first_record() -> None:
    feed = rest(Hole(epoch=3, from_id="7", start_us=70, cause="restart"))
    feed.connected(5, 0)
    feed.delta(delta(10), 0)
    assert told(feed.snapshot(snapshot(10), 0)) == [("gap", "7", "10", "restart"), ("snapshot", 10), BookChanged(101)]


def test_a_snapshot_that_does_not_help_is_followed_by_another_request() -> None:
    feed = rest()
    feed.connected(5, 0)
    feed.delta(delta(10), 0)
    assert feed.snapshot(snapshot(8), 1) == []
    assert (feed.tick(100_000), feed.tick(200_001)) == ([], [SNAPSHOT])


@pytest.mark.parametrize(("retry_after_s", "wait_us"), [(None, S), (7.0, 7 * S), (0.0, 200_000)])
def test_a_request_that_failed_is_made_again_when_the_venue_permits(retry_after_s: float | None, wait_us: int) -> None:
    feed = rest()
    feed.connected(5, 0)
    feed.delta(delta(10), 0)
    feed.failed("HTTP 500", 0, retry_after_s)
    assert feed.delta(delta(11), 1) == []
    assert (feed.tick(wait_us - 1), feed.tick(wait_us)) == ([], [SNAPSHOT])


def test_a_request_without_any_answer_is_made_again() -> None:
    feed = rest()
    feed.connected(5, 0)
    feed.delta(delta(10), 0)
    assert (feed.tick(3 * S - 1), feed.tick(3 * S)) == ([], [SNAPSHOT])


def test_a_valid_book_is_published_again_within_a_second_and_whole_each_minute() -> None:
    """K4: a whole book every 60 s."""
    feed = valid()
    state(feed, 0)
    assert (feed.tick(899_999), feed.tick(900_000), feed.tick(900_001)) == ([], [BookChanged(None)], [])
    feed.delta(delta(11), 59 * S)
    state(feed, 60 * S)
    assert told(feed.tick(60 * S)) == [("snapshot", 11)]
    assert feed.tick(60 * S + 1) == []


def test_a_stale_book_is_not_published_again() -> None:
    feed = valid()
    feed.lost("disconnect", None, 0)
    assert feed.tick(60 * S) == []


def test_a_silent_book_that_is_behind_twice_is_given_up_and_repaired() -> None:
    feed = valid()
    state(feed, 20 * S)
    assert feed.tick(20 * S) == [CHECK]
    assert feed.checked(snapshot(12), 20 * S) == []
    state(feed, 21 * S)
    assert feed.tick(21 * S) == [CHECK]
    assert told(feed.checked(snapshot(12), 21 * S)) == [
        BookChanged(21 * S),
        ("gap", "10", None, "silence"),
        # Else the book would be valid again, and its stream as silent as before.
        Fetch("stream", 21 * S),
        SNAPSHOT,
    ]


def test_a_book_that_moved_between_two_checks_only_lagged() -> None:
    feed = valid()
    feed.checked(snapshot(12), 20 * S)
    feed.delta(delta(11), 20 * S)
    assert feed.checked(snapshot(12), 21 * S) == []
    assert state(feed) == "valid"


def test_a_book_that_was_compared_is_proven_until_then() -> None:
    feed = valid()
    feed.checked(snapshot(10), 20 * S)
    effects = feed.lost("disconnect", None, 30 * S)
    gap = effects[1].record if isinstance(effects[1], Emit) else None
    assert isinstance(gap, Gap)
    assert gap.start_us == 100


def test_a_book_says_what_it_replaces_and_how_deep_it_is() -> None:
    book = valid().book(conflated=3, first_received_us=99, now_us=500)
    assert book == Book(
        venue="binance",
        market="spot",
        symbol="BTC/USDT",
        epoch=5,
        sequence=10,
        state="valid",
        depth=20,
        bid_prices=(9.0,),
        bid_quantities=(10.0,),
        ask_prices=(10.0,),
        ask_quantities=(1.0,),
        conflated=3,
        first_received_us=99,
        venue_us=100,
        received_us=101,
        published_us=500,
    )


def test_a_stream_that_was_refused_is_asked_for_again_after_a_minute() -> None:
    feed = BookFeed(OF, BYBIT.facts.book, depth=20)
    feed.connected(5, 0)
    feed.sent(0)
    feed.refused(S)
    assert (feed.tick(61 * S - 1), feed.tick(61 * S)) == ([], [SNAPSHOT])
    # A valid book hears of refusals of others only.
    feed.sent(61 * S)
    feed.snapshot(snapshot(20, replaces=True), 62 * S)
    feed.refused(62 * S)
    assert state(feed, 62 * S) == "valid"


def test_what_a_predecessor_left_is_said_with_the_first_connection() -> None:
    """Where its book does not come for long, the ledger has to know all the same."""
    hole = Hole(epoch=4, from_id="7", start_us=3 * S, cause="restart")
    feed = BookFeed(OF, BYBIT.facts.book, depth=20, hole=hole)
    assert told(feed.connected(5, 10 * S)) == [("gap", "7", None, "restart")]
    feed.lost("disconnect", None, 11 * S)
    assert feed.connected(6, 12 * S) == []
    assert told(feed.snapshot(snapshot(20, replaces=True), 13 * S))[0] == ("gap", "7", "20", "restart")
