"""The real registry process on a topic of a test's own, and a real broker that a test may kill."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path

from infra.embedded import jars, java, kafka
from infra.embedded.ports import Ports
from tests.support.eventually import eventually
from tests.support.guarded_kafka import Process

BACK_WITHIN_S = 20.0


class RegistryProcess:
    """A registry that a test starts, kills and starts again on the same port and topic."""

    def __init__(self, folder: Path, kafka_address: str, port: int, topic: str) -> None:
        self._folder = folder
        self._port = port
        wanted = ("--port", str(port), "--kafka", kafka_address, "--topic", topic)
        self._command = (sys.executable, "-m", "infra.embedded.registry", *wanted)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Return where it answers."""
        return f"http://127.0.0.1:{self._port}"

    def spawn(self) -> None:
        """Start it and return at once."""
        folder = str(self._folder)
        env = {**os.environ, "TAPELINE_DATA__DIR": folder, "TAPELINE_LOG__DIR": folder}
        with (self._folder / "output.log").open("ab") as output:
            self._process = subprocess.Popen(self._command, cwd=folder, env=env, stdout=output, stderr=output)

    async def ready(self) -> None:
        """Wait until it has read its log."""
        await eventually(lambda: self.health() == 200, within_s=BACK_WITHIN_S)

    def health(self) -> int | None:
        """Return the status of its health, None while the port is closed."""
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=5) as response:  # noqa: S310 - our own http address
                return int(response.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code
        except OSError:
            return None

    def kill(self) -> None:
        """End it with SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> int:
        """Ask it to end and return its exit code."""
        assert self._process is not None
        self._process.terminate()
        return self.ended()

    def ended(self) -> int:
        """Wait until it has ended and return its exit code."""
        assert self._process is not None
        return self._process.wait(timeout=BACK_WITHIN_S)


@contextlib.contextmanager
def registry_process(folder: Path, kafka_address: str, topic: str | None = None) -> Iterator[RegistryProcess]:
    """Start a registry, on a new topic when none is named, and end it with the block."""
    with free_ports(1) as (port,):
        process = RegistryProcess(folder, kafka_address, port, topic or f"_schemas-{uuid.uuid4().hex}")
        process.spawn()
        try:
            yield process
        finally:
            process.kill()


@contextlib.contextmanager
def free_ports(count: int) -> Iterator[tuple[int, ...]]:
    """Return free ports that stay ours when who listens there dies."""
    with Ports() as ports:
        yield tuple(ports.take(0, "a test") for _ in range(count))


@contextlib.contextmanager
def broker_process(folder: Path, cache: Path) -> Iterator[tuple[str, Process]]:
    """Start a broker in an empty folder; yield its address and its process; `cache` holds the jars."""
    with free_ports(2) as (port, controller_port):
        node = kafka.Node(node_id=1, port=port, controller_port=controller_port)
        broker = kafka.Broker(
            node=node,
            cluster=(node,),
            folder=folder / "kafka",
            log_file=folder / "kafka.log",
            java=java.find(os.environ),
            jars=jars.class_path(jars.load_lock(), cache),
            heap_mb=256,
        )
        broker.folder.mkdir()
        kafka.prepare(broker, os.environ, kafka.new_cluster_id())
        process = Process(broker, port)
        process.start()
        try:
            yield f"127.0.0.1:{port}", process
        finally:
            process.kill()
