"""Bybit's requests about orders: create, cancel, cancel all, lists in pages, executions. An answer only says received.

What became of an order, also of one that could not be taken into the book, is in its stream and in the lists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from simulator.desk import Desk, Taken
from simulator.face import Request
from simulator.faces.bybit_checks import Body, refuse, ticket
from simulator.faces.bybit_feed import Feed
from simulator.faces.bybit_gate import Refusal, wrong
from simulator.faces.bybit_orders import Json, as_execution, as_order
from simulator.orders import Order
from simulator.orders import Refusal as No

_ORDERS_PAGE = (20, 50)
_EXECUTIONS_PAGE = (50, 100)
_MOST_CLOSED = 500
_BEGIN, _END = "0", str(1 << 62)


@dataclass(frozen=True, slots=True)
class Reply:
    """The result of a request; with `lost_s` nobody hears of it."""

    result: Json
    lost_s: float | None = None


Call = Callable[[Body, Request], Reply]
Calls = dict[tuple[str, str], tuple[str, Call]]
"""method and address -> the limit under which it falls, what answers."""


class Trading:
    """The orders of one account on one product."""

    def __init__(self, desk: Desk, category: str, feeds: Mapping[str, Feed]) -> None:
        """Start without funding."""
        self._desk = desk
        self._category = category
        self._feeds = feeds
        # Payments stand among the executions.
        self.funding: list[Json] = []

    def calls(self) -> Calls:
        """Return the addresses."""
        return {
            ("POST", "/v5/order/create"): ("create", self._create),
            ("POST", "/v5/order/cancel"): ("cancel", self._cancel),
            ("POST", "/v5/order/cancel-all"): ("cancel-all", self._cancel_all),
            ("GET", "/v5/order/realtime"): ("read", self._realtime),
            ("GET", "/v5/order/history"): ("read", self._history),
            ("GET", "/v5/execution/list"): ("read", self._executions),
        }

    def feed(self, body: Body) -> Feed:
        """Return the instrument that a request names, or raise the refusal."""
        self.check_category(body)
        feed = self._feeds.get(str(body.get("symbol", "")))
        if feed is None:
            raise wrong("symbol invalid")
        return feed

    def check_category(self, body: Body) -> None:
        """Raise the refusal of a request for another product than this."""
        if body.get("category") != self._category:
            raise wrong("Category is invalid")

    def check_scope(self, body: Body) -> None:
        """Raise the refusal of a linear request that names neither symbol nor coin."""
        if self._category == "linear" and not any(body.get(one) for one in ("symbol", "baseCoin", "settleCoin")):
            raise wrong("missing some parameters that must be filled in, symbol or settleCoin or baseCoin")

    def _create(self, body: Body, request: Request) -> Reply:
        listing = self.feed(body).listing
        try:
            asked = ticket(self._category, body, listing)
        except Refusal as refusal:
            named = (str(body.get("orderLinkId") or ""), str(body.get("side") or ""))
            self._desk.broke_rule(listing, *named, refusal.code, request.at_us)
            raise
        found = self._desk.place(asked, request.at_us)
        if not isinstance(found, Taken):
            raise refuse(self._category, found)
        blow = found.blow
        if blow is not None and blow.taken:
            raise refuse(self._category, No.DUPLICATE)
        lost_s = blow.hold_s if blow is not None and blow.name == "lost-answer" else None
        return Reply(_named(found.order), lost_s)

    def _cancel(self, body: Body, request: Request) -> Reply:
        wire = self.feed(body).listing.instrument.wire
        order_id, client_id = str(body.get("orderId") or ""), str(body.get("orderLinkId") or "")
        if not order_id and not client_id:
            raise wrong("orderId or orderLinkId is required")
        order = self._desk.orders.find(order_id, client_id, request.at_us)
        if order is None or order.instrument.wire != wire:
            raise refuse(self._category, No.UNKNOWN)
        refusal = self._desk.cancel(order, request.at_us)
        if refusal is not None:
            raise refuse(self._category, refusal)
        return Reply(_named(order))

    def _cancel_all(self, body: Body, request: Request) -> Reply:
        self.check_category(body)
        self.check_scope(body)
        found = [one for one in self._desk.orders.open(request.at_us) if self._is_meant(one, body)]
        found = [order for order in found if self._desk.cancel(order, request.at_us) is None]
        return Reply({"list": [_named(one) for one in found], "success": "1"})

    def _realtime(self, body: Body, request: Request) -> Reply:
        self.check_category(body)
        named = body.get("orderId") or body.get("orderLinkId")
        if not named:
            self.check_scope(body)
        if named or body.get("openOnly", "0") != "0":
            found = [one for one in self._newest(request, body) if named or not one.is_open][:_MOST_CLOSED]
        else:
            found = [one for one in self._newest(request, body) if one.is_open]
        return self._orders_page(found, body)

    def _history(self, body: Body, request: Request) -> Reply:
        self.check_category(body)
        return self._orders_page([one for one in self._newest(request, body) if not one.is_open], body)

    def _executions(self, body: Body, request: Request) -> Reply:
        self.check_category(body)
        begin, end = int(body.get("startTime", _BEGIN)), int(body.get("endTime", _END))
        wanted = str(body.get("execType") or "")
        rows = [
            as_execution(
                fill,
                self._feeds[one.instrument.wire].texts,
                self._category,
                self._desk.terms.fees.rate(maker=fill.maker),
            )
            for one in self._newest(request, body)
            for fill in one.fills
        ]
        if not body.get("orderId") and not body.get("orderLinkId"):
            wire = str(body.get("symbol") or "")
            rows += [one for one in self.funding if wire in {"", one["symbol"]}]
        rows = [one for one in rows if begin <= int(one["execTime"]) <= end and wanted in {"", one["execType"]}]
        rows.sort(key=lambda one: (int(one["execTime"]), one["seq"]), reverse=True)
        return self._page(rows, body, _EXECUTIONS_PAGE)

    def _newest(self, request: Request, body: Body) -> list[Order]:
        """Return the orders that a request means, newest first: an order's id counts before the client's."""
        order_id, client_id = str(body.get("orderId") or ""), str(body.get("orderLinkId") or "")
        if order_id or client_id:
            found = self._desk.orders.find(order_id, client_id, request.at_us)
            return [] if found is None else [found]
        every: Iterable[Order] = self._desk.orders.every(request.at_us)
        return [one for one in every if self._is_meant(one, body)][::-1]

    @staticmethod
    def _is_meant(order: Order, body: Body) -> bool:
        one = order.instrument
        wanted = (body.get("symbol"), body.get("baseCoin"), body.get("settleCoin"))
        return all(asked in {None, "", own} for asked, own in zip(wanted, (one.wire, one.base, one.quote), strict=True))

    def _orders_page(self, found: list[Order], body: Body) -> Reply:
        rows = [as_order(one, self._feeds[one.instrument.wire].texts, self._category) for one in found]
        return self._page(rows, body, _ORDERS_PAGE)

    def _page(self, rows: list[Json], body: Body, sizes: tuple[int, int]) -> Reply:
        """Return a part of a list and where the next begins."""
        usual, most = sizes
        limit = max(1, min(most, int(body.get("limit", usual))))
        begin = int(body.get("cursor") or 0)
        cursor = str(begin + limit) if begin + limit < len(rows) else ""
        return Reply({"category": self._category, "list": rows[begin : begin + limit], "nextPageCursor": cursor})


def read_body(request: Request) -> dict[str, Any]:
    """Return the parameters of a request: the query of a GET, else the JSON of its body."""
    if request.method == "GET":
        for name in ("limit", "cursor", "startTime", "endTime"):
            if not request.query.get(name, "0").isdecimal() and request.query.get(name):
                raise wrong(f"{name} invalid")
        return dict(request.query)
    try:
        return msgspec.json.decode(request.body or "{}", type=dict[str, Any])
    except msgspec.MsgspecError:
        raise wrong("the body is no JSON object") from None


def _named(order: Order) -> Json:
    return {"orderId": order.id, "orderLinkId": order.client_id}
