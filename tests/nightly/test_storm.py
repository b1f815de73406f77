"""Sockets that never live: every public one of all venues is cut each second, and all that was wanted comes back."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import aiohttp
import pytest

from tapeline.runtime import clock
from tests.support.trial import Trial, settings_for, trial

pytestmark = pytest.mark.nightly

LASTS_S: Final = 60.0
EVERY_S: Final = 1.0
SYMBOLS: Final = 3
EXCHANGES: Final = "binance,bybit,okx,kucoin,coinex,htx,mexc,bitget,bingx,gateio"
_NO_TARGET: Final = 409


@pytest.mark.timeout(600)
async def test_reconnect_storm(root: Path, seed: int) -> None:
    settings = settings_for(root, seed=seed, symbols=SYMBOLS, venues=EXCHANGES)
    async with trial("reconnect_storm", settings, seed=seed) as one:
        end_s, cuts = clock.monotonic_s() + LASTS_S, dict.fromkeys(one.pipeline.run.addresses.venues, 0)
        while clock.monotonic_s() < end_s:
            for place, count in (await cut_all(one)).items():
                cuts[place] += count
            await one.lasts(EVERY_S)
        # Each was cut, and came back only to be cut again.
        assert min(cuts.values()) > 1, cuts
        await one.recovers()


async def cut_all(one: Trial) -> dict[str, int]:
    """Cut each connection that reads something; return how many of each market there were."""
    found: dict[str, int] = {}
    async with aiohttp.ClientSession() as session:
        for place, address in one.pipeline.run.addresses.venues.items():
            found[place] = 0
            while True:
                async with session.post(f"http://{address}/_simulator/faults", json={"name": "cut"}) as answer:
                    if answer.status == _NO_TARGET:
                        break
                    assert answer.status == 200, await answer.text()
                found[place] += 1
    return found
