"""Waiting in tests: ask again until it holds, never sleep for a guessed time; the one place where a test pauses."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

Answer = TypeVar("Answer")

_FIRST_PAUSE_S = 0.005
_LONGEST_PAUSE_S = 0.2
_BETWEEN_TRIES_S = 0.02
# A mistake in the test itself: waiting does not heal it.
_BROKEN_TEST = (AttributeError, NameError, TypeError)


@overload
async def eventually(ask: Callable[[], Awaitable[Answer]], *, within_s: float = 10.0) -> Answer: ...


@overload
async def eventually(ask: Callable[[], Answer], *, within_s: float = 10.0) -> Answer: ...


async def eventually(ask: Callable[[], Any], *, within_s: float = 10.0) -> Any:
    """Call `ask` (plain or async) until its answer is true, and return that answer.

    A false answer (None, False, 0, empty) and an exception both mean "not yet"; after `within_s` the last of them is
    told in the AssertionError. A function that only asserts returns True at its end.
    """
    now = asyncio.get_running_loop().time
    give_up = now() + within_s
    pause_s = _FIRST_PAUSE_S
    said, cause = "had not answered", None
    while True:
        try:
            async with asyncio.timeout_at(give_up) as patience:
                answer = await _answer(ask)
        except _BROKEN_TEST:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told when time is up
            # An answer cut off by our own deadline says less than the one before it.
            if not patience.expired():
                said, cause = f"raised {type(error).__name__}: {error}", error
        else:
            if answer:
                return answer
            said, cause = f"answered {answer!r}", None
        if now() >= give_up:
            name = getattr(ask, "__name__", repr(ask))
            message = f"{name} did not hold within {within_s:g} s; at last it {said}"
            raise AssertionError(message) from cause
        await asyncio.sleep(min(pause_s, max(0.0, give_up - now())))
        pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)


def eventually_blocking(ask: Callable[[], Answer], *, within_s: float = 10.0) -> Answer:
    """Do as `eventually` where there is no loop (a fixture that starts a process); `ask` is a plain function."""
    return asyncio.run(eventually(ask, within_s=within_s))


async def pause() -> None:
    """Let a client under load rest between two tries; never a way to wait for something."""
    await asyncio.sleep(_BETWEEN_TRIES_S)


async def _answer(ask: Callable[[], Any]) -> Any:  # noqa: ANN401 - the overloads of `eventually` give the type
    found = ask()
    return await found if inspect.isawaitable(found) else found
