"""X-05, C-02: where numbers leave some out, single levels that differ twice from the venue's show what was lost."""

from __future__ import annotations

import msgspec

from producers.effects import BookChanged, Effects, Emit, Fetch
from producers.feed import BookFeed
from tapeline.domain.book import BookDelta, BookSnapshot
from tapeline.domain.events import Gap, OfInstrument
from tapeline.venues.bingx import SPOT

S = 1_000_000
OF = OfInstrument(venue="bingx", market="spot", symbol="BTC/USDT")
CHECK = Fetch("check")


def whole(sequence: int, bid: float, *, at_us: int, replaces: bool = True) -> BookSnapshot:
    return BookSnapshot(
        native="BTC-USDT",
        sequence=sequence,
        replaces=replaces,
        bid_prices=(9.0, 8.0),
        bid_quantities=(bid, 1.0),
        ask_prices=(10.0,),
        ask_quantities=(1.0,),
        venue_us=at_us,
        received_us=at_us,
    )


def delta(sequence: int, quantity: float, at_us: int) -> BookDelta:
    return BookDelta(
        native="BTC-USDT",
        follows=None,
        first=sequence,
        sequence=sequence,
        bid_prices=(8.0,),
        bid_quantities=(quantity,),
        ask_prices=(),
        ask_quantities=(),
        venue_us=at_us,
        received_us=at_us,
    )


def running() -> BookFeed:
    """Return a feed whose book came at 1 s, and changes since."""
    feed = BookFeed(OF, SPOT.facts.book, depth=20)
    feed.connected(1, 0)
    feed.sent(0)
    feed.snapshot(whole(10, 5.0, at_us=S), S)
    for number in range(1, 10):
        feed.delta(delta(10 + 3 * number, float(number), S + number * S), S + number * S)
    return feed


def asked(effects: Effects) -> list[Fetch]:
    return [one for one in effects if isinstance(one, Fetch)]


def test_it_is_compared_every_five_seconds_however_much_comes() -> None:
    feed = running()
    assert (asked(feed.tick(6 * S - 1)), asked(feed.tick(6 * S))) == ([], [CHECK])
    # Level 8.0 is told as it is: nothing differs, and the book is proven at that time.
    equal = msgspec.structs.replace(whole(99, 5.0, at_us=11 * S, replaces=False), bid_quantities=(5.0, 9.0))
    assert feed.checked(equal, 11 * S) == []
    assert (asked(feed.tick(11 * S - 1)), asked(feed.tick(11 * S))) == ([], [CHECK])


def test_a_level_that_differs_twice_alike_was_lost_and_its_gap_begins_at_the_last_proof() -> None:
    feed = running()
    feed.tick(11 * S)
    lost = msgspec.structs.replace(whole(99, 7.0, at_us=11 * S, replaces=False), bid_quantities=(7.0, 9.0))
    assert feed.checked(lost, 11 * S) == []
    assert (asked(feed.tick(12_500_000 - 1)), asked(feed.tick(12_500_000))) == ([], [CHECK])
    effects = feed.checked(lost, 13 * S)
    (gap,) = [one.record for one in effects if isinstance(one, Emit)]
    assert isinstance(gap, Gap)
    assert (gap.cause, gap.from_id, gap.start_us, gap.detail) == (
        "silence",
        "10",
        S,
        "1 levels differ twice, as the bid 9.0: ours 5.0, the venue's 7.0",
    )
    assert [one for one in effects if not isinstance(one, Emit)] == [BookChanged(13 * S), Fetch("snapshot")]


def test_what_differs_once_or_otherwise_the_second_time_is_on_its_way() -> None:
    feed = running()
    feed.tick(11 * S)
    ahead = msgspec.structs.replace(whole(99, 7.0, at_us=11 * S, replaces=False), bid_quantities=(7.0, 9.0))
    assert feed.checked(ahead, 11 * S) == []
    again = msgspec.structs.replace(ahead, bid_quantities=(7.5, 9.0))
    assert feed.checked(again, 13 * S) == []
    equal = msgspec.structs.replace(ahead, bid_quantities=(5.0, 9.0))
    assert feed.checked(equal, 15 * S) == []
    # Proven at the time of the last answer, of which no number is known.
    (gap,) = [one.record for one in feed.lost("disconnect", None, 16 * S) if isinstance(one, Emit)]
    assert isinstance(gap, Gap)
    assert (gap.from_id, gap.start_us) == (None, 11 * S)


def test_a_frame_that_could_not_be_read_makes_it_look_at_once() -> None:
    feed = running()
    assert asked(feed.tick(6 * S)) == [CHECK]
    assert asked(feed.tick(10 * S)) == []
    feed.doubt(10 * S)
    assert asked(feed.tick(10 * S)) == [CHECK]
