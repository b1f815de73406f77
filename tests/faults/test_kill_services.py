"""kill -9 of each service while a client writes and reads: nothing acknowledged is lost, and it is back within 10 s."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import psutil

from schemas import topics
from schemas.topics import TOPICS
from tapeline.runtime import clickhouse, clock, endpoints, kafka, postgres, registry, runfile
from tapeline.runtime.codec import Codec
from tapeline.runtime.endpoints import Endpoints
from tapeline.runtime.runfile import RunFile
from tapeline.runtime.settings import Settings
from tests.support.eventually import eventually
from tests.support.running import pid_of

BACK_WITHIN_S = 10.0
BEFORE, AFTER = 40, 40
GROUP = "kill-test"

Write = Callable[[int], Awaitable[object]]


@dataclass(slots=True)
class Acknowledged:
    """What a client was told is stored, in order, with the longest time in which it was told nothing."""

    answers: dict[int, object] = field(default_factory=dict)
    longest_silence_s: float = 0.0


async def write_through_a_kill(settings: Settings, victim: str, write: Write) -> Acknowledged:
    """Write one item after the other, each until it is acknowledged; kill the victim in the middle."""
    told = Acknowledged()
    half = asyncio.Event()

    async def client() -> None:
        last_s = clock.monotonic_s()
        for number in range(BEFORE + AFTER):

            async def attempt(number: int = number) -> bool:
                told.answers[number] = await write(number)
                return True

            await eventually(attempt, within_s=30)
            now_s = clock.monotonic_s()
            told.longest_silence_s, last_s = max(told.longest_silence_s, now_s - last_s), now_s
            if number == BEFORE:
                half.set()

    async def killer() -> None:
        await half.wait()
        os.kill(pid_of(settings, victim), signal.SIGKILL)

    before = run_of(settings)
    await asyncio.gather(client(), killer())
    print(f"kill -9 of {victim}: the longest silence was {told.longest_silence_s:.2f} s")  # noqa: T201 - the measure
    assert told.longest_silence_s < BACK_WITHIN_S
    await eventually(lambda: state_of(settings, victim) == "running")
    after = run_of(settings)
    assert after.addresses == before.addresses
    assert after.secrets == before.secrets
    assert after.processes[victim].restarts == before.processes[victim].restarts + 1
    assert after.processes[victim].pid != before.processes[victim].pid
    return told


def run_of(settings: Settings) -> RunFile:
    found = runfile.read(settings.data.dir)
    assert found is not None
    return found


def state_of(settings: Settings, name: str) -> str:
    return run_of(settings).processes[name].state


def places(settings: Settings) -> Endpoints:
    return endpoints.endpoints_from(settings, run_of(settings))


@asynccontextmanager
async def scratch_topic(settings: Settings, name: str) -> AsyncIterator[str]:
    async with kafka.admin(places(settings).kafka) as admin:
        await admin.create(name, partitions=1, replication=1, config={})
    yield name


async def test_broker(system: Settings) -> None:
    """A group's member reads on by itself, each acknowledged record once in its order (issue: proof)."""
    place = places(system).kafka
    seen: list[int] = []

    async def read(topic: str, enough: asyncio.Event) -> None:
        async with kafka.Reader.in_group(place, [topic], group=GROUP, member="reader") as reader:
            while not enough.is_set() or BEFORE + AFTER - 1 not in seen:
                for batch in (await reader.batches(wait_s=0.2)).values():
                    seen.extend(int(record.value or b"") for record in batch)

    async def write(topic: str, enough: asyncio.Event) -> Acknowledged:
        async with kafka.Publisher(place, client_id="writer", ack_within_s=2.0) as publisher:
            told = await write_through_a_kill(
                system, "kafka", lambda number: publisher.publish(topic, b"k", str(number).encode(), partition=0)
            )
        enough.set()
        return told

    async with scratch_topic(system, "kill-test") as topic:
        enough = asyncio.Event()
        told, _ = await asyncio.gather(write(topic, enough), read(topic, enough))
    assert sorted(told.answers) == list(range(BEFORE + AFTER))
    # A record whose answer was lost may stand twice, next to itself; none is missing, none is out of order.
    assert list(dict.fromkeys(seen)) == list(range(BEFORE + AFTER))


async def test_postgres(system: Settings) -> None:
    """Every committed row is there after the postmaster alone was killed and its backends were left behind."""
    pool = await postgres.connect(places(system).postgres)
    try:
        await pool.execute("CREATE TABLE kill_test (number integer PRIMARY KEY)")
        insert = "INSERT INTO kill_test VALUES ($1) ON CONFLICT DO NOTHING"
        await write_through_a_kill(system, "postgres", lambda number: pool.execute(insert, number))
        rows = await pool.fetch("SELECT number FROM kill_test ORDER BY number")
        assert [row["number"] for row in rows] == list(range(BEFORE + AFTER))
    finally:
        await pool.close()


async def test_clickhouse(system: Settings) -> None:
    """Every acknowledged row is there, and the window that drops a resent insert has survived too."""
    client = await clickhouse.connect(places(system).clickhouse)
    try:
        await client.command(
            "CREATE TABLE kill_test (number UInt32) ENGINE = MergeTree ORDER BY number "
            "SETTINGS non_replicated_deduplication_window = 1000"
        )

        async def write(number: int) -> object:
            token = {"insert_deduplication_token": f"kill-{number}"}
            return await client.insert("kill_test", [[number]], column_names=["number"], settings=token)

        await write_through_a_kill(system, "clickhouse", write)
        found = await client.query("SELECT number FROM kill_test ORDER BY number")
        assert [row[0] for row in found.result_rows] == list(range(BEFORE + AFTER))
    finally:
        await client.close()


async def test_registry(system: Settings) -> None:
    """Every id that was answered still means the same schema."""
    async with registry.RegistryClient(places(system).registry, max_retries=0) as client:

        def schema(number: int) -> str:
            fields = [{"name": f"field_{number}", "type": "long"}]
            return json.dumps({"type": "record", "name": "Probe", "fields": fields})

        told = await write_through_a_kill(
            system, "registry", lambda number: client.register(f"kill-test-{number}-value", schema(number))
        )
        found = {number: json.loads(await client.schema(int(str(told.answers[number])))) for number in told.answers}
        assert found == {number: json.loads(schema(number)) for number in range(BEFORE + AFTER)}
        assert len(set(told.answers.values())) == BEFORE + AFTER


async def test_a_person_is_told(system: Settings) -> None:
    """Each restart above is an alert on its topic."""
    run = run_of(system)
    topic, codec = topics.by_name("alert"), Codec(run.schema_ids)
    assert set(run.schema_ids) == {topic.subject for topic in TOPICS}
    died = {name for name, record in run.processes.items() if record.restarts}
    told: set[str] = set()

    async with kafka.Reader.assigned(places(system).kafka, {"alert": "beginning"}, client_id="test") as reader:

        async def ask() -> bool:
            for batch in (await reader.batches(wait_s=0.2)).values():
                for record in batch:
                    alert = codec.decode(topic, record.value or b"")
                    if getattr(alert, "code", None) == "service_restarted":
                        told.add(dict(getattr(alert, "context", {}))["child"])
            return died <= told

        await eventually(ask)


async def test_a_child_that_hangs_is_noted(system: Settings) -> None:
    """A process that runs and does not answer is told apart from one that works."""
    victim = psutil.Process(pid_of(system, "registry"))

    def detail() -> str | None:
        return run_of(system).processes["registry"].detail

    victim.suspend()
    try:
        await eventually(lambda: "does not answer" in (detail() or ""), within_s=20)
    finally:
        victim.resume()
    await eventually(lambda: detail() is None, within_s=20)
    assert pid_of(system, "registry") == victim.pid
