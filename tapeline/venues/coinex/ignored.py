"""What CoinEx sends that we know and do not read; fields stand under the struct that reads their neighbours."""

from __future__ import annotations

from typing import Final

from tapeline.venues.coinex import wire
from tapeline.venues.watching import Ignored

IGNORED: Final = Ignored(
    fields={
        wire.DepthMessage: "id method",
        wire.Depth: "last",
        wire.State: (
            "close high insurance_fund_size last latest_funding_rate low open open_interest_size period value "
            "volume volume_buy volume_sell"
        ),
    },
)
