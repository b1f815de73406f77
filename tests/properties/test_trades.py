"""DESIGN 5, trades: whatever a stream loses, each trade is published once or lies inside a gap that was not filled."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.effects import Emit, Fetch
from producers.trades import TradeFeed
from tapeline.domain.events import Gap, OfInstrument, Trade
from tapeline.venues.contract import PublicTrade, TradeProtocol

OF = OfInstrument(venue="bybit", market="spot", symbol="BTC/USDT")
S = 1_000_000
RECENT = {"consecutive": 4, "unordered": 14}
"""How far the venue remembers; unordered trades must reach back to the last comparison."""
deeds = st.lists(st.sampled_from(["trade", "trade", "trade", "lose", "twice", "cut", "fail", "answer"]), max_size=100)


def trade(number: int) -> PublicTrade:
    return PublicTrade(
        native="X",
        trade_id=str(number),
        sequence=number,
        price=1.0,
        quantity=1.0,
        side="buy",
        venue_us=number * S,
        received_us=number * S,
    )


class Run:
    """A feed, the venue behind it with a short memory, and what was published."""

    def __init__(self, protocol: TradeProtocol) -> None:
        self.feed = TradeFeed(OF, protocol)
        self.number = 0
        self.published: Counter[int] = Counter()
        self.gaps: list[Gap] = []
        self.asked = False
        self.recent = protocol.recent
        # Where only comparing finds a loss, answers that do not come may let it pass out of the venue's memory.
        self.prompt = protocol.ids == "unordered"
        self.take(self.feed.connected(1, 0))

    @property
    def now_us(self) -> int:
        """Return the time: a trade each second."""
        return self.number * S

    def do(self, deed: str) -> None:
        """Let one thing happen."""
        if deed in {"trade", "lose", "twice"}:
            self.number += 1
            # The first one always comes: what was before it is not ours to tell.
            times = 1 if self.number == 1 else {"trade": 1, "lose": 0, "twice": 2}[deed]
            for _ in range(times):
                self.take(self.feed.trade(trade(self.number), self.now_us))
        elif deed == "cut":
            self.take(self.feed.lost("disconnect", None, self.now_us))
            self.asked = False
            self.take(self.feed.connected(self.number + 2, self.now_us))
        elif deed == "fail" and self.asked:
            self.asked = False
            self.take(self.feed.failed(self.now_us))
        elif deed == "answer" and self.asked:
            self.asked = False
            recent = range(max(1, self.number - self.recent + 1), self.number + 1)
            self.take(self.feed.recent(tuple(trade(number) for number in recent), self.now_us))
        self.take(self.feed.tick(self.now_us))
        if self.prompt and deed != "answer":
            self.do("answer")

    def take(self, effects: list[object] | object) -> None:
        """Note what is asked for and published."""
        assert isinstance(effects, list)
        for effect in effects:
            if isinstance(effect, Fetch):
                self.asked = True
            elif isinstance(effect, Emit) and isinstance(effect.record, Trade):
                self.published[int(effect.record.trade_id)] += 1
            elif isinstance(effect, Emit) and isinstance(effect.record, Gap):
                self.gaps.append(effect.record)


@pytest.mark.parametrize("ids", ["consecutive", "unordered"])
@given(todo=deeds)
def test_each_trade_is_published_once_or_inside_a_gap(ids: str, todo: list[str]) -> None:
    protocol = TradeProtocol(ids="consecutive" if ids == "consecutive" else "unordered", recent=RECENT[ids])
    run = Run(protocol)
    for deed in todo:
        run.do(deed)
    settled = run.number
    for _ in range(40):
        run.do("trade")
        run.do("answer")
    assert set(run.published.values()) <= {1}
    opened = {(gap.epoch, gap.from_id, gap.start_us) for gap in run.gaps if gap.end_us is None}
    closed = [gap for gap in run.gaps if gap.end_us is not None]
    assert opened == {(gap.epoch, gap.from_id, gap.start_us) for gap in closed}
    lost = set(range(1, settled + 1)) - set(run.published)
    for number in lost:
        told = [gap for gap in closed if gap.start_us <= number * S <= (gap.end_us or 0) and not gap.backfilled]
        assert told, number
