"""What Bybit sends that we know and do not read; fields stand under the struct that reads their neighbours."""

from __future__ import annotations

from typing import Final

from tapeline.venues.bybit import wire
from tapeline.venues.watching import Ignored

IGNORED: Final = Ignored(
    fields={
        wire.BookFrame: "topic",
        wire.BookData: "seq",
        wire.TradeFrame: "ts type",
        wire.Deal: "BT L RPI",
        wire.TickerFrame: "cs",
        wire.TickerData: (
            "ask1Price ask1Size basis basisRate bid1Price bid1Size curPreListingPhase deliveryFeeRate "
            "deliveryTime fundingIntervalHour highPrice24h lastPrice lowPrice24h openInterest openInterestValue "
            "preOpenPrice preQty predictedDeliveryPrice prevPrice1h prevPrice24h price24hPcnt tickDirection "
            "turnover24h volume24h"
        ),
    },
)
