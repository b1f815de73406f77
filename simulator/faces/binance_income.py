"""Binance's income history of futures: funding alone, oldest first; what trades earned and cost is not listed here.

Read from developers.binance.com (futures: account, Get Income History). Without times it is about the last seven days.
"""

from __future__ import annotations

from decimal import Decimal

from simulator.chance import Chance
from simulator.face import Request
from simulator.faces.binance_gate import Params
from simulator.faces.binance_trading import number
from simulator.faces.binance_words import Json
from simulator.faces.texts import fixed
from simulator.journal import Funded

WEIGHT = 30
_TYPE = "FUNDING_FEE"
_FIRST_ID = 9_000_000_000
_LONGEST_JUMP = 1000
_USUAL, _MOST = 100, 1000
_WEEK_MS = 7 * 86_400_000
_END = 1 << 62


class Income:
    """What the account received and paid."""

    def __init__(self, drawn: Chance) -> None:
        """Start with nothing; `drawn` makes ids, which grow: other people's lie between."""
        self._drawn = drawn
        self._number = _FIRST_ID + drawn.below(_FIRST_ID)
        self._rows: list[Json] = []

    def add(self, paid: Funded, wire: str) -> None:
        """Note a payment."""
        self._number += 1 + self._drawn.below(_LONGEST_JUMP)
        self._rows.append(
            {
                "symbol": wire,
                "incomeType": _TYPE,
                "income": fixed(Decimal(paid.amount)),
                "asset": paid.asset,
                "info": _TYPE,
                "time": paid.at_us // 1000,
                "tranId": self._number,
                "tradeId": "",
            }
        )

    def answer(self, wire: str | None, params: Params, request: Request) -> list[Json]:
        """Return a page of the history."""
        timeless = "startTime" not in params and "endTime" not in params
        begin = request.at_us // 1000 - _WEEK_MS if timeless else number(params, "startTime", 0)
        end, limit = number(params, "endTime", _END), max(1, min(_MOST, number(params, "limit", _USUAL)))
        found = [
            one
            for one in self._rows
            if wire in {None, one["symbol"]}
            and params.get("incomeType", _TYPE) == _TYPE
            and begin <= one["time"] <= end
        ]
        first = (max(1, number(params, "page", 1)) - 1) * limit
        return found[first : first + limit]
