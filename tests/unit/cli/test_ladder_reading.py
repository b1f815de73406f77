"""The ladder's reading: it says since when the services are away, comes back, and ends for what is our own mistake."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack

import pytest

from tapeline.cli.ladder import Trouble
from tapeline.cli.ladder_reading import Following, Reading
from tapeline.cli.market_symbols import Missing
from tapeline.errors import Misconfigured, Unavailable
from tapeline.runtime.retry import FIRST_S

AWAY = Unavailable("no broker answers")
UNREAD = Missing("1 of the records could not be read", fix="look")


class Feed:
    """Follows as often as it is told, then fails with what it is told."""

    def __init__(self, turns: int, end: BaseException) -> None:
        self.unread: Missing | None = UNREAD
        self._turns = turns
        self._end = end

    async def catch_up(self) -> None:
        """There is nothing."""

    async def follow(self, until_s: float) -> None:
        """Let a turn pass."""
        del until_s
        if not self._turns:
            raise self._end
        self._turns -= 1


class Ended(BaseException):
    """The test has seen enough."""


async def read(*openings: Feed | Exception) -> tuple[list[Trouble | None], list[float]]:
    """Read until all openings are used up; return the trouble at each pause, and how long each was."""
    left = list(openings)
    troubles: list[Trouble | None] = []
    pauses: list[float] = []

    async def opened(stack: AsyncExitStack) -> Following:
        one = left.pop(0)
        if isinstance(one, Exception):
            raise one
        return one

    async def pause(seconds: float) -> None:
        troubles.append(reading.trouble)
        pauses.append(seconds)
        if not left:
            raise Ended

    reading = Reading(opened, pause=pause)
    with pytest.raises(Ended):
        await reading.run()
    return troubles, pauses


def whole(pauses: Sequence[float]) -> list[int]:
    """Return the seconds that each pause is a jittered part of."""
    return [next(size for size in (1, 2, 4, 8, 16, 30) if one <= size) for one in pauses]


async def test_while_the_services_are_away_the_first_time_stands_and_pauses_grow() -> None:
    troubles, pauses = await read(AWAY, Misconfigured("nothing runs here", fix="start it"), AWAY)
    since = {one.since_us for one in troubles if one is not None}
    assert len(since) == 1
    assert [one and one.reason for one in troubles] == [
        "no broker answers", "nothing runs here: start it", "no broker answers",
    ]  # fmt: skip
    assert whole(pauses) == [1, 2, 4]


async def test_when_it_is_back_the_trouble_is_gone_and_pauses_begin_anew() -> None:
    feed = Feed(3, AWAY)
    troubles, pauses = await read(AWAY, AWAY, feed)
    first, second, third = (one.since_us for one in troubles if one is not None)
    assert first == second
    assert third >= second
    assert whole(pauses) == [1, 2, 1]


async def test_x_05_what_is_read_clears_the_trouble_and_what_could_not_be_read_is_told() -> None:
    seen: list[tuple[Trouble | None, Missing | None]] = []

    class Watched(Feed):
        async def follow(self, until_s: float) -> None:
            seen.append((reading.trouble, reading.unread))
            await super().follow(until_s)

    openings: list[Callable[[], Following]] = [lambda: _raised(AWAY), lambda: Watched(0, Ended())]

    async def opened(stack: AsyncExitStack) -> Following:
        return openings.pop(0)()

    async def pause(seconds: float) -> None:
        assert seconds <= FIRST_S
        seen.append((reading.trouble, reading.unread))

    reading = Reading(opened, pause=pause)
    with pytest.raises(Ended):
        await reading.run()
    (away, nothing), (back, unread) = seen
    assert (away and away.reason, nothing, back, unread) == ("no broker answers", None, None, UNREAD)


def _raised(error: Exception) -> Following:
    raise error


async def test_our_own_mistake_is_no_outage() -> None:
    async def opened(stack: AsyncExitStack) -> Following:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(Reading(opened).run(), timeout=10)
