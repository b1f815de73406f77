"""Commands that go on until somebody stops them: being stopped is their ordinary end, with exit code 0."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine

from tapeline.cli.failure import OK
from tapeline.runtime import lifecycle
from tapeline.runtime.lifecycle import Lifecycle
from tapeline.runtime.settings import Settings

SERVICE = "cli"


def until_stopped(work: Coroutine[object, object, None]) -> int:
    """Run a stream, which has nothing to clear up, to its end or to Ctrl-C."""
    try:
        asyncio.run(work)
    except KeyboardInterrupt:
        return OK
    return OK


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
