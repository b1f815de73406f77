"""The book against a naive reference under any sequence of snapshots, deltas and faults; any frame, however broken."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tapeline.domain.book import Applied, BookDelta, BookKeeper, BookSnapshot, Restored
from tapeline.errors import InvalidMessage
from tapeline.venues import registry
from tapeline.venues.contract import Feed
from tests.venues.recorded import Recorded, own

Change = tuple[str, float, float]
PRICES = st.integers(1, 40).map(float)
QUANTITIES = st.sampled_from([0.0, 0.0, 1.0, 2.5])
CHANGES = st.lists(st.tuples(st.sampled_from(["bid", "ask"]), PRICES, QUANTITIES), max_size=4)
FAULTS = st.sampled_from(["", "", "", "", "lose", "twice", "swap", "cut", "ask again"])


class Naive:
    """The venue's own book: every change ever made, by sequence; a snapshot is computed from the start."""

    def __init__(self, step: int) -> None:
        self.step = step
        self.changes: list[tuple[int, list[Change]]] = []

    def add(self, changes: list[Change]) -> BookDelta:
        follows = self.changes[-1][0] if self.changes else 0
        # What would cross is not what a venue sends: its own matching has removed it.
        sequence = follows + self.step
        held = self.at(follows)
        kept = [one for one in changes if not _crosses(held, one)]
        self.changes.append((sequence, kept))
        sides = {side: [(price, quantity) for at, price, quantity in kept if at == side] for side in ("bid", "ask")}
        return BookDelta(
            native="X",
            follows=follows,
            first=follows + 1,
            sequence=sequence,
            bid_prices=tuple(price for price, _ in sides["bid"]),
            bid_quantities=tuple(quantity for _, quantity in sides["bid"]),
            ask_prices=tuple(price for price, _ in sides["ask"]),
            ask_quantities=tuple(quantity for _, quantity in sides["ask"]),
            venue_us=sequence,
            received_us=sequence,
        )

    def at(self, sequence: int) -> dict[str, dict[float, float]]:
        held: dict[str, dict[float, float]] = {"bid": {20.0: 1.0}, "ask": {21.0: 1.0}}
        for number, changes in self.changes:
            if number <= sequence:
                for side, price, quantity in changes:
                    held[side][price] = quantity
        return {side: {price: size for price, size in levels.items() if size} for side, levels in held.items()}

    def snapshot(self, sequence: int) -> BookSnapshot:
        held = self.at(sequence)
        return BookSnapshot(
            native="X",
            sequence=sequence,
            replaces=False,
            bid_prices=tuple(held["bid"]),
            bid_quantities=tuple(held["bid"].values()),
            ask_prices=tuple(held["ask"]),
            ask_quantities=tuple(held["ask"].values()),
            received_us=sequence,
        )


def _crosses(held: dict[str, dict[float, float]], change: Change) -> bool:
    side, price, _ = change
    middle = 20.5
    return price > middle if side == "bid" else price < middle


def shown(keeper: BookKeeper) -> dict[str, dict[float, float]]:
    top = keeper.top(0)
    assert list(top.bid_prices) == sorted(top.bid_prices, reverse=True)
    assert list(top.ask_prices) == sorted(top.ask_prices)
    return {
        "bid": dict(zip(top.bid_prices, top.bid_quantities, strict=True)),
        "ask": dict(zip(top.ask_prices, top.ask_quantities, strict=True)),
    }


def in_some_order(venue: Naive, steps: Sequence[tuple[list[Change], str]]) -> list[BookDelta | str]:
    """Return what arrives of the venue's stream under these faults."""
    arriving: list[BookDelta | str] = []
    for changes, fault in steps:
        delta = venue.add(changes)
        under: dict[str, list[BookDelta | str]] = {
            "lose": [],
            "twice": [delta, delta],
            "cut": ["cut", delta],
            "ask again": [delta, "snapshot"],
        }
        arriving += under.get(fault, [delta])
        if fault == "swap" and len(arriving) > 1:
            arriving[-2:] = arriving[:-3:-1]
    return arriving


class Ledger:
    """What became of every change: in the book, inside a hole, or before the first snapshot."""

    def __init__(self) -> None:
        self.applied: list[int] = []
        self.holes: list[tuple[int, int]] = []
        self.begin: int | None = None

    def restored(self, outcome: object) -> None:
        if isinstance(outcome, Restored):
            self.begin = outcome.snapshot.sequence if self.begin is None else self.begin
            self.applied += [change.sequence for change in outcome.changes]
            if outcome.hole is not None:
                self.holes.append((int(outcome.hole.from_id or 0), int(outcome.hole.to_id or 0)))

    def assert_balanced(self, numbers: list[int], last: int) -> None:
        for number in numbers:
            if self.begin is not None and self.begin < number <= last:
                hidden = any(begin < number <= end for begin, end in self.holes)
                assert (self.applied.count(number), hidden) in {(1, False), (0, True)}


@given(st.integers(1, 3), st.lists(st.tuples(CHANGES, FAULTS), max_size=40), st.data())
def test_c_02_a_valid_book_is_the_venues_book_and_every_change_is_in_it_or_in_a_hole(
    step: int, steps: list[tuple[list[Change], str]], data: st.DataObject
) -> None:
    venue = Naive(step)
    keeper = BookKeeper(epoch=1, most_kept=5)
    ledger = Ledger()
    for arrived in in_some_order(venue, steps):
        numbers = [number for number, _ in venue.changes]
        if isinstance(arrived, BookDelta):
            ledger.applied += [arrived.sequence] if isinstance(keeper.delta(arrived), Applied) else []
        elif arrived == "cut":
            keeper.lost("disconnect")
            keeper.connected(keeper.epoch + 1)
        if (arrived == "snapshot" or keeper.state != "valid") and data.draw(st.booleans()):
            newest = max([*ledger.applied, *(end for _, end in ledger.holes)], default=0)
            asked = data.draw(st.sampled_from(numbers))
            # REST may lag behind the stream, but a new connection finds no older book than the last one had.
            if keeper.sequence is not None or asked >= newest:
                ledger.restored(keeper.snapshot(venue.snapshot(asked)))
                keeper.refresh(venue.snapshot(asked))
                keeper.begin_refresh()
        if keeper.state == "valid":
            assert keeper.sequence is not None
            held = shown(keeper)
            assert held == venue.at(keeper.sequence)
            assert not (held["bid"] and held["ask"]) or max(held["bid"]) < min(held["ask"])
            ledger.assert_balanced(numbers, keeper.sequence)


LEVELS = st.lists(st.tuples(PRICES, st.sampled_from([0.0, 1.0])), max_size=5)


@given(st.lists(st.tuples(LEVELS, LEVELS, st.booleans()), max_size=20))
def test_c_02_a_valid_book_is_never_crossed_even_when_the_venue_sends_nonsense(
    steps: list[tuple[list[tuple[float, float]], list[tuple[float, float]], bool]],
) -> None:
    keeper = BookKeeper(epoch=1)
    for number, (bids, asks, whole) in enumerate(steps, start=1):
        sides = (
            [price for price, _ in bids],
            [size for _, size in bids],
            [at for at, _ in asks],
            [of for _, of in asks],
        )
        bid_prices, bid_quantities, ask_prices, ask_quantities = (tuple(column) for column in sides)
        snapshot = BookSnapshot(
            native="X",
            sequence=number,
            replaces=True,
            bid_prices=bid_prices,
            bid_quantities=bid_quantities,
            ask_prices=ask_prices,
            ask_quantities=ask_quantities,
            received_us=number,
        )
        delta = BookDelta(
            native="X",
            follows=number - 1,
            first=number,
            sequence=number,
            bid_prices=bid_prices,
            bid_quantities=bid_quantities,
            ask_prices=ask_prices,
            ask_quantities=ask_quantities,
            received_us=number,
        )
        if whole:
            keeper.snapshot(snapshot)
        else:
            keeper.delta(delta)
        top = keeper.top(1)
        if keeper.state == "valid" and top.bid_prices and top.ask_prices:
            assert top.bid_prices[0] < top.ask_prices[0]


FEEDS = [feed for venue in registry.VENUES.values() for feed in venue.feeds.values()]
FRAMES = [
    (feed, line)
    for feed in FEEDS
    for line in own(feed.facts.venue, feed.facts.market)
    if not line.channel.startswith("rest_")
]
TEXTS = [(feed, line) for feed, line in FRAMES if line.encoding != "base64"]
"""Frames that are JSON, compressed or not."""
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(["", "-1", "1e9"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(FRAMES), st.data())
def test_any_mutated_bytes_decode_or_are_an_invalid_message(frame: tuple[Feed, Recorded], data: st.DataObject) -> None:
    feed, text = frame[0], frame[1].data
    begin = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(begin, min(len(text), begin + 8)))
    mutated = text[:begin] + data.draw(st.binary(max_size=4)) + text[end:]
    with contextlib.suppress(InvalidMessage):
        assert isinstance(feed.decode(mutated, 5), tuple)


@given(st.sampled_from(TEXTS), st.data())
def test_any_mutated_value_decodes_or_is_an_invalid_message(frame: tuple[Feed, Recorded], data: st.DataObject) -> None:
    feed, line = frame
    plain = msgspec.json.decode(line.frame)
    holder = plain
    while True:
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        if not keys:
            break
        key = data.draw(st.sampled_from(keys))
        if not isinstance(holder[key], dict | list) or data.draw(st.booleans()):
            holder[key] = data.draw(VALUES)
            break
        holder = holder[key]
    with contextlib.suppress(InvalidMessage):
        mutated = msgspec.structs.replace(line, frame=msgspec.json.encode(plain).decode())
        events = feed.decode(mutated.data, 5)
        assert isinstance(events, tuple)
        assert msgspec.json.decode(msgspec.json.encode(events)) is not None
