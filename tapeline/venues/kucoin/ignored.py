"""What KuCoin sends that we know and do not read; fields stand under the struct that reads their neighbours."""

from __future__ import annotations

from typing import Final

from tapeline.venues.kucoin import classic, wire
from tapeline.venues.watching import Ignored

IGNORED: Final = Ignored(
    fields={
        wire.BookFrame: "T",
        wire.DealFrame: "P",
        wire.Deal: "rpi",
        wire.Rate: "fc ff ft lfr",
        wire.MarkFrame: "P",
        wire.Mark: "oi",
        classic.SpotBook: "subject",
        classic.FuturesBook: "sn subject",
        classic.WholeBook: "subject",
        classic.MatchFrame: "sn subject",
        wire.Match: "makerOrderId takerOrderId type",
    },
)
