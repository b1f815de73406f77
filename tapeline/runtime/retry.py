"""How we come back: exponential delays with jitter; a bounded number of tries at start, endless later (X-05, X-06)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

from tapeline.errors import Unavailable
from tapeline.runtime import entropy, logs, metrics
from tapeline.runtime.health import Health
from tapeline.runtime.log_events import LogEvent

T = TypeVar("T")

FIRST_S = 1.0
CAP_S = 30.0


def delays(first_s: float = FIRST_S, cap_s: float = CAP_S) -> Iterator[float]:
    """Yield 1, 2, 4, .. seconds up to the cap, for ever, each shortened by up to a quarter at random."""
    delay_s = first_s
    while True:
        yield entropy.jitter(min(delay_s, cap_s))
        delay_s = min(delay_s * 2, cap_s)


async def reach(
    name: str,
    attempt: Callable[[], Awaitable[T]],
    max_retries: int | None,
    *,
    health: Health | None = None,
    first_s: float = FIRST_S,
) -> T:
    """Call `attempt` until it succeeds and return its result; `/health` meanwhile says that `name` is waited for.

    Unavailable, OSError and TimeoutError are tried again; anything else (Misconfigured above all) goes out at once.
    `max_retries` bounds the further tries at start, after which Unavailable names the last reason and ends the process
    with exit code 3; None, for a dependency lost later, never gives up. `first_s` is the first delay.
    """
    pauses = delays(first_s)
    tries = 0
    while True:
        try:
            result = await attempt()
        except (Unavailable, OSError, TimeoutError) as error:
            tries += 1
            reason = str(error) or type(error).__name__
            if max_retries is not None and tries > max_retries:
                logs.get(__name__).error(LogEvent.DEPENDENCY_GIVEN_UP, dependency=name, tries=tries, reason=reason)
                raise Unavailable(f"{name} did not answer in {tries} tries: {reason}") from error
            asked_s = error.retry_after_s if isinstance(error, Unavailable) else None
            delay_s = max(next(pauses), asked_s or 0.0)
        else:
            _answers(name, tries, health)
            return result
        _waits(name, tries, reason, delay_s, health)
        await asyncio.sleep(delay_s)


def _waits(name: str, tries: int, reason: str, delay_s: float, health: Health | None) -> None:
    metrics.DEPENDENCY_RETRIES.inc(dependency=name)
    if health is not None:
        health.waiting(name, reason)
    logs.get(__name__).warning(
        LogEvent.DEPENDENCY_WAITING, dependency=name, tries=tries, reason=reason, next_try_s=round(delay_s, 3)
    )


def _answers(name: str, tries: int, health: Health | None) -> None:
    if health is not None:
        health.ready(name)
    logs.get(__name__).info(LogEvent.DEPENDENCY_READY, dependency=name, tries=tries + 1)
