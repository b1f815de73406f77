"""What MEXC sends that we know and do not read; fields stand under the struct that reads their neighbours."""

from __future__ import annotations

from typing import Final

from tapeline.venues.mexc import wire
from tapeline.venues.watching import Ignored

IGNORED: Final = Ignored(
    fields={
        wire.DealFrame: "ts",
        wire.Contract: "M O",
        wire.Rate: "symbol",
        wire.Fair: "symbol",
    },
    frames=(" without a body",),
)
