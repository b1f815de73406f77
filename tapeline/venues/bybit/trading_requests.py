"""Which request each call of ours is at Bybit, unsigned: where it goes, its query or body in order, its bucket."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from tapeline.domain.money import text
from tapeline.errors import Misconfigured
from tapeline.venues.account import US_PER_MS
from tapeline.venues.bybit import funding
from tapeline.venues.bybit.trading_answers import MS_PER_S, POST_ONLY, WEEK_US, settle_and_cursor, switch_s
from tapeline.venues.calls import (
    BalancesQuery,
    Call,
    CancelAllRequest,
    CancelRequest,
    DeadManRequest,
    FillsQuery,
    FundingQuery,
    LeverageRequest,
    OpenOrdersQuery,
    OrderQuery,
    OrderRequest,
    PositionsQuery,
    TimeQuery,
)
from tapeline.venues.orders import BucketName, TradingFacts, checked
from tapeline.venues.outcomes import unsupported

PRODUCTS: Final[Mapping[str, str]] = {"spot": "SPOT", "linear": "DERIVATIVES"}
PLACES: Final = ("/v5/order/realtime", "/v5/order/history")
"""Where Bybit keeps orders, in the order in which we look."""
ORDERS_PAGE: Final = "50"
FILLS_PAGE: Final = "100"
POSITIONS_PAGE: Final = "200"
Query = tuple[tuple[str, str], ...]
Body = dict[str, str | int | bool]


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """A request before it is signed: a GET with a query, or a POST with a body."""

    path: str
    query: Query = ()
    body: Body | None = None
    bucket: BucketName = "rest_account"
    urgent: bool = False


class BybitRequests:
    """The calls of one market of Bybit."""

    def __init__(self, facts: TradingFacts, category: str) -> None:
        """Take the market's facts and Bybit's name for it."""
        self._facts = facts
        self._category = category
        self._spot = facts.market == "spot"
        ways: dict[type[Call[object]], Callable[[Any], Way]] = {
            OrderRequest: self._place,
            CancelRequest: self._cancel,
            CancelAllRequest: self._cancel_all,
            OrderQuery: self._find,
            OpenOrdersQuery: self._open_orders,
            FillsQuery: self._fills,
            BalancesQuery: self._balances,
            DeadManRequest: self._dead_man,
            TimeQuery: self._time,
        }
        if not self._spot:
            ways |= {
                PositionsQuery: self._positions,
                FundingQuery: self._funding,
                LeverageRequest: self._leverage,
            }
        self._ways: Final[Mapping[type[Call[object]], Callable[[Any], Way]]] = ways

    def way(self, call: Call[object]) -> Way:
        """Return the request of a call."""
        found = self._ways.get(type(call))
        if found is None:
            raise unsupported(self._facts, call)
        return found(call)

    def _place(self, call: OrderRequest) -> Way:
        market = call.kind == "market"
        body: Body = {
            "category": self._category,
            "symbol": call.native,
            "side": call.side.capitalize(),
            "orderType": "Market" if market else "Limit",
            "qty": format(call.quantity, "f"),
        }
        if call.price is not None:
            body["price"] = format(call.price, "f")
        if not market:
            body["timeInForce"] = POST_ONLY if call.kind == "post_only" else call.time_in_force
        body["orderLinkId"] = checked(self._facts, call.client_id)
        if not self._spot:
            # 0: the one position of an account in one-way mode.
            body |= {"reduceOnly": call.reduce_only, "positionIdx": 0}
        else:
            body |= {"isLeverage": 0}
            if market:
                body["marketUnit"] = "baseCoin"
        return Way(path="/v5/order/create", body=body, bucket="rest_trade", urgent=call.reduce_only)

    def _cancel(self, call: CancelRequest) -> Way:
        body = self._of(call.native) | {"orderLinkId": checked(self._facts, call.client_id)}
        return Way(path="/v5/order/cancel", body=body, bucket="rest_trade", urgent=True)

    def _cancel_all(self, call: CancelAllRequest) -> Way:
        return Way(path="/v5/order/cancel-all", body=self._of(call.native), bucket="rest_trade", urgent=True)

    def _find(self, call: OrderQuery) -> Way:
        named = (("symbol", call.native), ("orderLinkId", checked(self._facts, call.client_id)))
        # As long as nobody knows what became of an order a leg may stand alone.
        return Way(path=PLACES[call.place], query=(("category", self._category), *named), urgent=True)

    def _open_orders(self, call: OpenOrdersQuery) -> Way:
        return Way(path="/v5/order/realtime", query=self._page(call.native, call.cursor, ORDERS_PAGE))

    def _fills(self, call: FillsQuery) -> Way:
        end_us = min(call.until_us, call.since_us + WEEK_US)
        query: Query = (
            ("category", self._category),
            ("symbol", call.native),
            ("startTime", str(call.since_us // US_PER_MS)),
            ("endTime", str(-(-end_us // US_PER_MS))),
            ("limit", FILLS_PAGE),
        )
        return Way(path="/v5/execution/list", query=query if call.cursor is None else (*query, ("cursor", call.cursor)))

    def _balances(self, call: BalancesQuery) -> Way:  # noqa: ARG002 - as all ways
        return Way(path="/v5/account/wallet-balance", query=(("accountType", "UNIFIED"),))

    def _positions(self, call: PositionsQuery) -> Way:
        query = self._page(call.native, call.cursor, POSITIONS_PAGE)
        return Way(path="/v5/position/list", query=query, bucket="rest_position")

    def _funding(self, call: FundingQuery) -> Way:
        return Way(path="/v5/execution/list", query=funding.query(call, self._category))

    def _leverage(self, call: LeverageRequest) -> Way:
        # Without the zeros that a database adds: Bybit reads it as a whole number where the market asks for one.
        leverage = text(call.leverage)
        body = self._of(call.native) | {"buyLeverage": leverage, "sellLeverage": leverage}
        return Way(path="/v5/position/set-leverage", body=body, bucket="rest_position")

    def _dead_man(self, call: DeadManRequest) -> Way:
        switch = self._facts.dead_man
        if switch is None or not switch.least_ms <= call.within_ms <= switch.most_ms:
            raise Misconfigured(
                f"{self._facts.where} cancels no sooner than 3 s and no later than 300 s after a cut",
                fix=f"set a time between instead of {call.within_ms / MS_PER_S} s; Bybit's support turns it off",
            )
        body: Body = {"product": PRODUCTS[self._category], "timeWindow": switch_s(call)}
        return Way(path="/v5/order/disconnected-cancel-all", body=body, urgent=True)

    def _time(self, call: TimeQuery) -> Way:  # noqa: ARG002 - as all ways
        return Way(path="/v5/market/time")

    def _of(self, native: str) -> Body:
        return {"category": self._category, "symbol": native}

    def _page(self, native: str | None, cursor: str | None, size: str) -> Query:
        settle, theirs = settle_and_cursor(cursor)
        query: Query = (("category", self._category),)
        if native is not None:
            query = (*query, ("symbol", native))
        elif not self._spot:
            # A list of linear perpetuals wants an instrument or a settlement currency.
            query = (*query, ("settleCoin", settle))
        query = (*query, ("limit", size))
        return (*query, ("cursor", theirs)) if theirs else query
