"""Reads the sources of settings and remembers where each value came from, so that an error can name the place.

A source is one file or the environment. pydantic-settings reads TOML and takes variables apart; what it passes over in
silence (an unknown variable of ours, a broken line of an env file) is refused here.
"""

from __future__ import annotations

import io
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dotenv.parser import parse_stream
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsError, TomlConfigSettingsSource

from tapeline.errors import Misconfigured

KeyPath = tuple[str, ...]
Tables = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Source:
    """Nested values of one source, its name, and for a key the name that it has there."""

    name: str
    values: Tables
    variables: Mapping[KeyPath, str] = field(default_factory=dict)

    def place(self, key: KeyPath) -> str:
        """Return where a person finds this key."""
        variable = self.variables.get(key)
        return self.name if variable is None else f"{self.name} ({variable})"


class _Variables(EnvSettingsSource):
    """pydantic-settings' reading of variables, from a mapping of ours instead of the process's own environment."""

    def __init__(self, settings: type[BaseSettings], variables: Mapping[str, str]) -> None:
        super().__init__(settings)
        self.env_vars = {name.lower(): value for name, value in variables.items()}


def from_toml(settings: type[BaseSettings], file: Path, tables: tuple[str, ...]) -> Source:
    """Read the settings file, in which each of `tables` is a table where it stands at all."""
    try:
        found = TomlConfigSettingsSource(settings, toml_file=file)()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{file} is not valid TOML ({error})", fix="correct that line") from None
    except OSError as error:
        raise Misconfigured(f"{file} cannot be read ({error.strerror})", fix="give this user the right to") from None
    for name in tables:
        # Refused here, because a stronger source with a key of this table would hide it.
        if name in found and not isinstance(found[name], Mapping):
            raise Misconfigured(f"settings key {name!r} in {file} must be a table", fix=f"write [{name}] and its keys")
    return Source(str(file), found)


def from_env_file(settings: type[BaseSettings], file: Path, known: Mapping[str, KeyPath]) -> Source:
    """Read an env file; `$` in a value stands for itself, because passwords hold it."""
    try:
        lines = list(parse_stream(io.StringIO(file.read_text("utf-8"))))
    except UnicodeDecodeError as error:
        raise Misconfigured(f"{file} is not UTF-8 text ({error.reason})", fix="save it as UTF-8") from None
    except OSError as error:
        raise Misconfigured(f"{file} cannot be read ({error.strerror})", fix="give this user the right to") from None
    for line in lines:
        if line.error:
            raise Misconfigured(f"line {line.original.line} of {file} is not NAME=value", fix="correct that line")
    found = {line.key: line.value for line in lines if line.key is not None and line.value is not None}
    return from_variables(settings, str(file), found, known)


def from_variables(
    settings: type[BaseSettings], name: str, variables: Mapping[str, str], known: Mapping[str, KeyPath]
) -> Source:
    """Take those variables that are ours; one with our prefix that no key has is left for the caller to refuse.

    `known` maps each variable (upper case) to its key. An empty value counts as not set, as compose files give it.
    """
    prefix = str(settings.model_config.get("env_prefix", ""))
    ours = {name.upper(): value for name, value in variables.items() if name.upper().startswith(prefix) and value}
    places = {key: variable for variable, key in known.items() if variable in ours}
    try:
        values = _Variables(settings, {name: value for name, value in ours.items() if name in known})()
    except SettingsError as error:
        raise Misconfigured(f"a variable in {name} cannot be read ({error})", fix="correct its value") from None
    unknown: dict[KeyPath, str] = {(variable,): variable for variable in ours if variable not in known}
    for variable in unknown.values():
        values[variable] = ours[variable]
    return Source(name, values, {**places, **unknown})


def merged(sources: list[Source]) -> tuple[Tables, dict[KeyPath, str]]:
    """Lay the sources over each other, the weakest first; return the values and the place of each."""
    values: Tables = {}
    places: dict[KeyPath, str] = {}
    for source in sources:
        for key, value in _leaves(source.values):
            # An empty text counts as not set, in a file as in the environment.
            if value != "":
                _put(values, key, value)
                places[key] = source.place(key)
    return values, places


def _leaves(table: Mapping[str, Any], above: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """Yield (key, value) of nested tables; an empty table is a value, so that an unknown one is refused too."""
    for name, value in table.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, (*above, name))
        else:
            yield (*above, name), value


def _put(table: Tables, key: KeyPath, value: object) -> None:
    """Set a key in nested tables; a value that stands where a table must stand gives way."""
    *path, last = key
    for name in path:
        inner = table.get(name)
        if not isinstance(inner, dict):
            inner = table[name] = {}
        table = inner
    table[last] = value
