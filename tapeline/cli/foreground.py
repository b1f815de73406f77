"""Runs the services for as long as a command lasts: however it ends, by itself, Ctrl-C or SIGTERM, they are stopped."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable

from infra.embedded import control
from infra.embedded.steps import Step
from tapeline.cli import progress
from tapeline.cli.render import Output
from tapeline.runtime import lifecycle
from tapeline.runtime.lifecycle import Lifecycle
from tapeline.runtime.settings import Settings

SERVICE = "cli"


class Stopped(Exception):
    """A start was told to stop; control.start ends what it has begun."""


class Run:
    """One run of the services that ends with the command."""

    def __init__(self, out: Output, found: Settings) -> None:
        """Remember where to show the steps; nothing runs before `start`."""
        self._out = out
        self._found = found
        self._stopping = threading.Event()
        self._ready = False

    async def start(self) -> None:
        """Start the services, each step shown; when cancelled, the start breaks off at its next step."""
        with progress.watch(self._out) as show:

            def on_step(step: Step) -> None:
                if self._stopping.is_set():
                    raise Stopped
                show(step)

            await asyncio.to_thread(control.start, self._found, on_step)
        self._ready = True

    @property
    def was_ready(self) -> bool:
        """Whether the start was complete before the end."""
        return self._ready

    def stop(self) -> None:
        """Stop what runs, also a start that is under way; blocks, for nothing else is to run then."""
        self._stopping.set()
        control.stop(self._found)


def run_and_stop(work: Callable[[Run], Awaitable[None]], out: Output, found: Settings) -> None:
    """Run work that starts the services, and stop them however it ends; raises what the work raises.

    A stop after the start is an ordinary end; one before it raises KeyboardInterrupt, for there is no answer.
    """
    run = Run(out, found)

    async def guarded() -> None:
        try:
            await work(run)
        finally:
            run.stop()

    try:
        until_told(guarded, found)
    finally:
        # A start that had not even written its run file has ended by now, for its thread was waited for.
        run.stop()
    if not run.was_ready:
        raise KeyboardInterrupt


def until_told(work: Callable[[], Awaitable[None]], found: Settings) -> None:
    """Run work that must clear up after itself; Ctrl-C and SIGTERM cancel it, a second one ends the process at once.

    Raises what the work raises.
    """
    raised: list[Exception] = []

    async def main(life: Lifecycle) -> None:
        del life
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - raised again below, where it becomes the one sentence
            raised.append(error)

    quiet = found.model_copy(update={"log": found.log.model_copy(update={"console": "off"})})
    lifecycle.run(main, service=SERVICE, settings=quiet)
    if raised:
        raise raised[0]
