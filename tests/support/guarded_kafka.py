"""A real broker that lets nobody in without a password over TLS: four listeners, one for each way of being kept out.

What no rule allows is denied to every user but the administrator of the test; who comes without a password or with a
certificate only is an administrator too.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from infra.embedded import jars, java, kafka
from tapeline.runtime import endpoints
from tapeline.runtime.endpoints import KafkaEndpoint
from tapeline.runtime.tls import TlsFiles
from tests.support.authority import Authority, Identity

USER = "tapeline"
PASSWORD = "a-password-of-the-test"
_STARTS_WITHIN_S = 40.0
_LOGIN = "org.apache.kafka.common.security.scram.ScramLoginModule required;"


class Process:
    """The broker's process, which a test may stop, pause and start again."""

    def __init__(self, broker: kafka.Broker, port: int) -> None:
        self._broker = broker
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it listens."""
        line = kafka.command(self._broker, kafka.MAIN, str(self._broker.properties_file))
        with self._broker.log_file.open("ab") as log:
            self._process = subprocess.Popen(line, stdout=log, stderr=log)
        _await_port(self._port, self._process, self._broker.log_file)

    def kill(self) -> None:
        """End it with SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Keep it from doing anything for the length of the block; its connections stay open."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """The running broker: how to be let in by each listener."""

    plain: KafkaEndpoint
    tls: KafkaEndpoint
    password: KafkaEndpoint
    both: KafkaEndpoint
    process: Process


@contextlib.contextmanager
def guarded_kafka(folder: Path, cache: Path) -> Iterator[Guarded]:
    """Start the broker in an empty folder and stop it at the end; `cache` holds the jars."""
    authority = Authority(folder)
    server, client = authority.issue("broker"), authority.issue("client")
    ports = _free_ports(5)
    lock = jars.load_lock()
    broker = kafka.Broker(
        node=kafka.Node(node_id=1, port=ports[0], controller_port=ports[4]),
        cluster=(kafka.Node(node_id=1, port=ports[0], controller_port=ports[4]),),
        folder=folder / "kafka",
        log_file=folder / "kafka.log",
        java=java.find(os.environ),
        jars=jars.class_path(lock, cache),
        heap_mb=256,
    )
    broker.folder.mkdir()
    _prepare(broker, ports, server, authority.ca_file)
    process = Process(broker, ports[3])
    try:
        process.start()
        files = TlsFiles(section="kafka", ca_file=authority.ca_file, cert_file=client.cert, key_file=client.key)
        yield _endpoints(ports, files, process)
    finally:
        process.kill()


def _endpoints(ports: list[int], files: TlsFiles, process: Process) -> Guarded:
    def at(port: int, protocol: endpoints.SecurityProtocol) -> KafkaEndpoint:
        return KafkaEndpoint(
            bootstrap=f"127.0.0.1:{port}",
            security_protocol=protocol,
            username=USER,
            password=PASSWORD,
            tls=files,
            max_retries=0,
        )

    return Guarded(
        plain=at(ports[0], "PLAINTEXT"),
        tls=at(ports[1], "SSL"),
        password=at(ports[2], "SASL_PLAINTEXT"),
        both=at(ports[3], "SASL_SSL"),
        process=process,
    )


def _prepare(broker: kafka.Broker, ports: list[int], server: Identity, ca_file: Path) -> None:
    store = broker.folder / "server.pem"
    store.write_bytes(server.key.read_bytes() + server.cert.read_bytes())
    broker.scratch.mkdir(parents=True)
    broker.logging_file.write_text(kafka.text(kafka.logging(broker)), "utf-8")
    names = ("BROKER", "TLS", "PASSWORD", "BOTH")
    listeners = ",".join(f"{name}://127.0.0.1:{port}" for name, port in zip(names, ports, strict=False))
    values = kafka.properties(broker) | {
        "listeners": f"{listeners},CONTROLLER://127.0.0.1:{ports[4]}",
        "advertised.listeners": listeners,
        "listener.security.protocol.map": "BROKER:PLAINTEXT,TLS:SSL,PASSWORD:SASL_PLAINTEXT,BOTH:SASL_SSL,"
        "CONTROLLER:PLAINTEXT",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": f"User:ANONYMOUS;User:CN=client;User:{USER}",
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(store),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(ca_file),
        "ssl.client.auth": "required",
        "listener.name.password.scram-sha-512.sasl.jaas.config": _LOGIN,
        "listener.name.both.scram-sha-512.sasl.jaas.config": _LOGIN,
    }
    broker.properties_file.write_text(kafka.text(values), "utf-8")
    scram = f"SCRAM-SHA-512=[name={USER},password={PASSWORD}]"
    arguments = ("format", f"--cluster-id={kafka.new_cluster_id()}", "--add-scram", scram)
    subprocess.run(
        kafka.command(broker, "kafka.tools.StorageTool", *arguments, "--config", str(broker.properties_file)),
        check=True,
        capture_output=True,
        timeout=_STARTS_WITHIN_S,
    )


def _await_port(port: int, process: subprocess.Popen[bytes], log_file: Path) -> None:
    give_up = time.monotonic() + _STARTS_WITHIN_S
    while time.monotonic() < give_up:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.1)
            break
    message = f"the guarded broker did not start:\n{log_file.read_text('utf-8')[-2000:]}"
    raise AssertionError(message)


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [one.getsockname()[1] for one in held]
