"""One connection over a client in memory: what it is sent, what it says, how it ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.websockets import WebSocket

from gateway import session
from gateway.hub import Hub
from gateway.seat import STOPPING
from gateway.state import State
from tapeline.runtime.lifecycle import background
from tests.support.eventually import eventually
from tests.unit.gateway.samples import Json, alert

READ_WITHIN_S = 0.05


@dataclass
class Client:
    """The far end of a connection, as the server's side hands it on; it reads only while `reads` is set."""

    said: asyncio.Queue[Json] = field(default_factory=asyncio.Queue)
    heard: list[Json] = field(default_factory=list)
    closed: tuple[int, str] | None = None
    reads: asyncio.Event = field(default_factory=asyncio.Event)

    async def receive(self) -> Json:
        """Hand on what the client says."""
        return await self.said.get()

    async def send(self, message: Any) -> None:  # noqa: ANN401 - an ASGI message
        """Take what the client hears; a close waits for nobody."""
        if message["type"] == "websocket.close":
            self.closed = (message["code"], message["reason"])
        elif message["type"] == "websocket.send":
            await self.reads.wait()
            self.heard.append(json.loads(message["text"]))

    def types(self) -> list[str]:
        """Return the types of what was heard."""
        return [frame["type"] for frame in self.heard]


@asynccontextmanager
async def attended(hub: Hub) -> AsyncIterator[tuple[Client, asyncio.Task[object]]]:
    """Connect a client for the time of the block."""
    client = Client()
    client.reads.set()
    client.said.put_nowait({"type": "websocket.connect"})
    scope = {"type": "websocket", "client": ("10.0.0.7", 4_711), "headers": [], "query_string": b"", "path": "/ws"}
    socket = WebSocket(scope, client.receive, client.send)
    async with background("session", session.attend(socket, hub, read_within_s=READ_WITHIN_S)) as running:
        yield client, running


def opened() -> Hub:
    hub = Hub(State())
    hub.open()
    return hub


async def test_the_first_frame_then_answers_in_order() -> None:
    hub = opened()
    async with attended(hub) as (client, running):
        for text in ('{"depth":3}', "{"):
            client.said.put_nowait({"type": "websocket.receive", "text": text})
        client.said.put_nowait({"type": "websocket.receive", "bytes": b'{"subscribe":[]}'})
        await eventually(lambda: client.types() == ["initial_state", "subscribed", "error", "subscribed"])
        client.said.put_nowait({"type": "websocket.disconnect", "code": 1000, "reason": ""})
        await eventually(running.done)
        assert (client.closed, hub.count) == (None, 0)


async def test_who_leaves_while_a_frame_is_on_its_way_is_forgotten() -> None:
    hub = opened()
    async with attended(hub) as (client, running):
        await eventually(lambda: hub.count == 1)
        client.reads.clear()
        client.said.put_nowait({"type": "websocket.disconnect", "code": 1006})
        hub.take_alert(alert())
        await eventually(running.done)
        assert (client.closed, hub.count) == (None, 0)


async def test_who_does_not_read_is_closed_alone() -> None:
    """X-17: the other hears all of it."""
    hub = opened()
    async with attended(hub) as (slow, ended), attended(hub) as (quick, goes_on):
        await eventually(lambda: (slow.types(), quick.types()) == (["initial_state"], ["initial_state"]))
        slow.reads.clear()
        for _ in range(3):
            hub.take_alert(alert())
        await eventually(ended.done)
        assert slow.closed == (1013, "this client reads too slowly: connect again, and subscribe to less")
        assert (quick.types(), quick.closed, goes_on.done()) == (["initial_state"] + ["alert"] * 3, None, False)


async def test_at_a_stop_the_client_is_told_why() -> None:
    hub = opened()
    async with attended(hub) as (client, running):
        await eventually(client.types)
        async with hub.serving():
            pass
        await eventually(running.done)
        assert client.closed == tuple(STOPPING) == (1001, "the gateway stops")


async def test_before_the_state_is_known_nothing_is_sent() -> None:
    hub = Hub(State())
    async with attended(hub) as (client, running):
        client.said.put_nowait({"type": "websocket.receive", "text": '{"depth":3}'})
        await eventually(lambda: hub.count == 1 and client.said.empty())
        assert client.heard == []
        hub.open()
        await eventually(lambda: client.types() == ["initial_state", "subscribed"])
        assert not running.done()
