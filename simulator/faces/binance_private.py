"""Binance's signed REST: who may ask, what it weighs, and the requests that are not about orders."""

from __future__ import annotations

import msgspec

from simulator.desk import Desk
from simulator.face import Answer, Outlet, Request
from simulator.faces import binance_account as accounts
from simulator.faces.binance_gate import Gate, Params, Refusal, missing
from simulator.faces.binance_income import WEIGHT, Income
from simulator.faces.binance_listening import ListenKeys
from simulator.faces.binance_trading import Calls, Trading
from simulator.faces.binance_words import Json

_PREFIXES = {"spot": "/api/", "futures": "/fapi/"}
# What asking for all symbols at once weighs.
_WHOLE_LISTS = {"v3/openOrders": 80, "v1/openOrders": 40}
_LISTEN_KEY = "v1/listenKey"
_OUTSIDE_TIME = -1021


class Private:
    """The door and the account of one market."""

    def __init__(
        self,
        outlet: Outlet,
        desk: Desk,
        market: str,
        *,
        gate: Gate,
        trading: Trading,
        keys: ListenKeys,
        income: Income,
    ) -> None:
        """Answer for one account."""
        self._outlet = outlet
        self._desk = desk
        self._prefix = _PREFIXES[market]
        self._gate = gate
        self._trading = trading
        self._keys = keys
        self._income = income
        self._calls = trading.calls() | (self._spot() if market == "spot" else self._futures())

    def knows(self, request: Request) -> bool:
        """Tell whether there is such an address."""
        return (request.method, self._name(request)) in self._calls

    def answer(self, request: Request) -> Answer:
        """Answer a request, or refuse it."""
        name = self._name(request)
        weight, call = self._calls[request.method, name]
        if name in _WHOLE_LISTS and request.method == "GET" and "symbol" not in request.query:
            weight = _WHOLE_LISTS[name]
        refused, headers = self._gate.admit(request, weight, signed=True)
        if refused is not None:
            self._hit("ban" if request.ban_s else "429", request)
            return refused
        try:
            params = self._gate.identified(request) if name == _LISTEN_KEY else self._gate.signed(request)
            found = call(params, request)
        except Refusal as refusal:
            if refusal.code == _OUTSIDE_TIME:
                self._hit("skew", request)
            return Answer(refusal.answer.body, refusal.answer.status, {**headers, **refusal.answer.headers})
        if isinstance(found, Answer):
            return Answer(found.body, found.status, {**headers, **found.headers}, found.lost_s)
        return Answer(msgspec.json.encode(found).decode(), headers=headers)

    def _spot(self) -> Calls:
        desk = self._desk
        return {
            ("GET", "v3/account"): (
                20,
                lambda p, r: accounts.coins(desk, r.at_us, nonzero=p.get("omitZeroBalances") == "true"),
            ),
            ("GET", "v3/account/commission"): (20, lambda p, _: accounts.commission(desk, self._wire(p))),
        }

    def _futures(self) -> Calls:
        desk, margin = self._desk, self._desk.margin
        calls: Calls = {
            ("POST", "v1/leverage"): (1, self._leverage),
            ("POST", "v1/marginType"): (1, self._margin_type),
            ("GET", "v1/positionSide/dual"): (30, lambda _p, _r: {"dualSidePosition": False}),
            ("POST", "v1/positionSide/dual"): (1, self._position_side),
            ("GET", "v1/commissionRate"): (20, lambda p, _: accounts.commission_rate(desk, self._wire(p))),
            ("GET", "v1/leverageBracket"): (1, lambda p, _: accounts.brackets(desk, self._wire_or_none(p))),
            ("GET", "v1/income"): (WEIGHT, lambda p, r: self._income.answer(self._wire_or_none(p), p, r)),
            ("POST", _LISTEN_KEY): (1, lambda _, r: {"listenKey": self._keys.open(r.at_us)}),
            ("PUT", _LISTEN_KEY): (1, lambda _, r: {"listenKey": self._keys.keep(r.at_us)}),
            ("DELETE", _LISTEN_KEY): (1, lambda _p, _r: self._keys.close()),
        }
        for version in ("v2", "v3"):
            calls["GET", f"{version}/balance"] = (5, lambda _, r: accounts.balance(margin, r.at_us))
            calls["GET", f"{version}/account"] = (5, lambda _, r: accounts.account(margin, r.at_us))
            calls["GET", f"{version}/positionRisk"] = (
                5,
                lambda p, _: accounts.position_risk(margin, self._wire_or_none(p)),
            )
        return calls

    def _leverage(self, params: Params, request: Request) -> Json:
        position = self._desk.margin.positions[self._trading.feed(params).listing.instrument.symbol]
        text = params.get("leverage", "")
        if not text:
            raise missing("leverage")
        if not text.isdecimal() or not 1 <= int(text) <= self._desk.terms.most_leverage:
            raise Refusal(-4028, f"Leverage {text} is not valid")
        self._desk.set_leverage(position, int(text), request.at_us)
        return accounts.leverage(self._desk.margin, position)

    def _margin_type(self, params: Params, request: Request) -> Json:
        del request
        _ = self._trading.feed(params)
        if params.get("marginType") == "CROSSED":
            raise Refusal(-4046, "No need to change margin type.")
        raise Refusal(-4168, "Unable to adjust to isolated-margin mode under the Multi-Assets mode.")

    @staticmethod
    def _position_side(params: Params, request: Request) -> Json:
        del request
        if params.get("dualSidePosition") == "false":
            raise Refusal(-4059, "No need to change position side.")
        raise Refusal(-4068, "Position side cannot be changed if there exists position.")

    def _name(self, request: Request) -> str:
        return request.path.removeprefix(self._prefix) if request.path.startswith(self._prefix) else ""

    def _wire(self, params: Params) -> str:
        return self._trading.feed(params).listing.instrument.wire

    def _wire_or_none(self, params: Params) -> str | None:
        return self._wire(params) if "symbol" in params else None

    def _hit(self, fault: str, request: Request) -> None:
        """Write down that a fault kept an order away."""
        if request.method != "POST" or not self._name(request).endswith("/order"):
            return
        try:
            params = self._gate.identified(request)
            symbol = self._trading.feed(params).listing.instrument.symbol
        except Refusal:
            return
        self._outlet.hit_order(fault, symbol, params.get("newClientOrderId", ""))
