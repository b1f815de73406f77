"""What HTX says of one instrument: books in two spaces of numbers, trades, on linear index, mark price and funding.

Spot numbers the changes of a book and tells them under `seqNum` with the `prevSeqNum` of the same topic, also when they
lie outside of the depth that it shows. Linear counts the messages of a topic in `version`; one counter stands here for
those of all connections, which the venue counts one by one, and a new subscriber begins with the whole book.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial

from simulator import chance
from simulator.face import Outlet
from simulator.faces.htx_texts import Candle, Fill, Wire, pushed
from simulator.faces.htx_topics import (
    BOOKS,
    FUNDING,
    INDEX_PRICE,
    MARK_PRICE,
    TRADES,
    WHOLE,
    native_of,
    topic_of,
)
from simulator.frames import Frame, Kind, gzip_message
from simulator.journal import Delta, Served, Trade
from simulator.ladder import ASK
from simulator.market import STEP_MS, Deal, Listing, Step
from simulator.view import Level, View

EVERY_MS = {"spot": 100, "futures": 30}
_KEPT_TRADES = 2000
_FIRST_ID = 100_000_000_000
_LONGEST_JUMP = 30
_IDS_IN_A_MATCH = 10_000
_SPOT_ID_DIGITS = 15
_FUNDING_EVERY_MS = 60_000
_NOTHING = '"amount":"0","vol":"0","count":'
Sides = tuple[list[Level], list[Level]]


class Engine:
    """What all instruments of a market share."""

    def __init__(self, outlet: Outlet, market: str, seed: int, funding_ms: int) -> None:
        """Begin to count at numbers of the seed's choice."""
        self.outlet = outlet
        self.market = market
        self.is_spot = market == "spot"
        self.funding_ms = funding_ms
        self.chance = chance.stream(seed, "htx", market, "ids")
        self._match = _FIRST_ID * (1 if self.is_spot else 1000) + self.chance.below(_FIRST_ID)
        self._number = _FIRST_ID + self.chance.below(_FIRST_ID)

    def match(self) -> int:
        """Return the next id of a taker order."""
        self._match += 1 + self.chance.below(_LONGEST_JUMP)
        return self._match

    def fill(self, match: int, place: int) -> tuple[int, int]:
        """Return the two ids of a trade, the first of them more than a float can hold."""
        if self.is_spot:
            self._number += 1 + self.chance.below(_LONGEST_JUMP)
            return match * 10**_SPOT_ID_DIGITS + self.chance.below(10**_SPOT_ID_DIGITS), self._number
        number = match * _IDS_IN_A_MATCH + place
        return number, number


class Feed:
    """One instrument."""

    def __init__(self, engine: Engine, listing: Listing) -> None:
        """Start the channels that always run."""
        self.engine = engine
        self.listing = listing
        self.native = native_of(listing.instrument, engine.market)
        self.wire = Wire(listing, is_spot=engine.is_spot)
        self.fills: deque[Fill] = deque(maxlen=_KEPT_TRADES)
        self.last_id = _FIRST_ID + engine.chance.below(_FIRST_ID)
        self.version = _FIRST_ID + engine.chance.below(_FIRST_ID)
        self._symbol = listing.instrument.symbol
        self._told_ms = 0
        self._candles = {INDEX_PRICE: Candle(f"{_NOTHING}0"), MARK_PRICE: Candle(f'{_NOTHING}"0","trade_turnover":"0"')}
        self._views: dict[str, View] = {}
        for channel, depth in BOOKS[engine.market].items():
            view = View(listing.ladder, depth=depth, every_ms=EVERY_MS[engine.market])
            view.sequence = self.last_id if engine.is_spot else engine.chance.below(_FIRST_ID)
            self._views[channel] = view

    def snapshot(self, channel: str, now_us: int) -> tuple[str, Served]:
        """Return spot's answer to a request for the book, and what the journal has of it."""
        view = self._views[channel]
        image = view.image()
        bids, asks = (self.wire.levels(side) for side in image)
        text = f'{{"seqNum":{view.sequence},"bids":{bids},"asks":{asks}}}'
        return text, self._served(channel, view.sequence, len(image[0]), now_us)

    def greeting(self, channel: str, now_us: int) -> tuple[str, Served | None]:
        """Return what a new subscriber gets first, on linear the whole book; else an empty text."""
        if self.engine.is_spot or channel not in self._views:
            return "", None
        view = self._views[channel]
        image = view.image()
        served = self._served(channel, view.sequence, len(image[0]), now_us)
        return self._linear(channel, "snapshot", image, now_us // 1000), served

    def book(self, limit: int) -> str:
        """Return REST's book, whose version is of a space of its own."""
        bids, asks = (self.wire.levels(side) for side in View(self.listing.ladder, depth=limit, every_ms=1).image())
        return f'"bids":{bids},"asks":{asks},"version":{self.version}'

    def funding(self, now_us: int) -> tuple[str, int]:
        """Return the rate, and when it is paid next in ms."""
        every_ms = self.engine.funding_ms
        return self.listing.funding_rate, (now_us // 1000 // every_ms + 1) * every_ms

    def advance(self, step: Step, now_us: int) -> None:
        """Number the changes of a step and publish what is due."""
        for deal in step.deals:
            self._deal(deal, now_us)
        changes, at_ms = self.listing.ladder.changes, self.listing.steps * STEP_MS
        self.last_id += len(changes)
        self.version += len(changes)
        for channel, view in self._views.items():
            view.note(changes)
            if view.is_due(at_ms, STEP_MS):
                publish = self._publish_spot if self.engine.is_spot else self._publish_linear
                publish(channel, view, now_us)
        if not self.engine.is_spot:
            self._publish_prices(now_us // 1000)
            self._publish_funding(now_us)

    def _publish_spot(self, channel: str, view: View, now_us: int) -> None:
        if self.last_id == view.sequence:
            return
        sides, before = view.flush(), view.sequence
        view.sequence = self.last_id
        self._journal(channel, view.sequence, before + 1, sides, now_us)
        bids, asks = (self.wire.levels(side) for side in sides)
        tick = f'{{"seqNum":{view.sequence},"prevSeqNum":{before},"bids":{bids},"asks":{asks}}}'
        topic = topic_of(self.native, channel)
        self._tell(topic, "book", channel, (str(view.sequence),), lambda: pushed(topic, tick, now_us // 1000))

    def _publish_linear(self, channel: str, view: View, now_us: int) -> None:
        sides = view.flush()
        if not any(sides):
            return
        view.sequence += 1
        self._journal(channel, view.sequence, view.sequence, sides, now_us)
        topic, now_ms = topic_of(self.native, channel), now_us // 1000
        ids = (str(view.sequence),)
        self._tell(topic, "book", channel, ids, lambda: self._linear(channel, "update", sides, now_ms))
        # Images are no changes: no fault is after one, and the journal has none.
        whole = topic + WHOLE
        self._tell(whole, "top", channel, (), lambda: self._linear(channel, "snapshot", view.image(), now_ms))

    def _linear(self, channel: str, event: str, sides: Sides, now_ms: int) -> str:
        topic, version = topic_of(self.native, channel), self._views[channel].sequence
        bids, asks = (self.wire.levels(side) for side in sides)
        tick = (
            f'{{"asks":{asks},"bids":{bids},"ch":"{topic}","event":"{event}","id":{self.last_id},'
            f'"mrid":{self.last_id},"ts":{now_ms},"version":{version}}}'
        )
        return f'{{"ch":"{topic}","tick":{tick},"ts":{now_ms}}}'

    def _deal(self, deal: Deal, now_us: int) -> None:
        """Publish the trades of one taker order as one message."""
        side, match = "buy" if deal.side == ASK else "sell", self.engine.match()
        price, now_ms = self.wire.price(deal.price), now_us // 1000
        fills = [
            Fill(*self._ids(match, place), price=price, ticks=deal.price, lots=lots, side=side, at_ms=now_ms)
            for place, lots in enumerate(deal.fills)
        ]
        self.fills.extend(fills)
        for fill in fills:
            self.engine.outlet.record(
                Trade(
                    at_us=now_us,
                    symbol=self._symbol,
                    channel=TRADES,
                    id=str(fill.number),
                    side=side,
                    price=self.wire.texts.price(deal.price),
                    quantity=self.wire.texts.quantity(fill.lots),
                )
            )
        topic = topic_of(self.native, TRADES)
        data = ",".join(self.wire.trade(fill) for fill in fills)
        tick = f'{{"id":{match},"ts":{now_ms},"data":[{data}]}}'
        ids = tuple(str(fill.number) for fill in fills)
        self._tell(topic, "trade", TRADES, ids, lambda: pushed(topic, tick, now_ms))

    def _ids(self, match: int, place: int) -> tuple[int, int, int]:
        number, shown = self.engine.fill(match, place)
        return number, match, shown

    def _publish_prices(self, now_ms: int) -> None:
        """Send index and mark price when they change, and when a minute begins."""
        prices = {INDEX_PRICE: self.listing.index_price, MARK_PRICE: float(self.listing.mark_price)}
        for channel, candle in self._candles.items():
            candle.take(prices[channel], now_ms)
            if candle.is_new:
                topic = topic_of(self.native, channel)
                self._tell(topic, "ticker", channel, (), partial(self._price, channel, now_ms))

    def _price(self, channel: str, now_ms: int) -> str:
        return pushed(topic_of(self.native, channel), self._candles[channel].tick(), now_ms)

    def _publish_funding(self, now_us: int) -> None:
        """Send the rate once a minute, to those who read this contract and those who read all."""
        now_ms = now_us // 1000
        told_ms, self._told_ms = self._told_ms, now_ms // _FUNDING_EVERY_MS * _FUNDING_EVERY_MS
        if told_ms == self._told_ms:
            return
        rate, next_ms = self.funding(now_us)
        one = self.listing.instrument
        data = (
            f'{{"symbol":"{one.base}","contract_code":"{self.native}","fee_asset":"{one.quote}",'
            f'"funding_time":"{self._told_ms}","funding_rate":"{rate}","settlement_time":"{next_ms}",'
            '"estimated_rate":null}'
        )
        for topic in (f"public.{self.native}.{FUNDING}", f"public.*.{FUNDING}"):
            text = f'{{"op":"notify","topic":"{topic}","ts":{now_ms},"data":[{data}]}}'
            self._tell(topic, "ticker", FUNDING, (), text.__str__)

    def _journal(self, channel: str, sequence: int, first: int, sides: Sides, now_us: int) -> None:
        bids, asks = (self.wire.texts.levels(side) for side in sides)
        self.engine.outlet.record(
            Delta(
                at_us=now_us,
                symbol=self._symbol,
                channel=channel,
                sequence=sequence,
                first=first,
                follows=first - 1,
                bids=bids,
                asks=asks,
            )
        )

    def _tell(self, stream: str, kind: Kind, channel: str, ids: tuple[str, ...], text: Callable[[], str]) -> None:
        if self.engine.outlet.has_readers(stream):
            self.engine.outlet.publish(
                Frame(
                    stream=stream,
                    kind=kind,
                    symbol=self._symbol,
                    channel=channel,
                    ids=ids,
                    text=text(),
                    pack=gzip_message,
                )
            )

    def _served(self, channel: str, sequence: int, levels: int, now_us: int) -> Served:
        return Served(at_us=now_us, symbol=self._symbol, channel=channel, sequence=sequence, levels=levels)
