"""Every setting, its default, where it may come from, and the sentence for a wrong one.

Sources, the stronger first: environment (`TAPELINE_KAFKA__BOOTSTRAP`), `.env.<service>`, `.env`, `tapeline.toml`,
defaults. An unknown key stops the start and names the nearest known one. This module is the one place that reads the
environment.
"""

from __future__ import annotations

import difflib
import os
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from tapeline.errors import Misconfigured
from tapeline.runtime import redact, settings_sources
from tapeline.runtime.settings_sections import (
    SAMPLE_SECRET,
    ClickHouse,
    Data,
    Database,
    Embedded,
    Kafka,
    Keys,
    Log,
    Monitor,
    Process,
    Registry,
    Section,
    Server,
    Simulation,
    Strategies,
    Trader,
    Users,
    Venues,
)
from tapeline.runtime.settings_sources import KeyPath

__all__ = [
    "NOT_IN_FILES", "ClickHouse", "Data", "Database", "Embedded", "Kafka", "Key", "Keys", "Log", "Monitor", "Process",
    "Registry", "Section", "Server", "Settings", "Simulation", "Strategies", "Trader", "Users", "Venues", "catalogue",
    "child_environment", "find_root", "given_to", "keys", "load", "secret_values",
]  # fmt: skip

FILE_NAME = "tapeline.toml"
NOT_IN_FILES = frozenset({"keys", "users"})
"""Tables that the settings file must not have."""
_SECRET_SECTIONS = {
    "keys": ("keys of venues", ".env.executor"),
    "users": ("passwords of the broker's users", ".env.admin"),
}
DATA_DIR_NAME = ".tapeline"
PREFIX = "TAPELINE_"
NESTING = "__"

# A name less like ours than this is no slip of the pen.
_SIMILAR = 0.6


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
    server: Server = Server()
    venues: Venues = Venues()
    simulation: Simulation = Simulation()
    monitor: Monitor = Monitor()
    trader: Trader = Trader()
    strategies: Strategies = Strategies()
    keys: Keys = Keys()
    users: Users = Users()

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


@dataclass(frozen=True, slots=True)
class Key:
    """One setting as the catalogue has it."""

    section: str
    name: str
    about: str
    default: object
    choices: tuple[object, ...]
    secret: bool

    @property
    def dotted(self) -> str:
        """Return the name in errors and docs: `kafka.bootstrap`."""
        return f"{self.section}.{self.name}"

    @property
    def variable(self) -> str:
        """Return the name in the environment: `TAPELINE_KAFKA__BOOTSTRAP`."""
        return f"{PREFIX}{self.section}{NESTING}{self.name}".upper()


def catalogue() -> tuple[Key, ...]:
    """Return every setting in the order written: docs, examples and errors read the same list."""
    return tuple(
        _key(section, name, field)
        for section, model in sections().items()
        for name, field in model.model_fields.items()
    )


def sections() -> dict[str, type[BaseModel]]:
    """Return every table of the settings file with its model."""
    found = {name: info.annotation for name, info in Settings.model_fields.items()}
    return {name: model for name, model in found.items() if isinstance(model, type) and issubclass(model, BaseModel)}


def keys() -> Iterator[tuple[str, str]]:
    """Yield every settings key in dotted form with its description."""
    for key in catalogue():
        yield key.dotted, key.about


def load(
    start: Path | None = None, *, service: str | None = None, environ: Mapping[str, str] | None = None
) -> Settings:
    """Merge and check all sources for one service; raise Misconfigured with one sentence for the first wrong key.

    `start` is where the search for the project's root begins (default: the working directory); `environ` stands in for
    the process's environment.
    """
    root = find_root(start or Path.cwd())
    env = os.environ if environ is None else environ
    values, places = settings_sources.merged(_sources(root, service, env))
    try:
        found = Settings(**values)
    except ValidationError as error:
        # Unknown keys first: a wrong value is often the consequence.
        wrong = sorted(error.errors(include_url=False), key=lambda one: one["type"] != "extra_forbidden")
        raise _sentence(wrong[0], places) from None
    return _rooted(found, root, env, places)


def find_root(start: Path) -> Path:
    """Return the nearest folder, upwards, that holds the settings file or a data directory; else `start` itself."""
    here = start.resolve()
    for folder in (here, *here.parents):
        if (folder / FILE_NAME).is_file() or (folder / DATA_DIR_NAME).is_dir():
            return folder
    return here


def secret_values(settings: Settings) -> tuple[str, ...]:
    """Return every secret that is set, so that logs can hide them wherever they turn up."""
    values = (getattr(getattr(settings, key.section), key.name) for key in catalogue() if key.secret)
    return tuple(value.get_secret_value() for value in values if isinstance(value, SecretStr))


def child_environment(*, ours: bool = True, **extra: str) -> dict[str, str]:
    """Return the environment for a child process: this one's with `extra` on top.

    With `ours=False`, for a foreign program (Java, Postgres), it has none of our settings and so none of our secrets.
    """
    kept = {name: value for name, value in os.environ.items() if ours or not name.upper().startswith(PREFIX)}
    return {**kept, **extra}


def given_to(service: str, start: Path | None = None) -> frozenset[str]:
    """Return the variables that `.env.<service>` gives to one service alone."""
    file = find_root(start or Path.cwd()) / f".env.{service}"
    if not file.is_file():
        return frozenset()
    known = {key.variable: (key.section, key.name) for key in catalogue()}
    return frozenset(settings_sources.from_env_file(Settings, file, known).variables.values())


def _sources(root: Path, service: str | None, env: Mapping[str, str]) -> list[settings_sources.Source]:
    """Return the sources that exist, the weakest first."""
    known = {key.variable: (key.section, key.name) for key in catalogue()}
    found: list[settings_sources.Source] = []
    if (root / FILE_NAME).is_file():
        found.append(settings_sources.from_toml(Settings, root / FILE_NAME, tuple(sections())))
        for section in sorted(NOT_IN_FILES & found[0].values.keys()):
            what, file = _SECRET_SECTIONS[section]
            raise Misconfigured(
                f"{root / FILE_NAME} has {what} in it, and files like it end in version control",
                fix=f"move them into the environment or into {file} (see .env.example), and make new ones",
            )
    names = [".env"] if service is None else [".env", f".env.{service}"]
    files = [root / name for name in names if (root / name).is_file()]
    found += [settings_sources.from_env_file(Settings, file, known) for file in files]
    return [*found, settings_sources.from_variables(Settings, "the environment", env, known)]


def _key(section: str, name: str, field: FieldInfo) -> Key:
    kinds = tuple(_kinds(field.annotation))
    choices = tuple(choice for kind in kinds if typing.get_origin(kind) is Literal for choice in typing.get_args(kind))
    return Key(section, name, field.description or "", field.default, choices, secret=SecretStr in kinds)


def _kinds(annotation: object) -> Iterator[object]:
    """Yield an annotation and what it is made of: `Annotated[SecretStr, ..] | None` has SecretStr in it."""
    yield annotation
    if typing.get_origin(annotation) is not Literal:
        for inner in typing.get_args(annotation):
            yield from _kinds(inner)


def _sentence(error: ErrorDetails, places: Mapping[KeyPath, str]) -> Misconfigured:
    """Make the one sentence of a wrong key; a secret's value is never in it, nor any value of an unknown key."""
    path = tuple(str(part) for part in error["loc"])
    dotted = ".".join(path)
    place = next((place for key, place in places.items() if key[: len(path)] == path), "the settings")
    if error["type"] == "extra_forbidden":
        return _unknown(path, place)
    value = error["input"]
    if dotted == "database.type":
        return Misconfigured(
            f"database.type is {value!r} in {place}, and Tapeline stores in Postgres only",
            fix="set it to 'postgres' (port 5432)",
        )
    known = next((key for key in catalogue() if key.dotted == dotted), None)
    if error["type"] == SAMPLE_SECRET:
        return Misconfigured(f"settings key {dotted!r} in {place} is still the sample", fix=error["msg"])
    shown = ""
    if known is not None and not known.secret and isinstance(value, str | int | float):
        shown = f" {redact.text(str(value))!r}"
    return Misconfigured(f"settings key {dotted!r} in {place} has a wrong value{shown}", fix=_lower(error["msg"]))


def _lower(sentence: str) -> str:
    return sentence.replace("Input should", "it should", 1)


def _unknown(path: KeyPath, place: str) -> Misconfigured:
    """Name the nearest known key, in the form in which the person wrote it."""
    if len(path) == 1 and path[0].startswith(PREFIX):
        # Compared without the prefix, which would make all of them alike.
        head, name = PREFIX, path[0].removeprefix(PREFIX)
        known = [key.variable.removeprefix(PREFIX) for key in catalogue()]
        problem = f"unknown variable {path[0]!r} in {place.partition(' (')[0]}"
    else:
        head, name = "", ".".join(path)
        known = [key.dotted for key in catalogue()] + list(sections())
        problem = f"unknown settings key {name!r} in {place}"
    near = difflib.get_close_matches(name, known, n=1, cutoff=_SIMILAR)
    if near:
        return Misconfigured(problem, fix=f"did you mean {head + near[0]!r}?")
    return Misconfigured(problem, fix="take it out; tapeline.example.toml lists all keys")


def _rooted(found: Settings, root: Path, env: Mapping[str, str], places: Mapping[KeyPath, str]) -> Settings:
    """Make every path absolute, so that a process started elsewhere means the same place, and find every file."""
    whole: dict[str, Any] = {}
    for section in sections():
        values = getattr(found, section)
        moved = {
            name: root / value.expanduser() for name in type(values).model_fields
            if isinstance(value := getattr(values, name), Path)
        }  # fmt: skip
        for name, path in moved.items():
            if name.endswith("_file") and not path.is_file():
                raise Misconfigured(
                    f"settings key '{section}.{name}' in {places.get((section, name), 'the settings')} names {path},"
                    " which does not exist",
                    fix="give the path of that file, relative to the project's root or absolute",
                )
        whole[section] = values.model_copy(update=moved)
    if found.data.cache_dir is None:
        cache = Path(env.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tapeline"
        whole["data"] = whole["data"].model_copy(update={"cache_dir": cache})
    return found.model_copy(update=whole)
