"""The words that every instrument, trade and order is told by, in one place that imports nothing."""

from __future__ import annotations

from typing import Final, Literal, get_args

Market = Literal["spot", "futures"]
Side = Literal["buy", "sell"]
MARKETS: Final[tuple[Market, ...]] = get_args(Market)
