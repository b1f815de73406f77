"""The example files, made from the catalogue of settings: every key, commented, with its default (B-02, X-01, X-18)."""

from __future__ import annotations

from pathlib import Path

import msgspec

from tapeline.runtime.settings import FILE_NAME, NOT_IN_FILES, Key, catalogue, sections

_TOML_HEAD = f"""\
# Every setting with its default. Copy what you change to {FILE_NAME} (git ignores it) and remove the `#`.
# Passwords belong into .env (see .env.example); docs/configuration.md says more.
"""

_ENV_HEAD = f"""\
# Every setting as a variable, with its default. Copy this file to .env (read by every process) or to .env.<service>
# (read by one, and stronger), and remove the `#` of what you change; the environment is stronger still.
# What is no secret may as well stand in {FILE_NAME}. An empty value means: not set. A `$` stands for itself.
# Keep the copy to yourself: chmod 600 .env
"""

# Without these the services of infra/compose.yaml do not start, so they stand ready to be filled in.
_ASKED_FOR = ("database.password", "clickhouse.password", "server.token")

_ENV_COMPOSE = """\
# Read by infra/compose.yaml alone, not by Tapeline.

# password of `admin` in Grafana; without it Grafana does not start
GRAFANA_PASSWORD=
# unset; a tapeline.toml for the workers, as an absolute path; default: none
#SETTINGS_FILE=
# unset; token of a Telegram bot that sends the alerts
#TELEGRAM_BOT_TOKEN=
# unset; with TELEGRAM_BOT_TOKEN; the chat that gets them, a number
#TELEGRAM_CHAT_ID=
# unset; host:port of a mail server that sends the alerts, with STARTTLS
#SMTP_SMARTHOST=
# unset; with SMTP_SMARTHOST; from whom
#SMTP_FROM=
# unset; with SMTP_SMARTHOST; to whom
#SMTP_TO=
# unset; with SMTP_SMARTHOST
#SMTP_USERNAME=
# unset; with SMTP_SMARTHOST
#SMTP_PASSWORD=
"""


def example_toml() -> str:
    """Return the text of tapeline.example.toml."""
    parts = [_TOML_HEAD]
    for section, model in sections().items():
        if section in NOT_IN_FILES:
            continue
        keys = "".join(f"#{key.name} ={_value(key)}  # {_meaning(key)}\n" for key in _keys(section))
        parts.append(f"# {model.__doc__}\n#[{section}]\n{keys}")
    return "\n".join(parts)


def example_env() -> str:
    """Return the text of .env.example."""
    parts = [_ENV_HEAD]
    for section, model in sections().items():
        keys = "".join(_variable(key) for key in _keys(section))
        parts.append(f"# {section}: {model.__doc__}\n\n{keys}")
    parts.append(_ENV_COMPOSE)
    return "\n".join(parts)


def _keys(section: str) -> list[Key]:
    return [key for key in catalogue() if key.section == section]


def _variable(key: Key) -> str:
    mark = "" if key.dotted in _ASKED_FOR else "#"
    return f"# {_meaning(key)}\n{mark}{key.variable}={_plain(key.default)}\n"


def _meaning(key: Key) -> str:
    words = [str(word) for word in key.choices]
    allowed = f"; always {words[0]}" if len(words) == 1 else f"; one of {', '.join(words)}" if words else ""
    return f"{'unset; ' if key.default is None else ''}{key.about}{allowed}"


def _value(key: Key) -> str:
    """Return a default as TOML writes it, after a space; nothing where there is none."""
    if key.default is None:
        return ""
    plain = _plain(key.default)
    # Our texts are plain, and for those TOML and JSON write the same.
    quoted = isinstance(key.default, str | Path)
    return f" {msgspec.json.encode(plain).decode() if quoted else plain}"


def _plain(default: object) -> str:
    """Return a default as the text of a variable; nothing is an empty text."""
    if default is None:
        return ""
    if isinstance(default, bool):
        return "true" if default else "false"
    if isinstance(default, tuple):
        return msgspec.json.encode(default).decode()
    return default.as_posix() if isinstance(default, Path) else str(default)
