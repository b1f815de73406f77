"""The tables of the settings file: each key with its type, default, limits and the sentence that docs show.

A description that begins with DANGER names a key that can lose money or data; one that begins with RECOMMENDED says
what to set on a server.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator
from pydantic_core import PydanticCustomError

SAMPLE_SECRET: Final = "sample_secret"  # noqa: S105 - the name of an error, not a secret
CLUSTERS: Final = (1, 3)
"""So many brokers can be started here: alone, or the fewest of which one may die."""

_SAMPLES = re.compile(
    r"change[-_ ]?(?:me|it|this)|(?:my|your|the)?[-_ ]?(?:super)?[-_ ]?(?:secret|password|passw0rd|passwd|token)"
    r"|your[-_ ].*|<.*>|\$?\{.*\}|example|sample|placeholder|default|x{3,}|todo|dummy|123456\d*",
    re.IGNORECASE,
)
_RETRIES = "tries at start before the process gives up (X-06)"
_CA = "certificate authority; default: the system's"
_CERT = "client certificate, for mutual TLS"
_KEY = "key of the client certificate"
_USED_WITH = "what the service asks for; with password"


def _own(secret: SecretStr) -> SecretStr:
    """Refuse a secret that stands in every example on the internet (X-14)."""
    value = secret.get_secret_value().strip()
    if _SAMPLES.fullmatch(value) or _SAMPLES.fullmatch(value.rstrip("!0123456789")):
        raise PydanticCustomError(SAMPLE_SECRET, "set a secret of your own")
    return secret


def _web(url: str) -> str:
    if re.fullmatch(r"https?://[^/\s@]+(?:/\S*)?", url) is None:
        raise PydanticCustomError("url", "give http(s)://host:port; username and password are keys of their own")
    return url


def _node(scheme: str, address: SecretStr) -> SecretStr:
    # Providers put their key into the path, so the whole address is a secret; with no slash at its end, as it is used.
    url = address.get_secret_value().rstrip("/")
    if re.fullmatch(rf"{scheme}s?://[^/\s@]+(?:/\S*)?", url) is None:
        raise PydanticCustomError("url", "give {scheme}(s)://host/path", {"scheme": scheme})
    return SecretStr(url)


def _quorum(brokers: int) -> int:
    if brokers not in CLUSTERS:
        raise PydanticCustomError("brokers", "it should be 1 or 3: of two or four, one more could not be spared")
    return brokers


def _level(value: object) -> object:
    # Python's own word and any case are understood.
    return {"warning": "warn"}.get(value.lower(), value.lower()) if isinstance(value, str) else value


def _number(value: object) -> object:
    # A variable of the environment is text.
    return int(value) if isinstance(value, str) and value.isdecimal() else value


Secret = Annotated[SecretStr, AfterValidator(_own)]
NodeHttp = Annotated[SecretStr, AfterValidator(partial(_node, "http"))]
NodeWs = Annotated[SecretStr, AfterValidator(partial(_node, "ws"))]
Level = Annotated[Literal["debug", "info", "warn", "error"], BeforeValidator(_level)]
Depth = Annotated[Literal[20, 50, 0], BeforeValidator(_number)]


class Section(BaseModel):
    """A table of the settings file; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class _Tls(Section):
    """What every TLS client takes."""

    ca_file: Path | None = Field(default=None, description=_CA)
    cert_file: Path | None = Field(default=None, description=_CERT)
    key_file: Path | None = Field(default=None, description=_KEY)

    @model_validator(mode="after")
    def _pair(self) -> Self:
        if (self.cert_file is None) != (self.key_file is None):
            raise PydanticCustomError("pair", "set cert_file and key_file both, or neither")
        return self


class Data(Section):
    """Where things are kept."""

    dir: Path = Field(default=Path(".tapeline"), description="data and run file; relative to the project's root")
    cache_dir: Path | None = Field(default=None, description="fetched jars; default: the user's cache folder")


class Log(Section):
    """What is written down about the run."""

    level: Level = Field(default="debug", description="RECOMMENDED info on a server; the lowest level written")
    dir: Path = Field(default=Path("logs"), description="folder of the log files; relative to the project's root")
    console: Literal["off", "json", "text"] = Field(default="off", description="what also goes to standard error")
    max_mb: int = Field(default=50, ge=1, description="a log file is rotated at this size and at midnight UTC")
    keep_days: int = Field(default=14, ge=1, description="rotated files older than this are deleted")


class Kafka(_Tls):
    """The broker; with no bootstrap, `tapeline up` starts its own."""

    bootstrap: str | None = Field(default=None, description="host:port of one or more brokers, comma separated")
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT", description="DANGER PLAINTEXT only on loopback or a private network"
    )
    sasl_mechanism: Literal["SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"] = Field(
        default="SCRAM-SHA-512", description="with SASL_PLAINTEXT or SASL_SSL"
    )
    username: str | None = Field(default=None, description="with SASL_PLAINTEXT or SASL_SSL")
    password: Secret | None = Field(default=None, description="with SASL_PLAINTEXT or SASL_SSL")
    partitions: int | None = Field(default=None, ge=1, description="DANGER fixed at creation; 4 embedded, 12 otherwise")
    replication: int = Field(default=1, ge=1, description="RECOMMENDED 3 on a cluster; copies of each record")
    max_retries: int = Field(default=5, ge=0, description=_RETRIES)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.security_protocol.startswith("SASL") and (self.username is None or self.password is None):
            raise PydanticCustomError("sasl", "security_protocol SASL_* needs username and password")
        return self


class Registry(_Tls):
    """The schema registry; with no url, `tapeline up` starts its own."""

    url: Annotated[str, AfterValidator(_web)] | None = Field(default=None, description="http(s)://host:port")
    username: str | None = Field(default=None, description=_USED_WITH)
    password: Secret | None = Field(default=None, description=_USED_WITH.replace("password", "username"))


class Database(_Tls):
    """Postgres; with no host, `tapeline up` starts its own."""

    type: Literal["postgres"] = Field(default="postgres", description="Tapeline stores in Postgres only")
    host: str | None = Field(default=None, description="host name of a Postgres that you run")
    port: int = Field(default=5432, ge=1, le=65535, description="its port")
    user: str = Field(default="tapeline", description="who Tapeline is there")
    password: Secret | None = Field(default=None, description="with user")
    name: str = Field(default="ct_system", description="the database")
    use_tls: bool = Field(default=True, description="DANGER no only on a private network; our own Postgres needs none")
    sslmode: Literal["require", "verify-ca", "verify-full"] = Field(
        default="verify-ca", description="RECOMMENDED verify-full where certificates name the host; with use_tls"
    )
    pool_max: int = Field(default=20, ge=1, description="connections of one process at most")
    pool_idle: int = Field(default=5, ge=0, description="connections kept open")
    max_retries: int = Field(default=5, ge=0, description=_RETRIES)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.pool_idle > self.pool_max:
            raise PydanticCustomError("pool", "pool_idle must not be above pool_max")
        return self


class ClickHouse(_Tls):
    """ClickHouse; with no host, `tapeline up` starts its own."""

    host: str | None = Field(default=None, description="host name of a ClickHouse that you run")
    port: int = Field(default=8123, ge=1, le=65535, description="its HTTP port (HTTPS: 8443)")
    database: str = Field(default="crypto", description="the database")
    username: str = Field(default="default", description="who Tapeline is there")
    password: Secret | None = Field(default=None, description="with username")
    secure: bool = Field(default=False, description="RECOMMENDED yes on a server; HTTPS instead of HTTP")
    max_retries: int = Field(default=5, ge=0, description=_RETRIES)


class Embedded(Section):
    """The services that `tapeline up` starts itself; port 0 takes a free one."""

    brokers: Annotated[int, AfterValidator(_quorum)] = Field(
        default=1, description="RECOMMENDED 3 where one may die; 1 or 3; fixed by the first start in a data directory"
    )
    kafka_port: int = Field(default=0, ge=0, le=65533, description="port of the broker; of three the first of them")
    registry_port: int = Field(default=0, ge=0, le=65535, description="port of the schema registry")
    postgres_port: int = Field(default=0, ge=0, le=65535, description="port of Postgres")
    clickhouse_port: int = Field(default=0, ge=0, le=65535, description="port of ClickHouse")
    kafka_heap_mb: int = Field(default=256, ge=128, description="memory of a broker's heap")
    ready_timeout_s: float = Field(default=120.0, gt=0, description="how long `up` waits; the first one fetches jars")
    pipeline: bool = Field(default=False, description="`up` also starts producers, agents, sinks and gateway")


class Process(Section):
    """What holds for every process."""

    drain_timeout_s: float = Field(default=30.0, gt=0, le=30.0, description="after this a stop is forced")
    heartbeat_every_s: float = Field(default=5.0, gt=0, description="offline for others after three missed")
    metrics_port: int = Field(default=0, ge=0, le=65535, description="port of /metrics and /health; 0: any")
    metrics_host: str = Field(
        default="127.0.0.1",
        description="DANGER another address only where nobody else can reach it: it asks for nothing",
    )
    heartbeat_path: Path | None = Field(
        default=None, description="file that is replaced every second, for a container's health check"
    )


class Server(Section):
    """The gateway's own server."""

    port: int = Field(default=8080, ge=0, le=65535, description="port of REST, WebSocket and web UI; 0: any")
    host: str = Field(default="127.0.0.1", description="DANGER another address only behind a reverse proxy with TLS")
    token: Secret | None = Field(default=None, description="what clients must show; default: that of the run file")


class Venues(Section):
    """The exchanges."""

    network: Literal["main", "test", "simulated"] = Field(
        default="main", description="which addresses: the venue's own, its test network's, or our simulator's"
    )
    node_http: NodeHttp | None = Field(default=None, description="JSON-RPC node of Ethereum over HTTP, for uniswap")
    node_ws: NodeWs | None = Field(default=None, description="the same node's WebSocket")
    oneinch_key: Secret | None = Field(default=None, description="API key of the 1inch Business Portal, for 1inch")


class Simulation(Section):
    """The simulated exchanges, with venues.network = simulated."""

    seed: int = Field(default=0, description="the same seed gives the same market")
    symbols: int = Field(default=20, ge=1, description="how many symbols are listed on each venue and market")
    faults: str = Field(default="", description="what goes wrong, comma separated, or all")
    rate: float = Field(default=1.0, gt=0, description="scales how much happens")
    keys: SecretStr | None = Field(default=None, description="keys as JSON by venue; default: made from the seed")


class Monitor(Section):
    """What is recorded."""

    venues: str = Field(default="binance,bybit", description="which exchanges are recorded, comma separated, or all")
    symbols: str = Field(default="BTC/USDT,ETH/USDT", description="what is recorded, comma separated, or all")
    tasks: bool = Field(
        default=False, description="the tables monitoring and trade say what is recorded, not venues and symbols"
    )
    orderbook_depth: Depth = Field(default=20, description="levels a side of md.book: 20, 50, or 0 for all")
    batch_size: int = Field(default=10_000, ge=1, description="rows written to ClickHouse at once")
    batch_interval_sec: float = Field(default=1.0, gt=0, description="a batch that is not full is written after this")
    ring_buffer_size: int = Field(
        default=10_000, ge=1, description="records waiting to be published; oldest shed first"
    )


class Trader(Section):
    """How much may be traded; all caps hold, the smallest wins."""

    live: bool = Field(default=False, description="DANGER yes trades with real money, with venues.network = main")
    account: str = Field(default="main", min_length=1, description="name of the set of keys, one executor each")
    max_open_orders: int = Field(default=10, ge=0, description="DANGER orders open at once in an account")
    max_position_size: Decimal = Field(default=Decimal(1000), ge=0, description="DANGER largest position, in USDT")
    max_open_positions: int = Field(default=5, ge=0, description="DANGER positions held at once in an account")
    max_exposure: Decimal = Field(default=Decimal(10_000), ge=0, description="DANGER all positions together, in USDT")
    min_order_size: Decimal = Field(default=Decimal(5), ge=0, description="smallest order, in USDT")
    max_pairs: int = Field(default=1, ge=0, description="DANGER two-leg trades at once")
    on_restart: Literal["close", "resume"] = Field(
        default="close", description="two-leg trades that a start finds open: closed, or left to their strategies"
    )
    on_stop: Literal["close", "keep"] = Field(
        default="close", description="what is held at a stop: closed within its 30 s, or kept; orders are cancelled"
    )
    default_strategy: Literal["grid", "dca", "scalp"] = Field(default="grid", description="for a task that names none")


class Strategies(Section):
    """What trades by itself; nothing does unless it is named here."""

    run: tuple[dict[str, Any], ...] = Field(
        default=(), description="DANGER instances: name, strategy, account, symbols (default: all), parameters"
    )


class Keys(Section):
    """Keys of the venues, for the executor alone; from the environment or an env file, never from tapeline.toml."""

    binance_key: Secret | None = Field(default=None, description="may trade, must not withdraw")
    binance_secret: Secret | None = Field(default=None, description="with binance_key")
    bybit_key: Secret | None = Field(default=None, description="may trade, must not withdraw")
    bybit_secret: Secret | None = Field(default=None, description="with bybit_key")


class Users(Section):
    """Passwords that `tapeline topics acls --apply` gives the broker's users; from the environment or .env.admin."""

    producers_password: Secret | None = Field(default=None, description="of the user tapeline-producers")
    processors_password: Secret | None = Field(default=None, description="of the user tapeline-processors")
    strategies_password: Secret | None = Field(default=None, description="of the user tapeline-strategies")
    executor_password: Secret | None = Field(default=None, description="of the user tapeline-executor")
    sinks_password: Secret | None = Field(default=None, description="of the user tapeline-sinks")
    gateway_password: Secret | None = Field(default=None, description="of the user tapeline-gateway")
    infra_password: Secret | None = Field(default=None, description="of the user tapeline-infra: `up` and its registry")
    cli_password: Secret | None = Field(default=None, description="of the user tapeline-cli: commands that look")
