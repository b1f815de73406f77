"""The outbox to the broker, in order, at least once: what the broker has acknowledged is forgotten afterwards."""

from __future__ import annotations

import asyncio
import contextlib

from executor.measuring import Told
from executor.ports import Clock, Log, Store
from executor.terms import Terms
from tapeline.errors import Unavailable
from tapeline.runtime import logs
from tapeline.runtime.log_events import LogEvent

MOST = 500
GATHER_S = 0.02
"""What several transactions tell goes out together."""
_IDLE_S = 1.0
"""What another process put there is found by looking; of our own writes we are told."""
_LOG = logs.get(__name__)


async def publish(
    store: Store, log: Log, clock: Clock, terms: Terms, stream: str, news: asyncio.Event, told: Told
) -> None:
    """Publish a stream of the outbox for ever; while store or broker is away its records wait.

    Executors of several accounts share the stream of desired state: its records may then come twice, which is what
    at least once means. `news` is set when something was written.
    """
    while True:
        news.clear()
        try:
            waiting = await store.outbox(stream, most=MOST)
            told.waiting(stream, waiting, clock.now_us())
            if waiting:
                await log.publish(waiting)
                await store.published(stream, waiting[-1].number)
                told.published(waiting)
                continue
        except Unavailable as error:
            _LOG.warning(LogEvent.DEPENDENCY_LOST, dependency="outbox", reason=str(error))
            await clock.sleep(terms.retry_s)
            continue
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_IDLE_S):
                await news.wait()
        await clock.sleep(GATHER_S)
