"""What a perpetual says of its funding, as a record: all that is known of it by now, with the rate that is needed."""

from __future__ import annotations

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
