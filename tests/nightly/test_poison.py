"""What breaks its contract is set aside by each that reads it, byte for byte, and its neighbours go on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from gateway.tape import READS as GATEWAY
from processors.strategy_board import READS as STRATEGIES
from schemas import topics
from simulator import chance
from sinks.histories.catalogue import BY_TOPIC as HISTORIES
from sinks.rows.catalogue import BY_TOPIC as TABLES
from tapeline.runtime.codec import Codec
from tests.support.eventually import eventually
from tests.support.poison import Placed, kinds_of, letters, newest, poisoner, wire
from tests.support.trial import Trial, settings_for, trial

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(400)]

SIGNALS: Final = {topic for topic in STRATEGIES if topic.startswith("signal.")}
READERS: Final[Mapping[str, frozenset[str]]] = {
    "sinks": frozenset({*TABLES, *HISTORIES}),
    # Signals are read where a strategy asks for them, and the one that runs here asks for none.
    "strategies": frozenset({*STRATEGIES} - SIGNALS),
    "spreads": frozenset({"md.book"}),
    "gateway": frozenset(GATEWAY),
    "executor": frozenset({"order.intent"}),
}
"""Who decodes every record of which topic, or at least the newest of each key: processes, and groups of agents."""
TRADING: Final = ("order.intent", "order.event", "portfolio", "account")
SET_ASIDE_WITHIN_S: Final = 60.0


async def test_poison(root: Path, seed: int) -> None:
    async with trial("poison", settings_for(root, seed=seed), seed=seed) as one:
        # Until there is something of everything, also what only trading writes.
        await eventually(lambda: traded(one), within_s=60)
        put = await poisoned(one, seed)
        await one.recovers()
        kafka, codec = one.pipeline.known.kafka, Codec(one.pipeline.run.schema_ids)
        wanted = {(who, place) for place in put for who, reads in READERS.items() if place.topic in reads}
        missing: set[tuple[str, str, Placed]] = set()

        async def all_aside() -> bool:
            nonlocal missing
            found = {(who.partition("-")[0], place) for who, place in await letters(kafka, codec)}
            missing = {(who, put[place], place) for who, place in wanted - found}
            return not missing

        try:
            await eventually(all_aside, within_s=SET_ASIDE_WITHIN_S)
        except AssertionError:
            one.wrong += [f"{who} did not set aside {kind} at {place}" for who, kind, place in sorted(missing)]
        print(f"{len(put)} bad records on {len({place.topic for place in put})} topics, {len(wanted)} letters")  # noqa: T201 - the measure


async def traded(one: Trial) -> bool:
    """Tell whether there is something of each topic that only trading writes."""
    found = {name: await newest(one.pipeline.known.kafka, name) for name in TRADING}
    return all(found.values())


async def poisoned(one: Trial, seed: int) -> dict[Placed, str]:
    """Write all that can be wrong to each topic that is read; return where it stands."""
    kafka, codec = one.pipeline.known.kafka, Codec(one.pipeline.run.schema_ids)
    names = sorted({name for reads in READERS.values() for name in reads})
    put: dict[Placed, str] = {}
    async with poisoner(kafka) as hand:
        for name in names:
            draws, real = chance.stream(seed, "poison", name), await newest(kafka, name)
            if real is None or real.value is None:
                # Nothing of it was ever written: bytes that at least name its schema.
                schema_id = one.pipeline.run.schema_ids[topics.by_name(name).subject]
                data, value, partition = wire(schema_id, draws.randbytes(64)), None, 0
            else:
                data, partition = real.value, real.partition
                value = codec.decode(topics.by_name(name), data)
            for number, bad in enumerate(kinds_of(data, value, draws)):
                key = f"poison-{number}".encode()
                put[await hand.put(name, partition, key, bad.value)] = bad.kind
    return put
