"""The doctor's checks of the running services, from outside, as any client would see them; they change nothing."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from schemas import avro_files
from schemas.topics import TOPICS, by_name
from tapeline.cli import migrate
from tapeline.cli.checks import Finding, Ground, ServiceCheck, fail, ok, warn
from tapeline.cli.view import length, span
from tapeline.runtime import clickhouse, clock, postgres, topics_admin
from tapeline.runtime.kafka import Partition, Reader, Start, admin
from tapeline.runtime.registry import RegistryClient
from tapeline.runtime.topics_admin import Lag

_CLOCK_WARN_S = 1.0
_CLOCK_FAIL_S = 10.0
_LAG_SHARE = 0.5
_ONE_RECORD_WITHIN_S = 2.0


async def kafka(ground: Ground) -> Finding:
    """Reach the broker and be let in."""
    where = ground.known.kafka
    async with admin(where) as asked:
        found = len(await asked.brokers())
    if found < where.replication:
        return warn(
            f"{found} of {where.replication} brokers in service at {where.bootstrap}",
            "wait a moment, those that are started here come again by themselves; then `tapeline status` and its logs",
        )
    return ok(f"{found} broker{'s' if found > 1 else ''} at {where.bootstrap}")


async def copies(ground: Ground) -> Finding:
    """Tell whether each partition, of the broker's own topics too, has all its copies, and enough for a write."""
    async with admin(ground.known.kafka) as asked:
        states = await asked.topics(internal=True)
        configs = await asked.config(states)
    counted = {name: topics_admin.copies(state, configs.get(name, {})) for name, state in states.items()}
    refusing = [f"{name} ({one.under_min})" for name, one in counted.items() if one.under_min]
    if refusing:
        return fail(
            f"too few copies in step for a write, by partitions: {', '.join(sorted(refusing))}",
            "bring the brokers back that are away (`tapeline status`): until then writers wait, nothing is lost",
        )
    lacking = [f"{name} ({one.under_replicated})" for name, one in counted.items() if one.under_replicated]
    if lacking:
        return warn(
            f"copies are missing, by partitions: {', '.join(sorted(lacking))}",
            "wait until the brokers that are away are back and have caught up; one more must not die until then",
        )
    most = max((one.wanted for one in counted.values()), default=0)
    return ok(f"{sum(state.partitions for state in states.values())} partitions in up to {most} copies, all in step")


async def registry(ground: Ground) -> Finding:
    """Reach the schema registry and be let in."""
    async with RegistryClient(ground.known.registry, max_retries=0) as client:
        subjects = await client.subjects()
    return ok(f"{len(subjects)} subjects at {ground.known.registry.url}")


async def database(ground: Ground) -> Finding:
    """Reach Postgres with the password."""
    pool = await postgres.connect(ground.known.postgres)
    try:
        version = await pool.fetchval("SHOW server_version")
    finally:
        await pool.close()
    where = ground.known.postgres
    return ok(f"Postgres {version} at {where.host}:{where.port}, password accepted")


async def warehouse(ground: Ground) -> Finding:
    """Reach ClickHouse with the password."""
    client = await clickhouse.connect(ground.known.clickhouse)
    try:
        version = await client.command("SELECT version()")
    finally:
        await client.close()
    where = ground.known.clickhouse
    return ok(f"ClickHouse {version} at {where.host}:{where.port}, password accepted")


async def topics(ground: Ground) -> Finding:
    """Set the broker's topics beside the catalogue: there, partitions, settings."""
    where = ground.known.kafka
    differs: list[str] = []
    async with admin(where) as asked:
        states = await asked.topics()
        missing = [topic.name for topic in TOPICS if topic.name not in states]
        for topic in TOPICS:
            expected = topic.partition_count(where.partitions)
            state = states.get(topic.name)
            if state is None:
                continue
            if state.partitions != expected:
                return fail(
                    f"{topic.name} has {state.partitions} partitions and not {expected}",
                    f"set kafka.partitions to {state.partitions}, or use a new data directory: it is fixed at creation",
                )
            found = await topics_admin.describe(asked, topic, replication=where.replication)
            differs += [f"{drift.topic} {drift.key}={drift.found} (not {drift.expected})" for drift in found.drift]
    if missing:
        return fail(f"missing: {', '.join(missing)}", "run `tapeline up`, which creates them")
    if differs:
        return warn("; ".join(differs), "set them back with the broker's own tools, or make a new topic")
    return ok(f"{len(TOPICS)} topics as in the catalogue")


async def schemas(ground: Ground) -> Finding:
    """Tell whether the registry has the schema of each topic under the id that the run uses."""
    run = ground.known.run
    async with RegistryClient(ground.known.registry, max_retries=0) as client:
        known = set(await client.subjects())
        missing = [topic.subject for topic in TOPICS if topic.subject not in known]
        if missing:
            return fail(f"not registered: {', '.join(missing)}", "run `tapeline up`, which registers them")
        for topic in TOPICS:
            used = None if run is None else run.schema_ids.get(topic.subject)
            if used is not None and not same_schema(await client.schema(used), avro_files.text(topic.record)):
                return fail(
                    f"id {used} of {topic.subject} is another schema than ours",
                    "run `tapeline down` and `tapeline up`, which registers it anew",
                )
    return ok(f"{len(TOPICS)} subjects registered")


async def migrations(ground: Ground) -> Finding:
    """Tell whether both stores have every migration, as it stands in this version."""
    del ground
    states = await migrate.read(migrate.STORES)
    wrong = [
        f"{store} {one.number:04d}_{one.name} is {one.state}"
        for store, listed in states.items()
        for one in listed
        if one.state != "applied"
    ]
    if not wrong:
        return ok(f"{sum(map(len, states.values()))} applied")
    return fail(
        "; ".join(wrong), "run `tapeline migrate up`; for one that is changed or unknown, run the version that made it"
    )


async def sink_lag(ground: Ground) -> Finding:
    """Tell whether a group is so far behind that retention will soon take what it has not read."""
    async with admin(ground.known.kafka) as asked:
        behind = [lag for lag in await topics_admin.lags(asked) if lag.lag > 0 and _retention_ms(lag.topic)]
        begins = await asked.beginnings([_place(lag) for lag in behind]) if behind else {}
    late = []
    for lag in behind:
        if lag.committed is not None and lag.committed < begins.get(_place(lag), 0):
            return fail(
                f"{lag.group} has not read {lag.topic}/{lag.partition} from {lag.committed}, and it is gone",
                "see md.gap and the logs of the group's process; give it more time by a longer retention",
            )
        age_s = await _age_s(ground, lag)
        if age_s > _LAG_SHARE * _retention_ms(lag.topic) / 1_000:
            kept = length(_retention_ms(lag.topic))
            late.append(f"{lag.group} is {span(age_s)} behind in {lag.topic}/{lag.partition}, which keeps {kept}")
    if late:
        return warn("; ".join(late), "start the group's process, or give it more of them")
    return ok("no group is near the end of what is kept")


async def system_clock(ground: Ground) -> Finding:
    """Compare this machine's clock with that of Postgres."""
    pool = await postgres.connect(ground.known.postgres)
    try:
        before_us = clock.now_us()
        there_us = int(await pool.fetchval("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"))
        after_us = clock.now_us()
    finally:
        await pool.close()
    return clock_finding((there_us - (before_us + after_us) // 2) / 1e6)


def clock_finding(ahead_s: float) -> Finding:
    """Judge how far the clock of Postgres is ahead of ours."""
    text = f"Postgres's clock is {abs(ahead_s):.3f} s {'ahead' if ahead_s > 0 else 'behind'}"
    if abs(ahead_s) < _CLOCK_WARN_S:
        return ok(text)
    fix = "let both machines follow a time server (NTP): exchanges refuse requests of a wrong time"
    return warn(text, fix) if abs(ahead_s) < _CLOCK_FAIL_S else fail(text, fix)


def same_schema(one: str, other: str) -> bool:
    """Tell whether two schema texts mean the same JSON, whatever their spaces."""
    return bool(msgspec.json.decode(one) == msgspec.json.decode(other))


def _retention_ms(topic: str) -> int:
    """Return how long a topic keeps records, 0 where for ever or where it is not ours."""
    try:
        return by_name(topic).retention_ms or 0
    except LookupError:
        return 0


def _place(lag: Lag) -> Partition:
    return Partition(lag.topic, lag.partition)


async def _age_s(ground: Ground, lag: Lag) -> float:
    """Return how old the first record is that a group has not read; 0 when it cannot be read just now."""
    start: Mapping[Partition | str, Start] = {_place(lag): "beginning" if lag.committed is None else lag.committed}
    async with Reader.assigned(ground.known.kafka, start, client_id="tapeline-doctor") as reader:
        batches = await reader.batches(max_records=1, wait_s=_ONE_RECORD_WITHIN_S)
    first = [record.timestamp for batch in batches.values() for record in batch[:1]]
    return (clock.now_us() / 1_000 - first[0]) / 1_000 if first else 0.0


SERVICES: tuple[tuple[str, ServiceCheck], ...] = (
    ("kafka", kafka),
    ("registry", registry),
    ("postgres", database),
    ("clickhouse", warehouse),
)
"""Each service by itself."""

CONTENTS: tuple[tuple[str, ServiceCheck, tuple[str, ...]], ...] = (
    ("topics", topics, ("kafka",)),
    ("copies", copies, ("kafka",)),
    ("schemas", schemas, ("registry",)),
    ("migrations", migrations, ("postgres", "clickhouse")),
    ("sink lag", sink_lag, ("kafka",)),
    ("clock", system_clock, ("postgres",)),
)
"""What the services hold, each with the services it needs."""
