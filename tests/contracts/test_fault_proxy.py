"""The wire that tests break, on real sockets: what a client and a service see of each fault, and that nothing stays."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from tapeline.runtime import clock
from tests.support.eventually import eventually
from tests.support.fault_proxy import Call, FaultProxy, fault_proxy
from tests.support.network_faults import Blackhole, Hold, Latency, LostAnswer, Reset, Slice

NOT_YET_S = 0.2


@dataclass(slots=True)
class Service:
    """Answers each line with the same in capitals, and remembers it."""

    heard: list[bytes] = field(default_factory=list)
    ended: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while line := await reader.readline():
                self.heard.append(line)
                writer.write(line.upper())
                await writer.drain()
        self.ended += 1
        writer.close()


@dataclass(slots=True)
class Stage:
    """A service behind a proxy."""

    service: Service
    proxy: FaultProxy
    callers: list[int] = field(default_factory=list)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def client(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        # As in the system: whose a port is stands there before anybody is called from it.
        caller = socket.socket()
        caller.setblocking(False)  # noqa: FBT003 - the name of the standard library
        caller.bind(("127.0.0.1", 0))
        self.callers.append(caller.getsockname()[1])
        await asyncio.get_running_loop().sock_connect(caller, ("127.0.0.1", self.proxy.port))
        reader, writer = await asyncio.open_connection(sock=caller)
        self.writers.append(writer)
        return reader, writer

    async def calls(self, name: str) -> frozenset[Call]:
        """Return the calls of the odd ones, or of the even ones."""
        own = self.callers[("even", "odd").index(name) :: 2]
        return frozenset((port, self.proxy.port) for port in own)


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    service = Service()
    server = await asyncio.start_server(service.serve, "127.0.0.1", 0)
    async with server, fault_proxy("127.0.0.1", server.sockets[0].getsockname()[1]) as proxy:
        made = Stage(service, proxy)
        proxy.calls = made.calls
        yield made
        for writer in made.writers:
            writer.close()


async def asked(ends: tuple[asyncio.StreamReader, asyncio.StreamWriter], text: bytes) -> bytes:
    ends[1].write(text)
    return await ends[0].readline()


async def test_a_clear_network_is_not_noticed(stage: Stage) -> None:
    ends = await stage.client()
    assert [await asked(ends, text) for text in (b"a\n", b"b\n")] == [b"A\n", b"B\n"]
    ends[1].close()
    await eventually(lambda: (stage.service.ended, stage.proxy.connections) == (1, 0))


async def test_latency_is_paid_on_both_ways(stage: Stage) -> None:
    stage.proxy.fault(Latency(delay_s=NOT_YET_S))
    ends = await stage.client()
    began_s = clock.monotonic_s()
    assert await asked(ends, b"a\n") == b"A\n"
    assert clock.monotonic_s() - began_s >= 2 * NOT_YET_S


async def test_slices_arrive_whole(stage: Stage) -> None:
    stage.proxy.fault(Slice(most=3))
    line = b"x" * 5_000 + b"\n"
    assert await asked(await stage.client(), line) == line.upper()


async def test_a_black_hole_takes_connections_and_breaks_them_at_its_end(stage: Stage) -> None:
    stage.proxy.fault(Blackhole())
    ends = await stage.client()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asked(ends, b"lost\n"), NOT_YET_S)
    assert (stage.service.heard, stage.proxy.swallowed) == ([], 5)
    stage.proxy.heal()
    with pytest.raises(ConnectionResetError):
        await ends[0].readline()
    assert await asked(await stage.client(), b"a\n") == b"A\n"
    assert stage.service.heard == [b"a\n"]


async def test_a_goodbye_in_a_black_hole_is_heard_at_its_end(stage: Stage) -> None:
    ends = await stage.client()
    assert await asked(ends, b"a\n") == b"A\n"
    stage.proxy.fault(Blackhole())
    ends[1].close()
    await eventually(lambda: stage.proxy.swallowed == 1)
    assert stage.service.ended == 0
    stage.proxy.heal()
    await eventually(lambda: stage.service.ended == 1)


async def test_what_is_held_arrives_late(stage: Stage) -> None:
    stage.proxy.fault(Hold())
    ends = await stage.client()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asked(ends, b"late\n"), NOT_YET_S)
    stage.proxy.heal()
    assert await ends[0].readline() == b"LATE\n"


async def test_a_reset_breaks_what_is_and_what_comes(stage: Stage) -> None:
    ends = await stage.client()
    assert await asked(ends, b"a\n") == b"A\n"
    stage.proxy.fault(Reset())
    with pytest.raises(ConnectionResetError):
        await ends[0].readline()
    with pytest.raises(ConnectionResetError):
        await asked(await stage.client(), b"b\n")
    assert stage.service.heard == [b"a\n"]


async def test_an_answer_is_lost_after_the_work_was_done(stage: Stage) -> None:
    stage.proxy.fault(LostAnswer())
    ends = await stage.client()
    with pytest.raises(ConnectionResetError):
        await asked(ends, b"done\n")
    assert stage.service.heard == [b"done\n"]


async def test_a_fault_of_one_client_is_not_that_of_another(stage: Stage) -> None:
    first, second = await stage.client(), await stage.client()
    assert [await asked(one, b"a\n") for one in (first, second)] == [b"A\n", b"A\n"]
    await stage.proxy.fault_of("odd", Reset())
    assert await asked(first, b"b\n") == b"B\n"
    with pytest.raises(ConnectionResetError):
        await asked(second, b"c\n")
    assert stage.service.heard == [b"a\n", b"a\n", b"b\n"]


async def test_what_a_client_opens_during_its_fault_is_under_it_until_it_is_over(stage: Stage) -> None:
    await stage.proxy.fault_of("odd", Blackhole())
    first, second = await stage.client(), await stage.client()
    assert await asked(first, b"a\n") == b"A\n"
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asked(second, b"lost\n"), NOT_YET_S)
    assert (stage.service.heard, stage.proxy.swallowed) == ([b"a\n"], 5)
    stage.proxy.heal()
    with pytest.raises(ConnectionResetError):
        await second[0].readline()
    assert await asked(first, b"b\n") == b"B\n"


async def test_nobody_is_looked_up_without_a_fault_of_a_process(stage: Stage) -> None:
    async def never(name: str) -> frozenset[Call]:
        raise AssertionError(name)

    stage.proxy.calls = never
    ends = await stage.client()
    stage.proxy.fault(Hold())
    stage.proxy.heal()
    assert await asked(ends, b"a\n") == b"A\n"


async def test_nothing_stays_of_a_proxy_that_ends_in_a_fault(stage: Stage) -> None:
    stage.proxy.fault(Blackhole())
    for ends in [await stage.client() for _ in range(3)]:
        ends[1].write(b"x\n")
    await eventually(lambda: stage.proxy.swallowed == 6)
