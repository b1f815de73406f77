"""What a start reports while it runs: one JSON line per step, and a reader that went away never stops the start."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

import msgspec

from tapeline.errors import Misconfigured, TapelineError
from tapeline.runtime import clock

WHOLE = "up"
"""The name of the last step: the whole start, done or failed."""

StepState = Literal["started", "progress", "done", "failed"]


class Step(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that happened during the start."""

    step: str
    state: StepState
    detail: str | None = None
    done: int | None = None
    total: int | None = None
    elapsed_s: float | None = None
    error: str | None = None
    fix: str | None = None


OnStep = Callable[[Step], None]


def encode(step: Step) -> bytes:
    """Return the step as one line."""
    return msgspec.json.encode(step) + b"\n"


def decode(line: bytes) -> Step:
    """Return the step of one line; raises msgspec.DecodeError for anything else."""
    return msgspec.json.decode(line, type=Step)


class Reporter:
    """Writes steps to a file descriptor, and goes quiet for good when nobody reads them any more."""

    def __init__(self, descriptor: int | None) -> None:
        """Report to this descriptor, or nowhere."""
        self._descriptor = descriptor

    def __call__(self, step: Step) -> None:
        """Write one step; a reader that is gone is forgotten."""
        if self._descriptor is None:
            return
        line = encode(step)
        try:
            while line:
                line = line[os.write(self._descriptor, line) :]
        except OSError:
            self.close()

    def close(self) -> None:
        """Tell the reader that no more will come."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


@contextmanager
def timed(report: OnStep, name: str, detail: str | None = None) -> Iterator[None]:
    """Report the start of a step and its end with the time it took; a failure is reported and passed on."""
    began = clock.monotonic_s()
    report(Step(step=name, state="started", detail=detail))
    try:
        yield
    except BaseException as error:
        report(failed(name, error, elapsed_s=round(clock.monotonic_s() - began, 3)))
        raise
    report(Step(step=name, state="done", detail=detail, elapsed_s=round(clock.monotonic_s() - began, 3)))


def failed(name: str, error: BaseException, *, elapsed_s: float | None = None) -> Step:
    """Return the step that says why something failed, with the fix where a person must act."""
    sentence = str(error) if isinstance(error, TapelineError) else f"{type(error).__name__}: {error}".rstrip(": ")
    fix = error.fix if isinstance(error, Misconfigured) else None
    return Step(step=name, state="failed", elapsed_s=elapsed_s, error=sentence, fix=fix)
