"""One trial: the demo's pipeline, something that breaks, the demo's audit, and a row of what came of it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import aiohttp
import msgspec

from infra.embedded import control
from simulator.audit.compare import Audit
from simulator.audit.outages import FILE_NAME, Outage, append
from tapeline.cli.demo import plan
from tapeline.runtime import clock, kafka
from tapeline.runtime.settings import Settings, Simulation
from tapeline.runtime.single_transaction import transaction
from tests.support import reliability
from tests.support.eventually import eventually
from tests.support.network import Network, behind_proxies
from tests.support.pipeline import Pipeline
from tests.support.reliability import Row, Scenario
from tests.support.running import left_over, settings_in

SYMBOLS: Final = 5
RECOVERED_WITHIN_S: Final = 90.0
_INTENTS: Final = "order.intent"
_ANSWERED: Final = "SELECT partition, next FROM intake_offsets"
_HEALTH_WITHIN_S: Final = aiohttp.ClientTimeout(total=2)


@dataclass(slots=True)
class Trial:
    """A pipeline that is broken on purpose; with anything in `wrong` at its end it fails and tells all of it.

    `how` says by which means, where there are several; its row is not `kept` when it is only a part of its scenario.
    """

    scenario: Scenario
    pipeline: Pipeline
    seed: int
    how: str = ""
    kept: bool = True
    began_s: float = field(default_factory=clock.monotonic_s)
    recoveries: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    async def lasts(self, seconds: float) -> None:
        """Let the pipeline run for so long."""
        end_s = clock.monotonic_s() + seconds
        await eventually(lambda: clock.monotonic_s() >= end_s, within_s=seconds + 5)

    @contextlib.asynccontextmanager
    async def outage(self, process: str, action: Literal["pause", "cut", "full"]) -> AsyncIterator[None]:
        """Write down for the audit that something is broken for the length of the block."""
        file = self.pipeline.folder / FILE_NAME
        outage = Outage(process=process, action=action, at_us=clock.now_us())
        append(file, outage)
        try:
            yield
        finally:
            append(file, msgspec.structs.replace(outage, back_us=clock.now_us()))

    async def recovers(self) -> float:
        """Wait until all is as before: data flows from end to end, intents are answered, each process is ready."""
        began_s, began_us = clock.monotonic_s(), clock.now_us()
        goals = await self._ends()
        await self.pipeline.flows_since(began_us)
        await eventually(lambda: self._answered(goals), within_s=RECOVERED_WITHIN_S)
        await eventually(self._all_ready, within_s=RECOVERED_WITHIN_S)
        took_s = clock.monotonic_s() - began_s
        self.recoveries.append(took_s)
        return took_s

    async def _ends(self) -> dict[int, int]:
        async def ask() -> dict[int, int]:
            async with kafka.admin(self.pipeline.known.kafka) as admin:
                known = await admin.topics((_INTENTS,))
                ends = await admin.ends(known[_INTENTS].places())
            return {part.partition: end for part, end in ends.items()}

        return await eventually(ask, within_s=RECOVERED_WITHIN_S)

    async def _answered(self, goals: dict[int, int]) -> bool:
        async with transaction(self.pipeline.known.postgres) as session:
            found = {row["partition"]: row["next"] for row in await session.fetch(_ANSWERED)}
        behind = {one: goal - found.get(one, 0) for one, goal in goals.items() if found.get(one, 0) < goal}
        if behind:
            raise AssertionError(f"the executor is to take all intents, and is behind in partitions: {behind}")
        return True

    async def _all_ready(self) -> bool:
        waiting: list[str] = []
        async with aiohttp.ClientSession(timeout=_HEALTH_WITHIN_S) as session:
            for name, record in self.pipeline.run.processes.items():
                if record.state != "running":
                    waiting.append(f"{name} is {record.state}")
                elif record.metrics is not None:
                    async with session.get(f"http://{record.metrics}/health") as answer:
                        if (await answer.json())["state"] != "ready":
                            waiting.append(f"{name}: {await answer.text()}")
        if waiting:
            raise AssertionError("; ".join(waiting))
        return True


def settings_for(
    root: Path, *, seed: int, symbols: int = SYMBOLS, faults: tuple[str, ...] = (), venues: str | None = None
) -> Settings:
    """Return the settings of a demo below `root`."""
    found = plan.settings_of(settings_in(root), plan.Wish(seed=seed, faults=faults, venues=venues))
    simulation = Simulation(seed=seed, symbols=symbols, faults=",".join(faults))
    return found.model_copy(update={"simulation": simulation})


@contextlib.asynccontextmanager
async def embedded(settings: Settings, *, seed: int) -> AsyncIterator[None]:
    """Run a pipeline as it is shipped for the length of the block."""
    del seed
    control.start(settings, lambda _: None)
    try:
        yield
    finally:
        control.stop(settings)
        assert left_over(settings) == []


@contextlib.asynccontextmanager
async def trial(name: str, settings: Settings, *, seed: int) -> AsyncIterator[Trial]:
    """Run a trial on a pipeline as it is shipped."""
    async with embedded(settings, seed=seed), _judged(name, settings, seed) as one:
        yield one


@contextlib.asynccontextmanager
async def network_trial(name: str, settings: Settings, *, seed: int) -> AsyncIterator[tuple[Trial, Network]]:
    """Run a trial on a pipeline with a proxy before each service."""
    async with behind_proxies(settings, seed=seed) as network, _judged(name, settings, seed) as one:
        yield one, network


@contextlib.asynccontextmanager
async def _judged(name: str, settings: Settings, seed: int) -> AsyncIterator[Trial]:
    """Audit what the block did to the pipeline, write the row down and print it; AssertionError for what is wrong."""
    one = Trial(reliability.SCENARIOS[name], Pipeline(settings), seed)
    audit: Audit | None = None
    cause: Exception | None = None
    try:
        await one.pipeline.flows_since(clock.now_us())
        one.began_s = clock.monotonic_s()
        yield one
        audit = await one.pipeline.finished()
        one.wrong += wrong_of(audit)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told with what was promised
        one.wrong.append(reliability.in_words(error))
        cause = error
    finally:
        # One that was interrupted measured nothing, neither good nor bad.
        if audit is not None or one.wrong:
            row = row_of(one, audit)
            if one.kept:
                reliability.store(row)
            print(f"\n{row.line()}")  # noqa: T201 - the measure
    if one.wrong:
        raise AssertionError(reliability.failure(one.scenario, seed, one.wrong, settings.data.dir.parent)) from cause


def wrong_of(audit: Audit) -> list[str]:
    """Return what an audit found wrong, in words."""
    counts = {
        "lost": audit.lost,
        "duplicate": audit.duplicates + audit.orders.duplicate,
        "orphan": audit.orders.orphan,
        "crossed valid books": audit.crossed_valid_books,
        "wrong valid books": audit.wrong_valid_books,
    }
    return [*audit.problems, *(f"{count} {name}" for name, count in counts.items() if count)]


def row_of(one: Trial, audit: Audit | None) -> Row:
    """Return what a trial came to; one without an audit did not come to its end."""
    kills = () if audit is None else audit.kills
    back_s = [*one.recoveries, *(kill.back_s for kill in kills if kill.back_s is not None)]
    return Row(
        scenario=one.scenario.name,
        seed=one.seed,
        for_s=round(clock.monotonic_s() - one.began_s, 1),
        lost=None if audit is None else audit.lost,
        duplicate=None if audit is None else audit.duplicates + audit.orders.duplicate,
        orphan=None if audit is None else audit.orders.orphan,
        naked_s=None if audit is None else max(audit.naked_s_max, audit.naked_s_max_crash),
        recovery_s=round(max(back_s, default=0.0), 1),
        promised=one.scenario.promise,
        orders=None if audit is None else audit.orders.sent,
        problems=len(one.wrong),
        said=one.wrong[0][:300] if one.wrong else "",
        how=one.how,
    )
