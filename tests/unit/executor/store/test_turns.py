"""Turns: one at a time, the urgent first, and whoever gives up holds nobody up."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from executor.store.turns import Turns
from tapeline.runtime.lifecycle import background
from tests.support.eventually import eventually


async def test_the_urgent_come_first_then_those_who_waited_longest() -> None:
    turns, order = Turns(), list[str]()

    async def take(name: str, *, urgent: bool) -> None:
        async with turns.turn(urgent=urgent):
            order.append(name)
            await asyncio.sleep(0)

    async with AsyncExitStack() as stack:
        async with turns.turn(urgent=False):
            for name, urgent in (("a", False), ("b", False), ("u", True), ("v", True)):
                _ = await stack.enter_async_context(background(name, take(name, urgent=urgent)))
                await asyncio.sleep(0)
            assert order == []
        await eventually(lambda: len(order) == 4, within_s=5)
    assert order == ["u", "v", "a", "b"]


async def test_who_gives_up_while_waiting_or_when_called_holds_nobody_up() -> None:
    turns, order = Turns(), list[str]()

    async def take(name: str) -> None:
        async with turns.turn(urgent=False):
            order.append(name)

    async with AsyncExitStack() as stack:
        async with turns.turn(urgent=False):
            gone = await stack.enter_async_context(background("gone", take("gone")))
            called = await stack.enter_async_context(background("called", take("called")))
            last = await stack.enter_async_context(background("last", take("last")))
            await asyncio.sleep(0)
            gone.cancel()
            await asyncio.sleep(0)
        # Its turn has come, and it is cancelled before it can know.
        called.cancel()
        await eventually(last.done, within_s=5)
    assert order == ["last"]
    async with turns.turn(urgent=False):
        order.append("free again")
    assert order == ["last", "free again"]
