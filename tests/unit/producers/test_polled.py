"""A book that no stream tells: polled, never old in silence, on a slot without a socket; 1inch is the model (K7)."""

from __future__ import annotations

from producers.effects import BookChanged, Effects, Emit, Fetch
from producers.feed import BookFeed
from producers.pool import Open, Pool, Slot, Subscribe
from tapeline.domain.book import BookSnapshot
from tapeline.domain.events import DeltaBatch, Gap, OfInstrument
from tapeline.venues.contract import Want
from tapeline.venues.oneinch import SPOT

OF = OfInstrument(venue="1inch", market="spot", symbol="ETH/USDC")
S = 1_000_000
ASK = Fetch("snapshot")


def ladder(at_us: int, bid: float = 9.0) -> BookSnapshot:
    return BookSnapshot(
        native="a-b",
        sequence=at_us,
        replaces=False,
        routine=True,
        bid_prices=(bid,),
        bid_quantities=(1.0,),
        ask_prices=(10.0,),
        ask_quantities=(1.0,),
        received_us=at_us,
    )


def told(effects: Effects) -> list[object]:
    """Return the effects but books, records cut to what tells them apart."""
    found: list[object] = []
    for effect in effects:
        if isinstance(effect, Emit) and isinstance(effect.record, Gap):
            found.append((effect.record.cause, effect.record.detail, effect.record.end_us))
        elif isinstance(effect, Emit) and isinstance(effect.record, DeltaBatch):
            found.append((effect.record.kind, effect.record.sequence))
        elif not isinstance(effect, BookChanged):
            found.append(effect)
    return found


def polled() -> BookFeed:
    """Return a feed whose first ladder came at 2 s."""
    feed = BookFeed(OF, SPOT.facts.book, depth=20)
    feed.connected(1, 0)
    assert told(feed.tick(S)) == [ASK]
    assert told(feed.snapshot(ladder(2 * S), 2 * S)) == [("snapshot", 2 * S)]
    return feed


def test_a_ladder_is_asked_for_a_while_after_the_last_one_and_nothing_is_missed_between() -> None:
    feed = polled()
    assert (told(feed.tick(12 * S - 1)), told(feed.tick(12 * S))) == ([], [ASK])
    # It may wait for its turn: it is not asked for twice.
    assert told(feed.tick(40 * S)) == []
    assert told(feed.snapshot(ladder(41 * S, 8.0), 41 * S)) == [("snapshot", 41 * S)]
    assert (told(feed.tick(51 * S - 1)), told(feed.tick(51 * S))) == ([], [ASK])


def test_one_that_fails_makes_the_book_stale_at_once_and_is_asked_for_when_the_venue_permits() -> None:
    feed = polled()
    feed.tick(12 * S)
    assert told(feed.failed("HTTP 429", 13 * S, 5.0)) == [("venue", "HTTP 429", None)]
    assert feed.keeper.state == "stale"
    assert (told(feed.tick(18 * S - 1)), told(feed.tick(18 * S))) == ([], [ASK])
    assert told(feed.failed("HTTP 429", 19 * S, 5.0)) == []
    assert told(feed.tick(24 * S)) == [ASK]
    assert told(feed.snapshot(ladder(25 * S), 25 * S)) == [("venue", "HTTP 429", 25 * S), ("snapshot", 25 * S)]


def test_one_that_does_not_come_makes_the_book_stale_and_may_come_yet() -> None:
    feed = polled()
    feed.tick(12 * S)
    # A valid book is written whole each minute.
    assert told(feed.tick(62 * S)) == [("snapshot", 2 * S)]
    assert told(feed.tick(72 * S - 1)) == []
    assert told(feed.tick(72 * S)) == [("silence", "no book came within 60 s", None)]
    assert told(feed.tick(90 * S)) == []
    assert told(feed.snapshot(ladder(95 * S), 95 * S)) == [
        ("silence", "no book came within 60 s", 95 * S),
        ("snapshot", 95 * S),
    ]


def test_sides_that_meet_are_no_book() -> None:
    feed = polled()
    feed.tick(12 * S)
    effects = told(feed.snapshot(ladder(13 * S, 10.5), 13 * S))
    assert effects == [
        ("venue", "the venue replaced its book, and it is crossed: bid 10.5 meets ask 10.0", None), ASK,
    ]  # fmt: skip


def test_what_is_polled_has_a_slot_as_if_there_were_a_socket() -> None:
    pool = Pool(SPOT.facts)
    slot = Slot("rest", 1)
    want = Want(channel="book", native="a-b", depth=20)
    assert pool.change({"a-b": 20}) == (Open(slot), Subscribe(slot, (want,)))
