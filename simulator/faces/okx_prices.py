"""What OKX says of a swap beside its book: funding rate, mark price and index price, each on a channel of its own.

The sheet gives no pace for mark and index price (here each second) nor for funding (here each minute, and at once when
the time of the next payment has moved). The index has the name of the pair, not of the swap.
"""

from __future__ import annotations

from collections.abc import Iterator

from simulator.faces.texts import shortest
from simulator.market import STEP_MS, Listing

FUNDING = "funding-rate"
MARK = "mark-price"
INDEX = "index-tickers"
CHANNELS = (FUNDING, MARK, INDEX)

_PRICES_MS = 1_000
_FUNDING_MS = 60_000
_HIGHEST_RATE = "0.00375"
_OF_THE_DAY = ("high24h", "low24h", "open24h", "sodUtc0", "sodUtc8")


class Prices:
    """One swap."""

    def __init__(self, listing: Listing, *, index: str, name: str, funding_ms: int) -> None:
        """Tell of a swap and its index by their names."""
        self._listing = listing
        self._index = index
        self._name = name
        self._every_ms = funding_ms
        self._interval = 0

    def funding(self, now_ms: int) -> dict[str, str]:
        """Return the fields of the funding rate: the payment that comes, and the one after it."""
        next_ms = (now_ms // self._every_ms + 1) * self._every_ms
        return {
            "fundingRate": self._listing.funding_rate,
            "fundingTime": str(next_ms),
            "instId": self._name,
            "instType": "SWAP",
            "maxFundingRate": _HIGHEST_RATE,
            "method": "current_period",
            "minFundingRate": f"-{_HIGHEST_RATE}",
            "nextFundingRate": "",
            "nextFundingTime": str(next_ms + self._every_ms),
            "settFundingRate": self._listing.funding_rate,
            "settState": "settled",
            "ts": str(now_ms),
        }

    def due(self, at_ms: int, now_ms: int) -> Iterator[str]:
        """Yield the channels that have something to say at a step."""
        if _is_due(at_ms, _PRICES_MS):
            yield MARK
            yield INDEX
        interval = now_ms // self._every_ms
        moved, self._interval = self._interval not in {0, interval}, interval
        if moved or _is_due(at_ms, _FUNDING_MS):
            yield FUNDING

    def fields(self, channel: str, now_ms: int) -> dict[str, str]:
        """Return what a channel says."""
        if channel == FUNDING:
            return self.funding(now_ms)
        if channel == MARK:
            price = self._listing.mark_price
            return {"instId": self._name, "instType": "SWAP", "markPx": price, "ts": str(now_ms)}
        price = shortest(self._listing.index_price)
        return {"instId": self._index, "idxPx": price, **dict.fromkeys(_OF_THE_DAY, price), "ts": str(now_ms)}


def _is_due(at_ms: int, every_ms: int) -> bool:
    return at_ms // every_ms != (at_ms - STEP_MS) // every_ms
