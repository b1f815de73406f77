"""The example files, made from the catalogue of settings: every key, commented, with its default (B-02, X-01, X-18)."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import msgspec

from tapeline.runtime.settings import FILE_NAME, Key, catalogue, sections

_TOML_HEAD = f"""\
# Every setting of Tapeline with its default. Copy this file to {FILE_NAME} and take the # from the lines you change.
# Stronger than this file are .env, .env.<service> and the environment (.env.example). DANGER marks what can lose money
# or data, RECOMMENDED what to set on a server. An empty text means: not set. Secrets belong into .env, not here.
"""

_ENV_HEAD = f"""\
# Every setting of Tapeline as a variable, with its default. Copy this file to .env (read by all processes) or to
# .env.<service> (read by one, stronger) and take the # from the lines you change; the environment is stronger still.
# DANGER marks what can lose money or data, RECOMMENDED what to set on a server. What is no secret may also stand in
# {FILE_NAME}. An empty value means: not set. A `$` in a value stands for itself. Keep these files to yourself:
# chmod 600 .env
"""


def example_toml() -> str:
    """Return the text of tapeline.example.toml."""
    parts = [_TOML_HEAD]
    for section, model in sections().items():
        keys = "".join(f"{_about(key)}# {key.name} = {_toml(key.default)}\n" for key in _keys(section))
        parts.append(f"# {model.__doc__}\n[{section}]\n{keys}")
    return "\n".join(parts)


def example_env() -> str:
    """Return the text of .env.example."""
    parts = [_ENV_HEAD]
    for section, model in sections().items():
        keys = "".join(f"{_about(key)}# {key.variable}={_plain(key.default)}\n" for key in _keys(section))
        parts.append(f"# --- {section}: {model.__doc__}\n{keys}")
    return "\n".join(parts)


def _keys(section: str) -> list[Key]:
    return [key for key in catalogue() if key.section == section]


def _about(key: Key) -> str:
    choices = f" (one of {', '.join(str(choice) for choice in key.choices)})" if len(key.choices) > 1 else ""
    return f"# {key.about}{choices}\n"


def _toml(default: object) -> str:
    """Return a default as TOML; nothing is an empty text."""
    if isinstance(default, bool | int | float | Decimal):
        return _plain(default)
    # Our texts are plain, and for those TOML and JSON write the same.
    return msgspec.json.encode(_plain(default)).decode()


def _plain(default: object) -> str:
    """Return a default as the text of a variable; nothing is an empty text."""
    if default is None:
        return ""
    if isinstance(default, bool):
        return "true" if default else "false"
    return default.as_posix() if isinstance(default, Path) else str(default)
