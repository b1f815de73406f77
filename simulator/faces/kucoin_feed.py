"""What KuCoin says of one instrument: one sequence that counts every changed level, trades, funding and mark price.

The unified socket sends the changes of a moment as one frame from sequence O to C, the classic one the same numbers in
its own form; on spot some numbers change nothing that is shown. Trades have their own numbers, which rise and jump; id
and sequence of a trade are the same number, as in all samples. The shape of `funding-fee` and `mark-price`, which the
sheet does not have, is that of ccxt 4.5.90's samples.
"""

from __future__ import annotations

from collections import deque

from simulator.faces.kucoin_classic_feed import ClassicFeed
from simulator.faces.kucoin_telling import Engine, Fill, Teller, binary_text
from simulator.faces.texts import shortest
from simulator.frames import Kind
from simulator.journal import Served
from simulator.ladder import ASK
from simulator.market import STEP_MS, Deal, Listing, Step
from simulator.view import Level, View

OBU = "obu"
TRADE = "trade"
FUNDING = "funding-fee"
MARK = "mark-price"
DEPTH = "increment@10ms"
KINDS: dict[str, Kind] = {OBU: "book", TRADE: "trade", FUNDING: "ticker", MARK: "ticker"}

_PACE_MS = 100
_MARK_MS = 1_000
_FUNDING_MS = 60_000
# Books must count below the time in ms: ccxt 4.5.90 takes one for the other.
_FIRST = {"spot": 25_000_000_000, "futures": 1_700_000_000_000}
_FIRST_TRADE = {"spot": 20_600_000_000_000_000, "futures": 1_794_000_000_000}
_LONGEST_JUMP = 1000
_SPREAD = 1_000_000
_FILLER_SHARE = 0.35
_KEPT_TRADES = 100
_ORDER_DIGITS = 24
_HIGHEST_RATE = "0.00375"


class Feed:
    """One instrument."""

    def __init__(self, engine: Engine, listing: Listing) -> None:
        """Start the channels that always run."""
        self.engine = engine
        self.listing = listing
        self.teller = Teller(engine, listing.instrument)
        self.classic = ClassicFeed(self.teller)
        self.fills: deque[Fill] = deque(maxlen=_KEPT_TRADES)
        self.view = View(listing.ladder, depth=listing.ladder.depth, every_ms=_PACE_MS)
        self.view.sequence = _FIRST[engine.market] + engine.chance.below(_SPREAD)
        self._trade_id = _FIRST_TRADE[engine.market] + engine.chance.below(_SPREAD)
        self._next_ms = 0

    def greeting(self, channel: str, now_us: int) -> tuple[str, Served | None]:
        """Return what a new subscriber of the unified socket gets first, and what the journal has of it."""
        if channel == OBU:
            bids, asks = self.view.image()
            last = self.view.sequence
            return self._obu_text("snapshot", bids, asks, last, now_us), self.served(OBU, len(bids), now_us)
        made = {FUNDING: self._funding_text, MARK: self._mark_text}.get(channel)
        return ("", None) if made is None else (made(now_us), None)

    def served(self, channel: str, levels: int, now_us: int) -> Served:
        """Return what the journal has of a whole book."""
        return self.teller.served(channel, self.view.sequence, levels, now_us)

    def funding_times(self, now_ms: int) -> tuple[int, int]:
        """Return when the running interval began and when it ends with a payment."""
        every_ms = self.engine.funding_ms
        begin_ms = now_ms // every_ms * every_ms
        return begin_ms, begin_ms + every_ms

    def advance(self, step: Step, now_us: int) -> None:
        """Publish a step on every channel that is due."""
        for deal in step.deals:
            self._deal(deal, now_us)
        self.view.note(self.listing.ladder.changes)
        at_ms = self.listing.steps * STEP_MS
        if self.view.is_due(at_ms, STEP_MS):
            self._publish_books(now_us)
        if not self.engine.is_spot:
            self._publish_prices(at_ms, now_us)

    def _publish_books(self, now_us: int) -> None:
        bids, asks = self.view.flush()
        count = len(bids) + len(asks)
        if not count:
            return
        drawn, first = self.engine.chance, self.view.sequence + 1
        if self.engine.is_spot and drawn.random() < _FILLER_SHARE:
            count += 1
        self.view.sequence += count
        last = self.view.sequence
        self.teller.journal_book(OBU, first, last, bids, asks, now_us)
        if self.teller.is_read(OBU):
            text = self._obu_text("delta", bids, asks, first, now_us)
            self.teller.tell(OBU, "book", text, (str(last),), binary_text)
        self.classic.book(first, last, bids, asks, now_us)

    def _obu_text(self, kind: str, bids: list[Level], asks: list[Level], first: int, now_us: int) -> str:
        levels = f'"a":{self.teller.pairs(asks)},"b":{self.teller.pairs(bids)}'
        ids = f'"s":"{self.teller.name}","O":{first},"C":{self.view.sequence},"M":{now_us // 1000}000000'
        head = f'"T":"obu.{self.engine.type}","dp":"{DEPTH}","t":"{kind}","P":{now_us}000'
        return f'{{{head},"d":{{{levels},{ids}}}}}'

    def _deal(self, deal: Deal, now_us: int) -> None:
        """Publish each trade of a taker order, on both sockets."""
        drawn, price = self.engine.chance, self.teller.texts.price(deal.price)
        side, taker = "buy" if deal.side == ASK else "sell", drawn.hex(_ORDER_DIGITS)
        for lots in deal.fills:
            self._trade_id += 1 + drawn.below(_LONGEST_JUMP)
            size, maker = self.teller.size(lots), drawn.hex(_ORDER_DIGITS)
            fill = Fill(self._trade_id, price, size, side, now_us // 1000, taker, maker)
            self.fills.append(fill)
            self.teller.journal_trade(TRADE, fill, lots, now_us)
            if self.teller.is_read(TRADE):
                self.teller.tell(TRADE, "trade", self._trade_text(fill, now_us), (str(fill.id),), binary_text)
            self.classic.match(fill, lots, now_us)

    def _trade_text(self, fill: Fill, now_us: int) -> str:
        data = (
            f'"E":{fill.id},"M":{fill.at_ms}000000,"S":"{fill.side}","p":"{fill.price}","q":"{fill.size}",'
            f'"s":"{self.teller.name}","ti":"{fill.id}"'
        )
        return f'{{"T":"trade.{self.engine.type}","P":{now_us}000,"d":{{{data}}}}}'

    def _publish_prices(self, at_ms: int, now_us: int) -> None:
        """Publish funding and mark price to those who read them; funding also when the next payment has moved."""
        next_ms = self.funding_times(now_us // 1000)[1]
        moved, self._next_ms = self._next_ms not in {0, next_ms}, next_ms
        for channel, due, made in (
            (MARK, _is_due(at_ms, _MARK_MS), self._mark_text),
            (FUNDING, moved or _is_due(at_ms, _FUNDING_MS), self._funding_text),
        ):
            if due and self.teller.is_read(channel):
                self.teller.tell(channel, "ticker", made(now_us), pack=binary_text)

    def _funding_text(self, now_us: int) -> str:
        begin_ms, next_ms = self.funding_times(now_us // 1000)
        data = (
            f'"s":"{self.teller.name}","fr":"{self.listing.funding_rate}","ft":{begin_ms},"nt":{next_ms},'
            f'"gl":{self.engine.funding_ms},"fc":"{_HIGHEST_RATE}","ff":"-{_HIGHEST_RATE}"'
        )
        return f'{{"T":"{FUNDING}","P":{now_us}000,"d":{{{data}}}}}'

    def _mark_text(self, now_us: int) -> str:
        mark, index = self.listing.mark_price, shortest(self.listing.index_price)
        data = f'"s":"{self.teller.name}","mp":"{mark}","ip":"{index}","oi":"0","ts":{now_us // 1000}'
        return f'{{"T":"{MARK}","P":{now_us}000,"d":{{{data}}}}}'


def _is_due(at_ms: int, every_ms: int) -> bool:
    return at_ms // every_ms != (at_ms - STEP_MS) // every_ms
