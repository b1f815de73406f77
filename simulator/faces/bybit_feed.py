"""What Bybit says of one instrument: books of each depth with numbers of their own, trades, tickers.

`u` counts the messages of one topic and depth without holes; `seq` counts the whole product, so it jumps. The first
message after a subscription is a snapshot that carries the `u` of the last delta.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from simulator import chance
from simulator.face import Outlet
from simulator.faces.texts import Texts, as_json, as_uuid, shortest
from simulator.frames import Frame, Kind
from simulator.journal import Delta, PriceLevel, Served, Trade
from simulator.ladder import ASK, Change
from simulator.market import STEP_MS, Deal, Listing, Step
from simulator.view import View

# depth -> how often at most
PACES_MS = {1: 10, 50: 20, 200: 100, 1000: 200}
_USUAL_DEPTH = 50
REST_DEPTH = 1000
_KEPT_TRADES = 5000
_FIRST_U = 10_000
_LONGEST_JUMP = 30
_UNCHANGED_MS = 3000
_UUID_DIGITS = 32


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic; `channel` is its name without the symbol, `depth` 0 for what is no book."""

    name: str
    wire: str
    kind: Kind
    channel: str
    depth: int = 0


def parse_topic(name: str) -> Topic | None:
    """Read a topic's name; None for one that does not exist."""
    channel, _, wire = name.rpartition(".")
    if not wire:
        return None
    if channel == "publicTrade":
        return Topic(name, wire, "trade", channel)
    if channel == "tickers":
        return Topic(name, wire, "ticker", channel)
    first, _, depth = channel.partition(".")
    if first == "orderbook" and depth.isdecimal() and int(depth) in PACES_MS:
        return Topic(name, wire, "top" if depth == "1" else "book", channel, int(depth))
    return None


@dataclass(frozen=True, slots=True)
class Fill:
    """One trade of the recent past, for REST."""

    id: str
    price: str
    quantity: str
    side: str
    at_ms: int
    seq: int


class Engine:
    """What all instruments of a product share: the outlet and the counter `seq`."""

    def __init__(self, outlet: Outlet, category: str, seed: int, funding_ms: int) -> None:
        """Begin to count at a number of the seed's choice."""
        self.outlet = outlet
        self.funding_ms = funding_ms
        self.category = category
        self.is_spot = category == "spot"
        self.chance = chance.stream(seed, "bybit", category, "ids")
        self.seq = 1_000_000 + self.chance.below(1_000_000)
        self._trade_id = 2_100_000_000_000_000_000 + self.chance.below(1_000_000_000)

    def trade_id(self) -> str:
        """Return the next trade id: a number on spot, a UUID on linear; neither can be ordered by a client."""
        if self.is_spot:
            self._trade_id += 1 + self.chance.below(_LONGEST_JUMP)
            return str(self._trade_id)
        return as_uuid(self.chance.hex(_UUID_DIGITS))


class Feed:
    """One instrument."""

    def __init__(self, engine: Engine, listing: Listing) -> None:
        """Start the channels that always run; the deepest one is REST's."""
        self.engine = engine
        self.listing = listing
        self.texts = Texts(listing.instrument)
        self.fills: deque[Fill] = deque(maxlen=_KEPT_TRADES)
        self._wire = listing.instrument.wire
        self._symbol = listing.instrument.symbol
        self._views: dict[int, View] = {}
        self._seqs: dict[int, int] = {}
        # Journalled: all but the deepest, which runs for REST until someone subscribes to it.
        self._told: set[int] = {_USUAL_DEPTH}
        self._top_u = _FIRST_U + engine.chance.below(_FIRST_U)
        self._best: tuple[int, int, int, int] = (0, 0, 0, 0)
        self._best_ms = 0
        self._ticker: dict[str, str] = {}
        self._last_price = self.texts.price(listing.ladder.bid)
        self._tick_direction = "ZeroPlusTick"
        for depth in (_USUAL_DEPTH, REST_DEPTH):
            self._view(depth)

    def activate(self, topic: Topic, now_us: int) -> None:
        """Run a channel from now on, and journal it; bring it up to date for those who read it already."""
        if topic.kind == "book":
            self._view(topic.depth)
            self._told.add(topic.depth)
        elif topic.kind == "top":
            self._publish_top(now_us // 1000)
        elif topic.kind == "ticker":
            self._publish_ticker(now_us)

    def greeting(self, topic: Topic, now_us: int) -> tuple[str, Served | None]:
        """Return what a new subscriber gets first, the snapshot, and what the journal has of it; else an empty text."""
        now_ms = now_us // 1000
        if topic.kind == "top":
            return self._top_text(now_ms), None
        if topic.kind == "ticker":
            return self._ticker_text("snapshot", self._ticker, now_ms), None
        if topic.kind != "book":
            return "", None
        view = self._view(topic.depth)
        bids, asks = (self.texts.levels(side) for side in view.image())
        served = Served(
            at_us=now_us, symbol=self._symbol, channel=topic.channel, sequence=view.sequence, levels=len(bids)
        )
        return self._book_text("snapshot", topic.depth, bids, asks, now_ms), served

    def trade(self, deals: Iterable[Deal], changes: list[Change], now_us: int) -> list[str]:
        """Publish what clients dealt, and return the ids; what it changed in the book is shown when that is due."""
        self.engine.seq += 1 + len(changes)
        for view in self._views.values():
            view.note(changes)
        return self._deals(deals, now_us)

    def advance(self, step: Step, now_us: int) -> None:
        """Publish a step on every channel that is due."""
        now_ms, changes = now_us // 1000, self.listing.ladder.changes
        self.engine.seq += len(changes) + self.engine.chance.below(_LONGEST_JUMP)
        if step.deals:
            self._deals(step.deals, now_us)
        at_ms = self.listing.steps * STEP_MS
        for depth, view in self._views.items():
            view.note(changes)
            if view.is_due(at_ms, STEP_MS):
                self._publish_book(depth, view, now_us)
        outlet = self.engine.outlet
        if outlet.has_readers(f"orderbook.1.{self._wire}"):
            self._publish_top(now_ms)
        if outlet.has_readers(f"tickers.{self._wire}"):
            self._publish_ticker(now_us)

    def snapshot(self, limit: int) -> tuple[tuple[PriceLevel, ...], tuple[PriceLevel, ...], int, int]:
        """Return REST's book: bids, asks, and the `u` and `seq` of the deepest topic that it stands for."""
        view = self._views[REST_DEPTH]
        bids, asks = view.image(limit)
        return self.texts.levels(bids), self.texts.levels(asks), view.sequence, self._seqs[REST_DEPTH]

    def ticker(self, now_us: int) -> dict[str, str]:
        """Return the ticker's fields; linear has funding, mark and index too."""
        ladder, index = self.listing.ladder, self.listing.index_price
        shared = {"symbol": self._wire, "lastPrice": self._last_price, "prevPrice24h": self._last_price}
        shared |= {"highPrice24h": self._last_price, "lowPrice24h": self._last_price, "turnover24h": "0"}
        shared |= {"volume24h": "0", "price24hPcnt": "0"}
        if self.engine.is_spot:
            return {**shared, "usdIndexPrice": shortest(index)}
        every_ms = self.engine.funding_ms
        next_ms = (now_us // 1000 // every_ms + 1) * every_ms
        return {
            **shared,
            "tickDirection": self._tick_direction,
            "markPrice": self.listing.mark_price,
            "indexPrice": shortest(index),
            "openInterest": "0",
            "openInterestValue": "0",
            "nextFundingTime": str(next_ms),
            "fundingRate": self.listing.funding_rate,
            "bid1Price": self.texts.price(ladder.bid),
            "bid1Size": self.texts.quantity(ladder.levels[0][ladder.bid]),
            "ask1Price": self.texts.price(ladder.ask),
            "ask1Size": self.texts.quantity(ladder.levels[1][ladder.ask]),
        }

    def _view(self, depth: int) -> View:
        view = self._views.get(depth)
        if view is None:
            view = self._views[depth] = View(self.listing.ladder, depth=depth, every_ms=PACES_MS[depth])
            view.sequence = _FIRST_U + self.engine.chance.below(_FIRST_U)
            self._seqs[depth] = self.engine.seq
        return view

    def _publish_book(self, depth: int, view: View, now_us: int) -> None:
        bids, asks = view.flush()
        if not bids and not asks:
            return
        view.sequence += 1
        self._seqs[depth] = self.engine.seq
        channel = f"orderbook.{depth}"
        if depth not in self._told:
            return
        bid_texts, ask_texts = self.texts.levels(bids), self.texts.levels(asks)
        self.engine.outlet.record(
            Delta(
                at_us=now_us,
                symbol=self._symbol,
                channel=channel,
                sequence=view.sequence,
                first=view.sequence,
                follows=view.sequence - 1,
                bids=bid_texts,
                asks=ask_texts,
            )
        )
        if self.engine.outlet.has_readers(f"{channel}.{self._wire}"):
            text = self._book_text("delta", depth, bid_texts, ask_texts, now_us // 1000)
            self.engine.outlet.publish(self._frame("book", channel, (str(view.sequence),), text))

    def _book_text(
        self, kind: str, depth: int, bids: tuple[PriceLevel, ...], asks: tuple[PriceLevel, ...], now_ms: int
    ) -> str:
        u, seq = self._views[depth].sequence, self._seqs[depth]
        return self._book(kind, depth, f'"b":{as_json(bids)},"a":{as_json(asks)},"u":{u},"seq":{seq}', now_ms)

    def _book(self, kind: str, depth: int, data: str, now_ms: int) -> str:
        # The order of the keys differs by product.
        times = f'"ts":{now_ms},"type":"{kind}"' if self.engine.is_spot else f'"type":"{kind}","ts":{now_ms}'
        topic = f"orderbook.{depth}.{self._wire}"
        return f'{{"topic":"{topic}",{times},"data":{{"s":"{self._wire}",{data}}},"cts":{now_ms}}}'

    def _publish_top(self, now_ms: int) -> None:
        """Send the best prices when they change, and again, unchanged, after three seconds of silence."""
        ladder = self.listing.ladder
        best = (ladder.bid, ladder.levels[0][ladder.bid], ladder.ask, ladder.levels[1][ladder.ask])
        if best != self._best:
            self._best = best
            self._top_u += 1
        elif now_ms - self._best_ms < _UNCHANGED_MS:
            return
        self._best_ms = now_ms
        self.engine.outlet.publish(self._frame("top", "orderbook.1", (), self._top_text(now_ms)))

    def _top_text(self, now_ms: int) -> str:
        ladder = self.listing.ladder
        bids = as_json(self.texts.levels([(ladder.bid, ladder.levels[0][ladder.bid])]))
        asks = as_json(self.texts.levels([(ladder.ask, ladder.levels[1][ladder.ask])]))
        return self._book("snapshot", 1, f'"b":{bids},"a":{asks},"u":{self._top_u},"seq":{self.engine.seq}', now_ms)

    def _deals(self, deals: Iterable[Deal], now_us: int) -> list[str]:
        """Publish the trades of a step as one message, oldest first; return their ids."""
        now_ms, parts = now_us // 1000, []
        ids: list[str] = []
        for deal in deals:
            side, price = "Buy" if deal.side == ASK else "Sell", self.texts.price(deal.price)
            self._direction(price)
            for lots in deal.fills:
                fill = Fill(self.engine.trade_id(), price, self.texts.quantity(lots), side, now_ms, self.engine.seq)
                self.fills.append(fill)
                ids.append(fill.id)
                self._journal_trade(fill, now_us)
                tick = "" if self.engine.is_spot else f'"L":"{self._tick_direction}",'
                parts.append(
                    f'{{"T":{now_ms},"s":"{self._wire}","S":"{side}","v":"{fill.quantity}","p":"{price}",{tick}'
                    f'"i":"{fill.id}","BT":false,"RPI":false,"seq":{fill.seq}}}'
                )
        topic = f"publicTrade.{self._wire}"
        if self.engine.outlet.has_readers(topic):
            text = f'{{"topic":"{topic}","type":"snapshot","ts":{now_ms},"data":[{",".join(parts)}]}}'
            self.engine.outlet.publish(self._frame("trade", "publicTrade", tuple(ids), text))
        return ids

    def _direction(self, price: str) -> None:
        if price != self._last_price:
            self._tick_direction = "PlusTick" if float(price) > float(self._last_price) else "MinusTick"
            self._last_price = price

    def _journal_trade(self, fill: Fill, now_us: int) -> None:
        self.engine.outlet.record(
            Trade(
                at_us=now_us,
                symbol=self._symbol,
                channel="publicTrade",
                id=fill.id,
                side=fill.side.lower(),
                price=fill.price,
                quantity=fill.quantity,
            )
        )

    def _publish_ticker(self, now_us: int) -> None:
        """Send the ticker: whole on spot, on linear what has changed."""
        now, before = self.ticker(now_us), self._ticker
        changed = {name: value for name, value in now.items() if before.get(name) != value}
        if not changed:
            return
        self._ticker = now
        kind, fields = ("snapshot", now) if self.engine.is_spot else ("delta", {"symbol": self._wire, **changed})
        self.engine.outlet.publish(
            self._frame("ticker", "tickers", (), self._ticker_text(kind, fields, now_us // 1000))
        )

    def _ticker_text(self, kind: str, fields: dict[str, str], now_ms: int) -> str:
        data = ",".join(f'"{name}":"{value}"' for name, value in fields.items())
        head = f'"topic":"tickers.{self._wire}"'
        if self.engine.is_spot:
            return f'{{{head},"ts":{now_ms},"type":"{kind}","cs":{self.engine.seq},"data":{{{data}}}}}'
        return f'{{{head},"type":"{kind}","data":{{{data}}},"cs":{self.engine.seq},"ts":{now_ms}}}'

    def _frame(self, kind: Kind, channel: str, ids: tuple[str, ...], text: str) -> Frame:
        stream = f"{channel}.{self._wire}"
        return Frame(stream=stream, kind=kind, symbol=self._symbol, channel=channel, ids=ids, text=text)
