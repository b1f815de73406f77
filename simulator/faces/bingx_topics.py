"""BingX's topics: what `SYMBOL@channel` stands for on each market, and how often it speaks at most."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from simulator.frames import Kind
from simulator.instruments import Instrument

BOOK: Final = "incrDepth"
TRADES: Final = "trade"
MARK: Final = "markPrice"
"""Of swap alone. UNCONFIRMED how often it speaks: once a second is plain."""

# The pace that a name of swap asks for changes nothing; spot's names have none.
_IMAGE = {
    "spot": re.compile(r"depth(5|10|20|50|100)"),
    "futures": re.compile(r"depth(5|10|20|50|100)(?:@(?:100|200|500|1000)ms)?"),
}
_FAST_BASES = frozenset({"BTC", "ETH"})


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic; `channel` is its name without the symbol, `levels` 0 for what is no image of the top of a book."""

    name: str
    native: str
    kind: Kind
    channel: str
    levels: int = 0


def native_of(instrument: Instrument) -> str:
    """Return how the venue writes an instrument."""
    return f"{instrument.base}-{instrument.quote}"


def parse_topic(name: str, market: str) -> Topic | None:
    """Read a topic's name; None for a channel that does not exist on a market."""
    native, _, channel = name.partition("@")
    if channel == BOOK:
        return Topic(name, native, "book", channel)
    if channel == TRADES:
        return Topic(name, native, "trade", channel)
    if channel == MARK and market == "futures":
        return Topic(name, native, "ticker", channel)
    found = _IMAGE[market].fullmatch(channel)
    return None if found is None else Topic(name, native, "top", channel, int(found[1]))


def book_ms(market: str, base: str) -> int:
    """Return how often the changes of a book are told."""
    if market == "spot":
        return 500
    return 200 if base in _FAST_BASES else 400


def image_ms(market: str, base: str) -> int:
    """Return how often the top of a book is told."""
    if market == "spot":
        return 300
    return 200 if base in _FAST_BASES else 500
