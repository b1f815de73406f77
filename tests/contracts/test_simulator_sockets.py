"""X-21: over real sockets a client that knows only the protocol hears the journal, message by message."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import websockets

from simulator.journal import Closed, Delta, FaultEnded, Halted, Subscribed
from tests.support.eventually import eventually
from tests.support.simulated import Simulated, simulated
from tests.support.stage import as_told, heard

PLACES = [(venue, market) for venue in ("binance", "bybit") for market in ("spot", "futures")]
WITHIN_S = 10.0


def wanted(venue: str, market: str) -> tuple[str, object]:
    """Return the path and the request for books and trades of two symbols."""
    if venue == "binance":
        names = [f"{wire}@{what}" for wire in ("btcusdt", "ethusdt") for what in ("depth@100ms", "trade")]
        path = "/stream" if market == "spot" else "/public/stream"
        return path, {"method": "SUBSCRIBE", "params": names, "id": 1}
    names = [f"{what}.{wire}" for wire in ("BTCUSDT", "ETHUSDT") for what in ("orderbook.50", "publicTrade")]
    return f"/v5/public/{'spot' if market == 'spot' else 'linear'}", {"op": "subscribe", "args": names}


async def listen(place: Simulated, messages: list[Any], venue: str, market: str) -> None:
    """Read all that comes until the connection ends."""
    path, request = wanted(venue, market)
    async with websockets.connect(place.ws + path, compression=None) as socket:
        await socket.send(json.dumps(request))
        async for text in socket:
            messages.append(json.loads(text))  # noqa: PERF401 - the test looks at the list while it grows


@pytest.mark.parametrize(("venue", "market"), PLACES)
async def test_a_client_hears_every_message_of_the_journal(venue: str, market: str, tmp_path: Path) -> None:
    messages: list[Any] = []
    async with simulated(venue, market, tmp_path, symbols=2) as place, asyncio.timeout(WITHIN_S):
        async with asyncio.TaskGroup() as group:
            _ = group.create_task(listen(place, messages, venue, market))
            await eventually(lambda: len(heard(messages)) > 20)
            assert (await place.post("/_simulator/halt"))[0] == 200
            records = place.records()
            begin = max(number for number, one in enumerate(records) if isinstance(one, Subscribed))
            truth = as_told(records[begin:])
            await eventually(lambda: heard(messages) == truth)
            place.exchange.close(0)
        assert isinstance(records[-1], Halted)
        # What was written before the subscription was heard by nobody, and is there all the same.
        assert [one for one in records[:begin] if isinstance(one, Delta)]


async def test_a_cut_ends_a_real_socket_without_a_close_frame(tmp_path: Path) -> None:
    messages: list[Any] = []
    async with simulated("binance", "spot", tmp_path, symbols=2) as place, asyncio.timeout(WITHIN_S):
        async with asyncio.TaskGroup() as group:
            client = group.create_task(until_it_ends(place, messages))
            await eventually(lambda: len(heard(messages)) > 3)
            assert (await place.post("/_simulator/faults", {"name": "cut"}))[0] == 200
        end = await client
        await eventually(lambda: [one.reason for one in place.records() if isinstance(one, Closed)] == ["fault cut"])
    assert (end.rcvd, end.sent) == (None, None)


async def test_a_stall_leaves_a_ping_unanswered(tmp_path: Path) -> None:
    path, request = wanted("bybit", "spot")
    async with simulated("bybit", "spot", tmp_path, symbols=2) as place:
        # ping_timeout ends the connection from our side, as a client does that finds out.
        async with websockets.connect(place.ws + path, ping_interval=0.2, ping_timeout=0.5) as socket:
            await socket.send(json.dumps(request))
            for _ in range(30):
                await socket.recv()
            assert (await place.post("/_simulator/faults", {"name": "stall"}))[0] == 200
            with pytest.raises(websockets.ConnectionClosedError, match="keepalive ping timeout"):
                await read_on(socket, [])
        ended = await eventually(lambda: [one for one in place.records() if isinstance(one, FaultEnded)])
    assert [one.reason.partition(":")[0] for one in ended] == ["connection ended"]


async def test_rest_headers_and_the_script_s_errors_arrive(tmp_path: Path) -> None:
    async with simulated("binance", "futures", tmp_path, symbols=2) as place:
        _, headers, _ = await place.get("/fapi/v1/depth", symbol="BTCUSDT", limit="1000")
        assert headers["X-MBX-USED-WEIGHT-1M"] == "20"
        assert (await place.post("/_simulator/faults", {"name": "429", "duration_s": 30}))[0] == 200
        status, headers, body = await place.get("/fapi/v1/depth", symbol="BTCUSDT")
        assert (status, headers["Retry-After"], body["code"]) == (429, "30", -1003)
        status, refused = await place.post("/_simulator/faults", {"name": "gaps"})
        assert (status, "did you mean 'gap'" in refused["error"]) == (400, True)
        assert await place.post("/_simulator/faults", {"name": "gap"}) == (409, {"error": "no target for gap now"})
        _, _, state = await place.get("/_simulator/state")
        assert (state["place"], state["faults"]) == ("binance:futures", {"429": 1})
        assert (await place.post("/_simulator/arm"))[0] == 200


async def test_an_unknown_address_is_no_socket(tmp_path: Path) -> None:
    async with simulated("bybit", "futures", tmp_path, symbols=1) as place, aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(f"{place.ws}/v5/public/spot")
    assert refused.value.status == 404


async def until_it_ends(place: Simulated, messages: list[Any]) -> websockets.ConnectionClosedError:
    """Listen and return how the connection ended."""
    path, request = wanted("binance", "spot")
    async with websockets.connect(place.ws + path) as socket:
        await socket.send(json.dumps(request))
        with pytest.raises(websockets.ConnectionClosedError) as ended:
            await read_on(socket, messages)
    return ended.value


async def read_on(socket: websockets.ClientConnection, messages: list[Any]) -> None:
    """Read until the connection breaks."""
    while True:
        messages.append(json.loads(await socket.recv()))


@pytest.mark.parametrize(("headers", "kind"), [({"X-Gate-Size-Decimal": "1"}, str), ({}, int)])
async def test_a_face_sees_the_headers_of_the_request_that_opened_the_socket(
    headers: dict[str, str], kind: type, tmp_path: Path
) -> None:
    request = {"channel": "futures.obu", "event": "subscribe", "payload": ["ob.BTC_USDT.50"]}
    async with (
        simulated("gateio", "futures", tmp_path, symbols=1) as place,
        websockets.connect(f"{place.ws}/v4/ws/usdt", compression=None, additional_headers=headers) as socket,
    ):
        await socket.send(json.dumps(request))
        found = [json.loads(await socket.recv()) for _ in range(2)]
    assert {type(size) for _, size in found[1]["result"]["b"]} == {kind}
