"""What a live view of the market was asked to show, checked before anything is read."""

from __future__ import annotations

from dataclasses import dataclass

from tapeline.domain.instruments import MARKETS, Market
from tapeline.errors import Misconfigured
from tapeline.venues import registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One call of the command: which symbol, which part of it, and until when."""

    text: str
    venue: str | None = None
    market: Market | None = None
    depth: int = 10
    for_s: float | None = None
    once: bool = False

    @property
    def part(self) -> str:
        """Return which part of the symbol was asked for, in words that follow it; empty for all."""
        named = " ".join(word for word in (self.venue, self.market) if word)
        return f" at {named}" if named else ""


def checked(
    text: str, *, venue: str | None, market: str | None, depth: int = 1, for_s: float | None, once: bool
) -> Plan:
    """Return the plan of these options; raise Misconfigured for a venue or market that does not exist."""
    if market is not None and market not in MARKETS:
        raise Misconfigured(f"there is no market {market!r}", fix=f"use {' or '.join(MARKETS)}")
    return Plan(
        text=text,
        venue=None if venue is None else registry.venue(venue).id,
        market=market,
        depth=depth,
        for_s=for_s,
        once=once,
    )
