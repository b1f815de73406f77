"""Watches over a cluster of brokers: how many are in service, and how many partitions lack copies, for the run file."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection, Iterable
from typing import Final

from infra.embedded import metadata, probes
from infra.embedded.kafka import Node
from infra.embedded.metadata import Metadata
from infra.embedded.ports import HOST
from tapeline.errors import Unavailable
from tapeline.runtime.runfile import Brokers

_EVERY_S: Final = 2.0


async def watch(
    cluster: tuple[Node, ...], living: Callable[[], Collection[int]], tell: Callable[[Brokers], None]
) -> None:
    """Tell how the brokers keep what they were given, until cancelled; `living` are those whose process runs."""
    last: Metadata | None = None
    while True:
        alive = living()
        # Where none answers, what they said last is judged by who is still alive.
        last = await _asked(node for node in cluster if node.node_id in alive) or last
        if last is not None:
            tell(metadata.judged(last, len(cluster), alive))
        await asyncio.sleep(_EVERY_S)


async def _asked(nodes: Iterable[Node]) -> Metadata | None:
    """Ask one after the other until one answers; None when none does."""
    for node in nodes:
        with contextlib.suppress(OSError, TimeoutError, Unavailable):
            return metadata.decode(await probes.metadata_of(HOST, node.port, every_topic=True))
    return None
