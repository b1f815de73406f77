"""Commands that show something until somebody stops them: Ctrl-C is their ordinary end, with exit code 0."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

from tapeline.cli.failure import OK


def until_stopped(work: Coroutine[object, object, None]) -> int:
    """Run a stream, which has nothing to clear up, to its end or to Ctrl-C."""
    try:
        asyncio.run(work)
    except KeyboardInterrupt:
        return OK
    return OK
