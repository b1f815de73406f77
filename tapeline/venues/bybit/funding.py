"""Bybit's funding of linear perpetuals: an execution of type Funding, in the list and in the stream under one id.

| fact | rule | source |
|---|---|---|
| `GET /v5/execution/list` | `execType=Funding` names them alone; the newest of a window comes first | docs |
| `startTime`, `endTime` | seven days apart at most | docs |
| topic `execution` | tells them too, with the same fields | docs |

UNCONFIRMED: the sign of `execFee` (a fee above zero is paid, as with trades); that `execId` is the same in list and
stream (it is so for trades); that the list without `symbol` names contracts of every settlement currency; what stands
in `feeCurrency` (where it is empty, the currency in which the contract settles).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import msgspec

from tapeline.venues.account import US_PER_MS, FundingPayment, maybe
from tapeline.venues.bybit import trading_wire as wire
from tapeline.venues.bybit.trading_answers import WEEK_US, Reader
from tapeline.venues.calls import FundingPayments, FundingQuery
from tapeline.venues.refusals import read_answer

FUNDING: Final = "Funding"
"""Type of the executions that are funding."""
PAGE: Final = "100"


def query(call: FundingQuery, category: str) -> tuple[tuple[str, str], ...]:
    """Return what the list of executions is asked for."""
    symbol = () if call.native is None else (("symbol", call.native),)
    cursor = () if call.cursor is None else (("cursor", call.cursor),)
    return (
        ("category", category),
        *symbol,
        ("execType", FUNDING),
        ("startTime", str(call.since_us // US_PER_MS)),
        ("endTime", str(-(-min(call.until_us, call.since_us + WEEK_US) // US_PER_MS))),
        ("limit", PAGE),
        *cursor,
    )


def payment(found: wire.Execution) -> FundingPayment:
    """Return an execution of type Funding as what the account received."""
    paid = maybe(found.exec_fee)
    return FundingPayment(
        payment_id=found.exec_id,
        native=found.symbol,
        amount=paid.copy_negate() if paid else Decimal(0),
        currency=found.fee_currency or None,
        paid_us=found.exec_time * US_PER_MS,
    )


def payments(call: FundingQuery, body: bytes) -> FundingPayments:
    """Return a page of payments."""
    page = read_answer(_EXECUTIONS, bytes(read_answer(_ENVELOPE, body).result))
    found = sorted((payment(one) for one in page.executions if one.exec_type == FUNDING), key=lambda one: one.paid_us)
    then: FundingQuery | None = None
    if page.executions and page.next_page_cursor:
        then = msgspec.structs.replace(call, cursor=page.next_page_cursor)
    elif call.since_us + WEEK_US < call.until_us:
        then = msgspec.structs.replace(call, since_us=call.since_us + WEEK_US, cursor=None)
    return FundingPayments(payments=tuple(found), then=then)


_ENVELOPE: Final = msgspec.json.Decoder(wire.Envelope)
_EXECUTIONS: Final = msgspec.json.Decoder(wire.Executions, strict=False)
READERS: Final[Mapping[type, Reader]] = {FundingQuery: payments}
"""How the answer is read."""
