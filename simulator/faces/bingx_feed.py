"""What BingX says of one instrument: a whole book, then changes whose numbers rise and skip; trades, swap's without id.

`lastUpdateId` is usually the next number and now and then up to nine further, without anything missing between. What
identifies a swap trade is what a reader can see: `SYMBOL-T-p-q-side-n`, n counting from 0 the trades of one millisecond
that are equal in all of it, numbers written as the doubles that they are. Rows that are told worst first or newest
first are so on the wire.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from simulator import chance
from simulator.face import Outlet
from simulator.faces.bingx_topics import BOOK, MARK, TRADES, Topic, book_ms, image_ms, native_of
from simulator.faces.texts import Texts, as_json, shortest
from simulator.frames import Frame, Kind, gzip_message
from simulator.journal import Delta, PriceLevel, Served, Trade
from simulator.ladder import ASK
from simulator.market import STEP_MS, Deal, Listing, Step
from simulator.view import View

DEPTH = 1000
_KEPT_TRADES = 5000
_HISTORY = 20
_FIRST_ID = 1_000_000
_SKIP_SHARE = 0.15
_LONGEST_SKIP = 9
_TWIN_SHARE = 0.3
_HOUR_MS = 3_600_000
_MARK_MS = 1000

Sides = tuple[tuple[PriceLevel, ...], tuple[PriceLevel, ...]]


@dataclass(frozen=True, slots=True)
class Fill:
    """One trade of the recent past; `id` as the journal has it."""

    id: str
    price: str
    quantity: str
    at_ms: int
    maker_bought: bool


class Engine:
    """What all instruments of a market share."""

    def __init__(self, outlet: Outlet, market: str, seed: int, funding_ms: int) -> None:
        """Draw numbers of the seed's choice."""
        self.outlet = outlet
        self.funding_ms = funding_ms
        self.market = market
        self.is_spot = market == "spot"
        self.chance = chance.stream(seed, "bingx", market, "ids")


class Feed:
    """One instrument."""

    def __init__(self, engine: Engine, listing: Listing) -> None:
        """Start the channels that always run; the book of REST is that of the changes."""
        self.engine = engine
        self.listing = listing
        self.texts = Texts(listing.instrument)
        self.native = native_of(listing.instrument)
        self.fills: deque[Fill] = deque(maxlen=_KEPT_TRADES)
        base = listing.instrument.base
        self._image_ms = image_ms(engine.market, base)
        self._images: dict[str, Topic] = {}
        self._trade_id = _FIRST_ID + engine.chance.below(_FIRST_ID)
        self._equal_ms = 0
        self._equal: dict[str, int] = {}
        self._view = View(listing.ladder, depth=DEPTH, every_ms=book_ms(engine.market, base))
        self._view.sequence = _FIRST_ID + engine.chance.below(_FIRST_ID)

    def activate(self, topic: Topic) -> None:
        """Run a channel from now on, whoever reads it later."""
        if topic.levels:
            self._images[topic.name] = topic

    def greeting(self, topic: Topic, now_us: int) -> tuple[str, Served | None]:
        """Return what a new subscriber gets first and what the journal has of it; else an empty text."""
        if topic.kind == "trade" and not self.engine.is_spot:
            recent = self._recent()
            return (self._trades_text(recent) if recent else ""), None
        if topic.kind != "book":
            return "", None
        bids, asks = self.snapshot(DEPTH)
        served = Served(
            at_us=now_us,
            symbol=self.listing.instrument.symbol,
            channel=BOOK,
            sequence=self._view.sequence,
            levels=len(bids),
        )
        return self._book_text("all", bids, asks, now_us // 1000), served

    def advance(self, step: Step, now_us: int) -> None:
        """Publish a step on every channel that is due."""
        if step.deals:
            self._deals(step.deals, now_us)
        view, at_ms = self._view, self.listing.steps * STEP_MS
        view.note(self.listing.ladder.changes)
        if view.is_due(at_ms, STEP_MS):
            self._publish_book(now_us)
        if at_ms % _MARK_MS < STEP_MS and self.engine.outlet.has_readers(f"{self.native}@{MARK}"):
            self._publish("ticker", MARK, (), self._mark_text(now_us // 1000))
        if self._images and at_ms // self._image_ms != (at_ms - STEP_MS) // self._image_ms:
            for topic in self._images.values():
                self._publish_image(topic, now_us // 1000)

    @property
    def sequence(self) -> int:
        """Return the number of the book that was told last."""
        return self._view.sequence

    def snapshot(self, limit: int) -> Sides:
        """Return the book as it was told last, bids and asks, best first."""
        bids, asks = self._view.image(limit)
        return self.texts.levels(bids), self.texts.levels(asks)

    def funding(self, now_us: int) -> dict[str, str | int]:
        """Return mark, index, funding rate, how often it is paid, and when next."""
        every_ms = self.engine.funding_ms
        return {
            "symbol": self.native,
            "markPrice": self.listing.mark_price,
            "indexPrice": shortest(self.listing.index_price),
            "lastFundingRate": self.listing.funding_rate,
            "fundingIntervalHours": max(1, every_ms // _HOUR_MS),
            "nextFundingTime": (now_us // 1000 // every_ms + 1) * every_ms,
        }

    def _publish_book(self, now_us: int) -> None:
        bids, asks = self._view.flush()
        if not bids and not asks:
            return
        follows = self._view.sequence
        self._view.sequence += 1 + self._skipped()
        # Both sides from the highest price down.
        bid_texts, ask_texts = self.texts.levels(bids), self.texts.levels(asks[::-1])
        self.engine.outlet.record(
            Delta(
                at_us=now_us,
                symbol=self.listing.instrument.symbol,
                channel=BOOK,
                sequence=self._view.sequence,
                first=self._view.sequence,
                follows=follows,
                bids=bid_texts,
                asks=ask_texts,
            )
        )
        if self.engine.outlet.has_readers(f"{self.native}@{BOOK}"):
            text = self._book_text("update", bid_texts, ask_texts, now_us // 1000)
            self._publish("book", BOOK, (str(self._view.sequence),), text)

    def _skipped(self) -> int:
        drawn = self.engine.chance
        return 1 + drawn.below(_LONGEST_SKIP) if drawn.random() < _SKIP_SHARE else 0

    def _book_text(self, action: str, bids: tuple[PriceLevel, ...], asks: tuple[PriceLevel, ...], now_ms: int) -> str:
        time, written = ("timestamp", _as_object) if self.engine.is_spot else ("time", as_json)
        data = (
            f'{{"action":"{action}","lastUpdateId":{self._view.sequence},"{time}":{now_ms},'
            f'"bids":{written(bids)},"asks":{written(asks)}}}'
        )
        return f'{{"code":0,"dataType":"{self.native}@{BOOK}","data":{data}}}'

    def _publish_image(self, topic: Topic, now_ms: int) -> None:
        if not self.engine.outlet.has_readers(topic.name):
            return
        bids, asks = View(self.listing.ladder, depth=topic.levels, every_ms=self._image_ms).image()
        sides = f'"bids":{as_json(self.texts.levels(bids))},"asks":{as_json(self.texts.levels(asks[::-1]))}'
        head = f'"code":0,"dataType":"{topic.name}"'
        if self.engine.is_spot:
            text = f'{{{head},"data":{{{sides},"lastUpdateId":{self._view.sequence}}},"timestamp":{now_ms}}}'
        else:
            text = f'{{{head},"ts":{now_ms},"data":{{{sides}}}}}'
        self._publish("top", topic.channel, (), text)

    def _deals(self, deals: Iterable[Deal], now_us: int) -> None:
        """Publish the trades of a step, on spot one by one, on swap all in one message."""
        told: list[Fill] = []
        for deal in deals:
            for lots in self._rows(deal.fills):
                fill = self._fill(self.texts.price(deal.price), lots, now_us // 1000, maker_bought=deal.side != ASK)
                told.append(fill)
                self.fills.append(fill)
                self.engine.outlet.record(
                    Trade(
                        at_us=now_us,
                        symbol=self.listing.instrument.symbol,
                        channel=TRADES,
                        id=fill.id,
                        side=_side(maker_bought=fill.maker_bought),
                        price=fill.price,
                        quantity=fill.quantity,
                    )
                )
        if not self.engine.outlet.has_readers(f"{self.native}@{TRADES}"):
            return
        if not self.engine.is_spot:
            self._publish("trade", TRADES, tuple(fill.id for fill in told), self._trades_text(told))
            return
        for fill in told:
            self._publish("trade", TRADES, (fill.id,), self._trade_text(fill))

    def _rows(self, fills: Iterable[int]) -> Iterator[int]:
        """Yield what is told as trades: on swap some are made of two equal ones, as there are there."""
        for lots in fills:
            if not self.engine.is_spot and lots % 2 == 0 and self.engine.chance.random() < _TWIN_SHARE:
                yield from (lots // 2, lots // 2)
            else:
                yield lots

    def _fill(self, price: str, lots: int, at_ms: int, *, maker_bought: bool) -> Fill:
        quantity = self.texts.quantity(lots)
        if self.engine.is_spot:
            self._trade_id += 1
            return Fill(str(self._trade_id), price, quantity, at_ms, maker_bought)
        if at_ms != self._equal_ms:
            self._equal_ms = at_ms
            self._equal.clear()
        name = f"{self.native}-{at_ms}-{float(price)!r}-{float(quantity)!r}-{_side(maker_bought=maker_bought)}"
        number = self._equal.get(name, 0)
        self._equal[name] = number + 1
        return Fill(f"{name}-{number}", price, quantity, at_ms, maker_bought)

    def _recent(self) -> list[Fill]:
        """Return the newest trades, of each millisecond all or none."""
        kept = list(self.fills)[-_HISTORY - 1 :]
        if len(kept) <= _HISTORY:
            return kept
        return [fill for fill in kept if fill.at_ms != kept[0].at_ms]

    def _trades_text(self, fills: Sequence[Fill]) -> str:
        rows = [
            f'{{"q":"{fill.quantity}","p":"{fill.price}","T":{fill.at_ms},"m":{_word(fill)},"s":"{self.native}"}}'
            for fill in reversed(fills)
        ]
        return f'{{"code":0,"dataType":"{self.native}@{TRADES}","data":[{",".join(rows)}]}}'

    def _trade_text(self, fill: Fill) -> str:
        data = (
            f'{{"e":"trade","E":{fill.at_ms},"s":"{self.native}","t":"{fill.id}","p":"{fill.price}",'
            f'"q":"{fill.quantity}","T":{fill.at_ms},"m":{_word(fill)}}}'
        )
        return f'{{"code":0,"dataType":"{self.native}@{TRADES}","data":{data}}}'

    def _mark_text(self, now_ms: int) -> str:
        data = f'{{"e":"markPriceUpdate","E":{now_ms},"s":"{self.native}","p":"{self.listing.mark_price}"}}'
        return f'{{"code":0,"dataType":"{self.native}@{MARK}","data":{data}}}'

    def _publish(self, kind: Kind, channel: str, ids: tuple[str, ...], text: str) -> None:
        self.engine.outlet.publish(
            Frame(
                stream=f"{self.native}@{channel}",
                kind=kind,
                symbol=self.listing.instrument.symbol,
                channel=channel,
                ids=ids,
                text=text,
                pack=gzip_message,
            )
        )


def _side(*, maker_bought: bool) -> str:
    return "sell" if maker_bought else "buy"


def _word(fill: Fill) -> str:
    return "true" if fill.maker_bought else "false"


def _as_object(levels: Iterable[PriceLevel]) -> str:
    return "{" + ",".join([f'"{price}":"{quantity}"' for price, quantity in levels]) + "}"
