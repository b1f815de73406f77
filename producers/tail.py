"""What a dead predecessor left in the topics: the last durable epoch, sequence and trades of each instrument.

From it a successor opens the hole that it will close, so that no time without a producer is silent (DESIGN 5). A gap
that was said and never closed stays the same gap: it keeps its identity and its beginning.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from producers.trades import CHECK_US, GRACE_US, TradeTail
from tapeline.domain.book import Hole
from tapeline.domain.events import Book, Channel, DeltaBatch, Gap, Trade

REMEMBERED: Final = 2_000
"""Ids of trades per instrument: more than any venue's answer, so that what it repeats is not published twice."""

Gone = tuple[Channel, int, str | None, int]


@dataclass(slots=True)
class _Left:
    """What one instrument left."""

    epoch: int = 0
    change: DeltaBatch | None = None
    trade: Trade | None = None
    ids: deque[str] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    gaps: dict[Gone, Gap] = field(default_factory=dict)


class Tails:
    """Folds the records at the ends of md.book, md.delta, md.trade and md.gap, each in its partition's order."""

    def __init__(self) -> None:
        """Begin with nothing known."""
        self._left: dict[str, _Left] = {}

    def fold(self, record: Book | DeltaBatch | Trade | Gap) -> None:
        """Take one record; a resent one changes nothing."""
        left = self._left.setdefault(record.key, _Left())
        left.epoch = max(left.epoch, record.epoch)
        if isinstance(record, DeltaBatch):
            if left.change is None or (record.epoch, record.sequence) >= (left.change.epoch, left.change.sequence):
                left.change = record
        elif isinstance(record, Trade):
            left.ids.append(record.trade_id)
            if left.trade is None or _place(record) >= _place(left.trade):
                left.trade = record
        elif isinstance(record, Gap):
            left.epoch = max(left.epoch, record.to_epoch or 0)
            identity = (record.channel, record.epoch, record.from_id, record.start_us)
            if record.end_us is None:
                left.gaps[identity] = record
            else:
                left.gaps.pop(identity, None)

    def epoch(self, key: str) -> int:
        """Return the highest epoch that is durable, 0 where there is none: ours must be above it."""
        return self._left[key].epoch if key in self._left else 0

    def book_hole(self, key: str) -> Hole | None:
        """Return the hole in an instrument's book that is open since its last durable change."""
        left = self._left.get(key)
        if left is None:
            return None
        said = _open(left, "book")
        if said is not None:
            return Hole(
                epoch=said.epoch, from_id=said.from_id, start_us=said.start_us, cause=said.cause, detail=said.detail
            )
        if left.change is None:
            return None
        change = left.change
        at_us = change.received_us if change.venue_us is None else change.venue_us
        return Hole(epoch=change.epoch, from_id=str(change.sequence), start_us=at_us, cause="restart")

    def trade_tail(self, key: str, *, numbered: bool) -> TradeTail | None:
        """Return the last durable trades of an instrument.

        Where ids are not `numbered` the predecessor's last comparison is what proves, and it told nobody when that was.
        """
        left = self._left.get(key)
        if left is None:
            return None
        trade, said = left.trade, _open(left, "trade")
        ids = tuple(left.ids)
        if said is not None:
            number = int(said.from_id) if numbered and said.from_id is not None else None
            return TradeTail(said.epoch, None if trade is None else trade.trade_id, number, said.start_us, ids)
        if trade is None:
            # Its book was recorded from that time on, so its trades were asked for too and there was none yet.
            return TradeTail(left.epoch, None, None, left.epoch, ids)
        if numbered:
            return TradeTail(trade.epoch, trade.trade_id, trade.sequence, trade.venue_us, ids)
        return TradeTail(trade.epoch, trade.trade_id, None, max(1, trade.venue_us - CHECK_US - GRACE_US), ids)


def _open(left: _Left, channel: Channel) -> Gap | None:
    """Return the newest gap of a channel that was said and not closed."""
    found = [gap for gap in left.gaps.values() if gap.channel == channel]
    return max(found, key=lambda gap: (gap.epoch, gap.start_us), default=None)


def _place(trade: Trade) -> tuple[int, int]:
    # Backfilled trades come late, so the order of publication says nothing.
    return (trade.venue_us, trade.sequence or 0)
