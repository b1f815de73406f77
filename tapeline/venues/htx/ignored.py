"""What HTX sends that we know and do not read; fields stand under the struct that reads their neighbours."""

from __future__ import annotations

from typing import Final

from tapeline.venues.htx import wire
from tapeline.venues.watching import Ignored

IGNORED: Final = Ignored(
    fields={
        wire.Deals: "id ts",
        wire.SpotDeal: "id",
        wire.SwapDeal: "quantity trade_turnover",
        wire.Whole: "ch id",
        wire.Step: "ch id mrid",
        wire.Candle: "amount count high id low open trade_turnover vol",
        wire.PushedRate: "estimated_rate fee_asset funding_time symbol",
    },
)
