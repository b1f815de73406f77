"""The life of an order (E-09, K14): what timed out is UNKNOWN, and only looking it up at the venue leads out of it."""

from __future__ import annotations

from typing import Final, Literal

from tapeline.domain.machines.machine import Machine
from tapeline.domain.order_records import OrderStatus

OrderHappening = Literal[
    "placed", "partly_filled", "filled", "cancelled", "rejected", "expired", "lost",
    "found_placed", "found_partly_filled", "found_filled", "found_cancelled", "found_expired", "never_arrived",
]  # fmt: skip

ORDER: Final[Machine[OrderStatus, OrderHappening]] = Machine(
    name="order",
    first="PENDING",
    table={
        "PENDING": {
            "placed": "PLACED",
            "partly_filled": "PARTIALLY_FILLED",
            "filled": "FILLED",
            "rejected": "REJECTED",
            "cancelled": "CANCELLED",
            "lost": "UNKNOWN",
        },
        "PLACED": {
            "partly_filled": "PARTIALLY_FILLED",
            "filled": "FILLED",
            "cancelled": "CANCELLED",
            "rejected": "REJECTED",
            "expired": "EXPIRED",
            "lost": "UNKNOWN",
        },
        "PARTIALLY_FILLED": {
            "partly_filled": "PARTIALLY_FILLED",
            "filled": "FILLED",
            "cancelled": "CANCELLED",
            "expired": "EXPIRED",
            "lost": "UNKNOWN",
        },
        "UNKNOWN": {
            "found_placed": "PLACED",
            "found_partly_filled": "PARTIALLY_FILLED",
            "found_filled": "FILLED",
            "found_cancelled": "CANCELLED",
            "found_expired": "EXPIRED",
            "never_arrived": "REJECTED",
        },
        "FILLED": {},
        "CANCELLED": {},
        "REJECTED": {},
        "EXPIRED": {},
    },
)

OPEN: Final[tuple[OrderStatus, ...]] = ("PENDING", "PLACED", "PARTIALLY_FILLED", "UNKNOWN")
"""States in which an order may still be dealt."""

_RANK: Final[dict[OrderStatus, int]] = {"PENDING": 0, "PLACED": 1, "PARTIALLY_FILLED": 2}


def way(state: OrderStatus, told: OrderStatus, *, looked_up: bool) -> tuple[OrderHappening, ...]:
    """Return the events from a state to what the venue tells, none where it tells nothing new.

    What was already overtaken (a late `PLACED` after a fill) is nothing new, and a final state stays. Out of UNKNOWN
    leads only what was `looked_up`. Where one step is missing in the table (an order that expires in the answer to its
    placement) it goes by PLACED, which it was for a moment.
    """
    if ORDER.final(state) or told == "PENDING" or (state == "UNKNOWN" and not looked_up):
        return ()
    if told == state or _RANK.get(told, len(_RANK)) < _RANK.get(state, -1):
        return ()
    direct = ORDER.event_between(state, told)
    if direct is not None:
        return (direct,)
    if state == "PARTIALLY_FILLED" and told == "REJECTED":
        # Venues call the rest of a partly filled order rejected; what was dealt stays dealt.
        return ("cancelled",)
    return ("placed", *way("PLACED", told, looked_up=looked_up))
