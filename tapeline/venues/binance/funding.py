"""Binance's funding of USD-M perpetuals, from the income history: what was received or paid, each payment once.

| fact | rule | source |
|---|---|---|
| `GET /fapi/v1/income` | `incomeType=FUNDING_FEE`, `income` below zero was paid; weight 30 | docs |
| `tranId` | unique in one income type of a user | docs |
| `startTime`, `endTime` | both inclusive; nothing older than three months | docs |
| `limit` | 1000 at most; more than that between the times: those from `startTime` on | docs of the broker's pages |

UNCONFIRMED: that a full page has the oldest of its window, as said for brokers (the page here has `page` instead, whose
first number it does not tell); how long a window may be (a week here, as for trades); how soon a payment is listed.
The private stream tells funding as a change of the wallet alone (`ACCOUNT_UPDATE` of reason `FUNDING_FEE`, for crossed
margin without a symbol, never with an id), so only the list says what was paid.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import msgspec

from tapeline.errors import InvalidMessage
from tapeline.venues.account import US_PER_MS, FundingPayment
from tapeline.venues.binance import trading_wire as wire
from tapeline.venues.binance.trading_answers import FUTURES_WINDOW_US, Reader
from tapeline.venues.calls import FundingPayments, FundingQuery
from tapeline.venues.refusals import read_answer

FUNDING: Final = "FUNDING_FEE"
INCOME_PAGE: Final = 1000
WEIGHT: Final = 30


def parameters(call: FundingQuery) -> tuple[tuple[str, str], ...]:
    """Return what the income history is asked for."""
    symbol = () if call.native is None else (("symbol", call.native),)
    return (
        *symbol,
        ("incomeType", FUNDING),
        ("startTime", str(call.since_us // US_PER_MS)),
        ("endTime", str(-(-min(call.until_us, call.since_us + FUTURES_WINDOW_US) // US_PER_MS))),
        ("limit", str(INCOME_PAGE)),
    )


def payments(call: FundingQuery, body: bytes) -> FundingPayments:
    """Return a page of payments; behind a full one it goes on at its newest, else with the next window of time."""
    told = read_answer(_INCOME, body)
    page = sorted(told, key=lambda one: one.time)
    found = tuple(
        FundingPayment(
            payment_id=str(one.tran_id),
            native=one.symbol,
            amount=Decimal(one.income),
            currency=one.asset,
            paid_us=one.time * US_PER_MS,
        )
        for one in page
        if one.income_type == FUNDING and one.symbol
    )
    then: FundingQuery | None = None
    if len(page) >= INCOME_PAGE:
        newest_ms = page[-1].time
        if newest_ms <= call.since_us // US_PER_MS:
            raise InvalidMessage("a full page of income ends where it began", field="time", value=newest_ms)
        if newest_ms * US_PER_MS <= call.until_us:
            then = msgspec.structs.replace(call, since_us=newest_ms * US_PER_MS)
    elif call.since_us + FUTURES_WINDOW_US < call.until_us:
        then = msgspec.structs.replace(call, since_us=call.since_us + FUTURES_WINDOW_US)
    return FundingPayments(payments=found, then=then)


_INCOME: Final = msgspec.json.Decoder(tuple[wire.Income, ...])
READERS: Final[Mapping[type, Reader]] = {FundingQuery: payments}
"""How the answer is read."""
