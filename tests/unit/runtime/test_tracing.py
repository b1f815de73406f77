"""Trace ids nest, and clear when the operation ends, however it ends (E-25)."""

from __future__ import annotations

import asyncio
import inspect

import pytest
from structlog import contextvars

from tapeline.runtime.tracing import Trace, current_trace_id, trace_operation, with_trace


def test_an_operation_binds_ids_and_clears_them() -> None:
    assert contextvars.get_contextvars() == {}
    with trace_operation("enter", symbol="BTC/USDT") as trace:
        assert contextvars.get_contextvars() == {
            "trace_id": trace.trace_id,
            "correlation_id": trace.trace_id,
            "operation": "enter",
            "symbol": "BTC/USDT",
        }
    assert contextvars.get_contextvars() == {}
    assert current_trace_id() is None


def test_a_nested_operation_keeps_the_trace_and_gives_it_back() -> None:
    with trace_operation("enter", trace_id="t1", leg="a", part=1) as outer:
        with trace_operation("send", leg="b") as inner:
            assert inner == Trace("t1", "t1", "enter/send")
            bound = contextvars.get_contextvars()
            assert (bound["leg"], bound["part"], bound["operation"]) == ("b", 1, "enter/send")
        bound = contextvars.get_contextvars()
        assert (outer.operation, bound["leg"], bound["operation"]) == ("enter", "a", "enter")


def test_an_operation_may_bring_its_own_ids() -> None:
    with (
        trace_operation("outer", trace_id="t1"),
        trace_operation("inner", trace_id="t2", correlation_id="c2") as trace,
    ):
        assert trace == Trace("t2", "c2", "outer/inner")


def test_a_nested_operation_keeps_the_correlation_also_with_a_trace_of_its_own() -> None:
    with trace_operation("outer", trace_id="t1", correlation_id="c1"), trace_operation("inner", trace_id="t2") as trace:
        assert trace == Trace("t2", "c1", "outer/inner")


def test_a_failure_clears_as_well() -> None:
    with pytest.raises(KeyError), trace_operation("enter"):
        raise KeyError
    assert contextvars.get_contextvars() == {}


def test_two_operations_have_two_traces() -> None:
    with trace_operation("one") as one:
        pass
    with trace_operation("two") as two:
        pass
    assert one.trace_id != two.trace_id


async def test_tasks_side_by_side_do_not_see_each_other() -> None:
    async def work(name: str) -> tuple[str | None, str | None]:
        with trace_operation(name, trace_id=name):
            before = current_trace_id()
            await asyncio.sleep(0)
            return before, current_trace_id()

    assert list(await asyncio.gather(work("a"), work("b"))) == [("a", "a"), ("b", "b")]


async def test_the_decorator_traces_plain_and_async_functions() -> None:
    @with_trace
    def plain(number: int) -> tuple[int, object]:
        """Say it."""
        return number, contextvars.get_contextvars()["operation"]

    @with_trace
    async def later(number: int) -> tuple[int, object]:
        await asyncio.sleep(0)
        return number, contextvars.get_contextvars()["operation"]

    assert plain(1)[0] == 1
    assert str(plain(1)[1]).endswith("plain")
    assert plain.__doc__ == "Say it."
    assert inspect.iscoroutinefunction(later)
    assert str((await later(2))[1]).endswith("later")
    assert contextvars.get_contextvars() == {}
