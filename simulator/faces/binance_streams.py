"""The names of Binance's streams: what `btcusdt@depth20@100ms` asks for, and on which futures route it is served."""

from __future__ import annotations

import re
from dataclasses import dataclass

from simulator.frames import Kind

_NAME = re.compile(
    r"(?P<symbol>[a-z0-9]+)@(?:"
    r"(?P<depth>depth)(?P<levels>5|10|20)?(?:@(?P<speed>100|250|500|1000)ms)?"
    r"|(?P<plain>bookTicker|trade|aggTrade)"
    r"|(?P<mark>markPrice)(?:@1s)?)"
)
# Of `@depth` alone; futures push faster.
_DEFAULT_MS = {"spot": 1000, "futures": 250}
_SPEEDS_MS = {"spot": (100, 1000), "futures": (100, 250, 500)}
_MARK_MS = {True: 1000, False: 3000}


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream: `levels` 0 is the diff of the whole book; `channel` is its name without the symbol."""

    name: str
    wire: str
    kind: Kind
    channel: str
    levels: int = 0
    every_ms: int = 0

    @property
    def route(self) -> str:
        """Return the class of a futures stream."""
        return "market" if self.channel.startswith(("aggTrade", "markPrice")) else "public"

    @property
    def is_diff(self) -> bool:
        """Tell whether it brings numbered changes."""
        return self.kind == "book"


def parse_stream(name: str, market: str) -> Stream | None:
    """Read a stream's name; None for one that does not exist on this market."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    wire, channel = found["symbol"].upper(), name.partition("@")[2]
    if found["depth"]:
        every_ms = int(found["speed"]) if found["speed"] else _DEFAULT_MS[market]
        if found["speed"] and every_ms not in _SPEEDS_MS[market]:
            return None
        levels = int(found["levels"] or 0)
        # The same channel under both of its names: @depth and @depth@1000ms.
        channel = f"depth{levels or ''}@{every_ms}ms"
        return Stream(name, wire, "top" if levels else "book", channel, levels, every_ms)
    if found["mark"]:
        if market == "spot":
            return None
        return Stream(name, wire, "ticker", channel, every_ms=_MARK_MS[channel.endswith("@1s")])
    return Stream(name, wire, "top" if found["plain"] == "bookTicker" else "trade", channel)
