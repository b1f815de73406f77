"""What MEXC spot says of one instrument: numbered changes of the book, trades, best prices.

Every change of a level raises the version by one; a message covers `fromVersion` to `toVersion`, and follows the one
before it without a hole. REST's book is an older one: it lags the socket.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from simulator import chance
from simulator.face import Outlet
from simulator.faces import mexc_streams
from simulator.faces.mexc_streams import Fill, Stream
from simulator.faces.texts import Texts
from simulator.frames import Frame
from simulator.journal import Delta, PriceLevel, Trade
from simulator.ladder import ASK, BID
from simulator.market import STEP_MS, Deal, Listing, Step
from simulator.view import Level, View

BOOK = "spot@public.aggre.depth.v3.api.pb@100ms"
DEALS = "spot@public.aggre.deals.v3.api.pb@100ms"
REST_MS = 400
"""How far REST's book is behind at most."""
_USUAL_MS = 100
_KEPT_TRADES = 1000
_FIRST_VERSION = 10_000_000_000
_FIRST_ID = 600_000_000_000_000_000
_LONGEST_JUMP = 30


class Engine:
    """What all instruments share: the outlet, and the counter of trades."""

    def __init__(self, outlet: Outlet, seed: int) -> None:
        """Begin to count at a number of the seed's choice."""
        self.outlet = outlet
        self.chance = chance.stream(seed, "mexc", "spot", "ids")
        self._trade_id = _FIRST_ID + self.chance.below(_FIRST_ID)

    def trade_id(self) -> str:
        """Return the next trade id."""
        self._trade_id += 1 + self.chance.below(_LONGEST_JUMP)
        return str(self._trade_id)


class Feed:
    """One instrument."""

    def __init__(self, engine: Engine, listing: Listing) -> None:
        """Start the channels that always run."""
        self.engine = engine
        self.listing = listing
        self.texts = Texts(listing.instrument)
        self.wire = f"{listing.instrument.base}{listing.instrument.quote}"
        self.fills: deque[Fill] = deque(maxlen=_KEPT_TRADES)
        self._symbol = listing.instrument.symbol
        self._version = _FIRST_VERSION + engine.chance.below(_FIRST_VERSION)
        self._views: dict[int, View] = {}
        self._rest = self._begun(REST_MS)
        self._views[_USUAL_MS] = self._begun(_USUAL_MS)
        self._deals: dict[str, Stream] = {}
        self._tops: dict[str, Stream] = {}
        self._best: tuple[int, int, int, int] = (0, 0, 0, 0)

    def activate(self, stream: Stream) -> None:
        """Run a stream from now on, whoever reads it later."""
        if stream.kind == "book" and stream.every_ms not in self._views:
            self._views[stream.every_ms] = self._views[_USUAL_MS].at_pace(stream.every_ms)
        elif stream.kind == "trade":
            self._deals[stream.name] = stream
        elif stream.kind == "top":
            self._tops[stream.name] = stream

    def snapshot(self, limit: int) -> tuple[tuple[PriceLevel, ...], tuple[PriceLevel, ...], int]:
        """Return REST's book, bids and asks, and its version."""
        bids, asks = self._rest.image(limit)
        return self.texts.levels(bids), self.texts.levels(asks), self._rest.sequence

    def advance(self, step: Step, now_us: int) -> None:
        """Publish a step on every stream that is due."""
        at_ms, changes = self.listing.steps * STEP_MS, self.listing.ladder.changes
        self._version += len(changes)
        if step.deals:
            self._trade(step.deals, now_us)
        self._rest.note(changes)
        if self._rest.is_due(at_ms, STEP_MS):
            self._rest.flush()
            self._rest.sequence = self._version
        for every_ms, view in self._views.items():
            view.note(changes)
            if view.is_due(at_ms, STEP_MS):
                self._publish_book(every_ms, view, now_us)
        if self._tops:
            self._publish_tops(now_us)

    def _begun(self, every_ms: int) -> View:
        view = View(self.listing.ladder, depth=self.listing.ladder.depth, every_ms=every_ms)
        view.sequence = self._version
        return view

    def _publish_book(self, every_ms: int, view: View, now_us: int) -> None:
        bids, asks = view.flush()
        if not bids and not asks:
            return  # what changed has changed back; the next message covers these versions too
        bid_texts, ask_texts = self._changes(bids), self._changes(asks)
        follows, view.sequence = view.sequence, self._version
        name = f"spot@public.aggre.depth.v3.api.pb@{every_ms}ms@{self.wire}"
        stream = Stream(name, self.wire, "book", name.rpartition("@")[0], every_ms)
        self.engine.outlet.record(
            Delta(
                at_us=now_us,
                symbol=self._symbol,
                channel=stream.channel,
                sequence=view.sequence,
                first=follows + 1,
                follows=follows,
                bids=bid_texts,
                asks=ask_texts,
            )
        )
        if self.engine.outlet.has_readers(name):
            body = mexc_streams.depths(bid_texts, ask_texts, stream, follows + 1, view.sequence)
            self._tell(stream, body, now_us, (str(view.sequence),))

    def _changes(self, levels: list[Level]) -> tuple[PriceLevel, ...]:
        return tuple((self.texts.price(price), self.texts.quantity(lots) if lots else "0") for price, lots in levels)

    def _trade(self, deals: Iterable[Deal], now_us: int) -> None:
        """Publish the trades of a step as one message."""
        fills = [
            Fill(
                self.engine.trade_id(),
                self.texts.price(deal.price),
                self.texts.quantity(lots),
                "buy" if deal.side == ASK else "sell",
                now_us // 1000,
            )
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
                    side=one.side,
                    price=one.price,
                    quantity=one.quantity,
                )
            )
        for stream in self._deals.values():
            self._tell(stream, mexc_streams.deals(fills, stream), now_us, tuple(one.id for one in fills))

    def _publish_tops(self, now_us: int) -> None:
        """Send images of the top of the book to those who read them, when it has changed."""
        ladder = self.listing.ladder
        best = (ladder.bid, ladder.levels[BID][ladder.bid], ladder.ask, ladder.levels[ASK][ladder.ask])
        moved, self._best = best != self._best, best
        bid, ask = (
            (self.texts.price(best[0]), self.texts.quantity(best[1])),
            (
                self.texts.price(best[2]),
                self.texts.quantity(best[3]),
            ),
        )
        for stream in self._tops.values():
            if stream.levels:
                bids, asks = (self.texts.levels(side) for side in self._views[_USUAL_MS].image(stream.levels))
                body = mexc_streams.limit_depths(bids, asks, stream, self._version)
            elif not moved:
                continue
            elif stream.every_ms:
                body = mexc_streams.ticker(bid, ask, self._version)
            else:
                body = mexc_streams.tickers(bid, ask, self._version)
            self._tell(stream, body, now_us)

    def _tell(self, stream: Stream, body: tuple[int, bytes], now_us: int, ids: tuple[str, ...] = ()) -> None:
        if stream.kind is None or not self.engine.outlet.has_readers(stream.name):
            return
        channel = DEALS if stream.kind == "trade" else stream.channel
        self.engine.outlet.publish(
            Frame(
                stream=stream.name,
                kind=stream.kind,
                symbol=self._symbol,
                channel=channel,
                ids=ids,
                body=mexc_streams.wrapped(stream, body, now_us // 1000),
            )
        )
