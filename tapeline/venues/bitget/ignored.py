"""What Bitget sends that we know and do not read; fields stand under the struct that reads their neighbours."""

from __future__ import annotations

from typing import Final

from tapeline.venues.bitget import wire
from tapeline.venues.watching import Ignored

IGNORED: Final = Ignored(
    fields={
        wire.UnifiedBooks: "ts",
        wire.UnifiedBook: "maxDepth",
        wire.UnifiedDeals: "action ts",
        wire.UnifiedDeal: "L isRPI",
        wire.ClassicBooks: "ts",
        wire.ClassicDeals: "action ts",
        wire.Tickers: "action",
        wire.Ticker: (
            "ask1Price ask1Size askPr askSz baseVolume bid1Price bid1Size bidPr bidSz change24h deliveryPrice "
            "high24h highPrice24h holdingAmount instId lastPr lastPrice low24h lowPrice24h open24h openInterest "
            "openPrice24h openUtc price24hPcnt quoteVolume symbol symbolType ts turnover24h volume24h"
        ),
    },
    frames=("unsubscribe",),
)
