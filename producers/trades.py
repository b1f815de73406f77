"""The trades of one instrument: each once by its id, holes said at once and filled over REST as far as it remembers.

Where ids leave none out a hole shows by itself; where they have no order recent trades are compared by id every 10 s.
An answer fills a hole when it reaches back to a trade that we had before it. One look proves nothing about its newest
trades: they may still be on their way over the socket. What the stream left out of a market so busy that no answer
reaches back to the last comparison cannot be known; the hole of a lost connection begins at that comparison.

A venue without ids cannot be asked what is missing: the hole of a lost connection ends at the first trade behind it,
and two trades that are equal in all that the venue tells are one.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from producers.effects import Effects, Emit, Fetch
from tapeline.domain.book import Hole
from tapeline.domain.book_records import gap_record
from tapeline.domain.events import GapCause, OfInstrument, Trade
from tapeline.venues.contract import PublicTrade, TradeProtocol

US_PER_S: Final = 1_000_000
CHECK_US: Final = 10 * US_PER_S
GRACE_US: Final = 2 * US_PER_S
"""A trade of the answer is on its way until it is this old."""
AGAIN_US: Final = US_PER_S
PATIENCE_US: Final = 15 * US_PER_S
"""A request that was not answered by then is lost."""
GIVEN_UP_US: Final = 60 * US_PER_S
"""A hole that REST did not answer for so long stays one."""
NEXT_US: Final = 2 * US_PER_S
"""After a cut the next numbered trade is waited for so long: it may show that nothing is missing."""
_REMEMBERED: Final = 4


class TradeTail:
    """What is known of trades before ours: the newest one's id, number and venue time, and the ids before it.

    Without an id there was none yet, and `at_us` is when the stream began.
    """

    __slots__ = ("at_us", "epoch", "ids", "sequence", "trade_id")

    def __init__(
        self, epoch: int, trade_id: str | None, sequence: int | None, at_us: int, ids: tuple[str, ...]
    ) -> None:
        """Keep it."""
        self.epoch, self.trade_id, self.sequence, self.at_us, self.ids = epoch, trade_id, sequence, at_us, ids


class TradeFeed:
    """One instrument's trades; every method returns what the shell is to do, in order."""

    def __init__(self, of: OfInstrument, protocol: TradeProtocol, *, tail: TradeTail | None = None) -> None:
        """Begin unconnected; what a predecessor published last opens a hole that the first answer fills or closes."""
        self.of = of
        self.epoch = 0
        self._protocol = protocol
        self._numbered = protocol.ids == "consecutive"
        self._nameless = protocol.ids == "none"
        self._known: set[str] = set()
        self._order: deque[str] = deque()
        self._most = max(2_000, _REMEMBERED * protocol.recent)
        self._connected = False
        self._last: int | None = None
        self._proof_us = 0
        # When the stream was first asked for: until something proves more, nothing is missing up to then.
        self._began_us: int | None = None
        self._hole: Hole | None = None
        self._hole_us = 0
        self._before: frozenset[str] = frozenset()
        self._asked_us: int | None = None
        self._ask_us: int | None = None
        # The venue had no trades at all when it was asked first.
        self._empty = False
        if tail is not None:
            for trade_id in (*tail.ids, *(() if tail.trade_id is None else (tail.trade_id,))):
                self._remember(trade_id)
            self._last, self._proof_us = (tail.sequence if self._numbered else None), tail.at_us
            self.epoch = tail.epoch
            self._open("restart", "the producer before us ended")

    def connected(self, epoch: int, now_us: int) -> Effects:
        """Begin a new epoch: the stream has been asked for; a hole is filled first."""
        effects: Effects = []
        if self._hole is not None and not self._hole_us:
            # The predecessor's: nobody has said it yet.
            effects = self._said(now_us)
        self.epoch, self._connected = epoch, True
        self._asked_us = None
        # What the venue had before our stream began is learned at once, so that the first comparison can prove. Numbers
        # may prove by themselves that a hole is empty: the next trade is waited for.
        at_once = self._hole is not None or self._began_us is None
        self._began_us = now_us if self._began_us is None else self._began_us
        waits = self._numbered and self._last is not None
        self._ask_us = now_us + ((NEXT_US if waits else 0) if at_once else CHECK_US)
        return [*effects, *self.tick(now_us)]

    def lost(self, cause: GapCause, detail: str | None, now_us: int) -> Effects:
        """Hear that the connection is gone: what comes until it is back is missing."""
        self._connected, self._asked_us = False, None
        if self._hole is not None or self._began_us is None:
            return []
        self._proof_us = self._proof_us or self._began_us
        self._open(cause, detail)
        return self._said(now_us)

    def suspected(self, cause: GapCause, detail: str, since_us: int | None, now_us: int) -> Effects:
        """Hear that what was said since a time may be wrong, or not all: a hole that begins there.

        None: since the last proof.
        """
        if self._hole is not None or self._began_us is None:
            return []
        self._proof_us = self._proof_us or self._began_us
        self._open(cause, detail, since_us)
        return [*self._said(now_us), *([] if self._nameless else self._fetch(now_us))]

    def beside_silence(self, now_us: int) -> Effects:
        """Hear that the book's stream on this socket fell silent: a hole where nothing else would show one."""
        if self._nameless or (self._numbered and self._last is None):
            return self.suspected("silence", "its book's stream fell silent", None, now_us)
        return []

    def trade(self, trade: PublicTrade, now_us: int) -> Effects:
        """Take a trade from the stream."""
        if trade.trade_id in self._known:
            return []
        effects: Effects = []
        if self._nameless and self._hole is not None and trade.venue_us > self._hole.start_us:
            effects = self._close(self._hole, now_us, backfilled=False, to_id=None, end_us=trade.venue_us)
        number = trade.sequence if self._numbered else None
        if number is not None and self._last is not None:
            effects = self._counted(number, self._last, trade, now_us)
        return [*effects, self._emit(trade, now_us, backfilled=False)]

    def _counted(self, number: int, last: int, trade: PublicTrade, now_us: int) -> Effects:
        """Judge a trade by its number: a hole begins, or the one since the last trade is empty or is not."""
        if self._hole is None:
            if number <= last + 1:
                return []
            self._open("sequence", f"trade {number} follows {last}")
            return [*self._said(now_us), *self._fetch(now_us)]
        if self._hole.from_id != str(last) or self._asked_us is not None:
            return []
        if number == last + 1:
            return self._close(self._hole, now_us, backfilled=True, to_id=str(last), end_us=trade.venue_us)
        return self._fetch(now_us) if number > last + 1 else []

    def recent(self, trades: tuple[PublicTrade, ...], now_us: int) -> Effects:
        """Take the venue's recent trades, oldest first, in answer to a request."""
        self._asked_us = None
        if not self._connected:
            return []
        self._ask_us = now_us + CHECK_US
        if self._hole is not None:
            return self._fill(self._hole, trades, now_us)
        if self._numbered:
            self._begin(trades)
            return []
        if not self._proof_us:
            # What was before our stream began is not ours to tell.
            self._proof_us = max((one.venue_us for one in trades), default=self._began_us or 0)
            for one in trades:
                self._remember(one.trade_id)
            return []
        return self._compare(trades, now_us)

    def _begin(self, trades: tuple[PublicTrade, ...]) -> None:
        """Learn the newest number, so that the stream's first trade shows what is missing as all others do."""
        if self._last is not None:
            return
        if not trades:
            self._empty = True
        elif self._empty:
            # All of these were dealt since: the stream owes us each.
            self._last = (trades[0].sequence or 1) - 1
            self._proof_us = self._proof_us or self._began_us or 0
        else:
            self._last = max(one.sequence or 0 for one in trades)
            self._proof_us = max(self._proof_us, *(one.venue_us for one in trades))

    def failed(self, now_us: int, retry_after_s: float | None = None) -> Effects:
        """Hear that the request got no answer; a hole that nobody answers for stays one."""
        self._asked_us = None
        if self._hole is not None and self._hole_us and now_us >= self._hole_us + GIVEN_UP_US:
            return self._close(self._hole, now_us, backfilled=False, to_id=None, end_us=now_us)
        self._ask_us = now_us + max(AGAIN_US, int((retry_after_s or 0.0) * US_PER_S))
        return []

    def tick(self, now_us: int) -> Effects:
        """Ask for recent trades when it is time: for a hole, or to compare those that cannot be counted."""
        counts = self._numbered and self._last is not None and self._hole is None
        if not self._connected or self._nameless or counts:
            return []
        if self._asked_us is not None:
            return self._fetch(now_us) if now_us >= self._asked_us + PATIENCE_US else []
        return self._fetch(now_us) if self._ask_us is not None and now_us >= self._ask_us else []

    def _fetch(self, now_us: int) -> Effects:
        self._asked_us, self._ask_us = now_us, None
        return [Fetch("trades")]

    def _fill(self, hole: Hole, trades: tuple[PublicTrade, ...], now_us: int) -> Effects:
        """Publish what of a hole the venue remembers, and close it; whole when the answer reaches back before it."""
        after = 0 if hole.from_id is None else int(hole.from_id)
        reaches = len(trades) < self._protocol.recent or any(one.trade_id in self._before for one in trades)
        if self._numbered and trades and hole.from_id is not None:
            reaches = reaches or (trades[0].sequence or 0) <= after + 1
        missing = [
            one
            for one in trades
            if one.trade_id not in self._known
            and one.venue_us >= hole.start_us
            and (not self._numbered or (one.sequence or 0) > after)
        ]
        effects: Effects = [self._emit(one, now_us, backfilled=True) for one in missing]
        end_us = max([hole.start_us, *(one.venue_us for one in trades)])
        to_id = str(trades[-1].sequence) if trades and self._numbered else None
        if not reaches and trades:
            # Only what lies before the oldest trade of the answer is lost.
            to_id = str(trades[0].sequence) if self._numbered else None
            end_us = max(hole.start_us, trades[0].venue_us)
        return [*effects, *self._close(hole, now_us, backfilled=reaches, to_id=to_id, end_us=end_us)]

    def _compare(self, trades: tuple[PublicTrade, ...], now_us: int) -> Effects:
        """Look for trades that the stream left out: unknown ones, older than what may still be on its way."""
        if not trades:
            return []
        settled_us = trades[-1].venue_us - GRACE_US
        missing = [
            one for one in trades if one.trade_id not in self._known and self._proof_us <= one.venue_us <= settled_us
        ]
        if not missing:
            whole = all(one.trade_id in self._known for one in trades)
            self._proof_us = max(self._proof_us, trades[-1].venue_us if whole else settled_us)
            return []
        self._open("silence", f"{len(missing)} trades did not come over the socket")
        hole = self._hole
        effects = self._said(now_us)
        return effects if hole is None else [*effects, *self._fill(hole, trades, now_us)]

    def _open(self, cause: GapCause, detail: str | None, since_us: int | None = None) -> None:
        from_id = str(self._last) if self._numbered and self._last is not None else None
        self._before = frozenset(self._known)
        self._hole_us = 0
        start_us = self._proof_us if since_us is None else min(since_us, self._proof_us or since_us)
        self._hole = Hole(epoch=self.epoch, from_id=from_id, start_us=start_us, cause=cause, detail=detail)

    def _said(self, now_us: int) -> Effects:
        self._hole_us = now_us
        return (
            [] if self._hole is None else [Emit(gap_record(self.of, self._hole, published_us=now_us, channel="trade"))]
        )

    def _close(self, hole: Hole, now_us: int, *, backfilled: bool, to_id: str | None, end_us: int) -> Effects:
        closed = Hole(
            epoch=hole.epoch,
            from_id=hole.from_id,
            start_us=hole.start_us,
            cause=hole.cause,
            detail=hole.detail,
            to_id=to_id,
            to_epoch=self.epoch,
            end_us=end_us,
        )
        self._hole, self._before = None, frozenset()
        self._proof_us = max(self._proof_us, end_us)
        self._ask_us = now_us + CHECK_US
        record = gap_record(self.of, closed, published_us=now_us, channel="trade", backfilled=backfilled)
        return [Emit(record)]

    def _emit(self, trade: PublicTrade, now_us: int, *, backfilled: bool) -> Emit:
        self._remember(trade.trade_id)
        if self._numbered and trade.sequence is not None:
            self._last = trade.sequence if self._last is None else max(self._last, trade.sequence)
        # A number proves all before it; of trades without one only a comparison does, where there is one.
        if self._hole is None and (self._numbered or self._nameless or not self._proof_us):
            self._proof_us = max(self._proof_us, trade.venue_us)
        return Emit(
            Trade(
                venue=self.of.venue,
                market=self.of.market,
                symbol=self.of.symbol,
                epoch=self.epoch,
                trade_id=trade.trade_id,
                sequence=trade.sequence,
                price=trade.price,
                quantity=trade.quantity,
                side=trade.side,
                backfilled=backfilled,
                venue_us=trade.venue_us,
                received_us=trade.received_us,
                published_us=now_us,
                exact=trade.exact,
            )
        )

    def _remember(self, trade_id: str) -> None:
        self._known.add(trade_id)
        self._order.append(trade_id)
        if len(self._order) > self._most:
            self._known.discard(self._order.popleft())
