"""What Gate says of one instrument: its update ids, books of each depth, trades, on futures the ticker with funding.

The changes of a book are numbered one by one, and every channel tells them under the same numbers: `U` is the number
after the last `u` of the channel. A message whose numbers went by outside of the depth that it shows brings no levels
at all (obu: not even the keys). Futures count in contracts: one contract is one lot.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from simulator import chance
from simulator.face import Outlet
from simulator.faces.gateio_channels import OBU, OBU_MS, TICKERS, TRADES, Stream, channel_of, native_of
from simulator.faces.gateio_texts import Fill, Wire, envelope, ticker
from simulator.frames import Frame, Kind
from simulator.journal import Delta, Served, Trade
from simulator.ladder import ASK
from simulator.market import STEP_MS, Deal, Listing, Step
from simulator.view import Level, View

INTEGERS = " integers"
"""What is added to the name of a stream whose reader did not ask for decimal sizes."""

_KEPT_TRADES = 1000
_FIRST_ID = 1_000_000_000
_LONGEST_JUMP = 30
Sides = tuple[list[Level], list[Level]]
Tell = Callable[[bool], str]
"""Makes the text of a message, with or without decimal sizes."""


class Engine:
    """What all instruments of a market share: the outlet and the counter of trades."""

    def __init__(self, outlet: Outlet, market: str, seed: int, funding_ms: int) -> None:
        """Begin to count at a number of the seed's choice."""
        self.outlet = outlet
        self.market = market
        self.is_spot = market == "spot"
        self.funding_ms = funding_ms
        self.chance = chance.stream(seed, "gateio", market, "ids")
        self._trade_id = _FIRST_ID + self.chance.below(_FIRST_ID)

    def trade_id(self) -> int:
        """Return the next id of a trade; that numbers of other instruments lie between proves nothing."""
        self._trade_id += 1 + self.chance.below(_LONGEST_JUMP)
        return self._trade_id


class Feed:
    """One instrument."""

    def __init__(self, engine: Engine, listing: Listing) -> None:
        """Start the channels that always run."""
        self.engine = engine
        self.listing = listing
        self.native = native_of(listing.instrument)
        self.wire = Wire(listing, is_spot=engine.is_spot)
        self.fills: deque[Fill] = deque(maxlen=_KEPT_TRADES)
        self.last_id = _FIRST_ID + engine.chance.below(_FIRST_ID)
        self.changed_ms = 0
        self._number = _FIRST_ID + engine.chance.below(_FIRST_ID)
        self._symbol = listing.instrument.symbol
        self._views: dict[str, tuple[Stream, View]] = {}
        self._last = self.wire.price(listing.ladder.bid)
        self._ticker = ""
        for depth, every_ms in OBU_MS.items():
            channel = channel_of(engine.market, OBU, depth)
            name = f"{engine.market}.{OBU} ob.{self.native}.{depth}"
            self.activate(Stream(name, self.native, "book", channel, depth, every_ms))

    def activate(self, stream: Stream) -> None:
        """Run a book from now on, and journal it; everything else runs by itself."""
        if stream.kind == "book" and stream.channel not in self._views:
            view = View(self.listing.ladder, depth=stream.depth, every_ms=stream.every_ms)
            view.sequence = self.last_id
            self._views[stream.channel] = (stream, view)

    def greeting(self, stream: Stream, now_us: int, *, decimal: bool) -> tuple[str, Served | None]:
        """Return what a new subscriber of an obu stream gets first, the whole book; else an empty text."""
        if f".{OBU}." not in stream.channel:
            return "", None
        view = self._views[stream.channel][1]
        image = view.image()
        served = Served(
            at_us=now_us,
            symbol=self._symbol,
            channel=stream.channel,
            sequence=view.sequence,
            levels=len(image[0]),
        )
        result = (
            f'{{"t":{self.changed_ms or now_us // 1000},"full":true,"s":"{stream.name.partition(" ")[2]}",'
            f'"u":{view.sequence},{self.wire.arrays(image, decimal=decimal)}}}'
        )
        return envelope(f"{self.engine.market}.{OBU}", result, now_us), served

    def book(self, limit: int) -> Sides:
        """Return the book that `last_id` stands for, best first."""
        return View(self.listing.ladder, depth=limit, every_ms=STEP_MS).image()

    def advance(self, step: Step, now_us: int) -> None:
        """Number the changes of a step and publish what is due."""
        for deal in step.deals:
            self._deal(deal, now_us)
        changes, at_ms = self.listing.ladder.changes, self.listing.steps * STEP_MS
        if changes:
            self.last_id += len(changes)
            self.changed_ms = now_us // 1000
        for stream, view in self._views.values():
            view.note(changes)
            if view.is_due(at_ms, STEP_MS) and self.last_id != view.sequence:
                self._publish_book(stream, view, now_us)
        if not self.engine.is_spot:
            self._publish_ticker(now_us)

    def funding(self, now_us: int) -> dict[str, str | int]:
        """Return rate, prices and times of funding, in seconds."""
        every_ms = self.engine.funding_ms
        return {
            "funding_rate": self.listing.funding_rate,
            "funding_interval": max(1, every_ms // 1000),
            "funding_next_apply": (now_us // 1000 // every_ms + 1) * every_ms // 1000,
            "mark_price": self.listing.mark_price,
            "index_price": f"{self.listing.index_price:.8f}",
            "last_price": self._last,
        }

    def _publish_book(self, stream: Stream, view: View, now_us: int) -> None:
        sides = view.flush()
        first, view.sequence = view.sequence + 1, self.last_id
        bids, asks = (self.wire.texts.levels(side) for side in sides)
        self.engine.outlet.record(
            Delta(
                at_us=now_us,
                symbol=self._symbol,
                channel=stream.channel,
                sequence=view.sequence,
                first=first,
                follows=first - 1,
                bids=bids,
                asks=asks,
            )
        )
        tell = self._obu if f".{OBU}." in stream.channel else self._update
        self._publish(
            stream,
            (str(view.sequence),),
            lambda decimal: tell(stream, (first, view.sequence), sides, now_us, decimal=decimal),
        )

    def _obu(self, stream: Stream, ids: tuple[int, int], sides: Sides, now_us: int, *, decimal: bool) -> str:
        levels = f",{self.wire.arrays(sides, decimal=decimal)}" if any(sides) else ""
        name = stream.name.partition(" ")[2]
        result = f'{{"t":{now_us // 1000},"s":"{name}","U":{ids[0]},"u":{ids[1]}{levels}}}'
        return envelope(f"{self.engine.market}.{OBU}", result, now_us)

    def _update(self, stream: Stream, ids: tuple[int, int], sides: Sides, now_us: int, *, decimal: bool) -> str:
        now_ms = now_us // 1000
        event = f'"e":"depthUpdate","E":{now_ms // 1000},' if self.engine.is_spot else ""
        show = self.wire.arrays if self.engine.is_spot else self.wire.objects
        result = (
            f'{{"t":{now_ms},{event}"s":"{self.native}","U":{ids[0]},"u":{ids[1]},'
            f'{show(sides, decimal=decimal)},"l":"{stream.depth}"}}'
        )
        return envelope(f"{self.engine.market}.order_book_update", result, now_us)

    def _deal(self, deal: Deal, now_us: int) -> None:
        """Publish the trades of one taker order: each alone on spot, together on futures."""
        side, price = "buy" if deal.side == ASK else "sell", self.wire.price(deal.price)
        self._last = price
        fills: list[Fill] = []
        for lots in deal.fills:
            self._number += 1
            fills.append(Fill(self.engine.trade_id(), self._number, price, lots, side, now_us))
        self.fills.extend(fills)
        for fill in fills:
            self.engine.outlet.record(
                Trade(
                    at_us=now_us,
                    symbol=self._symbol,
                    channel=channel_of(self.engine.market, TRADES),
                    id=str(fill.id),
                    number=str(fill.number) if self.engine.is_spot else None,
                    side=side,
                    price=price,
                    quantity=self.wire.texts.quantity(fill.lots),
                )
            )
        for together in [[fill] for fill in fills] if self.engine.is_spot else [fills]:
            self._publish_trades(together, now_us)

    def _publish_trades(self, fills: list[Fill], now_us: int) -> None:
        channel = channel_of(self.engine.market, TRADES)
        stream = Stream(f"{channel} {self.native}", self.native, "trade", channel)
        ids = tuple(str(fill.id) for fill in fills)

        def told(decimal: bool) -> str:  # noqa: FBT001 - called with what `_publish` asks for
            parts = [self.wire.trade(fill, self.native, decimal=decimal) for fill in fills]
            result = parts[0] if self.engine.is_spot else f"[{','.join(parts)}]"
            return envelope(channel, result, now_us)

        self._publish(stream, ids, told)

    def _publish_ticker(self, now_us: int) -> None:
        """Send the ticker when something in it changed."""
        channel = channel_of(self.engine.market, TICKERS)
        stream = Stream(f"{channel} {self.native}", self.native, "ticker", channel)
        names = (stream.name, stream.name + INTEGERS)
        if not any(self.engine.outlet.has_readers(name) for name in names):
            return
        text = ticker(self.funding(now_us), self.native)
        if text != self._ticker:
            self._ticker = text
            self._publish(stream, (), lambda _: envelope(channel, f"[{text}]", now_us))

    def _publish(self, stream: Stream, ids: tuple[str, ...], tell: Tell) -> None:
        """Send a message to those who asked for decimal sizes, and to those who did not as they get it."""
        kind: Kind = stream.kind
        for name, decimal in ((stream.name, True), (stream.name + INTEGERS, False)):
            if self.engine.outlet.has_readers(name):
                self.engine.outlet.publish(
                    Frame(
                        stream=name,
                        kind=kind,
                        symbol=self._symbol,
                        channel=stream.channel,
                        ids=ids,
                        text=tell(decimal),
                    )
                )
