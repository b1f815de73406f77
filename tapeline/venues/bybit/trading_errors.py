"""Bybit's error tables: each code means one reason; a code that stands in no table proves nothing about an order.

Evidence: S = the fact sheet (docs of 2026-07, two implementations); D = the page v5/error of the docs; U = UNCONFIRMED,
our reading of a text in D.

| what | meaning | evidence |
|---|---|---|
| 10000, 10016, 170001, 170007, 170032, 170234, 429 | timeout, server error, overload: no word about the order | S, D |
| 170035, 170146, 170147, 170149, 170150 | "submitted", "creation timeout", "create order failed": look it up | D, U |
| 10014 | "invalid duplicate request": the first one may have worked | S, U |
| 10002, -1 | too late for its window: it was not taken, a new attempt may follow | S, D |
| 10006, 10018, 170005, 170222 | too many requests or orders: it was not taken | S, D |
| HTTP 403, 10009 | this address is cut off, for ten minutes at least | S, D |
| 10003, 10007, 33004, -2015 | the key is wrong, of another environment, or has expired | S, D |
| 110072, 170141 | an order of this client id is there | S, D |
| 110001, 170213, 170143 | there is no such order (on the book) | S, D |
| 110008, 110010, 170139, 170142, 170190 | the order has ended already | S, D |
| 110079, 170144, 170191, 170212 | the order is being worked on: ask again | S, D |
| 110043, 110025, 110026 | it is so already | S, D |
| others | as their texts in D | D |

Codes 110061 to 110071 are left out: their texts differ between versions of D.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tapeline.venues.refusals import Reason

COMMON: Final[Mapping[int, Reason]] = {
    -1: Reason.EXPIRED,
    -2015: Reason.BAD_KEYS,
    429: Reason.OUTCOME_UNKNOWN,
    10000: Reason.OUTCOME_UNKNOWN,
    10001: Reason.BAD_REQUEST,
    10002: Reason.EXPIRED,
    10003: Reason.BAD_KEYS,
    10004: Reason.BAD_SIGNATURE,
    10005: Reason.NOT_PERMITTED,
    10006: Reason.RATE_LIMITED,
    10007: Reason.BAD_KEYS,
    10008: Reason.NOT_PERMITTED,
    10009: Reason.BANNED,
    10010: Reason.BAD_KEYS,
    10014: Reason.OUTCOME_UNKNOWN,
    10016: Reason.OUTCOME_UNKNOWN,
    10017: Reason.BAD_REQUEST,
    10018: Reason.RATE_LIMITED,
    10024: Reason.RESTRICTED,
    10027: Reason.NOT_PERMITTED,
    10028: Reason.ACCOUNT_MODE,
    10029: Reason.UNKNOWN_INSTRUMENT,
    33004: Reason.BAD_KEYS,
}
FUTURES: Final[Mapping[int, Reason]] = {
    **COMMON,
    110001: Reason.ORDER_NOT_FOUND,
    110003: Reason.PRICE_RULE,
    110004: Reason.INSUFFICIENT_FUNDS,
    110006: Reason.INSUFFICIENT_FUNDS,
    110007: Reason.INSUFFICIENT_FUNDS,
    110008: Reason.ORDER_DONE,
    110009: Reason.TOO_MANY_ORDERS,
    110010: Reason.ORDER_DONE,
    110012: Reason.INSUFFICIENT_FUNDS,
    110013: Reason.LEVERAGE,
    110014: Reason.INSUFFICIENT_FUNDS,
    110017: Reason.REDUCE_ONLY,
    110019: Reason.BAD_REQUEST,
    110020: Reason.TOO_MANY_ORDERS,
    110021: Reason.POSITION_LIMIT,
    110023: Reason.ONLY_REDUCING,
    110025: Reason.UNCHANGED,
    110026: Reason.UNCHANGED,
    110029: Reason.ACCOUNT_MODE,
    110032: Reason.BAD_REQUEST,
    110036: Reason.LEVERAGE,
    110038: Reason.LEVERAGE,
    110040: Reason.LIQUIDATING,
    110042: Reason.ONLY_REDUCING,
    110043: Reason.UNCHANGED,
    110044: Reason.INSUFFICIENT_FUNDS,
    110045: Reason.INSUFFICIENT_FUNDS,
    110051: Reason.INSUFFICIENT_FUNDS,
    110052: Reason.INSUFFICIENT_FUNDS,
    110053: Reason.INSUFFICIENT_FUNDS,
    110066: Reason.NOT_TRADING,
    110072: Reason.DUPLICATE,
    110074: Reason.NOT_TRADING,
    110079: Reason.ORDER_BUSY,
    110080: Reason.LIQUIDATING,
    110086: Reason.LEVERAGE,
    110087: Reason.LEVERAGE,
    110088: Reason.ACCOUNT_MODE,
    110089: Reason.POSITION_LIMIT,
    110090: Reason.POSITION_LIMIT,
    110094: Reason.NOTIONAL_RULE,
    110095: Reason.NOT_TRADING,
    110103: Reason.NOT_TRADING,
    110118: Reason.WOULD_NOT_FILL,
    110120: Reason.PRICE_RULE,
    110121: Reason.PRICE_RULE,
}
SPOT: Final[Mapping[int, Reason]] = {
    **COMMON,
    170001: Reason.OUTCOME_UNKNOWN,
    170005: Reason.RATE_LIMITED,
    170007: Reason.OUTCOME_UNKNOWN,
    170032: Reason.OUTCOME_UNKNOWN,
    170033: Reason.INSUFFICIENT_FUNDS,
    170035: Reason.OUTCOME_UNKNOWN,
    170105: Reason.BAD_REQUEST,
    170115: Reason.BAD_REQUEST,
    170116: Reason.BAD_REQUEST,
    170117: Reason.BAD_REQUEST,
    170121: Reason.UNKNOWN_INSTRUMENT,
    170124: Reason.QUANTITY_RULE,
    170130: Reason.BAD_REQUEST,
    170131: Reason.INSUFFICIENT_FUNDS,
    170132: Reason.PRICE_RULE,
    170133: Reason.PRICE_RULE,
    170134: Reason.PRECISION,
    170136: Reason.QUANTITY_RULE,
    170137: Reason.PRECISION,
    170139: Reason.ORDER_DONE,
    170140: Reason.NOTIONAL_RULE,
    170141: Reason.DUPLICATE,
    170142: Reason.ORDER_DONE,
    170143: Reason.ORDER_NOT_FOUND,
    170144: Reason.ORDER_BUSY,
    170146: Reason.OUTCOME_UNKNOWN,
    170147: Reason.OUTCOME_UNKNOWN,
    170148: Reason.PRECISION,
    170149: Reason.OUTCOME_UNKNOWN,
    170150: Reason.OUTCOME_UNKNOWN,
    170151: Reason.NOT_TRADING,
    170157: Reason.NOT_TRADING,
    170159: Reason.NOT_TRADING,
    170190: Reason.ORDER_DONE,
    170191: Reason.ORDER_BUSY,
    170192: Reason.PRICE_RULE,
    170193: Reason.PRICE_RULE,
    170194: Reason.PRICE_RULE,
    170197: Reason.QUANTITY_RULE,
    170198: Reason.QUANTITY_RULE,
    170210: Reason.REJECTED,
    170212: Reason.ORDER_BUSY,
    170213: Reason.ORDER_NOT_FOUND,
    170217: Reason.NOT_TRADING,
    170218: Reason.WOULD_TAKE,
    170219: Reason.NOT_PERMITTED,
    170221: Reason.UNKNOWN_INSTRUMENT,
    170222: Reason.RATE_LIMITED,
    170224: Reason.NOT_PERMITTED,
    170226: Reason.LIQUIDATING,
    170227: Reason.BAD_REQUEST,
    170228: Reason.QUANTITY_RULE,
    170229: Reason.QUANTITY_RULE,
    170234: Reason.OUTCOME_UNKNOWN,
    170341: Reason.QUANTITY_RULE,
    170371: Reason.PRICE_RULE,
    170372: Reason.PRICE_RULE,
    170381: Reason.QUANTITY_RULE,
    170382: Reason.QUANTITY_RULE,
    170810: Reason.TOO_MANY_ORDERS,
}
STATUSES: Final[Mapping[int, Reason]] = {
    401: Reason.BAD_KEYS,
    403: Reason.BANNED,
    429: Reason.OUTCOME_UNKNOWN,
}
"""What the HTTP status means where the body has no code that we know."""
REJECTIONS: Final[Mapping[str, Reason]] = {
    "EC_PostOnlyWillTakeLiquidity": Reason.WOULD_TAKE,
    "EC_NoImmediateQtyToFill": Reason.WOULD_NOT_FILL,
    "EC_NoEnoughQtyToFill": Reason.WOULD_NOT_FILL,
    "EC_CancelForNoFullFill": Reason.WOULD_NOT_FILL,
    "EC_BySelfMatch": Reason.SELF_TRADE,
    "EC_StopBySelfMatch": Reason.SELF_TRADE,
    "EC_DuplicatedClOrdID": Reason.DUPLICATE,
    "EC_InvalidSymbolStatus": Reason.NOT_TRADING,
    "EC_SecurityStatusFail": Reason.NOT_TRADING,
    "EC_LimitOrderInvalidPrice": Reason.PRICE_RULE,
    "EC_ReachRiskPriceLimit": Reason.PRICE_RULE,
    "EC_ReachMarketPriceLimit": Reason.PRICE_RULE,
    "EC_QtyCannotBeZero": Reason.QUANTITY_RULE,
    "EC_EcInvalidQty": Reason.QUANTITY_RULE,
    "EC_InvalidAmount": Reason.NOTIONAL_RULE,
}
"""`rejectReason` of an order (docs: enum); others say nothing that we have a word for."""
CANCELS: Final[Mapping[str, Reason]] = {
    "CancelByReduceOnly": Reason.REDUCE_ONLY,
    "CancelByPrepareLiq": Reason.LIQUIDATING,
    "CancelAllBeforeLiq": Reason.LIQUIDATING,
    "CancelByPrepareAdl": Reason.LIQUIDATING,
    "CancelAllBeforeAdl": Reason.LIQUIDATING,
    "CancelBySmp": Reason.SELF_TRADE,
    "CancelBySettle": Reason.NOT_TRADING,
}
"""`cancelType` of an order (docs: enum)."""


def reason_of(code: int | None, status: int, table: Mapping[int, Reason]) -> Reason | None:
    """Return what an answer that is no success means; None: no table has it."""
    found = None if code is None else table.get(code)
    return STATUSES.get(status) if found is None else found
