"""What BingX sends that we know and do not read; fields stand under the struct that reads their neighbours."""

from __future__ import annotations

from typing import Final

from tapeline.venues.bingx import wire
from tapeline.venues.watching import Ignored

IGNORED: Final = Ignored(
    fields={
        wire.WholeBook: "success",
        wire.IncrementalBook: "success",
        wire.Increment: "sourceUpdateId",
        wire.Deals: "Success success",
        wire.Deal: "E e s",
        wire.Mark: "e s",
    },
)
