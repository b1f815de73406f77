"""The words that every instrument, trade and order is told by, in one place that imports nothing."""

from __future__ import annotations

from typing import Literal

Market = Literal["spot", "futures"]
Side = Literal["buy", "sell"]
