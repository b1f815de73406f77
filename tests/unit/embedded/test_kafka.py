"""The broker as data."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from infra.embedded import kafka
from infra.embedded.java import Java
from infra.embedded.kafka import Broker, Node

NODE = Node(node_id=1, port=9092, controller_port=9093)
THREE = (
    NODE,
    Node(node_id=2, port=9094, controller_port=9095),
    Node(node_id=3, port=9096, controller_port=9097),
)
ONE_BROKER = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.quorum.voters": "1@127.0.0.1:9093",
    "listeners": "BROKER://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093",
    "advertised.listeners": "BROKER://127.0.0.1:9092",
    "listener.security.protocol.map": "BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "BROKER",
    "controller.listener.names": "CONTROLLER",
    "log.dirs": "/d/kafka/data",
    "auto.create.topics.enable": "false",
    "default.replication.factor": "1",
    "min.insync.replicas": "1",
    "offsets.topic.num.partitions": "1",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "broker.heartbeat.interval.ms": "300",
    "broker.session.timeout.ms": "1500",
    "log.segment.bytes": "67108864",
    "log.index.size.max.bytes": "1048576",
    "num.recovery.threads.per.data.dir": "2",
    "message.max.bytes": "8388608",
    "replica.fetch.max.bytes": "8388608",
    "log.cleaner.threads": "1",
    "log.cleaner.dedupe.buffer.size": "16777216",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "background.threads": "2",
    "log.retention.check.interval.ms": "60000",
    "controlled.shutdown.enable": "true",
}


def broker(folder: Path, cluster: tuple[Node, ...] = (NODE,)) -> Broker:
    return Broker(
        node=NODE,
        cluster=cluster,
        folder=folder,
        log_file=Path("/l/kafka.log"),
        java=Java(path=Path("/bin/java"), major=17),
        jars=(Path("/c/a.jar"), Path("/c/b.jar")),
        heap_mb=256,
    )


def test_the_configuration_of_one_broker() -> None:
    assert kafka.properties(broker(Path("/d/kafka"))) == ONE_BROKER


def test_three_brokers_keep_three_copies_and_want_two_in_step() -> None:
    expected = ONE_BROKER | {
        "controller.quorum.voters": "1@127.0.0.1:9093,2@127.0.0.1:9095,3@127.0.0.1:9097",
        "default.replication.factor": "3",
        "min.insync.replicas": "2",
        "offsets.topic.replication.factor": "3",
        "transaction.state.log.replication.factor": "3",
        "transaction.state.log.min.isr": "2",
        "share.coordinator.state.topic.replication.factor": "3",
        "share.coordinator.state.topic.min.isr": "2",
        "broker.heartbeat.interval.ms": "500",
        "broker.session.timeout.ms": "3000",
        "controlled.shutdown.enable": "false",
    }
    assert kafka.properties(broker(Path("/d/kafka"), THREE)) == expected


def test_nothing_but_loopback_is_listened_on() -> None:
    found = kafka.properties(broker(Path("/d/kafka"), THREE))
    places = f"{found['listeners']},{found['advertised.listeners']}".split(",")
    assert {place.partition("://")[2].rpartition(":")[0] for place in places} == {"127.0.0.1"}


def test_the_command_line() -> None:
    assert kafka.command(broker(Path("/d/kafka")), kafka.MAIN, "x.properties") == (
        "/bin/java",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-Xmx256m",
        "-XX:-UsePerfData",
        "-XX:+ExitOnOutOfMemoryError",
        "-Djava.awt.headless=true",
        "-Djava.net.preferIPv4Stack=true",
        "-Djava.io.tmpdir=/d/kafka/tmp",
        "-Dlog4j2.configurationFile=file:///d/kafka/log4j2.properties",
        "-cp",
        "/c/a.jar:/c/b.jar",
        "kafka.Kafka",
        "x.properties",
    )


def test_the_log_goes_to_a_file_that_is_rotated_and_nowhere_else() -> None:
    found = kafka.logging(broker(Path("/d/kafka")))
    assert (found["appender.file.type"], found["appender.file.fileName"], found["rootLogger.level"]) == (
        "RollingFile",
        "/l/kafka.log",
        "warn",
    )
    assert [name for name, value in found.items() if name.endswith(".type") and value == "Console"] == []


def test_a_backslash_survives_a_properties_file() -> None:
    assert kafka.text({"log.dirs": "C:\\data", "node.id": "1"}) == "log.dirs=C:\\\\data\nnode.id=1\n"


def test_a_cluster_id_is_16_random_bytes() -> None:
    one, other = kafka.new_cluster_id(), kafka.new_cluster_id()
    assert (len(base64.urlsafe_b64decode(one + "==")), len(one), one == other) == (16, 22, False)


def test_a_cluster_id_that_begins_with_a_dash_is_not_taken_for_an_option() -> None:
    asked = kafka.format_arguments(broker(Path("/d/kafka")), "-Abc")
    assert asked == ("format", "--cluster-id=-Abc", "--config", "/d/kafka/server.properties")


@pytest.mark.parametrize(
    ("meta", "others", "wrong"),
    [
        ("version=1\ncluster.id=x\nnode.id=1\n", ("bootstrap.checkpoint",), None),
        ("version=1\ncluster.id=x\nnode.id=1\n", ("__cluster_metadata-0",), None),
        ("version=1\ncluster.id=x\nnode.id=1\n", (), "__cluster_metadata-0 is missing"),
        ("version=1\nnode.id=1\n", ("bootstrap.checkpoint",), "meta.properties does not name cluster.id"),
        ("", ("bootstrap.checkpoint",), "meta.properties does not name cluster.id"),
        (None, ("bootstrap.checkpoint",), "meta.properties is missing"),
    ],
)
def test_a_damaged_folder_is_recognised(
    tmp_path: Path, meta: str | None, others: tuple[str, ...], wrong: str | None
) -> None:
    if meta is not None:
        (tmp_path / "meta.properties").write_text(meta, "utf-8")
    for name in others:
        (tmp_path / name).write_text("x", "utf-8")
    assert kafka.damage(tmp_path) == (None if wrong is None else f"{tmp_path}/{wrong}")
