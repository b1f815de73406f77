"""Hands settings on to a child process, so that it means exactly what its parent means, wherever it is started from."""

from __future__ import annotations

from pydantic import BaseModel, SecretStr

from tapeline.runtime.settings import NESTING, PREFIX, Settings, child_environment


def environment(settings: Settings) -> dict[str, str]:
    """Return the environment of a child process: ours, with every setting that was given and not left at its default."""
    return child_environment(**as_variables(settings))


def as_variables(settings: Settings) -> dict[str, str]:
    """Return the given settings as environment variables, the strongest source of all."""
    found: dict[str, str] = {}
    for section in sorted(settings.model_fields_set):
        table = getattr(settings, section)
        if not isinstance(table, BaseModel):
            continue
        for key in sorted(table.model_fields_set):
            value = getattr(table, key)
            if value is not None:
                plain = value.get_secret_value() if isinstance(value, SecretStr) else value
                found[f"{PREFIX}{section}{NESTING}{key}".upper()] = str(plain)
    return found
