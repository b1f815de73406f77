"""Trace ids that follow a piece of work through awaits, log lines and topics; they nest and clear at its end (E-25)."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ParamSpec, TypeVar, cast

from structlog import contextvars

from tapeline.runtime import entropy

P = ParamSpec("P")
R = TypeVar("R")

_TRACE = "trace_id"
_CORRELATION = "correlation_id"
_OPERATION = "operation"


@dataclass(frozen=True, slots=True)
class Trace:
    """What the current piece of work is part of."""

    trace_id: str
    correlation_id: str
    operation: str


@contextmanager
def trace_operation(
    name: str, *, trace_id: str | None = None, correlation_id: str | None = None, **fields: object
) -> Iterator[Trace]:
    """Bind trace id, correlation id, operation and `fields` to every log line written inside.

    A nested operation keeps the ids of the outer one unless it is given its own; its name follows the outer name after
    a slash. When it ends, by return or by exception, all is as it was before. Yields the trace, whose ids go into
    headers and rows.
    """
    outer = contextvars.get_contextvars()
    trace = trace_id or outer.get(_TRACE) or entropy.new_id()
    correlation = correlation_id or outer.get(_CORRELATION) or trace
    above = outer.get(_OPERATION)
    operation = f"{above}/{name}" if above else name
    with contextvars.bound_contextvars(**fields, **{_TRACE: trace, _CORRELATION: correlation, _OPERATION: operation}):
        yield Trace(trace, correlation, operation)


def with_trace(function: Callable[P, R]) -> Callable[P, R]:
    """Run each call of the function, plain or async, as a traced operation of its name."""
    name = function.__qualname__
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def traced(*args: P.args, **kwargs: P.kwargs) -> object:
            with trace_operation(name):
                return await function(*args, **kwargs)

        # The wrapper is a coroutine function like the wrapped one, which the type system cannot express here.
        return cast("Callable[P, R]", traced)

    @functools.wraps(function)
    def plain(*args: P.args, **kwargs: P.kwargs) -> R:
        with trace_operation(name):
            return function(*args, **kwargs)

    return plain


def current_trace_id() -> str | None:
    """Return the id of the trace that this code runs in, or None outside of any."""
    found = contextvars.get_contextvars().get(_TRACE)
    return None if found is None else str(found)
