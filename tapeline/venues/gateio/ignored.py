"""What Gate sends that we know and do not read; fields stand under the struct that reads their neighbours."""

from __future__ import annotations

from typing import Final

from tapeline.venues.gateio import wire
from tapeline.venues.watching import Ignored

IGNORED: Final = Ignored(
    fields={
        wire.Frame: "channel event time",
        wire.Increment: "E e l",
        wire.SpotTop: "l",
        wire.SpotTrade: "create_time range",
        wire.Ticker: (
            "basis_rate basis_value change_percentage funding_offset funding_rate_indicative high_24h highest_bid "
            "highest_size last low_24h lowest_ask lowest_size quanto_base_rate total_size volume_24h "
            "volume_24h_base volume_24h_btc volume_24h_quote volume_24h_settle volume_24h_usd"
        ),
    },
)
