"""A book of a venue with a checksum in its feed: the mismatch is the gap, and records hold the venue's window alone."""

from __future__ import annotations

from producers.effects import BookChanged, Effects, Emit, Fetch
from producers.feed import BookFeed
from tapeline.domain.book import BookDelta, BookSnapshot
from tapeline.domain.checksum import Check, TextLevels
from tapeline.domain.events import DeltaBatch, Gap, OfInstrument
from tapeline.venues.coinex import SPOT
from tapeline.venues.coinex.reading import checksum

OF = OfInstrument(venue="coinex", market="spot", symbol="BTC/USDT")
BIDS = tuple((str(price), "1") for price in range(100, 50, -1))
ASKS = (("101", "1"), ("102", "1"))


def _columns(levels: TextLevels) -> tuple[tuple[float, ...], tuple[float, ...]]:
    return tuple(float(price) for price, _ in levels), tuple(float(quantity) for _, quantity in levels)


def whole(at: int, bids: TextLevels = BIDS, *, replaces: bool = True) -> BookSnapshot:
    return BookSnapshot(
        native="BTCUSDT",
        sequence=at,
        replaces=replaces,
        routine=replaces,
        bid_prices=_columns(bids)[0],
        bid_quantities=_columns(bids)[1],
        ask_prices=_columns(ASKS)[0],
        ask_quantities=_columns(ASKS)[1],
        venue_us=at,
        received_us=at,
        check=Check(value=checksum(bids, ASKS), bids=bids, asks=ASKS),
    )


def delta(at: int, bids: TextLevels, after: TextLevels) -> BookDelta:
    return BookDelta(
        native="BTCUSDT",
        follows=None,
        first=at,
        sequence=at,
        bid_prices=_columns(bids)[0],
        bid_quantities=_columns(bids)[1],
        ask_prices=(),
        ask_quantities=(),
        venue_us=at,
        received_us=at,
        check=Check(value=checksum(after, ASKS), bids=bids, asks=()),
    )


def told(effects: Effects) -> list[object]:
    """Return the effects with records cut to what tells them apart."""
    shown: list[object] = []
    for effect in effects:
        record = effect.record if isinstance(effect, Emit) else None
        if isinstance(record, Gap):
            shown.append(("gap", record.from_id, record.to_id, record.cause))
        elif isinstance(record, DeltaBatch):
            shown.append((record.kind, record.sequence, record.bid_prices[-2:], record.bid_quantities[-2:]))
        else:
            shown.append(effect)
    return shown


def test_c_02_a_mismatch_is_a_gap_that_rest_closes_and_readers_delete_what_left_the_window() -> None:
    feed = BookFeed(OF, SPOT.facts.book, depth=20)
    feed.connected(5, 0)
    assert told(feed.snapshot(whole(10), 10)) == [
        ("snapshot", 10, (52.0, 51.0), (1.0, 1.0)),
        BookChanged(10),
    ]
    # A 51st level: the last one falls out of the window.
    after = (("100.5", "1"), *BIDS[:-1])
    assert told(feed.delta(delta(11, after[:1], after), 11)) == [
        BookChanged(11),
        ("change", 11, (100.5, 51.0), (1.0, 0.0)),
    ]
    # The change at 12 is lost.
    later = (("100.5", "3"), ("100", "2"), *BIDS[1:-1])
    assert told(feed.delta(delta(13, later[:1], later), 13)) == [
        BookChanged(13),
        ("gap", "11", None, "checksum"),
        Fetch("snapshot"),
    ]
    known = (("100.5", "1"), *later[1:])
    assert told(feed.snapshot(whole(12, known, replaces=False), 14)) == [
        ("gap", "11", "12", "checksum"),
        ("snapshot", 12, (53.0, 52.0), (1.0, 1.0)),
        ("change", 13, (100.5,), (3.0,)),
        BookChanged(12),
    ]


def test_an_answer_that_does_not_come_to_its_checksum_is_asked_for_again() -> None:
    feed = BookFeed(OF, SPOT.facts.book, depth=20)
    feed.connected(5, 0)
    feed.snapshot(whole(10), 10)
    assert told(feed.delta(delta(12, (("100", "2"),), BIDS), 12))[-1] == Fetch("snapshot")
    # From before the change that was lost: what was kept does not continue it.
    assert feed.snapshot(whole(11, replaces=False), 13) == []
    assert feed.tick(14) == []
    assert feed.tick(200_013) == [Fetch("snapshot")]
    # The stream's next whole book repairs it too.
    assert told(feed.snapshot(whole(60), 200_014))[0] == ("gap", "10", "60", "checksum")
