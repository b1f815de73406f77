"""Coming back: 1, 2, 4 .. 30 s with jitter, bounded tries at start, endless later (X-05, X-06)."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable

import pytest

from tapeline.errors import Misconfigured, Unavailable
from tapeline.runtime import clock, retry
from tapeline.runtime.health import Health

FAST_S = 0.001


def failing(*outcomes: Exception | str) -> tuple[Callable[[], Awaitable[str]], list[int]]:
    """Return an attempt with these outcomes in turn, and the list of its calls."""
    left, calls = list(outcomes), [0]

    async def attempt() -> str:
        calls[0] += 1
        outcome = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return attempt, calls


def test_delays_double_up_to_the_cap_each_shortened_by_up_to_a_quarter() -> None:
    found = list(itertools.islice(retry.delays(), 8))
    for delay_s, full_s in zip(found, [1, 2, 4, 8, 16, 30, 30, 30], strict=True):
        assert full_s * 0.75 <= delay_s <= full_s


def test_delays_take_another_first_and_cap() -> None:
    found = list(itertools.islice(retry.delays(first_s=0.5, cap_s=1.5), 4))
    for delay_s, full_s in zip(found, [0.5, 1, 1.5, 1.5], strict=True):
        assert full_s * 0.75 <= delay_s <= full_s


@pytest.mark.parametrize("error", [Unavailable("away"), ConnectionRefusedError("refused"), TimeoutError()])
async def test_a_dependency_that_comes_is_reached(error: Exception) -> None:
    attempt, calls = failing(error, error, "here")
    assert await retry.reach("kafka", attempt, 5, first_s=FAST_S) == "here"
    assert calls == [3]


async def test_after_the_allowed_retries_the_reason_goes_out() -> None:
    attempt, calls = failing(Unavailable("connection refused"))
    with pytest.raises(Unavailable, match=r"^postgres did not answer in 3 tries: connection refused$"):
        await retry.reach("postgres", attempt, 2, first_s=FAST_S)
    assert calls == [3]


async def test_no_retries_means_one_try() -> None:
    attempt, calls = failing(Unavailable("away"))
    with pytest.raises(Unavailable, match="in 1 tries: away"):
        await retry.reach("postgres", attempt, 0, first_s=FAST_S)
    assert calls == [1]


async def test_lost_later_it_is_tried_without_end() -> None:
    away = [Unavailable("away")] * 8
    attempt, calls = failing(*away, "back")
    assert await retry.reach("kafka", attempt, None, first_s=FAST_S / 100) == "back"
    assert calls == [9]


@pytest.mark.parametrize("error", [Misconfigured("wrong password", fix="correct it"), KeyError("bug")])
async def test_what_waiting_does_not_heal_goes_out_at_once(error: Exception) -> None:
    attempt, calls = failing(error)
    with pytest.raises(type(error)):
        await retry.reach("postgres", attempt, 5, first_s=FAST_S)
    assert calls == [1]


async def test_the_time_that_the_other_side_names_is_waited() -> None:
    attempt, _ = failing(Unavailable("busy", retry_after_s=0.05), "here")
    began_s = clock.monotonic_s()
    assert await retry.reach("venue", attempt, 5, first_s=FAST_S) == "here"
    assert clock.monotonic_s() - began_s >= 0.05


async def test_health_says_what_is_waited_for() -> None:
    health = Health("sinks")
    health.running()
    seen: list[tuple[str, dict[str, str]]] = []

    async def attempt() -> str:
        seen.append((health.state, health.report().waiting_for))
        if len(seen) < 2:
            raise Unavailable("refused by postgres://u:hunter22@db/x")
        return "here"

    await retry.reach("postgres", attempt, 5, health=health, first_s=FAST_S)
    seen.append((health.state, health.report().waiting_for))
    assert seen == [
        ("ready", {}),
        ("waiting", {"postgres": "refused by postgres://u:***@db/x"}),
        ("ready", {}),
    ]
