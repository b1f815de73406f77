"""What Bitget says of one instrument, in the words of both its generations: v3 (UTA) and v2 (classic).

Both serve the same book under the same numbers: `seq` jumps, `pseq` is the `seq` of the message before, and the
snapshot after a subscription has the `pseq` 0. The journal knows them by the names of v3, `books` and `publicTrade`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from simulator import chance
from simulator.face import Outlet
from simulator.faces.bitget_topics import GENERATIONS, Generation, Topic
from simulator.faces.texts import Texts, as_json, shortest
from simulator.frames import Frame
from simulator.journal import Delta, PriceLevel, Served, Trade
from simulator.ladder import ASK, BID
from simulator.market import STEP_MS, Deal, Listing, Step
from simulator.view import Level, View

BOOK, TRADES = "books", "publicTrade"
_EVERY_MS = 100
_KEPT_TRADES = 1000
_TOLD_TRADES = 50
_FIRST_SEQ = 400_000_000_000
_FIRST_ID = 1_300_000_000_000_000_000
_LONGEST_JUMP = 1000


class Engine:
    """What all instruments of a product share: the outlet and the counter of trades."""

    def __init__(self, outlet: Outlet, product: str, seed: int, funding_ms: int) -> None:
        """Begin to count at a number of the seed's choice."""
        self.outlet = outlet
        self.funding_ms = funding_ms
        self.product = product
        self.is_spot = product == "spot"
        self.chance = chance.stream(seed, "bitget", product, "ids")
        self._trade_id = _FIRST_ID + self.chance.below(_FIRST_SEQ)

    def trade_id(self) -> str:
        """Return the next trade id; the one after it is that of its link."""
        self._trade_id += 2 + self.chance.below(_LONGEST_JUMP)
        return str(self._trade_id)


class Feed:
    """One instrument."""

    def __init__(self, engine: Engine, listing: Listing) -> None:
        """Start the channels that always run."""
        self.engine = engine
        self.listing = listing
        self.wire = f"{listing.instrument.base}{listing.instrument.quote}"
        self.texts = Texts(listing.instrument)
        self.trades: deque[Trade] = deque(maxlen=_KEPT_TRADES)
        self._symbol = listing.instrument.symbol
        self._view = View(listing.ladder, depth=listing.ladder.depth, every_ms=_EVERY_MS)
        self._view.sequence = self._seq = _FIRST_SEQ + engine.chance.below(_FIRST_SEQ)
        self._books = [one.topic("book", engine.product, self.wire) for one in GENERATIONS]
        self._tapes = [one.topic("trade", engine.product, self.wire) for one in GENERATIONS]
        self._others: dict[str, Topic] = {}
        self._said: dict[str, str] = {}

    def activate(self, topic: Topic) -> None:
        """Run a channel from now on, whoever reads it later."""
        if topic.kind in {"top", "ticker"}:
            self._others[topic.stream] = topic

    def greeting(self, topic: Topic, now_us: int) -> tuple[str, Served | None]:
        """Return what a new subscriber gets first, and what the journal has of it; an empty text is nothing."""
        if topic.kind == "trade":
            newest = list(self.trades)[-_TOLD_TRADES:][::-1]
            return (self._message(topic, "snapshot", self._trade_items(newest, topic), now_us) if newest else ""), None
        if topic.kind != "book":
            return self._message(topic, "snapshot", self._other(topic, now_us), now_us), None
        bids, asks = (self.texts.levels(side) for side in self._view.image())
        served = Served(at_us=now_us, symbol=self._symbol, channel=BOOK, sequence=self._view.sequence, levels=len(bids))
        item = _book(topic.generation, bids, asks, self._view.sequence, 0, now_us)
        return self._message(topic, "snapshot", item, now_us), served

    @property
    def sequence(self) -> int:
        """Return the number of the last message of the book."""
        return self._view.sequence

    def book(self, limit: int) -> tuple[list[Level], list[Level]]:
        """Return REST's book, bids and asks; it has no number."""
        return self._view.image(limit)

    def ticker(self, now_us: int) -> dict[str, str]:
        """Return the ticker by the names of v3; futures have funding, mark and index too."""
        ladder, texts = self.listing.ladder, self.texts
        last = self.trades[-1].price if self.trades else texts.price(ladder.bid)
        found = {
            "highPrice24h": last,
            "lowPrice24h": last,
            "openPrice24h": last,
            "lastPrice": last,
            "turnover24h": "0",
            "volume24h": "0",
            "bid1Price": texts.price(ladder.bid),
            "ask1Price": texts.price(ladder.ask),
            "bid1Size": texts.quantity(ladder.levels[BID][ladder.bid]),
            "ask1Size": texts.quantity(ladder.levels[ASK][ladder.ask]),
            "price24hPcnt": "0",
        }
        if self.engine.is_spot:
            return found
        return {
            **found,
            "indexPrice": shortest(self.listing.index_price),
            "markPrice": self.listing.mark_price,
            "fundingRate": self.listing.funding_rate,
            "nextFundingTime": str(self.next_funding_ms(now_us)),
            "openInterest": "0",
        }

    def next_funding_ms(self, now_us: int) -> int:
        """Return when funding is paid next."""
        every_ms = self.engine.funding_ms
        return (now_us // 1000 // every_ms + 1) * every_ms

    def advance(self, step: Step, now_us: int) -> None:
        """Publish a step on every channel."""
        changes = self.listing.ladder.changes
        if changes:
            self._seq += len(changes) + self.engine.chance.below(_LONGEST_JUMP)
        if step.deals:
            self._trade(step.deals, now_us)
        self._view.note(changes)
        if self._view.is_due(self.listing.steps * STEP_MS, STEP_MS):
            self._publish_book(now_us)
        for topic in self._others.values():
            if self.engine.outlet.has_readers(topic.stream):
                item = self._other(topic, now_us, timed=False)
                if self._said.get(topic.stream) != item:
                    self._said[topic.stream] = item
                    self._tell(topic, "snapshot", self._other(topic, now_us), now_us)

    def _publish_book(self, now_us: int) -> None:
        bids, asks = (self._changes(side) for side in self._view.flush())
        if not bids and not asks:
            return
        follows, self._view.sequence = self._view.sequence, self._seq
        self.engine.outlet.record(
            Delta(
                at_us=now_us,
                symbol=self._symbol,
                channel=BOOK,
                sequence=self._seq,
                first=self._seq,
                follows=follows,
                bids=bids,
                asks=asks,
            )
        )
        for topic in self._books:
            if self.engine.outlet.has_readers(topic.stream):
                item = _book(topic.generation, bids, asks, self._seq, follows, now_us)
                self._tell(topic, "update", item, now_us, (str(self._seq),))

    def _changes(self, levels: list[Level]) -> tuple[PriceLevel, ...]:
        return tuple((self.texts.price(price), self.texts.quantity(lots) if lots else "0") for price, lots in levels)

    def _trade(self, deals: Iterable[Deal], now_us: int) -> None:
        """Publish the trades of a step as one message, newest first."""
        found = [
            Trade(
                at_us=now_us,
                symbol=self._symbol,
                channel=TRADES,
                id=self.engine.trade_id(),
                side="buy" if deal.side == ASK else "sell",
                price=self.texts.price(deal.price),
                quantity=self.texts.quantity(lots),
            )
            for deal in deals
            for lots in deal.fills
        ]
        self.trades.extend(found)
        for one in found:
            self.engine.outlet.record(one)
        for topic in self._tapes:
            items = self._trade_items(found[::-1], topic)
            self._tell(topic, "update", items, now_us, tuple(one.id for one in found))

    @staticmethod
    def _trade_items(trades: Iterable[Trade], topic: Topic) -> str:
        if topic.generation.name == "v2":
            return ",".join(
                f'{{"ts":"{one.at_us // 1000}","price":"{one.price}","size":"{one.quantity}","side":"{one.side}",'
                f'"tradeId":"{one.id}"}}'
                for one in trades
            )
        return ",".join(
            f'{{"p":"{one.price}","S":"{one.side}","T":"{one.at_us // 1000}","v":"{one.quantity}","i":"{one.id}",'
            f'"L":"{int(one.id) + 1}","isRPI":"no"}}'
            for one in trades
        )

    def _other(self, topic: Topic, now_us: int, *, timed: bool = True) -> str:
        """Return the item of a top of the book or of a ticker; without its time to compare."""
        if topic.kind == "top":
            bids, asks = (self.texts.levels(side) for side in self._view.image(topic.levels))
            return _book(topic.generation, bids, asks, self._view.sequence, 0, now_us if timed else 0)
        found = self.ticker(now_us)
        if topic.generation.name == "v2":
            found = {"instId": self.wire, **{_V2_TICKER.get(name, name): text for name, text in found.items()}}
            found |= {} if self.engine.is_spot else {"symbolType": "1", "symbol": self.wire, "deliveryPrice": "0"}
            found |= {"ts": str(now_us // 1000)} if timed else {}
        return "{" + ",".join(f'"{name}":"{text}"' for name, text in found.items()) + "}"

    def _message(self, topic: Topic, action: str, items: str, now_us: int) -> str:
        return f'{{"action":"{action}","arg":{topic.arg},"data":[{items}],"ts":{now_us // 1000}}}'

    def _tell(self, topic: Topic, action: str, items: str, now_us: int, ids: tuple[str, ...] = ()) -> None:
        if self.engine.outlet.has_readers(topic.stream):
            text = self._message(topic, action, items, now_us)
            self.engine.outlet.publish(
                Frame(
                    stream=topic.stream, kind=topic.kind, symbol=self._symbol, channel=topic.channel, ids=ids, text=text
                )
            )


_V2_TICKER = {
    "highPrice24h": "high24h",
    "lowPrice24h": "low24h",
    "openPrice24h": "open24h",
    "lastPrice": "lastPr",
    "turnover24h": "quoteVolume",
    "volume24h": "baseVolume",
    "bid1Price": "bidPr",
    "ask1Price": "askPr",
    "bid1Size": "bidSz",
    "ask1Size": "askSz",
    "price24hPcnt": "change24h",
    "openInterest": "holdingAmount",
}


def _book(
    generation: Generation,
    bids: tuple[PriceLevel, ...],
    asks: tuple[PriceLevel, ...],
    seq: int,
    pseq: int,
    now_us: int,
) -> str:
    """Return one item of a book; the legacy checksum is gone from the wire."""
    ts = f'"ts":"{now_us // 1000}"'
    if generation.name == "v2":
        return f'{{"asks":{as_json(asks)},"bids":{as_json(bids)},{ts},"seq":{seq},"pseq":{pseq}}}'
    return f'{{"a":{as_json(asks)},"b":{as_json(bids)},"seq":{seq},"pseq":{pseq},{ts},"maxdepth":"1000"}}'
