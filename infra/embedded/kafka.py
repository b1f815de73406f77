"""One Kafka broker in KRaft mode as data: its configuration, its command line, how its folder is made and checked."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.embedded.java import Java
from infra.embedded.ports import HOST
from schemas.topics import least_in_step
from tapeline.errors import Misconfigured
from tapeline.runtime import entropy

MAIN = "kafka.Kafka"
_FORMAT = "kafka.tools.StorageTool"
_META = "meta.properties"
_METADATA = "__cluster_metadata-0"
_FORMAT_WITHIN_S = 60.0
_MB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One broker of the cluster, which is also one of its controllers."""

    node_id: int
    port: int
    controller_port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """All that one broker process needs to know."""

    node: Node
    cluster: tuple[Node, ...]
    folder: Path
    log_file: Path
    java: Java
    jars: tuple[Path, ...]
    heap_mb: int
    extra_flags: tuple[str, ...] = ()

    @property
    def data(self) -> Path:
        """Where the records are."""
        return self.folder / "data"

    @property
    def scratch(self) -> Path:
        """Where the runtime unpacks its native libraries; emptied at each start."""
        return self.folder / "tmp"

    @property
    def properties_file(self) -> Path:
        """The broker's configuration, written anew at each start."""
        return self.folder / "server.properties"

    @property
    def logging_file(self) -> Path:
        """The configuration of the broker's log, written anew at each start."""
        return self.folder / "log4j2.properties"


def properties(broker: Broker) -> dict[str, str]:
    """Return the broker's configuration; replication follows the number of brokers."""
    node, brokers = broker.node, len(broker.cluster)
    voters = ",".join(f"{one.node_id}@{HOST}:{one.controller_port}" for one in broker.cluster)
    return {
        "process.roles": "broker,controller",
        "node.id": str(node.node_id),
        "controller.quorum.voters": voters,
        # Loopback only: nothing of this broker is reachable from another machine.
        "listeners": f"BROKER://{HOST}:{node.port},CONTROLLER://{HOST}:{node.controller_port}",
        "advertised.listeners": f"BROKER://{HOST}:{node.port}",
        "listener.security.protocol.map": "BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "BROKER",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": str(broker.data),
        # Topics come from our catalogue only.
        "auto.create.topics.enable": "false",
        **_kept(min(brokers, 3)),
        "group.initial.rebalance.delay.ms": "0",
        # After kill -9 the controller takes the same broker again, and gives its work to others, only when its old
        # session has ended. One broker alone has nobody to hand it to, so nothing is lost by giving it up early; of
        # several a busy one must not be taken for dead at once.
        "broker.heartbeat.interval.ms": "300" if brokers == 1 else "500",
        "broker.session.timeout.ms": "1500" if brokers == 1 else "3000",
        # What is not yet flushed is read again after kill -9: small segments keep that short.
        "log.segment.bytes": str(64 * _MB),
        "log.index.size.max.bytes": str(_MB),
        "num.recovery.threads.per.data.dir": "2",
        "message.max.bytes": str(8 * _MB),
        "replica.fetch.max.bytes": str(8 * _MB),
        # A small process: the cleaner's buffer alone is 128 MB by default.
        "log.cleaner.threads": "1",
        "log.cleaner.dedupe.buffer.size": str(16 * _MB),
        "num.network.threads": "2",
        "num.io.threads": "4",
        "background.threads": "2",
        "log.retention.check.interval.ms": "60000",
        # All brokers stop together: the last ones would wait in vain for a majority to take over from them.
        "controlled.shutdown.enable": "true" if brokers == 1 else "false",
    }


def _kept(copies: int) -> dict[str, str]:
    """Return how many copies there are of what, internal topics included, and how many a write needs."""
    in_step = str(least_in_step(copies))
    return {
        "default.replication.factor": str(copies),
        "min.insync.replicas": in_step,
        # Each partition of an internal topic costs memory and start time; one group coordinator is enough here.
        "offsets.topic.num.partitions": "1",
        "offsets.topic.replication.factor": str(copies),
        "transaction.state.log.num.partitions": "1",
        "transaction.state.log.replication.factor": str(copies),
        "transaction.state.log.min.isr": in_step,
        "share.coordinator.state.topic.num.partitions": "1",
        "share.coordinator.state.topic.replication.factor": str(copies),
        "share.coordinator.state.topic.min.isr": in_step,
    }


def logging(broker: Broker) -> dict[str, str]:
    """Return the configuration of the broker's log: warnings, to a file that is rotated, nothing to the console."""
    return {
        "status": "error",
        "appender.file.type": "RollingFile",
        "appender.file.name": "file",
        "appender.file.fileName": str(broker.log_file),
        "appender.file.filePattern": f"{broker.log_file}.%i",
        "appender.file.layout.type": "PatternLayout",
        "appender.file.layout.pattern": "%d{yyyy-MM-dd'T'HH:mm:ss.SSS'Z'}{UTC} %p %c{1} %m%n",
        "appender.file.policies.type": "Policies",
        "appender.file.policies.size.type": "SizeBasedTriggeringPolicy",
        "appender.file.policies.size.size": "10MB",
        "appender.file.strategy.type": "DefaultRolloverStrategy",
        "appender.file.strategy.max": "3",
        "rootLogger.level": "warn",
        "rootLogger.appenderRef.file.ref": "file",
    }


def text(values: Mapping[str, str]) -> str:
    """Return values as a Java properties file; a backslash in a path must be doubled there."""
    return "".join(f"{key}={value.replace(chr(92), chr(92) * 2)}\n" for key, value in values.items())


def command(broker: Broker, main: str, *arguments: str) -> tuple[str, ...]:
    """Return the command line that runs one of the broker's programs."""
    return (
        str(broker.java.path),
        *broker.java.flags(broker.heap_mb),
        *(broker.extra_flags if main == MAIN else ()),
        f"-Djava.io.tmpdir={broker.scratch}",
        f"-Dlog4j2.configurationFile={broker.logging_file.as_uri()}",
        "-cp",
        os.pathsep.join(str(jar) for jar in broker.jars),
        main,
        *arguments,
    )


def prepare(broker: Broker, environ: Mapping[str, str], cluster_id: str) -> None:
    """Write the configuration and, in a new data directory only, format the storage; blocks for about a second then."""
    shutil.rmtree(broker.scratch, ignore_errors=True)
    broker.scratch.mkdir(parents=True)
    broker.logging_file.write_text(text(logging(broker)), "utf-8")
    if not broker.data.exists():
        _format(broker, environ, cluster_id)
    broker.properties_file.write_text(text(properties(broker)), "utf-8")


def _format(broker: Broker, environ: Mapping[str, str], cluster_id: str) -> None:
    """Format beside the final place and move it there whole, so that a kill leaves no half folder."""
    draft = broker.folder / "data.new"
    shutil.rmtree(draft, ignore_errors=True)
    values = properties(broker) | {"log.dirs": str(draft)}
    broker.properties_file.write_text(text(values), "utf-8")
    done = subprocess.run(
        command(broker, _FORMAT, *format_arguments(broker, cluster_id)),
        capture_output=True,
        text=True,
        errors="replace",
        timeout=_FORMAT_WITHIN_S,
        check=False,
        env=dict(environ),
    )
    if done.returncode != 0 or not (draft / _META).is_file():
        said = (done.stderr or done.stdout).strip().splitlines() or ["nothing"]
        raise Misconfigured(
            f"the storage of Kafka in {broker.folder} cannot be formatted (it said: {said[-1]})",
            fix="check that the disk is writable and has room, then run `tapeline up` again",
        )
    draft.rename(broker.data)


def format_arguments(broker: Broker, cluster_id: str) -> tuple[str, ...]:
    """Return what the storage tool is asked; an id may begin with a dash, so it must not stand alone."""
    return ("format", f"--cluster-id={cluster_id}", "--config", str(broker.properties_file))


def new_cluster_id() -> str:
    """Return a random cluster id in the form that Kafka wants: 16 bytes in URL-safe base64 without padding."""
    return base64.urlsafe_b64encode(bytes.fromhex(entropy.new_id())).decode().rstrip("=")


def damage(data: Path) -> str | None:
    """Return what is wrong with a folder of records that exists, or None when it can be started from."""
    meta = data / _META
    try:
        named = identity(data)
    except FileNotFoundError:
        return f"{meta} is missing"
    except (OSError, UnicodeDecodeError) as error:
        return f"{meta} cannot be read ({error})"
    lacking = sorted({"version", "cluster.id", "node.id"} - named.keys())
    if lacking:
        return f"{meta} does not name {lacking[0]}"
    if not any((data / name).exists() for name in ("bootstrap.checkpoint", _METADATA)):
        return f"{data / _METADATA} is missing"
    return None


def identity(data: Path) -> dict[str, str]:
    """Return what a folder of records says of itself: whose it is and of which cluster."""
    lines = (data / _META).read_text("utf-8").splitlines()
    return {key.strip(): value.strip() for key, equals, value in (line.partition("=") for line in lines) if equals}


def has_run(data: Path) -> bool:
    """Tell whether a broker was ever started with this folder, which is more than made."""
    return (data / _METADATA).exists()
