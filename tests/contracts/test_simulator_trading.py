"""X-21: over real sockets orders are signed as sent, answers can be lost, and every word of a fill arrives at once."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
import websockets
from yarl import URL

from simulator.journal import Filled, OrderChanged
from tapeline.runtime import clock
from tests.support.eventually import eventually
from tests.support.simulated import Simulated, simulated

PLACES = [(venue, market) for venue in ("binance", "bybit") for market in ("spot", "futures")]
WITHIN_S = 10.0


def signed(place: Simulated, payload: str) -> str:
    """Return the signature of a payload."""
    return hmac.new(place.exchange.desk.key.secret.encode(), payload.encode(), hashlib.sha256).hexdigest()


async def order(place: Simulated, client_id: str, *, timeout_s: float = WITHIN_S) -> tuple[int, Any]:
    """Buy a little at the market; return status and JSON."""
    face, key, now_ms = place.exchange.face, place.exchange.desk.key, clock.now_us() // 1000
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=timeout_s)) as session:
        if face.venue == "binance":
            path = "/api/v3/order" if face.market == "spot" else "/fapi/v1/order"
            fields = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}
            payload = urlencode({**fields, "newClientOrderId": client_id, "timestamp": now_ms})
            url = f"{place.rest}{path}?{payload}&signature={signed(place, payload)}"
            async with session.post(url, headers={"X-MBX-APIKEY": key.key}) as answer:
                return answer.status, await answer.json(content_type=None)
        # Blanks and order of the body are the client's own, and signed so.
        body = json.dumps(
            {
                "orderLinkId": client_id, "qty": "0.01", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Market",
                "category": "spot" if face.market == "spot" else "linear",
                **({"marketUnit": "baseCoin"} if face.market == "spot" else {}),
            }
        )  # fmt: skip
        headers = {
            "X-BAPI-API-KEY": key.key,
            "X-BAPI-TIMESTAMP": str(now_ms),
            "X-BAPI-RECV-WINDOW": "5000",
            "X-BAPI-SIGN": signed(place, f"{now_ms}{key.key}5000{body}"),
            "Content-Type": "application/json",
        }
        async with session.post(f"{place.rest}/v5/order/create", data=body, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)


def states(place: Simulated, client_id: str) -> list[str]:
    """Return the states of an order as the journal has them."""
    return [one.status for one in place.records() if isinstance(one, OrderChanged) and one.client_id == client_id]


@pytest.mark.parametrize(("venue", "market"), PLACES)
async def test_an_answer_that_is_lost_breaks_off_or_hangs_and_the_order_is_there(
    venue: str, market: str, tmp_path: Path
) -> None:
    async with simulated(venue, market, tmp_path, symbols=1) as place:
        wish = {"name": "lost-answer"}
        assert (await place.post("/_simulator/faults", wish))[0] == 200
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await order(place, "broke-off")
        assert (await place.post("/_simulator/faults", {**wish, "duration_s": 30, "visible_after_ms": 200}))[0] == 200
        with pytest.raises(TimeoutError):
            await order(place, "hangs", timeout_s=0.3)
        status, body = await order(place, "answered")
        assert (status, body.get("retCode", 0)) == (200, 0)
        for name in ("broke-off", "hangs", "answered"):
            assert states(place, name) == ["new", "filled"]
        _, _, state = await place.get("/_simulator/state")
        assert state["faults"] == {"lost-answer": 2}


@pytest.mark.parametrize(("venue", "market"), PLACES)
async def test_a_slow_answer_is_late_and_a_refused_order_is_refused(venue: str, market: str, tmp_path: Path) -> None:
    async with simulated(venue, market, tmp_path, symbols=1) as place:
        assert (await place.post("/_simulator/faults", {"name": "slow", "kind": "rest", "duration_s": 5}))[0] == 200
        assert (await place.post("/_simulator/faults", {"name": "refuse", "symbol": "BTC/USDT"}))[0] == 200
        began_s = clock.monotonic_s()
        status, body = await order(place, "refused")
        assert clock.monotonic_s() - began_s >= 0.8
        assert (status, body.get("code", body.get("retCode"))) == {
            ("binance", "spot"): (400, -2010), ("binance", "futures"): (400, -2019),
            ("bybit", "spot"): (200, 170131), ("bybit", "futures"): (200, 110007),
        }[venue, market]  # fmt: skip
        assert states(place, "refused") == []


@pytest.mark.parametrize(("venue", "market"), PLACES)
async def test_the_account_hears_of_a_fill_while_the_market_stands_still(
    venue: str, market: str, tmp_path: Path
) -> None:
    async with simulated(venue, market, tmp_path, symbols=1) as place, asyncio.timeout(WITHIN_S):
        async with websockets.connect(f"{place.ws}{await private_path(place)}", compression=None) as socket:
            for message in sign_on(place):
                await socket.send(json.dumps(message))
                await socket.recv()
            # Nothing moves any more but what clients do.
            place.exchange.market.listings.clear()
            status, _ = await order(place, "heard")
            heard = [json.loads(await socket.recv()) for _ in range(2)]
        assert status == 200
        (fill,) = [one for one in place.records() if isinstance(one, Filled)]
        assert "heard" in json.dumps(heard)
        assert fill.client_id == "heard"


async def private_path(place: Simulated) -> str:
    """Return where the account's stream is."""
    face = place.exchange.face
    if face.venue == "bybit":
        return "/v5/private"
    if face.market == "spot":
        return "/ws-api/v3"
    headers = {"X-MBX-APIKEY": place.exchange.desk.key.key}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{place.rest}/fapi/v1/listenKey", headers=headers) as answer,
    ):
        return f"/private/ws?listenKey={(await answer.json(content_type=None))['listenKey']}"


def sign_on(place: Simulated) -> list[Any]:
    """Return what a client says first."""
    face, key, now_ms = place.exchange.face, place.exchange.desk.key, clock.now_us() // 1000
    if face.venue == "bybit":
        expires = now_ms + 5000
        args = [key.key, expires, signed(place, f"GET/realtime{expires}")]
        return [{"op": "auth", "args": args}, {"op": "subscribe", "args": ["order", "execution"]}]
    if face.market == "futures":
        return []
    params = {"apiKey": key.key, "timestamp": now_ms}
    params["signature"] = signed(place, urlencode(params))
    return [{"id": "u1", "method": "userDataStream.subscribe.signature", "params": params}]


async def test_nobody_else_s_address_is_there_and_a_percent_sign_is_signed_as_sent(tmp_path: Path) -> None:
    async with simulated("binance", "spot", tmp_path, symbols=1) as place, aiohttp.ClientSession() as session:
        async with session.put(f"{place.rest}/api/v3/order") as answer:
            assert answer.status == 404
        payload = f"symbol=%EF%BC%91&timestamp={clock.now_us() // 1000}"
        url = URL(f"{place.rest}/api/v3/openOrders?{payload}&signature={signed(place, payload)}", encoded=True)
        async with session.get(url, headers={"X-MBX-APIKEY": place.exchange.desk.key.key}) as answer:
            # The signature is good; the symbol is none.
            assert (answer.status, (await answer.json(content_type=None))["code"]) == (400, -1121)


async def test_a_hanging_answer_does_not_keep_the_simulator_from_stopping(tmp_path: Path) -> None:
    async with simulated("bybit", "spot", tmp_path, symbols=1) as place:
        assert (await place.post("/_simulator/faults", {"name": "lost-answer", "duration_s": 600}))[0] == 200
        asked = asyncio.ensure_future(order(place, "hangs"))
        await eventually(lambda: states(place, "hangs"))
        began_s = clock.monotonic_s()
    assert clock.monotonic_s() - began_s < 5
    with pytest.raises((aiohttp.ClientError, TimeoutError)):
        await asked
