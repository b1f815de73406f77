"""Binance's requests about orders: place, cancel, query, lists, own trades, and the countdown that cancels all."""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import msgspec

from simulator.chance import Chance
from simulator.desk import Desk, Taken
from simulator.face import Answer, Request
from simulator.faces.binance_checks import REFUSALS, ticket
from simulator.faces.binance_feed import Feed
from simulator.faces.binance_futures_orders import FuturesOrders
from simulator.faces.binance_gate import Gate, Params, Refusal, missing
from simulator.faces.binance_rest import invalid_symbol
from simulator.faces.binance_spot_orders import SpotOrders
from simulator.faces.binance_words import Json
from simulator.orders import Order, OwnFill
from simulator.orders import Refusal as No

Call = Callable[[Params, Request], Any]
"""Answers a request that was let in: JSON, or an answer with headers of its own."""
Calls = dict[tuple[str, str], tuple[int, Call]]
"""method and address -> weight, what answers."""

_KINDS = {"spot": ("ACK", "RESULT", "FULL"), "futures": ("ACK", "RESULT")}
_USUAL = 500
_MOST = 1000
_ID_LETTERS = string.ascii_letters + string.digits
_ID_LENGTH = 22
_BEGIN, _END = 0, 1 << 62


class Trading:
    """The orders of one account on one market."""

    def __init__(self, desk: Desk, market: str, feeds: Mapping[str, Feed], gate: Gate, drawn: Chance) -> None:
        """Start without countdowns; `drawn` makes the ids that clients leave to the venue."""
        self._desk = desk
        self._market = market
        self._feeds = feeds
        self._gate = gate
        self._drawn = drawn
        self._countdowns: dict[str, int] = {}
        write: Callable[[Feed], SpotOrders | FuturesOrders] = (
            (lambda feed: SpotOrders(feed.texts)) if market == "spot" else (lambda feed: FuturesOrders(feed.texts))
        )
        self.writers = {wire: write(feed) for wire, feed in feeds.items()}

    def calls(self) -> Calls:
        """Return the addresses."""
        if self._market == "spot":
            return {
                ("POST", "v3/order"): (1, self._place),
                ("DELETE", "v3/order"): (1, self._cancel),
                ("GET", "v3/order"): (4, self._query),
                ("GET", "v3/openOrders"): (6, self._open_orders),
                ("DELETE", "v3/openOrders"): (1, self._cancel_all),
                ("GET", "v3/allOrders"): (20, self._all_orders),
                ("GET", "v3/myTrades"): (20, self._trades),
            }
        return {
            ("POST", "v1/order"): (0, self._place),
            ("DELETE", "v1/order"): (1, self._cancel),
            ("GET", "v1/order"): (1, self._query),
            ("GET", "v1/openOrder"): (1, self._open_order),
            ("GET", "v1/openOrders"): (1, self._open_orders),
            ("DELETE", "v1/allOpenOrders"): (1, self._cancel_all),
            ("GET", "v1/allOrders"): (5, self._all_orders),
            ("GET", "v1/userTrades"): (5, self._trades),
            ("POST", "v1/countdownCancelAll"): (10, self._countdown),
        }

    def feed(self, params: Params) -> Feed:
        """Return the instrument that a request names, or raise the refusal."""
        if not params.get("symbol"):
            raise missing("symbol")
        feed = self._feeds.get(params["symbol"])
        if feed is None:
            raise invalid_symbol()
        return feed

    def _place(self, params: Params, request: Request) -> Answer:
        feed = self.feed(params)
        usual = "FULL" if self._market == "spot" and params.get("type") in {"LIMIT", "MARKET"} else "ACK"
        kind = params.get("newOrderRespType", usual)
        if kind not in _KINDS[self._market]:
            raise missing("newOrderRespType")
        try:
            asked = ticket(self._market, params, feed.listing, self._made_id())
        except Refusal as refusal:
            named = (params.get("newClientOrderId", ""), params.get("side", ""))
            self._desk.broke_rule(feed.listing, *named, refusal.code, request.at_us)
            raise
        headers = self._gate.count_order(request.at_us)
        found = self._desk.place(asked, request.at_us)
        if not isinstance(found, Taken):
            raise Refusal(*REFUSALS[self._market][found], headers=headers)
        blow = found.blow
        if blow is not None and blow.taken:
            raise Refusal(*REFUSALS[self._market][No.DUPLICATE], headers=headers)
        body = msgspec.json.encode(self.writers[params["symbol"]].placed(found.order, kind)).decode()
        lost_s = blow.hold_s if blow is not None and blow.name == "lost-answer" else None
        return Answer(body, headers=headers, lost_s=lost_s)

    def _cancel(self, params: Params, request: Request) -> Json:
        order = self._order(params, request.at_us)
        if order is not None:
            order.cancel_id = params.get("newClientOrderId") or self._made_id()
        if order is None or self._desk.cancel(order, request.at_us) is not None:
            raise Refusal(-2011, "Unknown order sent.")
        return self._writer(order).cancelled(order)

    def _cancel_all(self, params: Params, request: Request) -> object:
        found = [one for one in self._desk.orders.open(request.at_us) if one.instrument.wire == self._wire(params)]
        if not found and self._market == "spot":
            raise Refusal(-2011, "Unknown order sent.")
        cancel_id = self._made_id()
        for order in found:
            order.cancel_id = cancel_id
        found = [order for order in found if self._desk.cancel(order, request.at_us) is None]
        if self._market == "spot":
            return [self._writer(order).cancelled(order) for order in found]
        return {"code": 200, "msg": "The operation of cancel all open order is done."}

    def _query(self, params: Params, request: Request) -> Json:
        order = self._order(params, request.at_us)
        if order is None:
            raise Refusal(-2013, "Order does not exist.")
        return self._writer(order).asked(order)

    def _open_order(self, params: Params, request: Request) -> Json:
        order = self._order(params, request.at_us)
        if order is None or not order.is_open:
            raise Refusal(-2013, "Order does not exist.")
        return self._writer(order).asked(order)

    def _open_orders(self, params: Params, request: Request) -> list[Json]:
        wire = self._wire(params) if "symbol" in params else None
        return [
            self._writer(one).asked(one)
            for one in self._desk.orders.open(request.at_us)
            if wire in {None, one.instrument.wire}
        ]

    def _all_orders(self, params: Params, request: Request) -> list[Json]:
        wire, first = self._wire(params), number(params, "orderId", 0)
        begin, end = number(params, "startTime", _BEGIN), number(params, "endTime", _END)
        found = [
            one
            for one in self._desk.orders.every(request.at_us)
            if one.instrument.wire == wire and int(one.id) >= first and begin <= one.at_us // 1000 <= end
        ]
        return [self._writer(one).asked(one) for one in _page(found, params, oldest=bool(first or begin))]

    def _trades(self, params: Params, request: Request) -> list[Json]:
        wire, order_id, first = self._wire(params), params.get("orderId"), number(params, "fromId", 0)
        begin, end = number(params, "startTime", _BEGIN), number(params, "endTime", _END)
        found: list[OwnFill] = sorted(
            (
                fill
                for one in self._desk.orders.every(request.at_us)
                if one.instrument.wire == wire and order_id in {None, one.id}
                for fill in one.fills
                if int(fill.id) >= first and begin <= fill.at_us // 1000 <= end
            ),
            key=lambda fill: fill.number,
        )
        return [self._writer(one.order).trade(one) for one in _page(found, params, oldest=bool(first or begin))]

    def _countdown(self, params: Params, request: Request) -> Json:
        """Cancel all orders of a symbol when the time is over, unless it is asked again before."""
        wire = self._wire(params)
        if not params.get("countdownTime", "").isdecimal():
            raise missing("countdownTime")
        number = self._countdowns[wire] = self._countdowns.get(wire, 0) + 1
        wait_ms = int(params["countdownTime"])
        if wait_ms:
            self._desk.agenda.put(request.at_us + wait_ms * 1000, partial(self._count_down, wire, number))
        return {"symbol": wire, "countdownTime": params["countdownTime"]}

    def _count_down(self, wire: str, number: int, now_us: int) -> None:
        if self._countdowns[wire] == number:
            for order in self._desk.orders.open(now_us):
                if order.instrument.wire == wire:
                    self._desk.cancel(order, now_us)

    def _order(self, params: Params, now_us: int) -> Order | None:
        wire = self._wire(params)
        order_id, client_id = params.get("orderId", ""), params.get("origClientOrderId", "")
        if not order_id and not client_id:
            told = "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!"
            raise Refusal(-1102, told)
        found = self._desk.orders.find(order_id, client_id, now_us)
        return found if found is not None and found.instrument.wire == wire else None

    def _wire(self, params: Params) -> str:
        return self.feed(params).listing.instrument.wire

    def _writer(self, order: Order) -> SpotOrders | FuturesOrders:
        return self.writers[order.instrument.wire]

    def _made_id(self) -> str:
        return "".join(self._drawn.choices(_ID_LETTERS, k=_ID_LENGTH))


def _page(found: list[Any], params: Params, *, oldest: bool) -> list[Any]:
    """Return as many as were asked for: the oldest from a point on, else the newest."""
    limit = max(1, min(_MOST, number(params, "limit", _USUAL)))
    return found[:limit] if oldest else found[-limit:]


def number(params: Params, name: str, default: int) -> int:
    """Return a parameter that is a number, or raise the refusal."""
    text = params.get(name)
    if text is None:
        return default
    if not text.isdecimal():
        raise Refusal(-1100, f"Illegal characters found in parameter '{name}'; legal range is '^[0-9]{{1,20}}$'.")
    return int(text)
