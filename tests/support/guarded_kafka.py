"""A real broker that lets nobody in without a password over TLS: four listeners, one for each way of being kept out."""

from __future__ import annotations

import contextlib
import datetime as dt
import ipaddress
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from infra.embedded import jars, java, kafka
from tapeline.runtime import endpoints
from tapeline.runtime.endpoints import KafkaEndpoint
from tapeline.runtime.tls import TlsFiles

USER = "tapeline"
PASSWORD = "a-password-of-the-test"
_STARTS_WITHIN_S = 40.0
_LOGIN = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A certificate in PEM and its key."""

    cert: Path
    key: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """The running broker: how to be let in by each listener."""

    plain: KafkaEndpoint
    tls: KafkaEndpoint
    password: KafkaEndpoint
    both: KafkaEndpoint
    process: subprocess.Popen[bytes]

    def with_password(self, password: str) -> KafkaEndpoint:
        """Return the SASL_SSL listener with another password."""
        return replace(self.both, password=password)


class Authority:
    """A certificate authority for one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tapeline test authority")])
        self._cert = (
            _builder(name, name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(_usage(authority=True), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.ca_file = folder / "ca.pem"
        self.ca_file.write_bytes(self._cert.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str, *, hosts: tuple[str, ...] = ("127.0.0.1",)) -> Identity:
        """Write a certificate of this name, for server and client alike, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host)) for host in hosts])
        cert = (
            _builder(subject, self._cert.subject, key.public_key())
            .add_extension(names, critical=False)
            .add_extension(_usage(authority=False), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        made = Identity(cert=self._folder / f"{name}.pem", key=self._folder / f"{name}.key")
        made.cert.write_bytes(cert.public_bytes(serialization.Encoding.PEM))
        made.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        made.key.chmod(0o600)
        return made


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
    with broker.log_file.open("ab") as log:
        process = subprocess.Popen(
            kafka.command(broker, kafka.MAIN, str(broker.properties_file)), stdout=log, stderr=log
        )
    try:
        _await_port(ports[3], process, broker.log_file)
        yield _endpoints(
            ports,
            TlsFiles(section="kafka", ca_file=authority.ca_file, cert_file=client.cert, key_file=client.key),
            process,
        )
    finally:
        process.kill()
        process.wait()


def _endpoints(ports: list[int], files: TlsFiles, process: subprocess.Popen[bytes]) -> Guarded:
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
    arguments = ("format", "--cluster-id", kafka.new_cluster_id(), "--add-scram", scram)
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
        if process.poll() is not None:
            break
        time.sleep(0.1)
    message = f"the guarded broker did not start:\n{log_file.read_text('utf-8')[-2000:]}"
    raise AssertionError(message)


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [one.getsockname()[1] for one in held]


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + _DAY)
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )
