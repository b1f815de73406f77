"""How an answer becomes an outcome, the same for every venue: what was not surely refused or done is unknown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from tapeline.errors import InvalidMessage, Misconfigured
from tapeline.venues.calls import (
    AlreadyThere,
    Call,
    CancelAllRequest,
    CancelledAll,
    CancelRequest,
    LeverageRequest,
    LeverageSet,
    NotFound,
    OrderQuery,
    OrderRequest,
    StreamKeyGone,
    StreamKeyRenewal,
)
from tapeline.venues.orders import TradingFacts
from tapeline.venues.refusals import (
    SERVER_ERROR,
    Complaint,
    Reason,
    Refused,
    Unknown,
    error_of,
    refusal_to_change,
    refusal_to_place,
)

LONGEST_WAIT_S: Final = 259_200.0
"""Three days, the longest ban that a venue tells of."""


def judged(call: Call[object], facts: TradingFacts, complaint: Complaint | None, read: Callable[[], object]) -> object:
    """Return what an answer means: by what `read` makes of it, or by the complaint that it is."""
    if complaint is not None:
        return _refused(call, facts, complaint)
    try:
        return read()
    except InvalidMessage as error:
        if isinstance(call, OrderRequest | CancelRequest | CancelAllRequest):
            return Unknown(why=f"the answer cannot be read: {error}")
        raise


def unsupported(facts: TradingFacts, call: Call[object]) -> Misconfigured:
    """Return the error of a call that a market does not have."""
    return Misconfigured(f"{facts.where} has no {type(call).__name__}", fix="ask another market, or leave it out")


def not_found(call: OrderQuery, places: int) -> NotFound:
    """Return that an order is not in this place, and the next one of so many to look."""
    after = call.place + 1
    return NotFound(then=msgspec.structs.replace(call, place=after) if after < places else None)


def retry_after_s(headers: Mapping[str, str], otherwise: float | None) -> float | None:
    """Return how long the venue asks us to wait."""
    told = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    return min(float(told), LONGEST_WAIT_S) if told.isascii() and told.isdigit() else otherwise


def _refused(call: Call[object], facts: TradingFacts, complaint: Complaint) -> object:
    reason = complaint.reason if complaint.status < SERVER_ERROR else None
    match call:
        case OrderRequest():
            no = refusal_to_place(complaint)
            there = isinstance(no, Refused) and no.reason is Reason.DUPLICATE
            return AlreadyThere(client_id=call.client_id) if there else no
        case CancelAllRequest() if reason is Reason.ORDER_NOT_FOUND:
            return CancelledAll()
        case CancelRequest() | CancelAllRequest():
            return refusal_to_change(complaint)
        case OrderQuery() if reason is Reason.ORDER_NOT_FOUND:
            return not_found(call, facts.order_places)
        case LeverageRequest() if reason is Reason.UNCHANGED:
            return LeverageSet(native=call.native, leverage=call.leverage)
        case StreamKeyRenewal() if reason is Reason.STREAM_KEY:
            return StreamKeyGone()
        case _:
            raise error_of(facts.where, complaint)
