"""How KuCoin's two sockets write down and tell what one instrument did; futures count in contracts, one of one lot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from simulator import chance
from simulator.face import Outlet
from simulator.faces.texts import Texts, as_json
from simulator.frames import Frame, Kind, Pack, binary_message, text_message
from simulator.instruments import Instrument
from simulator.journal import Delta, Served, Trade
from simulator.view import Level


def binary_text(text: str) -> bytes:
    """Return a text as the unified socket sends it: a binary message, not compressed."""
    return binary_message(text.encode())


@dataclass(frozen=True, slots=True)
class Fill:
    """One trade of the recent past; the quantity as on the wire."""

    id: int
    price: str
    size: str
    side: str
    at_ms: int
    taker: str
    maker: str


class Engine:
    """What all instruments of a market share."""

    def __init__(self, outlet: Outlet, market: str, seed: int, funding_ms: int) -> None:
        """Begin to count at numbers of the seed's choice."""
        self.outlet = outlet
        self.market = market
        self.funding_ms = funding_ms
        self.is_spot = market == "spot"
        self.type = "SPOT" if self.is_spot else "FUTURES"
        self.chance = chance.stream(seed, "kucoin", market, "ids")


class Teller:
    """Writes into the journal, in base units, and to whoever reads, in the wire's."""

    def __init__(self, engine: Engine, instrument: Instrument) -> None:
        """Give the instrument its name: on futures bitcoin is XBT."""
        self.engine = engine
        self.instrument = instrument
        self.texts = Texts(instrument)
        self.base = instrument.base if engine.is_spot or instrument.base != "BTC" else "XBT"
        self.name = f"{self.base}-{instrument.quote}" if engine.is_spot else f"{self.base}{instrument.quote}M"

    def size(self, lots: int) -> str:
        """Return a quantity as on the wire."""
        return self.texts.quantity(lots) if self.engine.is_spot and lots else str(lots)

    def pairs(self, levels: Iterable[Level]) -> str:
        """Return levels as JSON, as on the wire."""
        return as_json((self.texts.price(price), self.size(lots)) for price, lots in levels)

    def stream(self, channel: str) -> str:
        """Return by what a subscription is known; on the classic socket it is the topic."""
        return f"{channel}:{self.name}"

    def is_read(self, channel: str) -> bool:
        """Tell whether anyone is subscribed."""
        return self.engine.outlet.has_readers(self.stream(channel))

    def tell(self, channel: str, kind: Kind, text: str, ids: tuple[str, ...] = (), pack: Pack = text_message) -> None:
        """Publish a message."""
        symbol, stream = self.instrument.symbol, self.stream(channel)
        self.engine.outlet.publish(
            Frame(stream=stream, kind=kind, symbol=symbol, channel=channel, ids=ids, text=text, pack=pack)
        )

    def journal_book(
        self, channel: str, first: int, last: int, bids: Sequence[Level], asks: Sequence[Level], now_us: int
    ) -> None:
        """Write changes down."""
        self.engine.outlet.record(
            Delta(
                at_us=now_us,
                symbol=self.instrument.symbol,
                channel=channel,
                sequence=last,
                first=first,
                follows=first - 1,
                bids=self.texts.levels(bids),
                asks=self.texts.levels(asks),
            )
        )

    def journal_trade(self, channel: str, fill: Fill, lots: int, now_us: int) -> None:
        """Write a trade down."""
        self.engine.outlet.record(
            Trade(
                at_us=now_us,
                symbol=self.instrument.symbol,
                channel=channel,
                id=str(fill.id),
                side=fill.side,
                price=fill.price,
                quantity=self.texts.quantity(lots),
            )
        )

    def served(self, channel: str, sequence: int, levels: int, now_us: int) -> Served:
        """Return what the journal has of a whole book."""
        symbol = self.instrument.symbol
        return Served(at_us=now_us, symbol=symbol, channel=channel, sequence=sequence, levels=levels)
