"""Signed requests against a real server on loopback: byte for byte, once, and it is known whether they went out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

import msgspec
import pytest
from aiohttp import web

from executor.link.asking import Asking
from executor.link.tradings import trading
from tapeline.errors import OutcomeUnknown, Unavailable
from tapeline.runtime import clock
from tapeline.runtime.signed_http import Reply, SignedClient
from tapeline.venues.calls import OrderRequest
from tapeline.venues.orders import Keys, SignedRequest
from tapeline.venues.refusals import Reason, Refused, Unknown
from tests.support.web_server import serving

SECRET = "s3cretsignature"
Method = Literal["GET", "POST", "PUT", "DELETE"]
METHODS: list[Method] = ["GET", "POST", "PUT", "DELETE"]
ORDER = OrderRequest(client_id="tl-1", native="BTCUSDT", side="buy", kind="market", quantity=Decimal(1))


@dataclass
class Server:
    """A venue on loopback that keeps what it was asked; cut ones break off after they have read the request."""

    cut: bool = False
    silent: bool = False
    asked: list[tuple[str, str, bytes, dict[str, str]]] = field(default_factory=list)
    url: str = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.asked.append((request.method, request.raw_path, await request.read(), headers))
        if request.path == "/v5/market/time":
            now_us = clock.now_us()
            result = {"timeSecond": str(now_us // 1_000_000), "timeNano": str(now_us * 1000)}
            body = {"retCode": 0, "retMsg": "OK", "result": result, "time": now_us // 1000}
            return web.json_response(body)
        if self.silent:
            await asyncio.Event().wait()
        if self.cut:
            assert request.transport is not None
            request.transport.abort()
        return web.Response(status=418, headers={"X-Told": "1"}, body=b"\x00\xff")


def signed(method: Method = "POST", body: bytes = b'{"qty": "1"}') -> SignedRequest:
    """Return a request whose every byte matters."""
    return SignedRequest(
        method=method,
        path="/v5/x",
        query=f"b=%2F+%EF%BC%91&a=1&signature={SECRET}",
        body=body,
        headers={"X-BAPI-SIGN": SECRET, "Content-Type": "application/json"},
        bucket="rest_trade",
        cost=1,
    )


@pytest.mark.parametrize("method", METHODS)
async def test_a_request_goes_out_as_it_was_signed_and_any_answer_comes_back(method: Method) -> None:
    async with serving(Server()) as server, SignedClient(f"{server.url}/", answer_within_s=5) as client:
        reply = await client.send(signed(method))
    [(asked, target, body, headers)] = server.asked
    assert (asked, target, body) == (method, f"/v5/x?b=%2F+%EF%BC%91&a=1&signature={SECRET}", b'{"qty": "1"}')
    assert (headers["x-bapi-sign"], headers["content-type"]) == (SECRET, "application/json")
    assert (reply.status, reply.headers["X-Told"], reply.body) == (418, "1", b"\x00\xff")
    assert isinstance(reply, Reply)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("how", ["cut", "silent"])
async def test_a_request_that_is_not_answered_was_sent_once_and_its_outcome_is_not_known(
    method: Method, how: str
) -> None:
    server = Server()
    async with serving(server), SignedClient(server.url, answer_within_s=0.5) as client:
        # The connection was good before: the library would take the blame for it and send again.
        await client.send(signed("GET"))
        server.cut, server.silent = how == "cut", how == "silent"
        with pytest.raises(OutcomeUnknown) as raised:
            await client.send(signed(method))
    assert [one[0] for one in server.asked] == ["GET", method]
    assert SECRET not in str(raised.value)
    assert raised.value.__cause__ is None


async def test_without_a_connection_nothing_was_sent() -> None:
    async with serving(Server()) as server:
        pass
    async with SignedClient(server.url, answer_within_s=2) as client:
        with pytest.raises(Unavailable) as raised:
            await client.send(signed())
    with pytest.raises(Unavailable):
        await client.send(signed())
    assert SECRET not in str(raised.value)


@asynccontextmanager
async def asking(server: Server) -> AsyncIterator[Asking]:
    """Ask Bybit's futures at this server."""
    async with SignedClient(server.url, answer_within_s=0.5) as client:
        yield Asking(trading("bybit", "futures"), Keys(key="k", secret=SECRET), client)


@pytest.mark.parametrize(("left_s", "most_ms"), [(0.4, 400), (3600.0, 50_000)])
async def test_the_venue_is_told_to_refuse_the_request_after_its_end(left_s: float, most_ms: int) -> None:
    async with serving(Server()) as server, asking(server) as found:
        until_us = clock.now_us() + int(left_s * 1_000_000)
        await found.place(ORDER, until_us=until_us, within_s=5)
    _, _, body, headers = server.asked[-1]
    window_ms, at_ms = int(headers["x-bapi-recv-window"]), int(headers["x-bapi-timestamp"])
    assert msgspec.json.decode(body)["orderLinkId"] == "tl-1"
    assert 0 < window_ms <= most_ms
    # The clocks are the same here, and the time that is signed is never ahead.
    assert at_ms * 1000 <= clock.now_us()
    assert (at_ms + window_ms) * 1000 <= max(until_us, at_ms * 1000 + 50_000_000)
    if left_s < 1:
        assert (at_ms + window_ms) * 1000 <= until_us


async def test_an_order_that_went_out_is_unknown_and_one_that_did_not_is_refused() -> None:
    async with serving(Server(cut=True)) as server, asking(server) as found:
        unknown = await found.place(ORDER, until_us=clock.now_us() + 5_000_000, within_s=5)
        sent = len([one for one in server.asked if one[0] == "POST"])
    async with asking(server) as found:
        refused = await found.place(ORDER, until_us=clock.now_us() + 5_000_000, within_s=5)
    assert isinstance(unknown, Unknown)
    assert sent == 1
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.code) == (Reason.OVERLOADED, None)
