"""Turns: one at a time, the urgent first, and whoever gives up holds nobody up."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from executor.store.turns import Turns
from tapeline.runtime.lifecycle import background
from tests.support.eventually import eventually


async def test_the_urgent_come_first_then_those_who_waited_longest() -> None:
    turns, order = Turns[str](), list[str]()

    async def take(name: str, *, urgent: bool) -> None:
        async with turns.turn(name, urgent=urgent):
            order.append(name)
            await asyncio.sleep(0)

    async with AsyncExitStack() as stack:
        async with turns.turn("first", urgent=False):
            for name, urgent in (("a", False), ("b", False), ("u", True), ("v", True)):
                _ = await stack.enter_async_context(background(name, take(name, urgent=urgent)))
                await asyncio.sleep(0)
            assert order == []
        await eventually(lambda: len(order) == 4, within_s=5)
    assert order == ["u", "v", "a", "b"]


async def test_who_gives_up_while_waiting_or_when_called_holds_nobody_up() -> None:
    turns, order = Turns[str](), list[str]()

    async def take(name: str) -> None:
        async with turns.turn(name, urgent=False):
            order.append(name)

    async with AsyncExitStack() as stack:
        async with turns.turn("first", urgent=False):
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
    async with turns.turn("first", urgent=False):
        order.append("free again")
    assert order == ["last", "free again"]


async def test_who_has_the_turn_does_what_others_wait_with_and_tells_them() -> None:
    turns, found = Turns[str](), dict[str, object]()

    async def take(name: str, *, urgent: bool) -> None:
        try:
            async with turns.turn(name, urgent=urgent) as ours:
                found[name] = ours
        except ValueError as error:
            found[name] = str(error)

    async with AsyncExitStack() as stack:
        async with turns.turn("first", urgent=False):
            waiting: dict[str, asyncio.Task[object]] = {}
            for name, urgent in (("a", False), ("b", False), ("u", True), ("gone", False), ("c", False)):
                waiting[name] = await stack.enter_async_context(background(name, take(name, urgent=urgent)))
            await asyncio.sleep(0)
            waiting["gone"].cancel()
            await asyncio.sleep(0)
            assert (turns.waiting(urgent=True), turns.waiting(urgent=False)) == (("u",), ("u", "a", "b", "c"))
            turns.done("u")
            turns.done("a", ValueError("it is wrong"))
            turns.done("gone")
            # It hears that it is done and is cancelled at once: nobody had the turn for it.
            turns.done("b")
            waiting["b"].cancel()
        await eventually(lambda: len(found) == 3, within_s=5)
    assert found == {"u": False, "a": "it is wrong", "c": True}
    async with turns.turn("last", urgent=True) as ours:
        assert ours
