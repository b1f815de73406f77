"""The network between any two processes breaks in each of its ways, one after the other, and heals (DESIGN 5)."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from tests.support.network_faults import (
    Bandwidth,
    Blackhole,
    Hold,
    Latency,
    LostAnswer,
    Mode,
    Reset,
    Slice,
)
from tests.support.reliability import CUTS
from tests.support.trial import network_trial, settings_for

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(600)]

BROKEN_S: Final = 8.0
MODES: Final[dict[str, Mode]] = {
    "latency": Latency(delay_s=0.1, jitter_s=0.2),
    "bandwidth": Bandwidth(bytes_per_s=100_000),
    "slice": Slice(most=200),
    "reset": Reset(),
    "lost_answer": LostAnswer(chance=0.2),
    "hold": Hold(),
    "blackhole": Blackhole(),
}


@pytest.mark.parametrize(("client", "service"), [cut[:2] for cut in CUTS], ids=[f"cut_{c}_{s}" for c, s, _ in CUTS])
async def test_network(client: str, service: str, root: Path, seed: int, only_mode: str | None) -> None:
    async with network_trial(f"cut_{client}_{service}", settings_for(root, seed=seed), seed=seed) as (one, network):
        one.kept = only_mode is None
        for name, mode in MODES.items():
            if only_mode in {None, name}:
                async with one.outage(f"{client}-{service}", "cut"):
                    await network.between(client, service, mode)
                    await one.lasts(BROKEN_S)
                    network.heal()
                took_s = await one.recovers()
                print(f"{client} to {service}, {name} for {BROKEN_S:g} s: as before after {took_s:.1f} s")  # noqa: T201 - the measure
                await one.lasts(2.0)
        # A fault that touched nothing proves nothing.
        if only_mode in {None, "blackhole"} and not network.swallowed(service):
            one.wrong.append(f"a black hole between {client} and {service} was to swallow bytes, and swallowed none")
