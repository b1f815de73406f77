"""What OKX sends that we know and do not read; fields stand under the struct that reads their neighbours."""

from __future__ import annotations

from typing import Final

from tapeline.venues.okx import wire
from tapeline.venues.watching import Ignored

IGNORED: Final = Ignored(
    fields={
        wire.Book: "instId",
        wire.Deal: "count seqId source",
        wire.FundingRate: (
            "formulaType impactValue instType interestRate maxFundingRate method minFundingRate nextFundingRate "
            "premium settFundingRate settState"
        ),
        wire.MarkPrice: "instType",
        wire.IndexTicker: "high24h low24h open24h sodUtc0 sodUtc8",
    },
    frames=("channel-conn-count", "notice"),
)
