"""What a perpetual says of its funding, as a record, and when it is asked for where no stream tells it whole."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tapeline.domain.events import Funding, OfInstrument
from tapeline.venues.contract import FundingUpdate


def funding_record(of: OfInstrument, whole: FundingUpdate, rate: float, *, epoch: int, published_us: int) -> Funding:
    """Return the record of everything that was told so far."""
    return Funding(
        venue=of.venue,
        market=of.market,
        symbol=of.symbol,
        epoch=epoch,
        rate=rate,
        mark_price=whole.mark_price,
        index_price=whole.index_price,
        next_us=whole.next_us,
        interval_us=whole.interval_us,
        venue_us=whole.venue_us,
        received_us=whole.received_us,
        published_us=published_us,
        exact=whole.exact,
    )


US_PER_S: Final = 1_000_000


class Polled:
    """When the funding of each instrument is asked for next."""

    def __init__(self, every_s: float | None) -> None:
        """Take how often; None: streams tell it."""
        self._every_us = None if every_s is None else int(every_s * US_PER_S)
        self.due_us: dict[str, int] = {}

    def due(self, natives: Iterable[str], now_us: int) -> list[str]:
        """Return whose funding is to be asked for now; each is asked for again after the period."""
        if self._every_us is None:
            return []
        found = [native for native in natives if now_us >= self.due_us.get(native, 0)]
        self.due_us |= dict.fromkeys(found, now_us + self._every_us)
        return found
