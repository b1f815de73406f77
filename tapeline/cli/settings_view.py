"""Every settings key with its value now and what it means; a secret is never shown."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

import msgspec
from pydantic import SecretStr

from tapeline.cli.failure import OK
from tapeline.cli.render import Output
from tapeline.cli.view import Cell, Grid, View, line, row
from tapeline.errors import Misconfigured
from tapeline.runtime import settings
from tapeline.runtime.settings import Settings
from tapeline.runtime.settings import keys as catalogue

MASK = "***"
Plain = str | int | float | bool | None


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """One settings key."""

    key: str
    value: Plain
    default: Plain
    description: str
    environment: str


def known_keys(found: Settings) -> tuple[Key, ...]:
    """Return all keys in the order of the settings file, secrets masked."""
    return tuple(_keys(found))


def _keys(found: Settings) -> Iterator[Key]:
    defaults = settings.Settings()
    for dotted, description in catalogue():
        section, name = dotted.split(".")
        yield Key(
            key=dotted,
            value=_plain(getattr(getattr(found, section), name)),
            default=_plain(getattr(getattr(defaults, section), name)),
            description=description,
            environment=f"{settings.PREFIX}{section}{settings.NESTING}{name}".upper(),
        )


def _plain(value: object) -> Plain:
    """Return a value that JSON has; a set secret becomes its mask."""
    if isinstance(value, SecretStr):
        return MASK
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def ls(out: Output) -> int:
    """Show all keys."""
    keys = known_keys(settings.load())

    def view() -> View:
        rows = tuple(row(Cell(key.key, "name"), _value(key), Cell(key.description, "dim")) for key in keys)
        return (Grid(("key", "value", "meaning"), rows),)

    out.show({"settings": keys}, view)
    return OK


def show(out: Output, *, name: str) -> int:
    """Show one key, or the keys of one section."""
    keys = known_keys(settings.load())
    found = tuple(key for key in keys if key.key == name or key.key.startswith(f"{name}."))
    if not found:
        near = difflib.get_close_matches(name, [key.key for key in keys], n=1, cutoff=0.0)[0]
        raise Misconfigured(f"unknown settings key {name!r}", fix=f"did you mean {near!r}?")

    def view() -> View:
        return tuple(block for key in found for block in _lines(key))

    out.show(found[0] if found[0].key == name else {"settings": found}, view)
    return OK


def _value(key: Key) -> Cell:
    text = "-" if key.value is None else str(key.value)
    return Cell(text, "dim" if key.value == key.default else "bold")


def _lines(key: Key) -> View:
    return (
        line(Cell(key.key, "name"), " = ", _value(key)),
        line(Cell(f"  {key.description or 'no description'}", "dim")),
        line(Cell(f"  default {key.default}, environment {key.environment}", "dim")),
    )
