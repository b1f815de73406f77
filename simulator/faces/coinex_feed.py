"""What CoinEx says of one instrument: windows of its book with checksums, deals newest first, the state of the market.

The deepest window always runs and is REST's book; what the account of a deal is stays unsaid, its id is a number that
rises.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from simulator import chance
from simulator.face import Outlet
from simulator.faces.coinex_depth import Depth, Sides, checksum
from simulator.faces.coinex_topics import DEALS, MOST, STATE, Topic
from simulator.faces.texts import Texts, as_json, shortest
from simulator.frames import Frame, Kind, gzip_message
from simulator.journal import Delta, Served, Trade
from simulator.ladder import ASK
from simulator.market import STEP_MS, Deal, Listing, Step

_KEPT_DEALS = 5000
_HISTORY = 100
_FIRST_ID = 1_000_000_000
_STATE_EVERY_MS = 1000
_DAY_S = 86_400
TO_ALL = 0
"""The connection of a whole book that is told to all at once, not to one that asked."""


@dataclass(frozen=True, slots=True)
class Fill:
    """One deal of the recent past; `side` is the taker's."""

    id: int
    price: str
    quantity: str
    side: str
    at_ms: int

    def text(self) -> str:
        """Return it as JSON."""
        return (
            f'{{"deal_id":{self.id},"created_at":{self.at_ms},"side":"{self.side}","price":"{self.price}",'
            f'"amount":"{self.quantity}"}}'
        )


class Engine:
    """What all instruments of a market share: the outlet and the number of the last deal."""

    def __init__(self, outlet: Outlet, market: str, seed: int, funding_ms: int) -> None:
        """Begin to count at a number of the seed's choice."""
        self.outlet = outlet
        self.funding_ms = funding_ms
        self.is_spot = market == "spot"
        self.deal_id = _FIRST_ID + chance.stream(seed, "coinex", market, "ids").below(_FIRST_ID)


class Feed:
    """One instrument."""

    def __init__(self, engine: Engine, listing: Listing) -> None:
        """Start the channels that always run."""
        self.engine = engine
        self.listing = listing
        self.fills: deque[Fill] = deque(maxlen=_KEPT_DEALS)
        self._texts = Texts(listing.instrument)
        self._wire = listing.instrument.wire
        self._symbol = listing.instrument.symbol
        self._depths = {MOST: Depth(listing.ladder, self._texts, limit=MOST)}
        self._last_price = self._texts.price(listing.ladder.bid)
        self._period = -1
        self._paid_rate = ""

    def greeting(self, topic: Topic, now_us: int) -> tuple[str, Served | None]:
        """Run a channel from now on; return what a new subscriber gets first and what the journal has of it."""
        if topic.family == DEALS:
            return self._deals_text(list(self.fills)[-_HISTORY:]), None
        if topic.family == STATE:
            return self._state_text(now_us), None
        depth = self._depths.get(topic.limit)
        if depth is None:
            depth = self._depths[topic.limit] = Depth(self.listing.ladder, self._texts, limit=topic.limit)
        depth.begin(now_us // 1000)
        served = None if topic.whole else self._served(depth, now_us)
        return self._book_text(depth, None), served

    def advance(self, step: Step, now_us: int) -> None:
        """Publish a step on every channel that is due."""
        if step.deals:
            self._deals(step.deals, now_us)
        at_ms = self.listing.steps * STEP_MS
        for depth in self._depths.values():
            depth.note(self.listing.ladder.changes, at_ms)
            follows = depth.updated_ms
            if depth.take_whole(now_us // 1000):
                self._publish_whole(depth, now_us)
            elif (changes := depth.changes(now_us // 1000)) is not None:
                self._publish_changes(depth, follows, changes, now_us)
        if at_ms % _STATE_EVERY_MS == 0 and self.engine.outlet.has_readers(f"{STATE}.{self._wire}"):
            self._publish("ticker", STATE, (), self._state_text(now_us))

    def book(self, limit: int, now_us: int) -> tuple[str, Served]:
        """Return REST's book, which is what the deepest window told last, and what the journal has of it."""
        depth = self._depths[MOST]
        depth.begin(now_us // 1000)
        sides = depth.image(limit)
        served = Served(
            at_us=now_us, symbol=self._symbol, channel="depth", sequence=depth.updated_ms, levels=len(sides[0])
        )
        return self._depth_text(depth, sides, sides), served

    def funding(self, now_us: int) -> dict[str, str | int]:
        """Return the rate that was paid last, the one to be paid next, and when."""
        every_ms, rate = self.engine.funding_ms, self.listing.funding_rate
        period = now_us // 1000 // every_ms
        if period != self._period:
            self._period, self._paid_rate = period, rate
        return {
            "mark_price": self.listing.mark_price,
            "latest_funding_rate": self._paid_rate,
            "next_funding_rate": rate,
            "latest_funding_time": period * every_ms,
            "next_funding_time": (period + 1) * every_ms,
        }

    def _publish_changes(self, depth: Depth, follows: int, changes: Sides, now_us: int) -> None:
        channel, number = f"depth.{depth.limit}", depth.updated_ms
        bids, asks = changes
        self.engine.outlet.record(
            Delta(
                at_us=now_us,
                symbol=self._symbol,
                channel=channel,
                sequence=number,
                first=number,
                follows=follows,
                bids=bids,
                asks=asks,
            )
        )
        if self.engine.outlet.has_readers(f"{channel}.{self._wire}"):
            self._publish("book", channel, (str(number),), self._book_text(depth, changes))
        if self.engine.outlet.has_readers(f"{channel}.whole.{self._wire}"):
            self._publish("top", f"{channel}.whole", (), self._book_text(depth, None))

    def _publish_whole(self, depth: Depth, now_us: int) -> None:
        channel = f"depth.{depth.limit}"
        if self.engine.outlet.has_readers(f"{channel}.{self._wire}"):
            served = self._served(depth, now_us, connection=TO_ALL)
            self.engine.outlet.record(served)
            self._publish("book", channel, (str(served.sequence),), self._book_text(depth, None))

    def _served(self, depth: Depth, now_us: int, connection: int | None = None) -> Served:
        return Served(
            at_us=now_us,
            symbol=self._symbol,
            channel=f"depth.{depth.limit}",
            sequence=depth.updated_ms,
            levels=depth.limit,
            connection=connection,
        )

    def _book_text(self, depth: Depth, changes: Sides | None) -> str:
        """Return a message of changes, without any of the whole."""
        whole = depth.image()
        data = self._depth_text(depth, changes or whole, whole)
        return f'{{"method":"depth.update","data":{data},"id":null}}'

    def _depth_text(self, depth: Depth, told: Sides, whole: Sides) -> str:
        bids, asks = told
        return (
            f'{{"market":"{self._wire}","is_full":{"true" if told is whole else "false"},"depth":{{'
            f'"asks":{as_json(asks)},"bids":{as_json(bids)},"last":"{self._last_price}",'
            f'"updated_at":{depth.updated_ms},"checksum":{checksum(whole)}}}}}'
        )

    def _deals(self, deals: Iterable[Deal], now_us: int) -> None:
        """Publish the deals of a step as one message, newest first."""
        told: list[Fill] = []
        for deal in deals:
            self._last_price = self._texts.price(deal.price)
            side = "buy" if deal.side == ASK else "sell"
            for lots in deal.fills:
                self.engine.deal_id += 1
                quantity = self._texts.quantity(lots)
                fill = Fill(self.engine.deal_id, self._last_price, quantity, side, now_us // 1000)
                told.append(fill)
                self.engine.outlet.record(
                    Trade(
                        at_us=now_us,
                        symbol=self._symbol,
                        channel=DEALS,
                        id=str(fill.id),
                        side=side,
                        price=fill.price,
                        quantity=quantity,
                    )
                )
        self.fills.extend(told)
        if self.engine.outlet.has_readers(f"{DEALS}.{self._wire}"):
            self._publish("trade", DEALS, tuple(str(fill.id) for fill in told), self._deals_text(told))

    def _deals_text(self, fills: list[Fill]) -> str:
        listed = ",".join(fill.text() for fill in reversed(fills))
        return f'{{"method":"deals.update","data":{{"market":"{self._wire}","deal_list":[{listed}]}},"id":null}}'

    def _state_text(self, now_us: int) -> str:
        last = self._last_price
        state: dict[str, str | int] = {"market": self._wire, "last": last, "open": last, "close": last, "high": last}
        state |= {"low": last, "volume": "0", "volume_sell": "0", "volume_buy": "0", "value": "0", "period": _DAY_S}
        if not self.engine.is_spot:
            state |= {"open_interest_size": "0", "insurance_fund_size": "0"}
            state |= {"index_price": shortest(self.listing.index_price), **self.funding(now_us)}
        fields = ",".join(
            f'"{name}":{value}' if isinstance(value, int) else f'"{name}":"{value}"' for name, value in state.items()
        )
        return f'{{"method":"state.update","data":{{"state_list":[{{{fields}}}]}},"id":null}}'

    def _publish(self, kind: Kind, channel: str, ids: tuple[str, ...], text: str) -> None:
        self.engine.outlet.publish(
            Frame(
                stream=f"{channel}.{self._wire}",
                kind=kind,
                symbol=self._symbol,
                channel=channel,
                ids=ids,
                text=text,
                pack=gzip_message,
            )
        )
