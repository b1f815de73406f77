"""Tasks for tests: rows with only what a test speaks of."""

from __future__ import annotations

from tapeline.domain.instruments import Market
from tapeline.domain.tasks import Pair, Task


def pair(symbol: str = "BTC/USDT", venue: str = "bybit", market: Market = "spot") -> Pair:
    """Return a pair."""
    return Pair(venue, market, symbol)


def monitor(
    of: Pair, *, priority: int = 0, depth: int = 20, enabled: bool = True, daemon: str | None = None, until: int = 0
) -> Task:
    """Return a row of `monitoring`."""
    return Task(
        table="monitoring", id=1, venue=of.venue, market=of.market, symbol=of.symbol, priority=priority, depth=depth,
        enabled=enabled, daemon=daemon, until_us=None if daemon is None else until,
    )  # fmt: skip


def trading(of: Pair, *, priority: int = 0, enabled: bool = True, daemon: str | None = None, until: int = 0) -> Task:
    """Return a row of `trade`."""
    return Task(
        table="trade", id=1, venue=of.venue, market=of.market, symbol=of.symbol, priority=priority, enabled=enabled,
        daemon=daemon, until_us=None if daemon is None else until,
    )  # fmt: skip
