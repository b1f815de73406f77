"""The queue is bounded and gives back what it lent."""

from __future__ import annotations

import asyncio
import threading

import pytest

from infra.embedded.clickhouse.admission import Lane, Memory, Sessions
from infra.embedded.clickhouse.refusal import Refused
from tests.support.eventually import eventually


async def test_a_lane_runs_a_few_lets_some_wait_and_refuses_the_rest() -> None:
    lane = Lane("long", running=2, waiting=3)
    gate = threading.Event()
    done: list[int] = []

    async def work(number: int) -> None:
        async with lane.place():
            await lane.call(gate.wait)
            done.append(number)

    admitted = asyncio.gather(*(work(number) for number in range(5)))
    await eventually(lambda: lane.admitted == 5)
    with pytest.raises(Refused, match="5 statements of the long lane run or wait") as caught:
        await work(5)
    gate.set()
    await admitted
    assert (sorted(done), lane.admitted) == ([0, 1, 2, 3, 4], 0)
    assert (caught.value.code, caught.value.status) == (202, 503)
    lane.close()


async def test_a_statement_that_fails_gives_its_place_back() -> None:
    lane = Lane("quick", running=1, waiting=0)
    for _ in range(3):
        with pytest.raises(ValueError, match="no"):
            async with lane.place():
                raise ValueError("no")
    assert lane.admitted == 0
    lane.close()


def test_memory_is_lent_up_to_its_limit_and_given_back() -> None:
    memory = Memory(100)
    with memory.share() as first:
        first(60)
        with (
            memory.share() as second,
            pytest.raises(Refused, match="60 bytes wait already and 100 is the most") as caught,
        ):
            second(41)
    with memory.share() as third:
        third(100)
    assert caught.value.status == 503


def test_a_session_has_one_statement_at_a_time_and_no_session_has_no_limit() -> None:
    sessions = Sessions()
    with sessions.turn("a"), sessions.turn("b"), sessions.turn(None), sessions.turn(None):
        with pytest.raises(Refused, match="Session a is locked") as caught, sessions.turn("a"):
            pass
        assert caught.value.code == 373
    with sessions.turn("a"):
        pass
