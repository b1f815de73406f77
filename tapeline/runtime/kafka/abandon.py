"""Dropping a producer with all it still holds, so that nothing of it can be sent after this returns.

The library's own `stop()` delivers first, for as long as it takes; a stuck or fenced producer never gets there, and
closing its connections alone makes it open new ones. So this reaches into aiokafka 0.14, here and nowhere else; the
contract suite notices when another version works otherwise.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiokafka.errors import ProducerClosed

if TYPE_CHECKING:
    from aiokafka import AIOKafkaProducer

_SETTLE_S = 1.0


async def abandon(producer: AIOKafkaProducer) -> None:
    """End the producer; whoever waits for an acknowledgement gets ProducerClosed."""
    # ruff: noqa: SLF001 - see the module's first lines
    sender = producer._sender.sender_task
    waiting = producer._message_accumulator
    if sender is not None:
        sender.cancel()
    # A request that is under way ends with its connection; its batch goes back to the queue, which no one sends now.
    await producer.client.close()
    refresh = producer.client._md_update_fut
    if refresh is not None and not refresh.done():
        refresh.set_result(False)
    if sender is not None:
        await asyncio.wait([sender], timeout=_SETTLE_S)
        sender.cancel()
        await asyncio.wait([sender], timeout=_SETTLE_S)
    # A batch that was sent takes itself out of this set at its end, where one that went back to the queue is not.
    waiting._pending_batches.update(batch for queue in waiting._batches.values() for batch in queue)
    batches = tuple(waiting._pending_batches)
    waiting.fail_all(ProducerClosed())
    for batch in batches:
        # Nobody may be waiting for it, and a future whose error nobody saw is reported as a mistake of the program.
        for told in (batch.future, batch._drain_waiter):
            if told.done() and not told.cancelled():
                told.exception()
    await producer.stop()
