"""Which request each call of ours is at Binance, unsigned: where it goes, its parameters in order, what it costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

import msgspec

from tapeline.errors import Misconfigured
from tapeline.venues.account import US_PER_MS
from tapeline.venues.binance import funding
from tapeline.venues.binance.trading_answers import FILLS_PAGE, POST_ONLY
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
    StreamKeyRenewal,
    StreamKeyRequest,
    TimeQuery,
)
from tapeline.venues.orders import BucketName, TradingFacts, checked
from tapeline.venues.outcomes import unsupported

Parameters = tuple[tuple[str, str], ...]


class Calls(msgspec.Struct, frozen=True, kw_only=True):
    """Where the private calls of one market are and what they cost of their bucket."""

    prefix: str
    answer: Literal["FULL", "RESULT"]
    fills: str
    fills_window_us: int
    cancel_all: str
    find: int
    open_one: int
    open_all: int
    list_fills: int


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """A request before it is signed; what only names the key has `security` key, what anyone may ask none."""

    method: Literal["GET", "POST", "PUT", "DELETE"] = "GET"
    path: str
    parameters: Parameters = ()
    security: Literal["signed", "key", "none"] = "signed"
    bucket: BucketName = "rest_account"
    cost: int = 1
    urgent: bool = False


class BinanceRequests:
    """The calls of one market of Binance."""

    def __init__(self, facts: TradingFacts, calls: Calls) -> None:
        """Take the market's facts and where its calls are."""
        self._facts = facts
        self._calls = calls
        self._spot = facts.market == "spot"
        ways: dict[type[Call[object]], Callable[[Any], Way]] = {
            OrderRequest: self._place,
            CancelRequest: self._cancel,
            CancelAllRequest: self._cancel_all,
            OrderQuery: self._find,
            OpenOrdersQuery: self._open_orders,
            FillsQuery: self._fills,
            BalancesQuery: self._balances,
            TimeQuery: self._time,
        }
        if not self._spot:
            ways |= {
                PositionsQuery: self._positions,
                FundingQuery: self._funding,
                LeverageRequest: self._leverage,
                DeadManRequest: self._dead_man,
                StreamKeyRequest: self._stream_key,
                StreamKeyRenewal: self._renewal,
            }
        self._ways: Final[Mapping[type[Call[object]], Callable[[Any], Way]]] = ways

    def way(self, call: Call[object]) -> Way:
        """Return the request of a call."""
        found = self._ways.get(type(call))
        if found is None:
            raise unsupported(self._facts, call)
        return found(call)

    def _place(self, call: OrderRequest) -> Way:
        parameters = [("symbol", call.native), ("side", call.side.upper())]
        if call.kind == "market":
            parameters.append(("type", "MARKET"))
        elif call.kind == "limit":
            parameters += [("type", "LIMIT"), ("timeInForce", call.time_in_force)]
        elif self._spot:
            # Spot has a type for it, which knows no time in force.
            parameters.append(("type", "LIMIT_MAKER"))
        else:
            parameters += [("type", "LIMIT"), ("timeInForce", POST_ONLY)]
        parameters.append(("quantity", format(call.quantity, "f")))
        if call.price is not None:
            parameters.append(("price", format(call.price, "f")))
        if call.reduce_only and self._facts.reduce_only:
            parameters.append(("reduceOnly", "true"))
        parameters.append(("newClientOrderId", checked(self._facts, call.client_id)))
        parameters.append(("newOrderRespType", self._calls.answer))
        return Way(
            method="POST",
            path=self._path("order"),
            parameters=tuple(parameters),
            bucket="rest_trade",
            urgent=call.reduce_only,
        )

    def _cancel(self, call: CancelRequest) -> Way:
        named = self._named(call.native, call.client_id)
        return Way(method="DELETE", path=self._path("order"), parameters=named, bucket="rest_trade", urgent=True)

    def _cancel_all(self, call: CancelAllRequest) -> Way:
        path = self._path(self._calls.cancel_all)
        return Way(method="DELETE", path=path, parameters=(("symbol", call.native),), bucket="rest_trade", urgent=True)

    def _find(self, call: OrderQuery) -> Way:
        named = self._named(call.native, call.client_id)
        # As long as nobody knows what became of an order a leg may stand alone.
        return Way(path=self._path("order"), parameters=named, cost=self._calls.find, urgent=True)

    def _open_orders(self, call: OpenOrdersQuery) -> Way:
        if call.native is None:
            return Way(path=self._path("openOrders"), cost=self._calls.open_all)
        symbol = (("symbol", call.native),)
        return Way(path=self._path("openOrders"), parameters=symbol, cost=self._calls.open_one)

    def _fills(self, call: FillsQuery) -> Way:
        end_us = min(call.until_us, call.since_us + self._calls.fills_window_us)
        since: Parameters = (
            ("startTime", str(call.since_us // US_PER_MS)),
            ("endTime", str(-(-end_us // US_PER_MS))),
        )
        if call.cursor is not None:
            # Ids and times may not stand together.
            since = (("fromId", call.cursor),)
        parameters = (("symbol", call.native), *since, ("limit", str(FILLS_PAGE)))
        return Way(path=self._path(self._calls.fills), parameters=parameters, cost=self._calls.list_fills)

    def _balances(self, call: BalancesQuery) -> Way:  # noqa: ARG002 - as all ways
        if self._spot:
            return Way(path=self._path("account"), parameters=(("omitZeroBalances", "true"),), cost=20)
        return Way(path="/fapi/v3/balance", cost=5)

    def _positions(self, call: PositionsQuery) -> Way:
        symbol = () if call.native is None else (("symbol", call.native),)
        return Way(path="/fapi/v3/positionRisk", parameters=symbol, bucket="rest_position", cost=5)

    def _funding(self, call: FundingQuery) -> Way:
        return Way(path=self._path("income"), parameters=funding.parameters(call), cost=funding.WEIGHT)

    def _leverage(self, call: LeverageRequest) -> Way:
        whole = int(call.leverage)
        if call.leverage != whole:
            raise Misconfigured(
                f"{self._facts.where} takes no leverage of {call.leverage}", fix="set a whole number such as 1"
            )
        parameters = (("symbol", call.native), ("leverage", str(whole)))
        return Way(method="POST", path=self._path("leverage"), parameters=parameters, bucket="rest_position")

    def _dead_man(self, call: DeadManRequest) -> Way:
        parameters = (("symbol", call.native), ("countdownTime", str(call.within_ms)))
        path = self._path("countdownCancelAll")
        return Way(method="POST", path=path, parameters=parameters, cost=10, urgent=True)

    def _time(self, call: TimeQuery) -> Way:  # noqa: ARG002 - as all ways
        return Way(path=self._path("time"), security="none")

    def _stream_key(self, call: StreamKeyRequest) -> Way:  # noqa: ARG002 - as all ways
        return Way(method="POST", path=self._path("listenKey"), security="key", urgent=True)

    def _renewal(self, call: StreamKeyRenewal) -> Way:  # noqa: ARG002 - Binance renews the one key of the account
        return Way(method="PUT", path=self._path("listenKey"), security="key", urgent=True)

    def _path(self, call: str) -> str:
        return f"{self._calls.prefix}/{call}"

    def _named(self, native: str, client_id: str) -> Parameters:
        return (("symbol", native), ("origClientOrderId", checked(self._facts, client_id)))
