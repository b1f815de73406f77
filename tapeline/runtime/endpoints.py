"""Where each service answers and how to be let in: a service named in settings wins, else the run file's own.

Nothing is refused before it is needed: a command that reads Kafka only works while Postgres is not running.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Literal, TypeVar
from urllib.parse import urlsplit

from tapeline.errors import Misconfigured
from tapeline.runtime import runfile
from tapeline.runtime.tls import TlsFiles

if TYPE_CHECKING:
    from pydantic import SecretStr

    from tapeline.runtime.runfile import RunFile
    from tapeline.runtime.settings import Settings

EMBEDDED_PARTITIONS = 4
EXTERNAL_PARTITIONS = 12
DATABASE_OWNER = "tapeline"
"""Who owns the tables in the Postgres that `tapeline up` starts, and migrates them."""

SslMode = Literal["disable", "require", "verify-ca", "verify-full"]
SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
SaslMechanism = Literal["SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"]

_Endpoint = TypeVar("_Endpoint")


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaEndpoint:
    """The broker, and what a topic of ours looks like there."""

    bootstrap: str
    security_protocol: SecurityProtocol = "PLAINTEXT"
    sasl_mechanism: SaslMechanism = "SCRAM-SHA-512"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: TlsFiles = field(default_factory=partial(TlsFiles, section="kafka"))
    partitions: int = EMBEDDED_PARTITIONS
    replication: int = 1
    max_retries: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryEndpoint:
    """The schema registry."""

    url: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: TlsFiles = field(default_factory=partial(TlsFiles, section="registry"))


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresEndpoint:
    """Postgres; `sslmode` means what it means to libpq."""

    host: str
    port: int
    user: str
    name: str
    password: str | None = field(default=None, repr=False)
    sslmode: SslMode = "disable"
    tls: TlsFiles = field(default_factory=partial(TlsFiles, section="database"))
    pool_max: int = 20
    pool_idle: int = 5
    max_retries: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ClickHouseEndpoint:
    """ClickHouse over HTTP; `embedded` is our own front, which takes no compressed bodies."""

    host: str
    port: int
    database: str
    username: str
    password: str | None = field(default=None, repr=False)
    secure: bool = False
    tls: TlsFiles = field(default_factory=partial(TlsFiles, section="clickhouse"))
    embedded: bool = False
    max_retries: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """All services; asking for one that is neither named nor running raises Misconfigured."""

    found_kafka: KafkaEndpoint | None = None
    found_registry: RegistryEndpoint | None = None
    found_postgres: PostgresEndpoint | None = None
    found_clickhouse: ClickHouseEndpoint | None = None
    run: RunFile | None = None

    @property
    def kafka(self) -> KafkaEndpoint:
        """Return the broker."""
        return _needed(self.found_kafka, "Kafka", "kafka.bootstrap")

    @property
    def registry(self) -> RegistryEndpoint:
        """Return the schema registry."""
        return _needed(self.found_registry, "the schema registry", "registry.url")

    @property
    def postgres(self) -> PostgresEndpoint:
        """Return Postgres."""
        return _needed(self.found_postgres, "Postgres", "database.host")

    @property
    def clickhouse(self) -> ClickHouseEndpoint:
        """Return ClickHouse."""
        return _needed(self.found_clickhouse, "ClickHouse", "clickhouse.host")


def resolve(settings: Settings) -> Endpoints:
    """Read the run file of the data directory and find all services."""
    return endpoints_from(settings, runfile.read(settings.data.dir))


def endpoints_from(settings: Settings, run: RunFile | None) -> Endpoints:
    """Find all services in settings and, for those not named there, in the run file; reads nothing else."""
    return Endpoints(
        found_kafka=_kafka(settings, run),
        found_registry=_registry(settings, run),
        found_postgres=_postgres(settings, run),
        found_clickhouse=_clickhouse(settings, run),
        run=run,
    )


def _kafka(settings: Settings, run: RunFile | None) -> KafkaEndpoint | None:
    named = settings.kafka
    if named.bootstrap is None:
        if run is None or run.addresses.kafka is None:
            return None
        return KafkaEndpoint(
            bootstrap=run.addresses.kafka,
            partitions=named.partitions or EMBEDDED_PARTITIONS,
            # The run file names every broker, and each has a copy.
            replication=len(run.addresses.kafka.split(",")),
            max_retries=named.max_retries,
        )
    return KafkaEndpoint(
        bootstrap=named.bootstrap,
        security_protocol=named.security_protocol,
        sasl_mechanism=named.sasl_mechanism,
        username=named.username,
        password=_plain(named.password),
        tls=TlsFiles(section="kafka", ca_file=named.ca_file, cert_file=named.cert_file, key_file=named.key_file),
        partitions=named.partitions or EXTERNAL_PARTITIONS,
        replication=named.replication,
        max_retries=named.max_retries,
    )


def _registry(settings: Settings, run: RunFile | None) -> RegistryEndpoint | None:
    named = settings.registry
    if named.url is None:
        if run is None or run.addresses.registry is None:
            return None
        address = run.addresses.registry
        return RegistryEndpoint(url=address if "://" in address else f"http://{address}")
    return RegistryEndpoint(
        url=named.url.rstrip("/"),
        username=named.username,
        password=_plain(named.password),
        tls=TlsFiles(section="registry", ca_file=named.ca_file, cert_file=named.cert_file, key_file=named.key_file),
    )


def _postgres(settings: Settings, run: RunFile | None) -> PostgresEndpoint | None:
    named = settings.database
    if named.host is None:
        if run is None or run.addresses.postgres is None:
            return None
        host, port = _host_port(run.addresses.postgres)
        return PostgresEndpoint(
            host=host,
            port=port,
            user=named.user,
            name=named.name,
            # A worker that `up` started has a login of its own, which may do what its role may.
            password=run.secrets.postgres_password if named.user == DATABASE_OWNER else _plain(named.password),
            pool_max=named.pool_max,
            pool_idle=named.pool_idle,
            max_retries=named.max_retries,
        )
    return PostgresEndpoint(
        host=named.host,
        port=named.port,
        user=named.user,
        name=named.name,
        password=_plain(named.password),
        sslmode=named.sslmode if named.use_tls else "disable",
        tls=TlsFiles(section="database", ca_file=named.ca_file, cert_file=named.cert_file, key_file=named.key_file),
        pool_max=named.pool_max,
        pool_idle=named.pool_idle,
        max_retries=named.max_retries,
    )


def _clickhouse(settings: Settings, run: RunFile | None) -> ClickHouseEndpoint | None:
    named = settings.clickhouse
    if named.host is None:
        if run is None or run.addresses.clickhouse is None:
            return None
        host, port = _host_port(run.addresses.clickhouse)
        return ClickHouseEndpoint(
            host=host,
            port=port,
            database=named.database,
            username=named.username,
            password=run.secrets.clickhouse_password,
            embedded=True,
            max_retries=named.max_retries,
        )
    return ClickHouseEndpoint(
        host=named.host,
        port=named.port,
        database=named.database,
        username=named.username,
        password=_plain(named.password),
        secure=named.secure,
        tls=TlsFiles(section="clickhouse", ca_file=named.ca_file),
        max_retries=named.max_retries,
    )


def _needed(found: _Endpoint | None, service: str, key: str) -> _Endpoint:
    if found is None:
        raise Misconfigured(f"{service} is not running", fix=f"run `tapeline up` or set {key}")
    return found


def _host_port(address: str) -> tuple[str, int]:
    """Split `host:port`, with or without a scheme before it and a path behind it."""
    parts = urlsplit(address if "://" in address else f"//{address}")
    if parts.hostname is None or parts.port is None:
        raise Misconfigured(
            f"the run file names {address!r}, which is not host:port",
            fix="run `tapeline down` and `tapeline up` again",
        )
    return parts.hostname, parts.port


def _plain(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
