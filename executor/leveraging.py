"""The leverage that opening orders need, set once: those that go out together wait until all have theirs (D-13).

A leverage may wait for a venue's limit. Were it set leg by leg, the quick leg would be dealt and stand alone meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from decimal import Decimal

from executor.ports import VenueLink
from executor.terms import Instrument, Known, Where
from tapeline.domain.orders import OurOrder
from tapeline.errors import TapelineError
from tapeline.venues.calls import LeverageRequest


class Together:
    """Orders of one intent that are sent at once, and what came of their leverage."""

    def __init__(self, orders: Iterable[OurOrder]) -> None:
        """Take all of them."""
        self.orders = tuple(orders)
        self.lock = asyncio.Lock()
        self.is_done = False
        self.error: TapelineError | None = None


def together(orders: Iterable[OurOrder]) -> dict[str, Together]:
    """Return, by client id, with which orders each goes out: those of its intent and part."""
    groups: dict[tuple[str, int], list[OurOrder]] = {}
    for order in orders:
        groups.setdefault((order.intent_id, order.part), []).append(order)
    joined = [Together(group) for group in groups.values()]
    return {order.client_order_id: one for one in joined for order in one.orders}


class Leverages:
    """What is set at the venues, as far as this executor's life has set it."""

    def __init__(self, links: Mapping[Where, VenueLink], known: Known) -> None:
        """Begin with nothing set."""
        self._links = links
        self._known = known
        self._set: dict[Instrument, Decimal] = {}

    async def settle(self, group: Together) -> TapelineError | None:
        """Set the leverage of all orders of a group, whoever of them asks first; return why one could not be set."""
        async with group.lock:
            if not group.is_done:
                errors = await asyncio.gather(*(self._settle(order) for order in group.orders))
                group.error = next((one for one in errors if one is not None), None)
                group.is_done = True
            return group.error

    async def _settle(self, order: OurOrder) -> TapelineError | None:
        where = (order.venue, order.market, order.symbol)
        if order.closing or order.leverage is None or order.market != "futures":
            return None
        if self._set.get(where) == order.leverage:
            return None
        call = LeverageRequest(native=self._known.rules[where].native, leverage=order.leverage)
        try:
            done = await self._links[order.venue, order.market].set_leverage(call)
        except TapelineError as error:
            return error
        self._set[where] = done.leverage
        return None
