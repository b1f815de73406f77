"""Runs the services for as long as a command lasts: however it ends, by itself, Ctrl-C or SIGTERM, they are stopped."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from infra.embedded import control
from tapeline.runtime import lifecycle
from tapeline.runtime.lifecycle import Lifecycle
from tapeline.runtime.settings import Settings

SERVICE = "cli"


def run_and_stop(work: Callable[[], Awaitable[None]], found: Settings) -> None:
    """Run work that starts the services in a thread, and stop them however it ends; raises what the work raises."""

    async def guarded() -> None:
        try:
            await work()
        finally:
            # Also ends a start that is under way. It blocks on purpose: nothing else is to run here now.
            control.stop(found)

    try:
        until_told(guarded, found)
    finally:
        # A start that had not even written its run file goes on until its thread ends, which is before this line.
        control.stop(found)


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
