"""The gap rule on real recorded frames: no false alarm on a clean stretch, and every injected fault is found."""

from __future__ import annotations

import json
from functools import cache

import pytest

from tapeline.domain.book import APPLIED, OLD, BookDelta, BookKeeper, BookSnapshot, Restored, WentStale
from tapeline.domain.events import Market
from tapeline.venues import registry
from tests.venues.recorded import stretch

# Deltas that come into the book, and those that its snapshot holds already. The folder's own page counts alike, but
# for a delta that ends at the snapshot's own number: it counts as kept there (once in three futures stretches).
STRETCHES = {
    "binance/spot.book-20240808btc": (447, 2),
    "binance/spot.book-202110-nknusdt": (149, 1),
    "binance/spot.book-202110-blzeth": (9, 1),
    "binance/spot.book-202110-lrcbtc": (13, 2),
    "binance/spot.book-202110-runeeur": (1, 1),
    "binance/futures.book-20240808btc": (379, 4),
    "binance/futures.book-202107-sushiusdt": (252, 3),
    "binance/futures.book-202107-akrousdt": (187, 2),
    "binance/futures.book-202107-keepusdt": (131, 4),
    "binance/futures.book-202107-ctkusdt": (179, 6),
    "bybit/futures.book-202412xrp": (24, 0),
    "bingx/futures.book-202510a": (0, 0),
    "okx/spot.book-202205-btcusdt": (97, 0),
    "okx/futures.book-202205inv-uniusdswap": (92, 0),
    "gateio/spot.book-202104a-fastusdt": (20, 1),
    "gateio/spot.book-202104a-neobtc": (36, 3),
    "gateio/spot.book-202104a-inkusdt": (0, 1),
    "gateio/spot.book-202104a-disusdt": (17, 0),
    "gateio/spot.book-202104a-btcusdc": (0, 2),
    "gateio/futures.book-202305a-phbusdt": (69, 4),
    "gateio/futures.book-202305a-frontusdt": (5, 1),
    "gateio/futures.book-202305a-woousdt": (57, 3),
    "gateio/futures.book-202305a-zrxusdt": (1, 1),
    "gateio/futures.book-202305a-sfpusdt": (7, 2),
    "kucoin/spot.book-202104a-bchsvusdt": (2342, 19),
    "kucoin/spot.book-202104a-cappbtc": (92, 1),
    "kucoin/spot.book-202104a-dapptbtc": (162, 8),
    "kucoin/spot.book-202104a-covbtc": (48, 4),
    # Whole books alone: each replaces the one before, and none is a hole.
    "htx/spot.book-202104a-trioeth": (0, 0),
    "htx/spot.book-202104a-borusdt": (0, 0),
    "htx/spot.book-202104a-omgbtc": (0, 0),
    "htx/spot.book-202104a-xvgeth": (0, 0),
    "htx/spot.book-202104a-dogeeth": (0, 0),
    "htx/futures.book-202202a-grtusdt": (0, 0),
    "htx/futures.book-202202a-snxusdt": (0, 0),
    "htx/futures.book-202202a-achusdt": (0, 0),
}
REST_SNAPSHOTS = {"binance", "gateio", "kucoin"}
"""Where a recorded snapshot is an answer of REST and no frame."""
LONG = [name for name, (applied, _) in STRETCHES.items() if applied > 20]
UNNUMBERED = ("okx/",)
"""Recorded before their venue counted: only time orders such frames, and no hole shows."""
NUMBERED = [name for name in LONG if not name.startswith(UNNUMBERED)]

Change = BookDelta | BookSnapshot


@cache
def changes(name: str) -> tuple[Change, ...]:
    """Return a stretch as our feed understands it."""
    feed = registry.feed(*_of(name))
    found: list[Change] = []
    for line in stretch(name):
        at_us = line.recv_us or 0
        if line.channel == "book_snapshot" and line.venue in REST_SNAPSHOTS:
            found.append(feed.read_book(line.data, "any", 1000, at_us))
        else:
            found += [one for one in feed.decode(line.data, at_us) if isinstance(one, BookDelta | BookSnapshot)]
    return tuple(found)


def _of(name: str) -> tuple[str, Market]:
    venue, _, rest = name.partition("/")
    return venue, "spot" if rest.startswith("spot") else "futures"


def feed_in(keeper: BookKeeper, change: Change) -> object:
    return keeper.snapshot(change) if isinstance(change, BookSnapshot) else keeper.delta(change)


def in_book(name: str) -> tuple[BookKeeper, list[BookDelta]]:
    """Return a keeper right after its snapshot and the deltas that it has not had."""
    keeper = BookKeeper(epoch=1)
    snapshot = next(one for one in changes(name) if isinstance(one, BookSnapshot))
    assert isinstance(keeper.snapshot(snapshot), Restored)
    later = [one for one in changes(name) if isinstance(one, BookDelta) and one.sequence > snapshot.sequence]
    return keeper, later


@pytest.mark.parametrize("name", STRETCHES)
def test_c_02_a_clean_stretch_never_goes_stale(name: str) -> None:
    keeper = BookKeeper(epoch=1)
    applied = old = 0
    deltas = sum(isinstance(change, BookDelta) for change in changes(name))
    for change in changes(name):
        outcome = feed_in(keeper, change)
        assert not isinstance(outcome, WentStale)
        applied += outcome is APPLIED
        old += outcome is OLD
        if isinstance(outcome, Restored):
            applied += len(outcome.changes)
            assert outcome.hole is None
    assert keeper.state == "valid"
    assert deltas == sum(STRETCHES[name])
    assert applied == STRETCHES[name][0]


@pytest.mark.parametrize("name", NUMBERED)
def test_c_02_every_hole_is_found_at_the_next_delta(name: str) -> None:
    _, later = in_book(name)
    for missing in range(1, len(later) - 1, max(1, len(later) // 40)):
        keeper, _ = in_book(name)
        assert {keeper.delta(delta) for delta in later[:missing]} == {APPLIED}
        outcome = keeper.delta(later[missing + 1])
        assert isinstance(outcome, WentStale)
        before = later[missing - 1]
        assert (outcome.hole.from_id, outcome.hole.cause) == (str(before.sequence), "sequence")
        assert outcome.hole.start_us == (before.venue_us or before.received_us)
        assert keeper.state == "stale"


@pytest.mark.parametrize("name", LONG)
def test_c_02_every_duplicate_is_ignored(name: str) -> None:
    keeper, later = in_book(name)
    clean, _ = in_book(name)
    for delta in later:
        clean.delta(delta)
        assert [keeper.delta(delta), keeper.delta(delta)] == [APPLIED, OLD]
    assert keeper.top(0) == clean.top(0)


@pytest.mark.parametrize("name", NUMBERED)
def test_c_02_every_reorder_is_found(name: str) -> None:
    _, later = in_book(name)
    for turned in range(1, len(later) - 1, max(1, len(later) // 40)):
        keeper, _ = in_book(name)
        for delta in later[:turned]:
            keeper.delta(delta)
        assert isinstance(keeper.delta(later[turned + 1]), WentStale)
        assert keeper.delta(later[turned]) == OLD
        assert keeper.state == "stale"


@pytest.mark.parametrize("name", ["spot.%s-20240808btc", "futures.%s-20240808btc"])
def test_the_top_is_what_the_venue_itself_pushes_as_best_bid_and_ask(name: str) -> None:
    best: dict[int, tuple[float, ...]] = {}
    for line in stretch("binance/" + name % "bbo"):
        frame = json.loads(line.frame)
        data = frame.get("data", frame)
        best[data["u"]] = tuple(float(data[field]) for field in ("b", "B", "a", "A"))
    keeper, later = in_book("binance/" + name % "book")
    compared = 0
    for delta in later:
        assert keeper.delta(delta) is APPLIED
        if delta.sequence in best:
            top = keeper.top(1)
            ours = (*top.bid_prices, *top.bid_quantities, *top.ask_prices, *top.ask_quantities)
            assert ours == best[delta.sequence]
            compared += 1
    assert compared > 10
