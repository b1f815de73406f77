"""DESIGN 5: whatever a stream loses, each change is in a record or inside a closed gap, and gaps come first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from producers.effects import Emit, Fetch
from producers.feed import BookFeed
from tapeline.domain.book import BookDelta, BookSnapshot
from tapeline.domain.events import DeltaBatch, Gap, OfInstrument
from tapeline.venues.binance import SPOT

OF = OfInstrument(venue="binance", market="spot", symbol="BTC/USDT")
STEP_US = 100_000
deeds = st.lists(st.sampled_from(["delta", "delta", "delta", "lose", "twice", "cut", "fail", "time"]), max_size=80)


def snapshot(sequence: int) -> BookSnapshot:
    return BookSnapshot(
        native="X",
        sequence=sequence,
        replaces=False,
        bid_prices=(1.0,),
        bid_quantities=(1.0,),
        ask_prices=(2.0,),
        ask_quantities=(1.0,),
        venue_us=sequence,
        received_us=sequence,
    )


def delta(sequence: int) -> BookDelta:
    return BookDelta(
        native="X",
        follows=sequence - 1,
        first=sequence,
        sequence=sequence,
        bid_prices=(1.0,),
        bid_quantities=(1.0,),
        ask_prices=(),
        ask_quantities=(),
        venue_us=sequence,
        received_us=sequence,
    )


class Run:
    """A feed, the venue behind it, and a reader who trusts nothing but the records."""

    def __init__(self) -> None:
        self.feed = BookFeed(OF, SPOT.facts.book, depth=20)
        self.now_us = 1
        self.sequence = 100
        self.at: tuple[int, int] | None = None
        self.first: int | None = None
        self.read: set[int] = set()
        self.asked = 0
        self.feed.connected(self.now_us, self.now_us)
        self.feed.sent(self.now_us)

    def do(self, deed: str) -> None:
        """Let one thing happen, then 100 ms pass."""
        self.now_us += STEP_US
        if deed in {"delta", "lose", "twice"}:
            self.sequence += 1
            for _ in range({"delta": 1, "lose": 0, "twice": 2}[deed]):
                self.take(self.feed.delta(delta(self.sequence), self.now_us))
        elif deed == "cut":
            self.take(self.feed.lost("disconnect", None, self.now_us))
            self.asked = 0
            self.feed.connected(self.now_us, self.now_us)
            self.feed.sent(self.now_us)
        elif deed == "fail" and self.asked:
            self.asked = 0
            self.feed.failed("HTTP 500", self.now_us, 0.5)
        elif deed == "answer" and self.asked:
            self.asked = 0
            self.take(self.feed.snapshot(snapshot(self.sequence), self.now_us))
        self.take(self.feed.tick(self.now_us))

    def take(self, effects: list[object] | object) -> None:
        """Read what was published as a reader does: a change must continue, a gap or a first snapshot may jump."""
        assert isinstance(effects, list)
        for effect in effects:
            if isinstance(effect, Fetch):
                self.asked += effect.what == "snapshot"
            elif isinstance(effect, Emit) and isinstance(effect.record, Gap):
                gap = effect.record
                assert self.at is not None
                assert gap.from_id == str(self.at[1])
                if gap.to_id is not None and gap.to_epoch is not None:
                    self.read |= set(range(self.at[1] + 1, int(gap.to_id) + 1))
                    self.at = (gap.to_epoch, int(gap.to_id))
            elif isinstance(effect, Emit) and isinstance(effect.record, DeltaBatch):
                self.change(effect.record)

    def change(self, record: DeltaBatch) -> None:
        """Take one record of md.delta."""
        if record.kind == "change":
            assert self.at is not None
            assert record.epoch == self.at[0]
            assert (record.follows, record.sequence) == (self.at[1], self.at[1] + 1)
            self.read.add(record.sequence)
        elif self.at is not None:
            assert (record.epoch, record.sequence) == self.at
        else:
            self.first = record.sequence
        self.at = (record.epoch, record.sequence)


@given(deeds, st.lists(st.booleans(), min_size=80, max_size=80))
def test_each_change_is_in_a_record_or_inside_a_closed_gap(todo: list[str], answers: list[bool]) -> None:
    run = Run()
    for deed, answer in zip(todo, answers, strict=False):
        run.do(deed)
        if answer:
            run.do("answer")
    for _ in range(40):
        run.do("delta")
        run.do("answer")
    assert run.feed.keeper.state == "valid"
    assert run.first is not None
    assert run.read == set(range(run.first + 1, run.sequence + 1))
