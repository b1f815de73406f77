"""C-05, X-05: a venue's socket against a real server on loopback: cuts, silence, slow answers, refusals, our rate."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus

import pytest
from websockets.asyncio.server import Server as WsServer
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from tapeline.errors import Misconfigured, Unavailable
from tapeline.runtime import clock
from tapeline.runtime.lifecycle import background
from tapeline.runtime.limiter import Bucket
from tapeline.runtime.websocket import SHORT_LIVED, Connected, Frame, Happening, Lost, Socket, Timing
from tests.support.eventually import eventually

FAST = Timing(ping_every_s=0.05, answer_within_s=0.2, first_retry_s=0.02, longest_retry_s=0.05, settled_s=0.5)
PATIENT = Timing(ping_every_s=60, first_retry_s=0.02, longest_retry_s=0.05)
PLENTY = Bucket(max_tokens=1_000, window_s=1, reserved=1)
PING = b'{"op":"ping"}'


@dataclass
class Server:
    """A venue's WebSocket on loopback that keeps what it heard and answers pings as it is told."""

    refuse: int = 0
    status: HTTPStatus = HTTPStatus.TOO_MANY_REQUESTS
    closes: int = 0
    answers: bool = True
    delay_s: float = 0.0
    heard: list[list[str]] = field(default_factory=list)
    connections: list[ServerConnection] = field(default_factory=list)
    refused: int = 0
    ended: list[int | None] = field(default_factory=list)
    url: str = ""

    async def handle(self, connection: ServerConnection) -> None:
        """Serve one connection until it ends."""
        self.connections.append(connection)
        heard: list[str] = []
        self.heard.append(heard)
        if len(self.connections) <= self.closes:
            await connection.close()
        loop = asyncio.get_running_loop()
        try:
            async for message in connection:
                heard.append(str(message))
                if message == PING.decode() and self.answers:
                    loop.call_later(self.delay_s, connection.protocol.send_text, b'{"op":"pong"}')
                    loop.call_later(self.delay_s, connection.send_data)
        except ConnectionClosed:
            pass
        self.ended.append(connection.close_code)

    def refusing(self, connection: ServerConnection, request: Request) -> Response | None:
        """Refuse as many connections as asked."""
        del request
        if self.refused >= self.refuse:
            return None
        self.refused += 1
        return connection.respond(self.status, "no\n")

    def has_heard(self, messages: list[list[str]]) -> bool:
        """Tell whether this is what it heard, by connection."""
        return self.heard == messages

    def silence(self) -> None:
        """Stop reading on the newest connection: nothing is answered any more, and nothing is closed."""
        self.connections[-1].transport.pause_reading()


@dataclass
class Heard:
    """What the socket told, in order."""

    happened: list[Happening] = field(default_factory=list)
    socket: Socket | None = None

    def __call__(self, happening: Happening) -> None:
        """Keep it, and report the venue's answer to our ping as a venue's decoder would."""
        self.happened.append(happening)
        if isinstance(happening, Frame) and happening.data == b'{"op":"pong"}':
            assert self.socket is not None
            self.socket.answered()

    def kinds(self) -> list[str]:
        """Return what happened, without frames."""
        return [type(one).__name__ for one in self.happened if not isinstance(one, Frame)]

    def frames(self) -> list[bytes]:
        """Return the messages."""
        return [one.data for one in self.happened if isinstance(one, Frame)]

    def lost(self) -> list[Lost]:
        """Return the losses."""
        return [one for one in self.happened if isinstance(one, Lost)]


@asynccontextmanager
async def serving(server: Server) -> AsyncIterator[Server]:
    """Serve on a free port while the block runs."""
    running: WsServer
    async with serve(
        server.handle, "127.0.0.1", 0, ping_interval=None, close_timeout=0.2, process_request=server.refusing
    ) as running:
        server.url = f"ws://127.0.0.1:{next(iter(running.sockets)).getsockname()[1]}"
        yield server
        for connection in server.connections:
            connection.transport.abort()


@asynccontextmanager
async def socket(
    server: Server,
    *,
    json: bool = False,
    timing: Timing = FAST,
    sends: Bucket = PLENTY,
    greeting: tuple[bytes, ...] = (),
    gone: Callable[[str], None] | None = None,
) -> AsyncIterator[tuple[Socket, Heard]]:
    """Run a socket while the block runs."""
    heard = Heard()
    made = Socket(
        server.url,
        heard=heard,
        hello=lambda: greeting,
        sends=sends,
        ping=(lambda: PING) if json else None,
        timing=timing,
        gone=gone,
    )
    heard.socket = made
    async with background("socket", made.run()):
        await eventually(lambda: heard.happened and made.is_open)
        yield made, heard


async def test_c_05_it_connects_greets_and_hands_on_every_message_with_its_time() -> None:
    before_us = clock.now_us()
    async with serving(Server()) as server, socket(server, timing=PATIENT, greeting=(b"one", b"two")) as (_, heard):
        await eventually(lambda: server.heard == [["one", "two"]])
        for number in range(100):
            await server.connections[0].send(f"frame {number}")
        await server.connections[0].send(b"\x00binary")
        await eventually(lambda: len(heard.frames()) == 101)
        assert heard.frames() == [*(f"frame {number}".encode() for number in range(100)), b"\x00binary"]
        times = [one.at_us if isinstance(one, Connected | Lost) else one.received_us for one in heard.happened]
        told = [before_us, *times, clock.now_us()]
        assert told == sorted(told)
        assert heard.kinds() == ["Connected"]


async def test_x_05_after_a_cut_it_comes_back_and_subscribes_again() -> None:
    async with serving(Server()) as server, socket(server, timing=PATIENT, greeting=(b"subscribe",)) as (_, heard):
        for cuts in (1, 2, 3):
            await eventually(functools.partial(server.has_heard, [["subscribe"]] * cuts))
            server.connections[-1].transport.abort()
        await eventually(lambda: server.heard == [["subscribe"]] * 4)
        assert heard.kinds() == ["Connected", "Lost"] * 3 + ["Connected"]
        assert {one.cause for one in heard.lost()} == {"disconnect"}
        epochs = [one.at_us for one in heard.happened if isinstance(one, Connected)]
        assert epochs == sorted(set(epochs))


async def test_x_05_a_close_in_order_is_told_with_the_venues_words() -> None:
    async with serving(Server()) as server, socket(server, timing=PATIENT) as (_, heard):
        await server.connections[0].close(1001, "maintenance")
        await eventually(lambda: heard.kinds() == ["Connected", "Lost", "Connected"])
        assert "1001 (going away) maintenance" in heard.lost()[0].reason


@pytest.mark.parametrize("json", [True, False])
async def test_c_05_a_silent_server_is_left_and_another_connection_opened(json: bool) -> None:  # noqa: FBT001 - a case
    async with serving(Server()) as server, socket(server, json=json) as (_, heard):
        server.silence()
        lost = await eventually(heard.lost, within_s=2)
        assert (lost[0].cause, lost[0].reason) == ("silence", "no answer to our ping within 0.2 s")
        await eventually(lambda: len(server.connections) == 2 and heard.kinds()[-1] == "Connected")


async def test_c_05_a_server_that_sends_but_does_not_answer_our_ping_is_left() -> None:
    async with serving(Server(answers=False)) as server, socket(server, json=True) as (_, heard):
        await server.connections[0].send("a frame")
        lost = await eventually(heard.lost, within_s=2)
        assert lost[0].cause == "silence"


@pytest.mark.parametrize("json", [True, False])
async def test_c_05_answers_in_time_keep_it_open(json: bool) -> None:  # noqa: FBT001 - a case
    async with serving(Server(delay_s=0.1)) as server, socket(server, json=json) as (_, heard):
        if json:
            await eventually(lambda: server.heard[0].count(PING.decode()) >= 5)
        else:
            rounds = [await server.connections[0].ping() for _ in range(5)]
            await asyncio.gather(*rounds)
        assert heard.kinds() == ["Connected"]


async def test_c_05_an_answer_that_comes_too_late_is_none() -> None:
    async with serving(Server(delay_s=0.4)) as server, socket(server, json=True) as (_, heard):
        lost = await eventually(heard.lost, within_s=2)
        assert lost[0].reason == "no answer to our ping within 0.2 s"


async def test_x_05_it_never_gives_up_on_a_server_that_refuses() -> None:
    async with serving(Server(refuse=5)) as server, socket(server, timing=PATIENT) as (_, heard):
        await eventually(lambda: heard.kinds() == ["Connected"])
        assert server.refused == 5


@pytest.mark.parametrize(
    ("status", "times"), [(HTTPStatus.NOT_FOUND, 3), (HTTPStatus.GONE, 3), (HTTPStatus.SERVICE_UNAVAILABLE, 0)]
)
async def test_that_there_is_no_socket_any_more_is_told_and_it_is_tried_all_the_same(
    status: HTTPStatus, times: int
) -> None:
    told: list[str] = []
    async with serving(Server(refuse=3, status=status)) as server, socket(server, timing=PATIENT, gone=told.append):
        assert told == [f"{server.url} answers HTTP {status.value}"] * times


async def test_that_each_connection_is_closed_at_once_is_told_when_it_has_gone_on_for_long() -> None:
    told: list[str] = []
    timing = Timing(ping_every_s=60, first_retry_s=0.01, longest_retry_s=0.02)
    closing = Server(closes=SHORT_LIVED - 1)
    async with serving(closing) as server, socket(server, timing=timing, gone=told.append) as (made, heard):
        await eventually(lambda: len(heard.lost()) == SHORT_LIVED - 1 and made.is_open)
        assert told == []
        server.connections[-1].transport.abort()
        await eventually(lambda: told == [f"{server.url} closes each connection at once"])


async def test_x_07_sends_keep_to_the_rate_in_order_and_the_ping_goes_first() -> None:
    slow = Bucket(max_tokens=3, window_s=0.5, reserved=1)
    greeting = tuple(f"ask {number}".encode() for number in range(5))
    timing = Timing(ping_every_s=0.2, answer_within_s=2)
    began_s = clock.monotonic_s()
    async with (
        serving(Server()) as server,
        socket(server, json=True, timing=timing, sends=slow, greeting=greeting) as (_, heard),
    ):
        await eventually(lambda: "ask 4" in server.heard[0])
        assert clock.monotonic_s() - began_s >= 1.0
        asks = [one for one in server.heard[0] if one.startswith("ask")]
        assert asks == [one.decode() for one in greeting]
        assert server.heard[0].index(PING.decode()) == 2
        assert heard.kinds()[0] == "Connected"


async def test_x_07_a_ping_that_waits_for_the_rate_is_not_late() -> None:
    slow = Bucket(max_tokens=1, window_s=0.4)
    timing = Timing(ping_every_s=0.1, answer_within_s=0.2)
    greeting = tuple(f"ask {number}".encode() for number in range(4))
    async with (
        serving(Server()) as server,
        socket(server, json=True, timing=timing, sends=slow, greeting=greeting) as (_, heard),
    ):
        await eventually(lambda: "ask 3" in server.heard[0] and server.heard[0].count(PING.decode()) >= 3)
        assert heard.kinds() == ["Connected"]


async def test_what_waits_for_a_lost_connection_is_not_sent_on_the_next() -> None:
    slow = Bucket(max_tokens=1, window_s=0.3)
    async with serving(Server()) as server, socket(server, timing=PATIENT, sends=slow) as (made, heard):
        await made.send(b"first")
        await eventually(lambda: server.heard == [["first"]])

        async def late() -> None:
            with pytest.raises(Unavailable, match="lost before"):
                await made.send(b"late")

        async with background("late", late()) as sending:
            await eventually(lambda: not sending.done())
            server.connections[0].transport.abort()
            await eventually(sending.done)
            await sending
        await eventually(lambda: heard.kinds() == ["Connected", "Lost", "Connected"])
        assert "late" not in [one for heard_once in server.heard for one in heard_once]


async def test_without_a_connection_a_send_says_so() -> None:
    made = Socket("ws://127.0.0.1:9", heard=Heard(), hello=list, sends=PLENTY)
    with pytest.raises(Unavailable, match="not connected"):
        await made.send(b"x")


async def test_a_connection_that_cannot_be_trusted_is_dropped() -> None:
    async with serving(Server()) as server, socket(server, timing=PATIENT) as (made, heard):
        made.drop("the subscription was not answered")
        await eventually(lambda: heard.kinds() == ["Connected", "Lost", "Connected"])
        assert heard.lost()[0].reason == "the subscription was not answered"


async def test_cancelled_it_closes_in_order() -> None:
    async with serving(Server()) as server:
        async with socket(server, timing=PATIENT):
            pass
        await eventually(lambda: server.ended)
        assert server.ended == [1000]


async def test_no_address_of_a_socket_is_told_to_a_person() -> None:
    made = Socket("http://127.0.0.1:9", heard=Heard(), hello=list, sends=PLENTY)
    with pytest.raises(Misconfigured, match="no address of a socket"):
        await made.run()
