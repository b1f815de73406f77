"""Binance's error tables: each code or text means one reason; what stands in no table proves nothing about an order.

Evidence: S = the fact sheet (docs of 2026-07, two implementations); D = errors.md of binance-spot-api-docs or the error
codes page of USD-M futures; U = UNCONFIRMED, our reading of a text in D.

| what | meaning | evidence |
|---|---|---|
| -1006, -1007 | the venue does not know: look the order up | S, D |
| -1000, -1001 | "unknown error", "internal error": nothing is said about the order | D, U |
| -1003, -1015, HTTP 429 | too many requests or orders: it was not taken | S, D |
| HTTP 418 | this address is banned for a while | S |
| HTTP 403, 451 | the firewall, or the region: it did not get through | S, U |
| -1008 | overloaded; where it comes with HTTP 503 an order's outcome counts as unknown | S, D |
| -1013 | by the name of the filter: "the request didn't reach the Matching Engine" | S, D |
| -1021, -5028 | too late for its window: it was not taken, a new attempt may follow | S, D |
| -2010, -2011, -1010 | by the text alone; another text is unknown | S, D |
| -2013 | a query finds no such order | S, D |
| -4116, "Duplicate order sent." | an order of this client id is there | S, D |
| -4046, -4059 | it is so already | S, D |
| others | as their names in D | D |

Not in the tables on purpose: codes of calls that we never make (order lists, cancel-replace, conditional orders).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tapeline.venues.refusals import Reason

COMMON: Final[Mapping[int, Reason]] = {
    -1000: Reason.OUTCOME_UNKNOWN,
    -1001: Reason.OUTCOME_UNKNOWN,
    -1002: Reason.NOT_PERMITTED,
    -1003: Reason.RATE_LIMITED,
    -1006: Reason.OUTCOME_UNKNOWN,
    -1007: Reason.OUTCOME_UNKNOWN,
    -1008: Reason.OVERLOADED,
    -1014: Reason.BAD_REQUEST,
    -1015: Reason.RATE_LIMITED,
    -1016: Reason.OVERLOADED,
    -1020: Reason.BAD_REQUEST,
    -1021: Reason.EXPIRED,
    -1022: Reason.BAD_SIGNATURE,
    -1100: Reason.BAD_REQUEST,
    -1101: Reason.BAD_REQUEST,
    -1102: Reason.BAD_REQUEST,
    -1103: Reason.BAD_REQUEST,
    -1104: Reason.BAD_REQUEST,
    -1105: Reason.BAD_REQUEST,
    -1106: Reason.BAD_REQUEST,
    -1111: Reason.PRECISION,
    -1114: Reason.BAD_REQUEST,
    -1115: Reason.BAD_REQUEST,
    -1116: Reason.BAD_REQUEST,
    -1117: Reason.BAD_REQUEST,
    -1118: Reason.CLIENT_ID,
    -1119: Reason.CLIENT_ID,
    -1121: Reason.UNKNOWN_INSTRUMENT,
    -1125: Reason.STREAM_KEY,
    -1128: Reason.BAD_REQUEST,
    -1130: Reason.BAD_REQUEST,
    -2013: Reason.ORDER_NOT_FOUND,
    -2014: Reason.BAD_KEYS,
    -2015: Reason.BAD_KEYS,
}
SPOT: Final[Mapping[int, Reason]] = {
    **COMMON,
    # Ended without a fill more than 90 days ago.
    -2026: Reason.ORDER_DONE,
}
FUTURES: Final[Mapping[int, Reason]] = {
    **COMMON,
    -1011: Reason.NOT_PERMITTED,
    -1099: Reason.NOT_PERMITTED,
    -1136: Reason.BAD_REQUEST,
    -2017: Reason.NOT_PERMITTED,
    -2018: Reason.INSUFFICIENT_FUNDS,
    -2019: Reason.INSUFFICIENT_FUNDS,
    -2020: Reason.WOULD_NOT_FILL,
    -2022: Reason.REDUCE_ONLY,
    -2023: Reason.LIQUIDATING,
    -2024: Reason.REDUCE_ONLY,
    -2025: Reason.TOO_MANY_ORDERS,
    -2026: Reason.BAD_REQUEST,
    -2027: Reason.POSITION_LIMIT,
    -2028: Reason.LEVERAGE,
    -4001: Reason.PRICE_RULE,
    -4002: Reason.PRICE_RULE,
    -4003: Reason.QUANTITY_RULE,
    -4004: Reason.QUANTITY_RULE,
    -4005: Reason.QUANTITY_RULE,
    -4013: Reason.PRICE_RULE,
    -4014: Reason.PRICE_RULE,
    -4015: Reason.CLIENT_ID,
    -4016: Reason.PRICE_RULE,
    -4023: Reason.QUANTITY_RULE,
    -4024: Reason.PRICE_RULE,
    -4028: Reason.LEVERAGE,
    -4046: Reason.UNCHANGED,
    -4059: Reason.UNCHANGED,
    -4060: Reason.ACCOUNT_MODE,
    -4061: Reason.ACCOUNT_MODE,
    -4062: Reason.BAD_REQUEST,
    -4087: Reason.ONLY_REDUCING,
    -4088: Reason.NOT_PERMITTED,
    -4116: Reason.DUPLICATE,
    -4118: Reason.REDUCE_ONLY,
    -4120: Reason.BAD_REQUEST,
    -4131: Reason.PRICE_RULE,
    -4140: Reason.NOT_TRADING,
    -4141: Reason.NOT_TRADING,
    -4144: Reason.UNKNOWN_INSTRUMENT,
    -4161: Reason.LEVERAGE,
    -4164: Reason.NOTIONAL_RULE,
    -4192: Reason.NOT_PERMITTED,
    -4202: Reason.LEVERAGE,
    -4203: Reason.LEVERAGE,
    -4205: Reason.LEVERAGE,
    -4206: Reason.LEVERAGE,
    -4208: Reason.LEVERAGE,
    -4209: Reason.LEVERAGE,
    -4400: Reason.ONLY_REDUCING,
    -4401: Reason.ONLY_REDUCING,
    -4402: Reason.RESTRICTED,
    -4403: Reason.LEVERAGE,
    -5021: Reason.WOULD_NOT_FILL,
    -5022: Reason.WOULD_TAKE,
    -5025: Reason.BAD_REQUEST,
    -5028: Reason.EXPIRED,
}
BY_TEXT: Final = frozenset({-1010, -2010, -2011})
"""Codes of the matching engine whose text alone says why."""
TEXTS: Final[Mapping[str, Reason]] = {
    "Account has insufficient balance for requested action.": Reason.INSUFFICIENT_FUNDS,
    "Cancel order is invalid. Check origClOrdId and orderId.": Reason.BAD_REQUEST,
    "Duplicate order sent.": Reason.DUPLICATE,
    "Market is closed.": Reason.NOT_TRADING,
    "Market orders are not supported for this symbol.": Reason.BAD_REQUEST,
    "Order would immediately match and take.": Reason.WOULD_TAKE,
    "Price * QTY is zero or less.": Reason.NOTIONAL_RULE,
    "Rest API trading is not enabled.": Reason.NOT_PERMITTED,
    "This account may not place or cancel orders.": Reason.NOT_PERMITTED,
    "This action is disabled on this account.": Reason.NOT_PERMITTED,
    "This symbol is not permitted for this account.": Reason.NOT_PERMITTED,
    "This symbol is restricted for this account.": Reason.NOT_PERMITTED,
    "Unknown order sent.": Reason.ORDER_NOT_FOUND,
    "Unsupported order combination": Reason.BAD_REQUEST,
}
FILTERED: Final = -1013
FILTER_HEAD: Final = "Filter failure: "
FILTERS: Final[Mapping[str, Reason]] = {
    "PRICE_FILTER": Reason.PRICE_RULE,
    "PERCENT_PRICE": Reason.PRICE_RULE,
    "PERCENT_PRICE_BY_SIDE": Reason.PRICE_RULE,
    "LOT_SIZE": Reason.QUANTITY_RULE,
    "MARKET_LOT_SIZE": Reason.QUANTITY_RULE,
    "MIN_NOTIONAL": Reason.NOTIONAL_RULE,
    "NOTIONAL": Reason.NOTIONAL_RULE,
    "MAX_POSITION": Reason.POSITION_LIMIT,
    "MAX_NUM_ORDERS": Reason.TOO_MANY_ORDERS,
    "MAX_NUM_ALGO_ORDERS": Reason.TOO_MANY_ORDERS,
    "EXCHANGE_MAX_NUM_ORDERS": Reason.TOO_MANY_ORDERS,
}
"""Other filters, and -1013 with another text, refuse for a reason that we have no word for: `BAD_REQUEST`."""
STATUSES: Final[Mapping[int, Reason]] = {
    401: Reason.BAD_KEYS,
    403: Reason.BANNED,
    418: Reason.BANNED,
    429: Reason.RATE_LIMITED,
    451: Reason.RESTRICTED,
}
"""What the HTTP status means where the body has no code that we know."""
REJECTIONS: Final[Mapping[str, Reason]] = {
    "INSUFFICIENT_BALANCES": Reason.INSUFFICIENT_FUNDS,
    "WOULD_MATCH_IMMEDIATELY": Reason.WOULD_TAKE,
}
"""`r` of an execution report; NONE is no reason, others are `REJECTED`."""


def reason_of(code: int | None, text: str, status: int, table: Mapping[int, Reason]) -> Reason | None:
    """Return what an answer that is no success means; None: no table has it."""
    if code in BY_TEXT:
        return TEXTS.get(text)
    if code == FILTERED:
        return FILTERS.get(text.removeprefix(FILTER_HEAD), Reason.BAD_REQUEST)
    found = None if code is None else table.get(code)
    return STATUSES.get(status) if found is None else found
