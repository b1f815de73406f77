"""Hands settings on to a child process, so that it means exactly what its parent means, wherever it is started from."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import msgspec
from pydantic import BaseModel, SecretStr

from tapeline.runtime.settings import NESTING, PREFIX, Settings, child_environment


def environment(settings: Settings, **extra: str) -> dict[str, str]:
    """Return the environment of a child of ours: this one's, every setting that was given, and `extra` on top."""
    return child_environment() | as_variables(settings) | extra


def as_variables(settings: Settings) -> dict[str, str]:
    """Return the given settings (not the defaults) as environment variables, the strongest source of all."""
    found: dict[str, str] = {}
    for section in sorted(settings.model_fields_set):
        table = getattr(settings, section)
        if not isinstance(table, BaseModel):
            continue
        for key in sorted(table.model_fields_set):
            value = getattr(table, key)
            if value is not None:
                found[variable(section, key)] = _plain(value)
    return found


def variable(section: str, key: str) -> str:
    """Return the name of the variable that sets a key."""
    return f"{PREFIX}{section}{NESTING}{key}".upper()


def _plain(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, str | Path | Decimal):
        return str(value)
    return msgspec.json.encode(value, enc_hook=str).decode()
