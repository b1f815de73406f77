"""HTX's topics: which socket serves what, how an instrument is called there, and what a topic stands for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from simulator.frames import Kind
from simulator.instruments import Instrument

FEED: Final = "/feed"
MARKET: Final = "/ws"
LINEAR: Final = "/linear-swap-ws"
INDEX: Final = "/ws_index"
NOTICES: Final = "/linear-swap-notification"
PATHS: Final = {"spot": (FEED, MARKET), "futures": (LINEAR, INDEX, NOTICES)}

TRADES: Final = "trade.detail"
INDEX_PRICE: Final = "index.1min"
MARK_PRICE: Final = "mark_price.1min"
FUNDING: Final = "funding_rate"
# channel -> levels
BOOKS: Final = {
    "spot": {"mbp.150": 150, "mbp.400": 400},
    "futures": {"depth.size_20.high_freq": 20, "depth.size_150.high_freq": 150},
}
WHOLE: Final = " whole"
"""What is added to the name of a linear book whose reader wants all of it each time."""

_SERVED: Final[dict[str, dict[str, Kind]]] = {
    FEED: dict.fromkeys(BOOKS["spot"], "book"),
    MARKET: {TRADES: "trade"},
    LINEAR: {**dict.fromkeys(BOOKS["futures"], "book"), TRADES: "trade"},
    INDEX: {INDEX_PRICE: "ticker", MARK_PRICE: "ticker"},
}


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic; `channel` is its name without the instrument."""

    name: str
    native: str
    kind: Kind
    channel: str


def native_of(instrument: Instrument, market: str) -> str:
    """Return how the venue writes an instrument."""
    if market == "spot":
        return f"{instrument.base}{instrument.quote}".lower()
    return f"{instrument.base}-{instrument.quote}"


def topic_of(native: str, channel: str) -> str:
    """Return the name of a topic."""
    return f"market.{native}.{channel}"


def parse(name: str, path: str) -> Topic | None:
    """Read a topic's name; None for one that this socket does not serve."""
    first, _, rest = name.partition(".")
    native, _, channel = rest.partition(".")
    kind = _SERVED[path].get(channel)
    return None if first != "market" or kind is None else Topic(name, native, kind, channel)
