"""CoinEx's topics: a family, a market, and of a book how many levels and whether each message is the whole of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from simulator.frames import Kind

DEALS: Final = "deals"
STATE: Final = "state"
FAMILIES = frozenset({"depth", DEALS, STATE})
LIMITS = (5, 10, 20, 50)
MOST: Final = 50
BOOK: Final = f"depth.{MOST}"
"""The deepest book that is told by changes."""

_KINDS: dict[str, Kind] = {"depth": "book", DEALS: "trade", STATE: "ticker"}


class Unread(Exception):
    """Parameters that are not of the form that is asked for."""


@dataclass(frozen=True, slots=True)
class Topic:
    """What one entry of a subscription asks for."""

    market: str
    family: str
    limit: int = 0
    merge: str = "0"
    whole: bool = False

    @property
    def exists(self) -> bool:
        """Tell whether anything is ever told of it."""
        return self.family != "depth" or (self.limit in LIMITS and self.merge == "0")

    @property
    def channel(self) -> str:
        """Return its name without the market."""
        if self.family != "depth":
            return self.family
        return f"depth.{self.limit}.whole" if self.whole else f"depth.{self.limit}"

    @property
    def name(self) -> str:
        """Return the name of its stream."""
        return f"{self.channel}.{self.market}"

    @property
    def kind(self) -> Kind:
        """Return what it brings; a book that is always told as a whole has no changes."""
        return "top" if self.whole else _KINDS[self.family]


def read_depth(entry: object) -> Topic:
    """Read `[market, limit, merge, is_full]`, or raise Unread."""
    match entry:
        case [str(market), int(limit), str(merge), bool(whole)] if not isinstance(limit, bool):
            return Topic(market, "depth", limit, merge, whole)
    raise Unread
