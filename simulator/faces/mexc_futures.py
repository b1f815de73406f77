"""What MEXC futures say of one contract: merged changes of the book, its top, trades, funding and prices, as JSON.

Sizes are contracts, one of them a lot. A change of the book raises the version by one; a message covers `begin` to
`end`. Numbers are written as Java does when it strips zeros: 64000 is `6.4E+4`. The trade id `i` is sent as text.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from simulator import chance
from simulator.face import Outlet
from simulator.faces.texts import Texts, shortest
from simulator.frames import Frame, Kind
from simulator.journal import Delta, Trade
from simulator.ladder import ASK, BID
from simulator.market import STEP_MS, Deal, Listing, Step
from simulator.view import Level, View

BOOK, DEALS = "push.depth", "push.deal"
REST_MS = 300
"""How far REST's book is behind at most; it may lie inside a message."""
_MERGED_MS = 200
_FULL_MS = 300
_PRICES_MS = 1000
_KEPT_TRADES = 1000
_FIRST_VERSION = 5_000_000_000
_LONGEST_JUMP = 30
_KINDS: dict[str, Kind] = {
    "depth": "book",
    "depth.full": "top",
    "deal": "trade",
    "ticker": "ticker",
    "funding.rate": "ticker",
    "fair.price": "ticker",
    "index.price": "ticker",
}
_LEVELS = (5, 10, 20, 50)
_USUAL_LEVELS = 20


@dataclass(frozen=True, slots=True)
class Topic:
    """What can be subscribed to of a contract; `name` is the method without `sub.`."""

    name: str
    wire: str
    kind: Kind
    levels: int = 0

    @property
    def channel(self) -> str:
        """Return how its messages call it."""
        return f"push.{self.name}"

    @property
    def stream(self) -> str:
        """Return a name of the subscription."""
        return f"{self.name}@{self.wire}" + (f"@{self.levels}" if self.levels else "")


def parse_topic(name: str, wire: str, limit: object) -> Topic | None:
    """Read a subscription; None for one that does not exist."""
    if name not in _KINDS:
        return None
    levels = 0
    if name == "depth.full":
        levels = limit if isinstance(limit, int) and limit in _LEVELS else _USUAL_LEVELS
    return Topic(name, wire, _KINDS[name], levels)


@dataclass(frozen=True, slots=True)
class Fill:
    """One trade, in contracts."""

    id: str
    price: str
    contracts: int
    bought: bool
    at_ms: int

    def told(self) -> str:
        """Return it as the venue writes it."""
        side, price = 1 if self.bought else 2, number(self.price)
        return f'{{"p":{price},"v":{self.contracts},"T":{side},"O":3,"M":2,"t":{self.at_ms},"i":"{self.id}"}}'


def number(text: str) -> str:
    """Return a decimal as a JSON number without zeros at its end: an exponent stands for those before the point."""
    return str(Decimal(text).normalize())


class Engine:
    """What all contracts share: the outlet, and the counter of trades."""

    def __init__(self, outlet: Outlet, seed: int, funding_ms: int) -> None:
        """Begin to count at a number of the seed's choice."""
        self.outlet = outlet
        self.funding_ms = funding_ms
        self.chance = chance.stream(seed, "mexc", "futures", "ids")
        self._trade_id = _FIRST_VERSION + self.chance.below(_FIRST_VERSION)

    def trade_id(self) -> str:
        """Return the next trade id."""
        self._trade_id += 1 + self.chance.below(_LONGEST_JUMP)
        return str(self._trade_id)


class Feed:
    """One contract."""

    def __init__(self, engine: Engine, listing: Listing) -> None:
        """Start the channels that always run."""
        self.engine = engine
        self.listing = listing
        self.wire = f"{listing.instrument.base}_{listing.instrument.quote}"
        self.fills: deque[Fill] = deque(maxlen=_KEPT_TRADES)
        self._texts = Texts(listing.instrument)
        self._symbol = listing.instrument.symbol
        self._version = _FIRST_VERSION + engine.chance.below(_FIRST_VERSION)
        self._merged, self._rest = self._begun(_MERGED_MS, touched=True), self._begun(REST_MS)
        self._others: dict[str, Topic] = {}

    def activate(self, topic: Topic) -> None:
        """Run a channel from now on, whoever reads it later."""
        if topic.kind in {"top", "ticker"}:
            self._others[topic.stream] = topic

    def snapshot(self, limit: int) -> tuple[str, str, int, int]:
        """Return REST's book as JSON arrays, bids and asks, its version, and how many bids it has."""
        bids, asks = self._rest.image(limit)
        return self._levels(bids), self._levels(asks), self._rest.sequence, len(bids)

    def funding(self, now_us: int) -> dict[str, str]:
        """Return funding rate and its time, mark ("fair") and index price, as JSON numbers."""
        every_ms = self.engine.funding_ms
        return {
            "rate": number(self.listing.funding_rate),
            "next": str((now_us // 1000 // every_ms + 1) * every_ms),
            "fair": number(self.listing.mark_price),
            "index": number(shortest(self.listing.index_price)),
        }

    def ticker(self, now_us: int) -> str:
        """Return the ticker as a JSON object."""
        ladder, found = self.listing.ladder, self.funding(now_us)
        last = number(self.fills[-1].price if self.fills else self._texts.price(ladder.bid))
        bid, ask = number(self._texts.price(ladder.bid)), number(self._texts.price(ladder.ask))
        return (
            f'{{"symbol":"{self.wire}","lastPrice":{last},"bid1":{bid},"ask1":{ask},"volume24":0,"amount24":0,'
            f'"holdVol":0,"lower24Price":{last},"high24Price":{last},"riseFallRate":0,"riseFallValue":0,'
            f'"indexPrice":{found["index"]},"fairPrice":{found["fair"]},"fundingRate":{found["rate"]},'
            f'"timestamp":{now_us // 1000}}}'
        )

    def advance(self, step: Step, now_us: int) -> None:
        """Publish a step on every channel that is due."""
        at_ms, changes = self.listing.steps * STEP_MS, self.listing.ladder.changes
        self._version += len(changes)
        if step.deals:
            self._trade(step.deals, now_us)
        self._rest.note(changes)
        if self._rest.is_due(at_ms, STEP_MS):
            self._rest.flush()
            self._rest.sequence = self._version
        self._merged.note(changes)
        if self._merged.is_due(at_ms, STEP_MS):
            self._publish_book(now_us)
        for topic in self._others.values():
            every_ms = _FULL_MS if topic.kind == "top" else _PRICES_MS
            if at_ms // every_ms != (at_ms - STEP_MS) // every_ms:
                self._tell(topic, self._other(topic, now_us), now_us)

    def _begun(self, every_ms: int, *, touched: bool = False) -> View:
        view = View(self.listing.ladder, depth=self.listing.ladder.depth, every_ms=every_ms, touched=touched)
        view.sequence = self._version
        return view

    def _publish_book(self, now_us: int) -> None:
        bids, asks = self._merged.flush()
        if not bids and not asks:
            return
        follows, last = self._merged.sequence, self._version
        self._merged.sequence = last
        self.engine.outlet.record(
            Delta(
                at_us=now_us,
                symbol=self._symbol,
                channel=BOOK,
                sequence=last,
                first=follows + 1,
                follows=follows,
                bids=self._texts.levels(bids),
                asks=self._texts.levels(asks),
            )
        )
        data = (
            f'{{"cts":{now_us // 1000},"asks":{self._levels(asks)},"bids":{self._levels(bids)},'
            f'"end":{last},"begin":{follows + 1},"version":{last}}}'
        )
        self._tell(Topic("depth", self.wire, "book"), data, now_us, (str(last),))

    def _levels(self, levels: Iterable[Level]) -> str:
        """Return levels as arrays of price, contracts and count of orders, which the simulator does not have."""
        return f"[{','.join(f'[{number(self._texts.price(p))},{lots},{min(lots, 1)}]' for p, lots in levels)}]"

    def _trade(self, deals: Iterable[Deal], now_us: int) -> None:
        """Publish the trades of a step as one message."""
        fills = [
            Fill(self.engine.trade_id(), self._texts.price(deal.price), lots, deal.side == ASK, now_us // 1000)
            for deal in deals
            for lots in deal.fills
        ]
        self.fills.extend(fills)
        for one in fills:
            self.engine.outlet.record(
                Trade(
                    at_us=now_us,
                    symbol=self._symbol,
                    channel=DEALS,
                    id=one.id,
                    side="buy" if one.bought else "sell",
                    price=one.price,
                    quantity=self._texts.quantity(one.contracts),
                )
            )
        data = f"[{','.join(one.told() for one in fills)}]"
        self._tell(Topic("deal", self.wire, "trade"), data, now_us, tuple(one.id for one in fills))

    def _other(self, topic: Topic, now_us: int) -> str:
        if topic.kind == "top":
            ladder = self.listing.ladder
            bids = [(price, ladder.levels[BID][price]) for price in range(ladder.bid, ladder.bid - topic.levels, -1)]
            asks = [(price, ladder.levels[ASK][price]) for price in range(ladder.ask, ladder.ask + topic.levels)]
            sides = f'"asks":{self._levels(asks)},"bids":{self._levels(bids)}'
            return f'{{"cts":{now_us // 1000},{sides},"version":{self._version}}}'
        found = self.funding(now_us)
        if topic.name == "ticker":
            return self.ticker(now_us)
        if topic.name == "funding.rate":
            return f'{{"symbol":"{self.wire}","rate":{found["rate"]},"nextSettleTime":{found["next"]}}}'
        price = found["fair" if topic.name == "fair.price" else "index"]
        return f'{{"symbol":"{self.wire}","price":{price}}}'

    def _tell(self, topic: Topic, data: str, now_us: int, ids: tuple[str, ...] = ()) -> None:
        if not self.engine.outlet.has_readers(topic.stream):
            return
        head = f'{{"symbol":"{self.wire}","data":{data},"channel":"{topic.channel}","ts":{now_us // 1000}}}'
        self.engine.outlet.publish(
            Frame(stream=topic.stream, kind=topic.kind, symbol=self._symbol, channel=topic.channel, ids=ids, text=head)
        )
