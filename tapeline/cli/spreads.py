"""`tapeline spreads`: what buying on one venue and selling on another would earn, for all pairs of a symbol, live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import msgspec

from tapeline.cli import market_live, market_spreads
from tapeline.cli.market_live import Item
from tapeline.cli.market_plan import Plan
from tapeline.cli.market_reading import Take
from tapeline.cli.market_spreads import Spreads
from tapeline.cli.market_symbols import Missing
from tapeline.cli.render import Output
from tapeline.cli.view import View
from tapeline.domain.spread import Spread


class Panel:
    """The live view of one symbol's spreads."""

    def __init__(self, symbol: str, plan: Plan) -> None:
        """Begin with no spreads."""
        self._spreads = Spreads(symbol, plan)
        self._plan = plan
        self.newest: dict[str, Take] = {"signal.spread": self._take}
        self.coming: dict[str, Take] = {}

    def _take(self, value: Mapping[str, Any]) -> None:
        self._spreads.take(msgspec.convert(value, Spread))

    def items(self, now_us: int) -> Sequence[Item]:
        """Return the pairs as they stand, best first."""
        found = self._spreads.offers(now_us)
        return tuple(Item(one.pair, one.row, partial(market_spreads.text, one)) for one in found)

    def view(self, now_us: int, columns: int) -> View:
        """Lay out the moment for a person."""
        return market_spreads.view(self._spreads.symbol, self._spreads.offers(now_us), columns=columns)

    def missing(self) -> Missing:
        """Say that there is no spread, and what to do."""
        return Missing(
            f"no spread of {self._spreads.symbol}{self._plan.part} has been computed",
            fix="it takes two books of it (`tapeline book`) and the agents (`tapeline status`)",
        )


def spreads(out: Output, plan: Plan) -> int:
    """Show the spreads until the plan is met or Ctrl-C."""
    return market_live.run(out, plan, Panel)
