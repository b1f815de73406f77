"""What OKX says of one instrument: the book by seqId and prevSeqId, every trade and the aggregated ones, funding.

One seqId counts an instrument's book for all connections; it jumps, so that only prevSeqId proves that nothing is
missing. A book that stands still for a minute is told to be alive by an update without changes. Swaps count in
contracts: one contract is one lot. A reset of the sequence at maintenance does not happen here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from simulator import chance
from simulator.face import Outlet
from simulator.faces.okx_prices import CHANNELS, INDEX, Prices
from simulator.faces.texts import Texts
from simulator.frames import Frame, Kind
from simulator.journal import Delta, Served, Trade
from simulator.ladder import ASK
from simulator.market import STEP_MS, Deal, Listing, Step
from simulator.view import Level, View

BOOKS = "books"
TRADES = "trades"
ALL_TRADES = "trades-all"
KINDS: dict[str, Kind] = {BOOKS: "book", TRADES: "trade", ALL_TRADES: "trade", **dict.fromkeys(CHANNELS, "ticker")}

_DEPTH = 400
_PACE_MS = 100
_ALIVE_MS = 60_000
_FIRST_ID = 100_000_000
_LONGEST_JUMP = 30
_KEPT_TRADES = 500
_MOST_ORDERS = 9


@dataclass(frozen=True, slots=True)
class Fill:
    """One trade of the recent past, for REST; the quantity as on the wire."""

    id: int
    price: str
    size: str
    side: str
    at_ms: int


class Engine:
    """What all instruments of a market share."""

    def __init__(self, outlet: Outlet, market: str, seed: int, funding_ms: int) -> None:
        """Begin to count at numbers of the seed's choice."""
        self.outlet = outlet
        self.funding_ms = funding_ms
        self.is_spot = market == "spot"
        self.chance = chance.stream(seed, "okx", market, "ids")


class Feed:
    """One instrument."""

    def __init__(self, engine: Engine, listing: Listing) -> None:
        """Start the channels that always run."""
        one = listing.instrument
        self.engine = engine
        self.listing = listing
        self.index = f"{one.base}-{one.quote}"
        self.name = self.index if engine.is_spot else f"{self.index}-SWAP"
        self.texts = Texts(one)
        self.prices = Prices(listing, index=self.index, name=self.name, funding_ms=engine.funding_ms)
        self.fills: deque[Fill] = deque(maxlen=_KEPT_TRADES)
        self._trade_id = _FIRST_ID + engine.chance.below(_FIRST_ID)
        self._view = View(listing.ladder, depth=_DEPTH, every_ms=_PACE_MS)
        self._view.sequence = _FIRST_ID + engine.chance.below(_FIRST_ID)
        self._changed_ms = 0
        self._said_ms = 0
        self._tells_merged = False

    def names(self, channel: str) -> str:
        """Return the instId by which a channel knows this instrument."""
        return self.index if channel == INDEX else self.name

    def activate(self, channel: str) -> None:
        """Journal a channel from now on, whoever reads it later."""
        self._tells_merged |= channel == TRADES

    def greeting(self, channel: str, now_us: int) -> tuple[str, Served | None]:
        """Return what a new subscriber gets first and what the journal has of it; an empty text where that is none."""
        now_ms = now_us // 1000
        if channel == BOOKS:
            bids, asks = self._view.image()
            served = self._served(len(bids), now_us)
            return self._book_text("snapshot", bids, asks, -1, now_ms), served
        return (self._price_text(channel, now_ms) if channel in CHANNELS else ""), None

    def book(self, limit: int, now_us: int) -> tuple[str, Served]:
        """Return REST's book, which has no sequence but the time of the last change, and what the journal has of it."""
        bids, asks = self._view.image(limit)
        levels = f'"asks":{self._levels(asks)},"bids":{self._levels(bids)}'
        return f'{{{levels},"ts":"{self._changed_ms or now_us // 1000}"}}', self._served(len(bids), now_us)

    def advance(self, step: Step, now_us: int) -> None:
        """Publish a step on every channel that is due."""
        for deal in step.deals:
            self._deal(deal, now_us)
        self._view.note(self.listing.ladder.changes)
        at_ms = self.listing.steps * STEP_MS
        if self._view.is_due(at_ms, STEP_MS):
            self._publish_book(now_us)
        if not self.engine.is_spot:
            for channel in self.prices.due(at_ms, now_us // 1000):
                if self._is_read(channel):
                    self._tell(channel, (), self._price_text(channel, now_us // 1000))

    def _publish_book(self, now_us: int) -> None:
        bids, asks = self._view.flush()
        now_ms, before = now_us // 1000, self._view.sequence
        if not bids and not asks:
            self._publish_alive(now_ms)
            return
        self._view.sequence += 1 + self.engine.chance.below(_LONGEST_JUMP)
        self._changed_ms = self._said_ms = now_ms
        self.engine.outlet.record(
            Delta(
                at_us=now_us,
                symbol=self.listing.instrument.symbol,
                channel=BOOKS,
                sequence=self._view.sequence,
                first=self._view.sequence,
                follows=before,
                bids=self.texts.levels(bids),
                asks=self.texts.levels(asks),
            )
        )
        if self._is_read(BOOKS):
            text = self._book_text("update", bids, asks, before, now_ms)
            self._tell(BOOKS, (str(self._view.sequence),), text)

    def _publish_alive(self, now_ms: int) -> None:
        """Say, once in a while, that nothing has changed."""
        self._said_ms = self._said_ms or now_ms
        if now_ms - self._said_ms < _ALIVE_MS:
            return
        self._said_ms = now_ms
        self._tell(BOOKS, (), self._book_text("update", [], [], self._view.sequence, now_ms))

    def _book_text(self, action: str, bids: list[Level], asks: list[Level], before: int, now_ms: int) -> str:
        levels = f'"asks":{self._levels(asks)},"bids":{self._levels(bids)}'
        ids = f'"checksum":0,"prevSeqId":{before},"seqId":{self._view.sequence}'
        return f'{{{self._arg(BOOKS)},"action":"{action}","data":[{{{levels},"ts":"{now_ms}",{ids}}}]}}'

    def _deal(self, deal: Deal, now_us: int) -> None:
        """Publish a taker order: each of its trades, and all as one that has the last id."""
        now_ms, price = now_us // 1000, self.texts.price(deal.price)
        side = "buy" if deal.side == ASK else "sell"
        for lots in deal.fills:
            self._trade_id += 1
            fill = Fill(self._trade_id, price, self._size(lots), side, now_ms)
            self.fills.append(fill)
            self._journal(ALL_TRADES, fill, lots, now_us)
            self._tell(ALL_TRADES, (str(fill.id),), self._trade_text(ALL_TRADES, fill, '"source":"0"'))
        if self._tells_merged:
            lots = sum(deal.fills)
            merged = Fill(self._trade_id, price, self._size(lots), side, now_ms)
            self._journal(TRADES, merged, lots, now_us)
            more = f'"count":"{len(deal.fills)}","source":"0","seqId":{self._view.sequence}'
            self._tell(TRADES, (str(merged.id),), self._trade_text(TRADES, merged, more))

    def _trade_text(self, channel: str, fill: Fill, more: str) -> str:
        return (
            f'{{{self._arg(channel)},"data":[{{"instId":"{self.name}","tradeId":"{fill.id}","px":"{fill.price}",'
            f'"sz":"{fill.size}","side":"{fill.side}","ts":"{fill.at_ms}",{more}}}]}}'
        )

    def _journal(self, channel: str, fill: Fill, lots: int, now_us: int) -> None:
        self.engine.outlet.record(
            Trade(
                at_us=now_us,
                symbol=self.listing.instrument.symbol,
                channel=channel,
                id=str(fill.id),
                side=fill.side,
                price=fill.price,
                quantity=self.texts.quantity(lots),
            )
        )

    def _price_text(self, channel: str, now_ms: int) -> str:
        fields = ",".join(f'"{name}":"{value}"' for name, value in self.prices.fields(channel, now_ms).items())
        return f'{{{self._arg(channel)},"data":[{{{fields}}}]}}'

    def _arg(self, channel: str) -> str:
        return f'"arg":{{"channel":"{channel}","instId":"{self.names(channel)}"}}'

    def _levels(self, levels: Iterable[Level]) -> str:
        """Return levels with a number of orders, which nobody can check."""
        return "[" + ",".join([
            f'["{self.texts.price(price)}","{self._size(lots)}","0","{lots and 1 + lots % _MOST_ORDERS}"]'
            for price, lots in levels
        ]) + "]"  # fmt: skip

    def _size(self, lots: int) -> str:
        if not lots or not self.engine.is_spot:
            return str(lots)
        return self.texts.quantity(lots)

    def _served(self, levels: int, now_us: int) -> Served:
        symbol = self.listing.instrument.symbol
        return Served(at_us=now_us, symbol=symbol, channel=BOOKS, sequence=self._view.sequence, levels=levels)

    def _is_read(self, channel: str) -> bool:
        return self.engine.outlet.has_readers(stream(channel, self.names(channel)))

    def _tell(self, channel: str, ids: tuple[str, ...], text: str) -> None:
        self.engine.outlet.publish(
            Frame(
                stream=stream(channel, self.names(channel)),
                kind=KINDS[channel],
                symbol=self.listing.instrument.symbol,
                channel=channel,
                ids=ids,
                text=text,
            )
        )


def stream(channel: str, name: str) -> str:
    """Return by what a subscription is known here."""
    return f"{channel}:{name}"
