"""Books, changes and holes as the records that stand in the topics."""

from __future__ import annotations

import msgspec

from tapeline.domain.book import BookDelta, BookKeeper, BookSnapshot, WentStale
from tapeline.domain.book_records import book_record, delta_record, gap_record, whole_record
from tapeline.domain.events import Book, DeltaBatch, Gap, OfInstrument

OF = OfInstrument(venue="binance", market="spot", symbol="BTC/USDT")
SNAPSHOT = BookSnapshot(
    native="BTCUSDT",
    sequence=100,
    replaces=False,
    bid_prices=(9.0, 8.0),
    bid_quantities=(1.0, 2.0),
    ask_prices=(10.0,),
    ask_quantities=(3.0,),
    venue_us=1_000,
    received_us=1_005,
)
DELTA = BookDelta(
    native="BTCUSDT",
    follows=99,
    first=100,
    sequence=103,
    bid_prices=(9.5,),
    bid_quantities=(4.0,),
    ask_prices=(),
    ask_quantities=(),
    venue_us=1_100,
    received_us=1_105,
    exact={"bid_prices[0]": "9.5000000000000000001"},
)


def keeper() -> BookKeeper:
    made = BookKeeper(epoch=7)
    made.snapshot(SNAPSHOT)
    made.delta(DELTA)
    return made


def test_a_book_is_published_with_its_state() -> None:
    held = keeper()
    valid = Book(
        venue="binance",
        market="spot",
        symbol="BTC/USDT",
        epoch=7,
        sequence=103,
        state="valid",
        depth=2,
        bid_prices=(9.5, 9.0),
        bid_quantities=(4.0, 1.0),
        ask_prices=(10.0,),
        ask_quantities=(3.0,),
        conflated=3,
        first_received_us=1_005,
        venue_us=1_100,
        received_us=1_105,
        published_us=1_200,
        exact={"bid_prices[0]": "9.5000000000000000001"},
    )
    assert book_record(OF, held, depth=2, conflated=3, first_received_us=1_005, published_us=1_200) == valid
    held.lost("silence")
    stale = msgspec.structs.replace(valid, state="stale")
    assert book_record(OF, held, depth=2, conflated=3, first_received_us=1_005, published_us=1_200) == stale


def test_before_there_is_a_book_there_is_no_record() -> None:
    empty = BookKeeper(epoch=7)
    assert book_record(OF, empty, depth=2, conflated=0, first_received_us=1, published_us=2) is None
    assert whole_record(OF, empty, published_us=2) is None


def test_changes_and_snapshots_are_batches() -> None:
    change = DeltaBatch(
        venue="binance",
        market="spot",
        symbol="BTC/USDT",
        epoch=7,
        kind="change",
        follows=99,
        first=100,
        sequence=103,
        bid_prices=(9.5,),
        bid_quantities=(4.0,),
        ask_prices=(),
        ask_quantities=(),
        venue_us=1_100,
        received_us=1_105,
        published_us=1_200,
        exact={"bid_prices[0]": "9.5000000000000000001"},
    )
    assert delta_record(OF, DELTA, epoch=7, published_us=1_200) == change
    whole = DeltaBatch(
        venue="binance",
        market="spot",
        symbol="BTC/USDT",
        epoch=7,
        kind="snapshot",
        sequence=100,
        bid_prices=(9.0, 8.0),
        bid_quantities=(1.0, 2.0),
        ask_prices=(10.0,),
        ask_quantities=(3.0,),
        venue_us=1_000,
        received_us=1_005,
        published_us=1_200,
    )
    assert delta_record(OF, SNAPSHOT, epoch=7, published_us=1_200) == whole


def test_the_whole_book_stands_at_its_newest_change() -> None:
    found = whole_record(OF, keeper(), published_us=1_200)
    assert found == DeltaBatch(
        venue="binance",
        market="spot",
        symbol="BTC/USDT",
        epoch=7,
        kind="snapshot",
        sequence=103,
        bid_prices=(9.5, 9.0, 8.0),
        bid_quantities=(4.0, 1.0, 2.0),
        ask_prices=(10.0,),
        ask_quantities=(3.0,),
        venue_us=1_100,
        received_us=1_105,
        published_us=1_200,
        exact={"bid_prices[0]": "9.5000000000000000001"},
    )


def test_a_hole_keeps_its_identity_when_it_is_closed() -> None:
    outcome = keeper().lost("disconnect", "1006")
    assert isinstance(outcome, WentStale)
    opened = Gap(
        venue="binance",
        market="spot",
        symbol="BTC/USDT",
        channel="book",
        epoch=7,
        from_id="103",
        start_us=1_100,
        cause="disconnect",
        detail="1006",
        published_us=1_200,
    )
    assert gap_record(OF, outcome.hole, published_us=1_200) == opened
    closed = msgspec.structs.replace(outcome.hole, to_id="150", to_epoch=8, end_us=1_500)
    assert gap_record(OF, closed, published_us=1_600, backfilled=True) == msgspec.structs.replace(
        opened, to_id="150", to_epoch=8, end_us=1_500, backfilled=True, published_us=1_600
    )
