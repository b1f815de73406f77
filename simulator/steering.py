"""A hand on simulated markets in another process: the client of what `simulator.control` serves."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final, Literal

import aiohttp

from tapeline.errors import Unavailable

Order = Literal["arm", "calm", "halt"]
"""Begin the schedule of faults; end all faults; stand still."""
WITHIN_S: Final = 10.0


async def tell(venues: Mapping[str, str], order: Order) -> None:
    """Tell all markets the same and return when each has done it; Unavailable when one does not answer."""
    timeout = aiohttp.ClientTimeout(total=WITHIN_S)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        await asyncio.gather(*(_post(session, place, address, order) for place, address in venues.items()))


async def _post(session: aiohttp.ClientSession, place: str, address: str, order: Order) -> None:
    try:
        async with session.post(f"http://{address}/_simulator/{order}") as answer:
            answer.raise_for_status()
    except (aiohttp.ClientError, TimeoutError) as error:
        raise Unavailable(f"the simulated market {place} at {address} did not {order}: {error!r}") from error
