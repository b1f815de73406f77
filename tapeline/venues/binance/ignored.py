"""What Binance sends that we know and do not read; fields stand under the struct that reads their neighbours."""

from __future__ import annotations

from typing import Final

from tapeline.venues.binance import wire
from tapeline.venues.watching import Ignored

IGNORED: Final = Ignored(
    fields={
        wire.DepthEnvelope: "stream",
        wire.Depth: "e ps st",
        wire.Deal: "E M b f l nq ps st",
        wire.MarkPrice: "P e st",
    },
)
