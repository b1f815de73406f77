"""Hands settings on to a child process, so that it means exactly what its parent means, wherever it is started from."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Final

import msgspec
from pydantic import BaseModel, SecretStr

from tapeline.runtime.settings import NESTING, PREFIX, Settings, child_environment, given_to

FROM_FILES: Final = "SETTINGS_FROM_FILES"
"""The variable that names those which a person has written into files, and a parent has read there for its children."""


def environment(settings: Settings, service: str, **extra: str) -> dict[str, str]:
    """Return the environment of a child of ours: this one's, every setting that was given, and `extra` on top.

    What `.env.<service>` has for the child alone is left to it, unless a person has set it in the environment.
    """
    here, given = child_environment(), as_variables(settings)
    told = {name for name in here.get(FROM_FILES, "").split(",") if name}
    from_files = told | (given.keys() - here.keys())
    own = given_to(service) & from_files
    kept = {name: value for name, value in (here | given).items() if name not in own}
    return kept | {FROM_FILES: ",".join(sorted(from_files))} | extra


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
