"""X-07: the venues' REST client against a real server on loopback: bytes, refusals, waiting, silence."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from tapeline.errors import TapelineError, Unavailable, VenueRefused
from tapeline.runtime import clock, metrics
from tapeline.runtime.http import MOVED, HttpClient, by_status
from tapeline.runtime.limiter import Bucket, BucketStatus, Limiter
from tapeline.venues.binance import SPOT as BINANCE
from tapeline.venues.bybit import FUTURES as BYBIT
from tapeline.venues.contract import Request
from tests.support.web_server import serving

BOOK = Request(path="/book", query=(("symbol", "BTCUSDT"), ("limit", "5")), cost=2)


@dataclass
class Server:
    """A venue's REST on loopback that answers as it is told and keeps what it was asked."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b'{"ok":1}'
    silent: bool = False
    cut: bool = False
    asked: list[str] = field(default_factory=list)
    posted: list[tuple[str, str, bytes]] = field(default_factory=list)
    url: str = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        self.asked.append(request.raw_path)
        if request.method == "POST":
            self.posted.append((request.raw_path, request.content_type, await request.read()))
        if self.silent:
            await asyncio.Event().wait()
        if self.cut:
            assert request.transport is not None
            request.transport.abort()
        return web.Response(status=self.status, headers=dict(self.headers), body=self.body)


def limits(most: int = 10) -> Limiter:
    return Limiter({"rest_market": Bucket(max_tokens=most, window_s=60)})


async def refusal(server: Server, limiter: Limiter | None = None, of: Mapping[str, str] | None = None) -> TapelineError:
    """Return the error of one request."""
    async with serving(server), HttpClient(server.url, limiter or limits(), timeout_s=0.5, of=of) as client:
        with pytest.raises(TapelineError) as raised:
            await client.fetch(BOOK)
        return raised.value


@pytest.mark.parametrize(
    ("status", "told"), [(301, True), (308, True), (404, True), (410, True), (302, False), (500, False)]
)
async def test_an_address_that_is_gone_is_told_beside_the_error(status: int, told: bool) -> None:  # noqa: FBT001 - a case
    heard: list[str] = []
    async with serving(Server(status=status, headers={"Location": "https://new"})) as server:
        client = HttpClient.of(BINANCE.facts, server.url, limits(), by_status, gone=heard.append)
        async with client:
            if status == 302:
                await client.fetch(BOOK)
            else:
                with pytest.raises(TapelineError) as raised:
                    await client.fetch(BOOK)
                moved = f"HTTP {status}: it has moved to https://new"
                assert (str(raised.value) == moved) is (status in MOVED)
        assert heard == ([f"{server.url}/book answers HTTP {status}"] if told else [])


async def test_the_request_goes_out_as_written_and_the_bytes_come_back() -> None:
    odd = Request(path="/v5/x", query=(("symbol", "1000PEPE%2FUSDT"), ("a", "b c".replace(" ", "+"))), cost=1)
    async with serving(Server(body=b"\x00\xff")) as server, HttpClient(f"{server.url}/", limits()) as client:
        assert await client.fetch(BOOK) == b"\x00\xff"
        assert await client.fetch(odd) == b"\x00\xff"
        assert server.asked == ["/book?symbol=BTCUSDT&limit=5", "/v5/x?symbol=1000PEPE%2FUSDT&a=b+c"]


async def test_a_request_with_a_body_is_posted_as_json() -> None:
    async with serving(Server()) as server, HttpClient(f"{server.url}/key", limits()) as client:
        await client.fetch(Request(path="", body=b"[1]", cost=1))
        await client.fetch(BOOK)
        assert server.posted == [("/key", "application/json", b"[1]")]
        assert server.asked == ["/key", "/key/book?symbol=BTCUSDT&limit=5"]


async def test_x_07_each_request_takes_its_cost_and_the_last_one_is_never_sent() -> None:
    limiter = limits(most=5)
    async with serving(Server()) as server, HttpClient(server.url, limiter) as client:
        await client.fetch(BOOK)
        await client.fetch(BOOK)
        with pytest.raises(Unavailable, match="our own limit") as refused:
            await client.fetch(BOOK, max_wait_s=0)
        assert refused.value.retry_after_s is not None
        assert 50 < refused.value.retry_after_s <= 60
        assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("status", "headers", "wait_s"),
    [
        (429, {"Retry-After": "7"}, 7.0),
        (429, {}, 60.0),
        (429, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, 60.0),
        (429, {"Retry-After": "nan"}, 60.0),
        (418, {"retry-after": "300"}, 300.0),
        (418, {}, 120.0),
        (503, {"Retry-After": "3"}, 3.0),
    ],
)
async def test_x_07_a_venue_that_asks_to_wait_is_left_alone(
    status: int, headers: dict[str, str], wait_s: float
) -> None:
    limiter, of = limits(), {"venue": "okx", "market": "spot"}
    before = metrics.registry().get_sample_value("tapeline_venue_holds_total", of) or 0
    error = await refusal(Server(status=status, headers=headers), limiter, of)
    assert isinstance(error, Unavailable)
    assert error.retry_after_s == wait_s
    assert metrics.registry().get_sample_value("tapeline_venue_holds_total", of) == before + 1
    until_s = metrics.registry().get_sample_value("tapeline_venue_held_until_seconds", of)
    assert until_s is not None
    assert wait_s - 5 < until_s - clock.now_us() / 1_000_000 <= wait_s
    assert wait_s - 5 < limiter.get_wait_time("rest_market") <= wait_s


@pytest.mark.parametrize("status", [500, 502, 504])
async def test_a_server_in_trouble_is_unavailable(status: int) -> None:
    limiter = limits()
    error = await refusal(Server(status=status, body=b"oops"), limiter)
    assert isinstance(error, Unavailable)
    assert (str(error), error.retry_after_s, limiter.get_wait_time("rest_market")) == (f"HTTP {status}: oops", None, 0)


@pytest.mark.parametrize("status", [400, 401, 403, 404])
async def test_any_other_refusal_is_the_venues_no(status: int) -> None:
    error = await refusal(Server(status=status, body=b"bad symbol"))
    assert (type(error), str(error)) == (VenueRefused, f"HTTP {status}: bad symbol")


@pytest.mark.parametrize("server", [Server(silent=True), Server(cut=True)], ids=["silent", "cut"])
async def test_no_answer_is_unavailable(server: Server) -> None:
    error = await refusal(server)
    assert isinstance(error, Unavailable)
    assert "/book does not answer" in str(error)


async def test_nobody_there_is_unavailable() -> None:
    async with serving(Server()) as server:
        gone = server.url
    async with HttpClient(gone, limits()) as client:
        with pytest.raises(Unavailable, match="does not answer"):
            await client.fetch(BOOK)


async def test_the_venues_own_count_of_our_address_is_heard() -> None:
    limiter = limits()
    used = Server(headers={"X-MBX-USED-WEIGHT-1M": "8"})
    async with (
        serving(used) as server,
        HttpClient.of(BINANCE.facts, server.url, limiter, BINANCE.refusal) as client,
    ):
        await client.fetch(BOOK)
    assert limiter.get_all_status() == {"rest_market": BucketStatus(tokens=2, max_tokens=10, utilization=0.8)}


async def test_a_venue_that_refuses_inside_a_good_status_is_judged_by_its_own_module() -> None:
    limiter = limits()
    busy = Server(body=b'{"retCode":10006,"retMsg":"Too many visits"}')
    async with serving(busy) as server, HttpClient.of(BYBIT.facts, server.url, limiter, BYBIT.refusal) as client:
        with pytest.raises(Unavailable) as raised:
            await client.fetch(BOOK)
    assert raised.value.retry_after_s == 5
    assert 0 < limiter.get_wait_time("rest_market") <= 5


async def test_a_closed_client_says_so() -> None:
    with pytest.raises(Unavailable, match="closed"):
        await HttpClient("http://127.0.0.1:9", limits()).fetch(BOOK)
