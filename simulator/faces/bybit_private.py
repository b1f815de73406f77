"""Bybit's signed REST: who may ask and how often, and the requests that are not about orders."""

from __future__ import annotations

import re

import msgspec

from simulator.desk import Desk
from simulator.face import Answer, Outlet, Request
from simulator.faces import bybit_account as accounts
from simulator.faces.bybit_checks import Body
from simulator.faces.bybit_gate import OUTSIDE_TIME, Gate, Refusal, envelope, wrong
from simulator.faces.bybit_trading import Calls, Reply, Trading, read_body
from simulator.faces.texts import fixed
from simulator.ledger import plain

_CREATE = ("POST", "/v5/order/create")
_LEVERAGE = re.compile(r"\d{1,3}")


class Private:
    """The door and the account of one product."""

    def __init__(self, outlet: Outlet, desk: Desk, category: str, *, gate: Gate, trading: Trading) -> None:
        """Answer for one account."""
        self._outlet = outlet
        self._desk = desk
        self._category = category
        self._gate = gate
        self._trading = trading
        self._calls: Calls = trading.calls() | {
            ("GET", "/v5/account/wallet-balance"): ("read", self._wallet),
            ("GET", "/v5/account/fee-rate"): ("fee-rate", self._fee_rate),
            ("GET", "/v5/account/info"): ("read", lambda _, request: Reply(accounts.info(request.at_us))),
            ("GET", "/v5/user/query-api"): ("read", lambda _b, _r: Reply(accounts.key_info(desk.key.key))),
        }
        if category == "linear":
            self._calls |= {
                ("GET", "/v5/position/list"): ("read", self._positions),
                ("POST", "/v5/position/set-leverage"): ("set-leverage", self._set_leverage),
            }

    def knows(self, request: Request) -> bool:
        """Tell whether there is such an address."""
        return (request.method, request.path) in self._calls

    def answer(self, request: Request) -> Answer:
        """Answer a request, or refuse it."""
        group, call = self._calls[request.method, request.path]
        refused = self._gate.admit(request)
        if refused is not None:
            self._hit("429" if request.refuse_s else "ban", request)
            return refused
        headers: dict[str, str] = {}
        try:
            self._gate.check(request)
            refused, headers = self._gate.admit_account(request, group)
            if refused is not None:
                self._hit("ban", request)
                return refused
            reply = call(read_body(request), request)
        except Refusal as refusal:
            if refusal.code == OUTSIDE_TIME:
                self._hit("skew", request)
            return Answer(envelope("{}", request.venue_ms, refusal.code, str(refusal)), refusal.status, headers)
        body = envelope(msgspec.json.encode(reply.result).decode(), request.venue_ms)
        return Answer(body, headers=headers, lost_s=reply.lost_s)

    def _wallet(self, body: Body, request: Request) -> Reply:
        del request
        if body.get("accountType") != "UNIFIED":
            raise wrong("accountType only support UNIFIED.")
        found = accounts.wallet(self._desk)
        wanted = [coin for coin in str(body.get("coin") or "").split(",") if coin]
        if wanted:
            found["coin"] = [one for one in found["coin"] if one["coin"] in wanted]
        return Reply({"list": [found]})

    def _fee_rate(self, body: Body, request: Request) -> Reply:
        del request
        self._trading.check_category(body)
        fees, wire = self._desk.terms.fees, body.get("symbol")
        if wire:
            self._trading.feed(body)
        rows = [
            {
                "symbol": one.instrument.wire,
                "baseCoin": "",
                "takerFeeRate": plain(fees.taker),
                "makerFeeRate": plain(fees.maker),
            }
            for one in self._desk.market.listings
            if wire in {None, "", one.instrument.wire}
        ]
        return Reply({"category": self._category, "list": rows})

    def _positions(self, body: Body, request: Request) -> Reply:
        """Return positions: that of a symbol also when flat, of a coin only what is held."""
        del request
        self._trading.check_category(body)
        self._trading.check_scope(body)
        margin, wire = self._desk.margin, body.get("symbol")
        if wire:
            self._trading.feed(body)
        rows = [
            accounts.position(margin, one, self._desk.seq_of(symbol))
            for symbol, one in margin.positions.items()
            if (wire == one.listing.instrument.wire if wire else one.lots)
        ]
        return Reply({"category": self._category, "list": rows, "nextPageCursor": ""})

    def _set_leverage(self, body: Body, request: Request) -> Reply:
        one = self._trading.feed(body).listing.instrument
        buy, sell = str(body.get("buyLeverage") or ""), str(body.get("sellLeverage") or "")
        if _LEVERAGE.fullmatch(buy) is None or buy != sell:
            raise wrong("buyLeverage and sellLeverage must be whole and equal")
        margin, wanted = self._desk.margin, int(buy)
        if wanted == margin.leverage[one.symbol]:
            raise Refusal(110043, "leverage not modified")
        if not 1 <= wanted <= self._desk.terms.most_leverage:
            most = fixed(self._desk.terms.most_leverage * accounts.ONE, 2)
            raise Refusal(110013, f"cannot set leverage [{buy}] gt maxLeverage [{most}] by risk limit")
        self._desk.set_leverage(margin.positions[one.symbol], wanted, request.at_us)
        return Reply({})

    def _hit(self, fault: str, request: Request) -> None:
        """Write down that a fault kept an order away."""
        if (request.method, request.path) != _CREATE:
            return
        try:
            body = read_body(request)
            symbol = self._trading.feed(body).listing.instrument.symbol
        except Refusal:
            return
        self._outlet.hit_order(fault, symbol, str(body.get("orderLinkId") or ""))
