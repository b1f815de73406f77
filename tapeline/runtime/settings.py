"""Every setting, its default, where it may come from, and the sentence for a wrong one.

Sources, the stronger first: environment (`TAPELINE_KAFKA__BOOTSTRAP`), `.env.<service>`, `.env`, `tapeline.toml`,
defaults. An unknown key stops the start and names the nearest known one. This module is the one place that reads the
environment.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from dotenv import dotenv_values
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from tapeline.errors import Misconfigured

FILE_NAME = "tapeline.toml"
DATA_DIR_NAME = ".tapeline"
PREFIX = "TAPELINE_"
NESTING = "__"

Port = Field(default=0, ge=0, le=65535)


class Section(BaseModel):
    """A table of the settings file; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Data(Section):
    """Where things are kept."""

    dir: Path = Field(default=Path(DATA_DIR_NAME), description="data and run file; relative to the project's root")
    cache_dir: Path | None = Field(default=None, description="fetched jars; default: the user's cache folder")


class Log(Section):
    """What is written down about the run."""

    level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="lowest level written")
    dir: Path = Field(default=Path("logs"), description="folder of the log files; relative to the project's root")
    console: Literal["off", "json", "text"] = Field(default="off", description="what also goes to standard error")
    max_mb: int = Field(default=50, ge=1, description="a log file is rotated at this size and at midnight UTC")
    keep_days: int = Field(default=14, ge=1, description="rotated files older than this are deleted")


class Kafka(Section):
    """The broker; with no `bootstrap`, `tapeline up` starts its own."""

    bootstrap: str | None = Field(default=None, description="host:port of one or more brokers, comma separated")
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"] = "SCRAM-SHA-512"
    username: str | None = None
    password: SecretStr | None = None
    ca_file: Path | None = Field(default=None, description="certificate authority; default: the system's")
    cert_file: Path | None = Field(default=None, description="client certificate")
    key_file: Path | None = Field(default=None, description="key of the client certificate")
    partitions: int | None = Field(default=None, ge=1, description="DANGER fixed at creation; 4 embedded, 12 otherwise")
    replication: int = Field(default=1, ge=1, description="RECOMMENDED 3 on a cluster")
    max_retries: int = Field(default=5, ge=0, description="tries at start before the process gives up")


class Registry(Section):
    """The schema registry; with no `url`, `tapeline up` starts its own."""

    url: str | None = None
    username: str | None = None
    password: SecretStr | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None


class Database(Section):
    """Postgres; with no `host`, `tapeline up` starts its own."""

    type: Literal["postgres"] = "postgres"
    host: str | None = None
    port: int = Field(default=5432, ge=1, le=65535)
    user: str = "tapeline"
    password: SecretStr | None = None
    name: str = "ct_system"
    use_tls: bool = Field(default=True, description="DANGER off only on a private network; own Postgres needs none")
    sslmode: Literal["require", "verify-ca", "verify-full"] = Field(default="verify-ca", description="when use_tls")
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    pool_max: int = Field(default=20, ge=1)
    pool_idle: int = Field(default=5, ge=0)
    max_retries: int = Field(default=5, ge=0, description="tries at start before the process gives up")


class ClickHouse(Section):
    """ClickHouse; with no `host`, `tapeline up` starts its own."""

    host: str | None = None
    port: int = Field(default=8123, ge=1, le=65535)
    database: str = "crypto"
    username: str = "default"
    password: SecretStr | None = None
    secure: bool = Field(default=False, description="HTTPS")
    ca_file: Path | None = None
    max_retries: int = Field(default=5, ge=0, description="tries at start before the process gives up")


class Embedded(Section):
    """The services that `tapeline up` starts itself; port 0 takes a free one."""

    kafka_port: int = Port
    registry_port: int = Port
    postgres_port: int = Port
    clickhouse_port: int = Port
    kafka_heap_mb: int = Field(default=256, ge=128)
    ready_timeout_s: float = Field(default=120.0, gt=0, description="how long `up` waits; the first one fetches jars")


class Process(Section):
    """What holds for every process."""

    drain_timeout_s: float = Field(default=30.0, gt=0, le=30.0, description="after this a stop is forced")
    heartbeat_every_s: float = Field(default=5.0, gt=0)
    metrics_port: int = Port


class Settings(BaseSettings):
    """All settings of every process; each reads what it needs."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter=NESTING, extra="forbid", frozen=True, case_sensitive=False
    )

    data: Data = Data()
    log: Log = Log()
    kafka: Kafka = Kafka()
    registry: Registry = Registry()
    database: Database = Database()
    clickhouse: ClickHouse = ClickHouse()
    embedded: Embedded = Embedded()
    process: Process = Process()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take values from `load` alone: it has merged the sources and knows where each value came from."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)


def load(start: Path | None = None, *, service: str | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Merge and check all sources for one service; raise Misconfigured with one sentence for the first wrong key.

    `start` is where the search for the project's root begins (default: the working directory).
    """
    root = find_root(start or Path.cwd())
    env = os.environ if environ is None else environ
    merged: dict[str, Any] = {}
    origin: dict[str, str] = {}
    for name, layer in _layers(root, service, env):
        for key, value in _leaves(layer):
            _put(merged, key, value)
            origin[key] = name
    try:
        found = Settings(**merged)
    except ValidationError as error:
        raise _sentence(error, origin) from None
    return _rooted(found, root, env)


def find_root(start: Path) -> Path:
    """Return the nearest folder, upwards, that holds the settings file or a data directory; else `start` itself."""
    here = start.resolve()
    for folder in (here, *here.parents):
        if (folder / FILE_NAME).is_file() or (folder / DATA_DIR_NAME).is_dir():
            return folder
    return here


def keys() -> Iterator[tuple[str, str]]:
    """Yield every settings key in dotted form with its description: the catalogue that docs and errors read."""
    for section, info in Settings.model_fields.items():
        model = info.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            for name, field in model.model_fields.items():
                yield f"{section}.{name}", field.description or ""


def _layers(root: Path, service: str | None, env: Mapping[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (name, values) of each source, the weakest first."""
    file = root / FILE_NAME
    if file.is_file():
        try:
            yield str(file), tomllib.loads(file.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise Misconfigured(f"{file} is not valid TOML ({error})", fix="correct that line") from None
    names = [".env"] if service is None else [".env", f".env.{service}"]
    for path in (root / name for name in names):
        if path.is_file():
            yield str(path), _from_environment(dotenv_values(path))
    yield "the environment", _from_environment(env)


def _from_environment(env: Mapping[str, str | None]) -> dict[str, Any]:
    """Turn TAPELINE_SECTION__KEY=value into nested tables; other names are not ours."""
    nested: dict[str, Any] = {}
    for name, value in env.items():
        if name.upper().startswith(PREFIX) and value is not None:
            _put(nested, name[len(PREFIX) :].lower().replace(NESTING, "."), value)
    return nested


def _leaves(table: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (dotted key, value) of a nested table."""
    for key, value in table.items():
        dotted = f"{above}{key}"
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{dotted}.")
        else:
            yield dotted, value


def _put(table: dict[str, Any], dotted: str, value: Any) -> None:  # noqa: ANN401 - a settings value is of any type
    """Set a dotted key in a nested table; a value that stands where a table must stand gives way."""
    *path, last = dotted.split(".")
    for part in path:
        inner = table.get(part)
        table = table.setdefault(part, {}) if isinstance(inner, dict) or inner is None else _replace(table, part)
    table[last] = value


def _replace(table: dict[str, Any], part: str) -> dict[str, Any]:
    table[part] = {}
    inner: dict[str, Any] = table[part]
    return inner


def _sentence(error: ValidationError, origin: Mapping[str, str]) -> Misconfigured:
    """Make the one sentence of the first wrong key; a secret's value is never in it."""
    first = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    source = next((name for known, name in origin.items() if known == key or known.startswith(f"{key}.")), "settings")
    if first["type"] == "extra_forbidden":
        known = [name for name, _ in keys()] + list(Settings.model_fields)
        near = difflib.get_close_matches(key, known, n=1, cutoff=0.0)
        return Misconfigured(f"unknown settings key {key!r} in {source}", fix=f"did you mean {near[0]!r}?")
    if key == "database.type":
        return Misconfigured(
            f"database.type is {first['input']!r} in {source}, and Tapeline stores in Postgres only",
            fix="set it to 'postgres' (port 5432)",
        )
    secret = key.endswith("password")
    value = "" if secret else f" {first['input']!r}"
    return Misconfigured(f"settings key {key!r} in {source} has a wrong value{value}", fix=first["msg"])


def _rooted(found: Settings, root: Path, env: Mapping[str, str]) -> Settings:
    """Make every folder absolute, so that a process started elsewhere means the same place."""
    cache = found.data.cache_dir or Path(env.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tapeline"
    data = found.data.model_copy(update={"dir": root / found.data.dir, "cache_dir": root / cache})
    log = found.log.model_copy(update={"dir": root / found.log.dir})
    return found.model_copy(update={"data": data, "log": log})
