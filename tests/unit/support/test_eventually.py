"""`eventually` returns the first true answer, and when time is up it tells the last one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from tests.support.eventually import eventually, eventually_blocking, pause


def answers(*given: object) -> Callable[[], object]:
    """Return a function that gives (or raises) these one after the other, the last one for ever."""
    waiting = list(given)

    def ask() -> object:
        answer = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return ask


async def test_false_answers_and_exceptions_mean_not_yet() -> None:
    ask = answers(None, 0, [], OSError("refused"), AssertionError("1 != 2"), "yes")
    assert await eventually(ask) == "yes"


async def test_an_async_question_is_awaited() -> None:
    asked = answers(0, 7)

    async def ask() -> object:
        return asked()

    assert await eventually(ask) == 7


async def test_the_last_answer_is_told_when_time_is_up() -> None:
    with pytest.raises(AssertionError, match=r"^ask did not hold within 0\.02 s; at last it answered \[\]$"):
        await eventually(answers([]), within_s=0.02)


async def test_the_last_exception_is_told_and_is_the_cause() -> None:
    away = OSError("refused")
    with pytest.raises(AssertionError, match="at last it raised OSError: refused") as told:
        await eventually(answers(away), within_s=0.02)
    assert told.value.__cause__ is away


async def test_a_question_that_hangs_is_cut_off() -> None:
    async def hang() -> bool:
        await asyncio.Event().wait()
        return True

    with pytest.raises(AssertionError, match=r"hang did not hold within 0\.02 s; at last it had not answered"):
        await eventually(hang, within_s=0.02)


async def test_a_broken_test_is_not_waited_for() -> None:
    with pytest.raises(TypeError, match="no such method"):
        await eventually(answers(TypeError("no such method"), "yes"))


def test_where_there_is_no_loop_it_blocks() -> None:
    assert eventually_blocking(answers(None, "yes")) == "yes"


async def test_a_client_rests_between_two_tries() -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    await pause()
    assert 0.01 < loop.time() - began < 5
