"""What an Ethereum node sends that we know and do not read, under the struct that reads the fields beside it."""

from __future__ import annotations

from typing import Final

from tapeline.venues.uniswap import wire
from tapeline.venues.watching import Ignored

IGNORED: Final = Ignored(
    fields={
        wire.Reply: "jsonrpc",
        wire.Frame: "jsonrpc",
        wire.Notice: "subscription",
        wire.Block: "parentHash transactions",
        wire.Log: "transactionHash transactionIndex",
    },
)
