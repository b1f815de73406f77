"""Clocks that are 5 s apart, either way: no order is refused for good, doubled or late for it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import aiohttp
import pytest

from tests.support.trial import Trial, settings_for, trial

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(400)]

APART_S: Final = 5.0
LASTS_S: Final = 12.0


@pytest.mark.parametrize(
    ("name", "venues", "ways"),
    [
        ("clock_skew_venue", ("bybit",), (APART_S, -APART_S)),
        ("clock_skew_ours", ("binance", "bybit"), (-APART_S, APART_S)),
    ],
    ids=["clock_skew_venue", "clock_skew_ours"],
)
async def test_clocks(name: str, venues: tuple[str, ...], ways: tuple[float, ...], root: Path, seed: int) -> None:
    async with trial(name, settings_for(root, seed=seed), seed=seed) as one:
        for way_s in ways:
            await skewed(one, venues, way_s)
            await one.lasts(LASTS_S)
        await one.lasts(2.0)
        await one.recovers()


async def skewed(one: Trial, venues: tuple[str, ...], way_s: float) -> None:
    """Let the clocks of these venues be away from ours for a while."""
    wish = {"name": "skew", "skew_s": way_s, "duration_s": LASTS_S}
    async with aiohttp.ClientSession() as session:
        for place, address in one.pipeline.run.addresses.venues.items():
            if place.partition(":")[0] in venues:
                async with session.post(f"http://{address}/_simulator/faults", json=wish) as answer:
                    assert answer.status == 200, await answer.text()
