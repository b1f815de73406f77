"""The whole tape under kill -9, pauses and changes of its workers: after each the audit balances (DESIGN 5, 6; C-08).

All of it happens to one pipeline, one thing after the other; each prints how long data took to flow again.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from simulator.audit.compare import Audit
from tapeline.runtime import kafka
from tests.support.eventually import eventually
from tests.support.pipeline import Pipeline, pipeline

SYMBOLS = 4
PAUSED_S = 30.0
SILENT = {"producers", "kafka"}
"""Whose outage may be seen in the tape, as gaps that say so; any other's may not."""


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    with pipeline(tmp_path_factory.mktemp("tape"), symbols=SYMBOLS) as running:
        yield running


def whole(audit: Audit) -> tuple[object, ...]:
    """Return what must be so whatever happened."""
    counts = (audit.lost, audit.duplicates, audit.crossed_valid_books, audit.wrong_valid_books)
    return (audit.problems, counts, audit.balanced, audit.emitted.deltas > 0, audit.spread_symbols)


WHOLE = ((), (0, 0, 0, 0), True, True, SYMBOLS)


@pytest.mark.timeout(240)
async def test_without_faults_nothing_is_missing_at_all(tape: Pipeline) -> None:
    await tape.flows_since(0)
    audit = await tape.audited()
    assert whole(audit) == WHOLE
    assert (audit.gap_records, audit.stored) == (0, audit.emitted)


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    "name", ["sinks", "processors", "executor", "registry", "gateway", "postgres", "clickhouse", "kafka", "producers"]
)
async def test_kill_9_of_one_process(tape: Pipeline, name: str) -> None:
    before = await tape.before()
    took_s = await tape.kill(name)
    audit = await tape.audited()
    hidden = audit.in_gaps - before.in_gaps
    print(f"kill -9 of {name}: data flowed from end to end again after {took_s:.1f} s, {hidden} changes in gaps")  # noqa: T201 - the measure
    assert whole(audit) == WHOLE
    assert name in SILENT or audit.gap_records == before.gap_records


@pytest.mark.timeout(240)
async def test_a_second_worker_joins_and_leaves(tape: Pipeline) -> None:
    before = await tape.before()

    async def members(group: str) -> int:
        async with kafka.admin(tape.known.kafka) as admin:
            state, found = await admin.members(group)
        return len(found) if state == "Stable" else 0

    async def both() -> bool:
        return [await members(group) for group in ("spreads", "sink-clickhouse")] == [2, 2]

    with tape.worker("processors"), tape.worker("sinks", "clickhouse", "--name", "second"):
        await eventually(both, within_s=60)
        joined = await tape.audited()
    left = await tape.audited()
    assert (whole(joined), whole(left)) == (WHOLE, WHOLE)
    assert left.gap_records == before.gap_records


@pytest.mark.timeout(300)
async def test_the_broker_is_paused_for_half_a_minute(tape: Pipeline) -> None:
    took_s = await tape.hold("kafka", PAUSED_S)
    audit = await tape.audited()
    print(f"Kafka paused for {PAUSED_S:g} s: data flowed from end to end again {took_s:.1f} s later")  # noqa: T201 - the measure
    assert whole(audit) == WHOLE
