"""What Binance says of one instrument: its own update ids, diffs at each speed, trades and aggregated trades.

Spot numbers the changes of each symbol without holes (`U` = previous `u` + 1). Futures number all symbols together, so
ids jump and only `pu` (the previous `u` of the same stream) proves that nothing is missing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from simulator import chance
from simulator.face import Outlet
from simulator.faces.binance_streams import Stream
from simulator.faces.texts import Texts, as_json, shortest
from simulator.frames import Frame, Kind
from simulator.journal import Delta, PriceLevel, Trade
from simulator.ladder import ASK, Change
from simulator.market import STEP_MS, Deal, Listing, Step
from simulator.view import View

SPOT_DIGITS = 8
_KEPT_TRADES = 5000
_FIRST_ID = 1_000_000
_LONGEST_JUMP = 40
_USUAL_STREAM_MS = 100


@dataclass(frozen=True, slots=True)
class Fill:
    """One trade of the recent past, for REST; `agg_id` is that of the taker order it belongs to."""

    id: int
    agg_id: int
    price: str
    quantity: str
    lots: int
    at_ms: int
    maker_bought: bool


class Engine:
    """What all instruments of a market share: the outlet, and on futures the counter of update ids."""

    def __init__(self, outlet: Outlet, market: str, seed: int, funding_ms: int) -> None:
        """Begin to count at a number of the seed's choice."""
        self.outlet = outlet
        self.funding_ms = funding_ms
        self.market = market
        self.is_spot = market == "spot"
        self.chance = chance.stream(seed, "binance", market, "ids")
        self.last_id = _FIRST_ID + self.chance.below(_FIRST_ID)


class Feed:
    """One instrument."""

    def __init__(self, engine: Engine, listing: Listing) -> None:
        """Start the channels that always run."""
        self.engine = engine
        self.listing = listing
        self.texts = Texts(listing.instrument, digits=SPOT_DIGITS if engine.is_spot else None)
        self.fills: deque[Fill] = deque(maxlen=_KEPT_TRADES)
        self.trade_id = engine.chance.below(_FIRST_ID)
        self.agg_id = engine.chance.below(_FIRST_ID)
        self.last_id = engine.last_id if not engine.is_spot else _FIRST_ID + engine.chance.below(_FIRST_ID)
        self._wire = listing.instrument.wire
        self._lower = self._wire.lower()
        self._diffs: dict[int, View] = {}
        self._tops: dict[str, Stream] = {}
        self._best: tuple[int, int, int, int] = (0, 0, 0, 0)
        self._unnumbered = 0
        self._diffs[_USUAL_STREAM_MS] = View(listing.ladder, depth=listing.ladder.depth, every_ms=_USUAL_STREAM_MS)
        self._diffs[_USUAL_STREAM_MS].sequence = self.last_id

    def activate(self, stream: Stream) -> None:
        """Run a channel from now on, whoever reads it later."""
        if stream.is_diff:
            self._diff(stream.every_ms)
        elif stream.kind in {"top", "ticker"}:
            self._tops[stream.name] = stream

    def book(self, limit: int) -> tuple[tuple[PriceLevel, ...], tuple[PriceLevel, ...]]:
        """Return the book as `last_id` stands for it, bids and asks, best first."""
        bids, asks = self._diffs[_USUAL_STREAM_MS].image(limit)
        return self.texts.levels(bids), self.texts.levels(asks)

    def funding(self, now_us: int) -> dict[str, str | int]:
        """Return mark, index, funding rate and the time of the next funding."""
        every_ms = self.engine.funding_ms
        return {
            "mark": self.listing.mark_price,
            "index": shortest(self.listing.index_price),
            "rate": self.listing.funding_rate,
            "next": (now_us // 1000 // every_ms + 1) * every_ms,
        }

    def trade(self, deals: Iterable[Deal], changes: list[Change], now_us: int) -> list[str]:
        """Publish what clients dealt, and return the ids; what it changed in the book is numbered at the next step."""
        first = self.trade_id + 1
        for deal in deals:
            self._deal(deal, now_us)
        self._unnumbered += len(changes)
        for view in self._diffs.values():
            view.note(changes)
        return [str(number) for number in range(first, self.trade_id + 1)]

    def advance(self, step: Step, now_us: int) -> None:
        """Number the changes of a step and publish them on every channel that is due."""
        now_ms, changes = now_us // 1000, self.listing.ladder.changes
        for deal in step.deals:
            self._deal(deal, now_us)
        count, self._unnumbered = len(changes) + self._unnumbered, 0
        first = self._count(count) if count else 0
        at_ms = self.listing.steps * STEP_MS
        for every_ms, view in self._diffs.items():
            if count and not view.first:
                view.first = view.sequence + 1 if self.engine.is_spot else first
            view.note(changes)
            if view.first and view.is_due(at_ms, STEP_MS):
                self._publish_diff(view, every_ms, now_us)
        if self._tops:
            self._publish_tops(at_ms, now_us, now_ms)

    def _count(self, changes: int) -> int:
        """Number the changes and return the first number."""
        engine = self.engine
        if engine.is_spot:
            self.last_id += changes
            return self.last_id - changes + 1
        # Other symbols of the same engine, and changes that are in no public stream, use up ids too.
        engine.last_id += changes + engine.chance.below(_LONGEST_JUMP)
        self.last_id = engine.last_id
        return engine.last_id - changes + 1

    def _diff(self, every_ms: int) -> None:
        if every_ms not in self._diffs:
            # It begins where the book of REST is, which has not yet shown what clients dealt since the last step.
            view = self._diffs[every_ms] = self._diffs[_USUAL_STREAM_MS].at_pace(every_ms)
            view.sequence = self.last_id

    def _publish_diff(self, view: View, every_ms: int, now_us: int) -> None:
        bids, asks = view.flush()
        if not bids and not asks:
            return  # what changed has changed back
        bid_texts, ask_texts = self.texts.levels(bids), self.texts.levels(asks)
        channel, first, follows, last = f"depth@{every_ms}ms", view.first, view.sequence, self.last_id
        view.sequence, view.first = last, 0
        self.engine.outlet.record(
            Delta(
                at_us=now_us,
                symbol=self.listing.instrument.symbol,
                channel=channel,
                sequence=last,
                first=first,
                follows=follows,
                bids=bid_texts,
                asks=ask_texts,
            )
        )
        head = f'{{"e":"depthUpdate","E":{now_us // 1000},'
        ids = f'"s":"{self._wire}","U":{first},"u":{last},'
        if not self.engine.is_spot:
            head += f'"T":{now_us // 1000},'
            ids += f'"pu":{follows},"st":1,"ps":"{self._wire}",'
        names = (f"depth@{every_ms}ms", "depth") if every_ms in {250, 1000} else (channel,)
        self._tell(
            "book", channel, (str(last),), f'{head}{ids}"b":{as_json(bid_texts)},"a":{as_json(ask_texts)}}}', names
        )

    def _deal(self, deal: Deal, now_us: int) -> None:
        """Publish a taker order as its trades and as one aggregated trade."""
        self.agg_id += 1
        now_ms, price = now_us // 1000, self.texts.price(deal.price)
        maker_bought, first = deal.side != ASK, self.trade_id + 1
        taker, maker = ("sell", "true") if maker_bought else ("buy", "false")
        tail = f'"T":{now_ms},"m":{maker}'
        for lots in deal.fills:
            self.trade_id += 1
            quantity = self.texts.quantity(lots)
            self.fills.append(Fill(self.trade_id, self.agg_id, price, quantity, lots, now_ms, maker_bought))
            self._journal_trade("trade", self.trade_id, taker, price, quantity, now_us)
            extra = ',"M":true' if self.engine.is_spot else ',"X":"MARKET"'
            self._tell(
                "trade", "trade", (str(self.trade_id),),
                f'{{"e":"trade","E":{now_ms},"s":"{self._wire}","t":{self.trade_id},"p":"{price}",'
                f'"q":"{quantity}",{tail}{extra}}}',
            )  # fmt: skip
        quantity = self.texts.quantity(sum(deal.fills))
        self._journal_trade("aggTrade", self.agg_id, taker, price, quantity, now_us)
        extra = ',"M":true' if self.engine.is_spot else f',"nq":"{quantity}","st":1'
        self._tell(
            "trade", "aggTrade", (str(self.agg_id),),
            f'{{"e":"aggTrade","E":{now_ms},"a":{self.agg_id},"s":"{self._wire}","p":"{price}","q":"{quantity}",'
            f'"f":{first},"l":{self.trade_id},{tail}{extra}}}',
        )  # fmt: skip

    def _journal_trade(self, channel: str, number: int, side: str, price: str, quantity: str, now_us: int) -> None:
        symbol = self.listing.instrument.symbol
        self.engine.outlet.record(
            Trade(
                at_us=now_us, symbol=symbol, channel=channel, id=str(number), side=side, price=price, quantity=quantity
            )
        )

    def _publish_tops(self, at_ms: int, now_us: int, now_ms: int) -> None:
        """Publish images of the top of the book and mark prices to those who read them."""
        ladder = self.listing.ladder
        best = (ladder.bid, ladder.levels[0][ladder.bid], ladder.ask, ladder.levels[1][ladder.ask])
        moved, self._best = best != self._best, best
        for stream in self._tops.values():
            due = not stream.every_ms or at_ms // stream.every_ms != (at_ms - STEP_MS) // stream.every_ms
            if not due or not self.engine.outlet.has_readers(stream.name):
                continue
            if stream.kind == "ticker":
                text = self._mark(now_us)
            elif stream.levels:
                text = self._top(stream.levels, now_ms)
            elif moved:
                text = self._ticker(best, now_ms)
            else:
                continue
            self._tell(stream.kind, stream.channel, (), text, (stream.name.partition("@")[2],))

    def _mark(self, now_us: int) -> str:
        found = self.funding(now_us)
        return (
            f'{{"e":"markPriceUpdate","E":{now_us // 1000},"s":"{self._wire}","p":"{found["mark"]}",'
            f'"i":"{found["index"]}","P":"{found["index"]}","r":"{found["rate"]}","T":{found["next"]},"st":1}}'
        )

    def _top(self, levels: int, now_ms: int) -> str:
        view = self._diffs[_USUAL_STREAM_MS]
        bids, asks = (as_json(self.texts.levels(side)) for side in view.image(levels))
        if self.engine.is_spot:
            return f'{{"lastUpdateId":{self.last_id},"bids":{bids},"asks":{asks}}}'
        return (
            f'{{"e":"depthUpdate","E":{now_ms},"T":{now_ms},"s":"{self._wire}","U":{self.last_id},"u":{self.last_id},'
            f'"pu":{self.last_id - 1},"st":1,"ps":"{self._wire}","b":{bids},"a":{asks}}}'
        )

    def _ticker(self, best: tuple[int, int, int, int], now_ms: int) -> str:
        bid, bid_lots, ask, ask_lots = best
        times = "" if self.engine.is_spot else f'"e":"bookTicker","E":{now_ms},"T":{now_ms},'
        return (
            f'{{{times}"u":{self.last_id},"s":"{self._wire}","b":"{self.texts.price(bid)}",'
            f'"B":"{self.texts.quantity(bid_lots)}","a":"{self.texts.price(ask)}",'
            f'"A":"{self.texts.quantity(ask_lots)}"}}'
        )

    def _tell(self, kind: Kind, channel: str, ids: tuple[str, ...], text: str, names: Iterable[str] = ()) -> None:
        """Publish under every name by which the channel can be subscribed to."""
        for name in names or (channel,):
            stream = f"{self._lower}@{name}"
            if self.engine.outlet.has_readers(stream):
                symbol = self.listing.instrument.symbol
                self.engine.outlet.publish(
                    Frame(stream=stream, kind=kind, symbol=symbol, channel=channel, ids=ids, text=text)
                )
