"""A trader on the stage: signs requests as each venue documents it, in its own few lines, and hears its own streams."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from simulator.face import Request
from simulator.journal import AnyRecord, Balances, Filled, Funded, OrderChanged, OrderRefused
from simulator.market import Listing
from tests.support.stage import Asked, Client, Stage

PLACES = [(venue, market) for venue in ("binance", "bybit") for market in ("spot", "futures")]
OWN = (OrderChanged, OrderRefused, Filled, Funded, Balances)
CATEGORY = {"spot": "spot", "futures": "linear"}


def signature(secret: str, payload: str) -> str:
    """Return the hex HMAC-SHA256 that both venues ask for."""
    return hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()


@dataclass(slots=True, eq=False)
class Trader:
    """The owner of the exchange's one account."""

    stage: Stage

    @property
    def venue(self) -> str:
        """Return where."""
        return self.stage.exchange.face.venue

    @property
    def market(self) -> str:
        """Return on which market."""
        return self.stage.exchange.face.market

    @property
    def prefix(self) -> str:
        """Return how Binance's addresses begin."""
        return "/api/v3" if self.market == "spot" else "/fapi/v1"

    # requests

    def binance(self, method: str, path: str, **params: object) -> Asked:
        """Ask Binance, signed."""
        return self.send(self.binance_request(method, path, params))

    def binance_request(self, method: str, path: str, params: dict[str, object]) -> Request:
        """Return a signed request: GET and DELETE in the query, others in the body."""
        key = self.stage.exchange.desk.key
        payload = urlencode({"timestamp": self.stage.now_us // 1000, **params})
        payload += f"&signature={signature(key.secret, payload)}"
        in_query = method in {"GET", "DELETE"}
        return Request(
            path=path, query={name: str(value) for name, value in params.items()} if in_query else {},
            at_us=self.stage.now_us, method=method, raw=payload if in_query else "", body="" if in_query else payload,
            headers={"x-mbx-apikey": key.key},
        )  # fmt: skip

    def bybit(self, method: str, path: str, **params: object) -> Asked:
        """Ask Bybit, signed."""
        return self.send(self.bybit_request(method, path, params))

    def bybit_request(self, method: str, path: str, params: dict[str, object]) -> Request:
        """Return a signed request: GET in the query, POST as JSON."""
        key, now = self.stage.exchange.desk.key, str(self.stage.now_us // 1000)
        params = {"category": CATEGORY[self.market], **params}
        payload = urlencode(params) if method == "GET" else json.dumps(params)
        headers = {
            "x-bapi-api-key": key.key,
            "x-bapi-timestamp": now,
            "x-bapi-recv-window": "5000",
            "x-bapi-sign": signature(key.secret, f"{now}{key.key}5000{payload}"),
        }
        return Request(
            path=path, query={name: str(value) for name, value in params.items()} if method == "GET" else {},
            at_us=self.stage.now_us, method=method, raw=payload if method == "GET" else "",
            body="" if method == "GET" else payload, headers=headers,
        )  # fmt: skip

    def send(self, request: Request) -> Asked:
        """Send a request, signed or not."""
        return self.stage.ask(request)

    # what every venue has

    def listing(self, symbol: str = "BTC/USDT") -> Listing:
        """Return an instrument."""
        return next(one for one in self.stage.exchange.market.listings if one.instrument.symbol == symbol)

    def place(
        self, side: str, quantity: str, price: str | None = None, *, force: str = "gtc", reduce_only: bool = False,
        client_id: str = "", symbol: str = "BTC/USDT",
    ) -> Asked:  # fmt: skip
        """Place an order; without a price at the market."""
        return self.send(
            self.order_request(
                side, quantity, price, force=force, reduce_only=reduce_only, client_id=client_id, symbol=symbol
            )
        )

    def order_request(
        self, side: str, quantity: str, price: str | None = None, *, force: str = "gtc", reduce_only: bool = False,
        client_id: str = "", symbol: str = "BTC/USDT",
    ) -> Request:  # fmt: skip
        """Return the request for an order in the venue's words."""
        wire = symbol.replace("/", "")
        if self.venue == "bybit":
            body: dict[str, object] = {"symbol": wire, "side": side.capitalize(), "qty": quantity}
            body |= {"orderType": "Market"} if price is None else {"orderType": "Limit", "price": price}
            if price is None and self.market == "spot":
                body["marketUnit"] = "baseCoin"
            if price is not None:
                body["timeInForce"] = "PostOnly" if force == "post_only" else force.upper()
            body |= {"reduceOnly": True} if reduce_only else {}
            body |= {"orderLinkId": client_id} if client_id else {}
            return self.bybit_request("POST", "/v5/order/create", body)
        params: dict[str, object] = {"symbol": wire, "side": side.upper(), "quantity": quantity}
        if price is None:
            params["type"] = "MARKET"
        elif force == "post_only" and self.market == "spot":
            params |= {"type": "LIMIT_MAKER", "price": price}
        else:
            params |= {"type": "LIMIT", "price": price}
            params["timeInForce"] = "GTX" if force == "post_only" else force.upper()
        params |= {"reduceOnly": "true"} if reduce_only else {}
        params |= {"newClientOrderId": client_id} if client_id else {}
        params |= {"newOrderRespType": "RESULT"}
        return self.binance_request("POST", f"{self.prefix}/order", params)

    def cancel(self, client_id: str, symbol: str = "BTC/USDT") -> Asked:
        """Cancel an order by the client's id."""
        wire = symbol.replace("/", "")
        if self.venue == "bybit":
            return self.bybit("POST", "/v5/order/cancel", symbol=wire, orderLinkId=client_id)
        return self.binance("DELETE", f"{self.prefix}/order", symbol=wire, origClientOrderId=client_id)

    def look_up(self, client_id: str, symbol: str = "BTC/USDT") -> Any:  # noqa: ANN401 - JSON
        """Return what the venue says of an order, None when it knows none."""
        wire = symbol.replace("/", "")
        if self.venue == "bybit":
            _, _, body, _ = self.bybit("GET", "/v5/order/realtime", symbol=wire, orderLinkId=client_id)
            return next(iter(body["result"]["list"]), None)
        status, _, body, _ = self.binance("GET", f"{self.prefix}/order", symbol=wire, origClientOrderId=client_id)
        return body if status == 200 else None

    def refused(self, asked: Asked) -> int:
        """Return the venue's code, 0 for what was done."""
        body = asked[2]
        return int(body["retCode"] if self.venue == "bybit" else body.get("code", 0))

    def price(self, side: str, away: int = 0, symbol: str = "BTC/USDT") -> str:
        """Return a limit so many ticks better for the client than what it would take at once."""
        listing = self.listing(symbol)
        ladder = listing.ladder
        ticks = ladder.ask - away if side == "buy" else ladder.bid + away
        return listing.instrument.tick.format(ticks)

    # streams and records

    def listen(self) -> Client:
        """Connect to the account's own stream."""
        key = self.stage.exchange.desk.key
        now_ms = self.stage.now_us // 1000
        if self.venue == "bybit":
            client = self.stage.connect("/v5/private")
            expires = now_ms + 10_000
            client.say({"op": "auth", "args": [key.key, expires, signature(key.secret, f"GET/realtime{expires}")]})
            client.say({"op": "subscribe", "args": ["order", "execution", "position", "wallet"]})
            assert [one["success"] for one in client.take()] == [True, True]
            return client
        if self.market == "futures":
            _, _, body, _ = self.send(
                Request(
                    path="/fapi/v1/listenKey",
                    query={},
                    at_us=self.stage.now_us,
                    method="POST",
                    headers={"x-mbx-apikey": key.key},
                )
            )
            return self.stage.connect("/private/ws", listenKey=body["listenKey"])
        client = self.stage.connect("/ws-api/v3")
        params: dict[str, object] = {"apiKey": key.key, "timestamp": now_ms}
        params["signature"] = signature(key.secret, f"apiKey={key.key}&timestamp={now_ms}")
        client.say({"id": "u1", "method": "userDataStream.subscribe.signature", "params": params})
        assert client.take() == [{"id": "u1", "status": 200, "result": {"subscriptionId": 0}}]
        return client

    def own(self) -> list[AnyRecord]:
        """Return what the journal has of the account, all but the balances."""
        return [one for one in self.stage.of(*OWN) if not isinstance(one, Balances)]

    def total(self, asset: str = "USDT") -> Decimal:
        """Return what the account has of a coin, locked or not."""
        desk = self.stage.exchange.desk
        if self.market == "futures":
            return desk.margin.wallet
        balance = desk.coins.balances[asset]
        return balance.free + balance.locked
