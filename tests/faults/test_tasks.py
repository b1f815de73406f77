"""C-15, K5: two daemons on one database share the tasks, and what a dead one recorded goes on at the other."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import msgspec
import psutil
import pytest

from producers.task_fetcher import LEASE_S
from simulator import instruments
from simulator.audit.compare import Audit
from simulator.audit.outages import FILE_NAME, Outage, append
from tapeline.domain.tasks import Pair, Task
from tapeline.runtime import clock, task_rows
from tapeline.runtime.single_transaction import transaction
from tests.support.eventually import eventually
from tests.support.pipeline import Pipeline, pipeline

SYMBOLS = 3
SECOND = "producers-second"
BUSY_S = 30.0
"""What a machine that runs other tests too may add."""


async def tasks(tape: Pipeline) -> tuple[Task, ...]:
    async with transaction(tape.known.postgres) as session:
        return await task_rows.read(session)


async def owners(tape: Pipeline) -> set[str | None]:
    return {one.daemon for one in await tasks(tape)}


async def wish_for_all(tape: Pipeline) -> None:
    """Write a task for each instrument that the simulated markets list."""
    symbols = [one.symbol for one in instruments.listed(SYMBOLS)]
    async with transaction(tape.known.postgres, writes=True) as session:
        for place in tape.run.addresses.venues:
            venue, _, market = place.partition(":")
            for symbol in symbols:
                await task_rows.add(
                    session, "monitoring", Pair(venue, "spot" if market == "spot" else "futures", symbol), {}
                )


def whole(audit: Audit) -> tuple[object, ...]:
    """Return what must be so whoever recorded it: above all, nothing twice."""
    counts = (audit.lost, audit.duplicates, audit.crossed_valid_books, audit.wrong_valid_books)
    return (audit.problems, counts, audit.balanced, audit.emitted.deltas > 0)


@pytest.mark.timeout(360)
async def test_what_a_killed_daemon_recorded_goes_on_at_the_other(tmp_path: Path) -> None:
    with pipeline(tmp_path, symbols=SYMBOLS, by_tasks=True) as tape:
        first = psutil.Process(tape.process("producers").pid)
        with tape.worker("producers", "--name", "second") as second:
            # The first one sleeps while the tasks come, so that the second one has them all.
            first.suspend()
            try:
                await wish_for_all(tape)
                await eventually(lambda: _is(tape, {SECOND}), within_s=BUSY_S)
            finally:
                first.resume()
            await tape.flows_since(clock.now_us())
            assert whole(await tape.audited()) == WHOLE

            began_us, began_s = clock.now_us(), clock.monotonic_s()
            killed = Outage(process=SECOND, action="kill", at_us=began_us)
            append(tape.folder / FILE_NAME, killed)
            second.send_signal(signal.SIGKILL)
            await asyncio.to_thread(second.wait)
            await eventually(lambda: _moved(tape), within_s=LEASE_S + BUSY_S)
            append(tape.folder / FILE_NAME, msgspec.structs.replace(killed, back_us=clock.now_us()))
            await tape.flows_since(clock.now_us())
            took_s = clock.monotonic_s() - began_s
            print(f"what a killed daemon recorded flowed again after {took_s:.1f} s")  # noqa: T201 - the measure
            assert whole(await tape.audited()) == WHOLE


WHOLE = ((), (0, 0, 0, 0), True, True)


async def _is(tape: Pipeline, wanted: set[str]) -> bool:
    return await owners(tape) == wanted


async def _moved(tape: Pipeline) -> bool:
    return not await owners(tape) & {None, SECOND}
