"""The data directory: one supervisor at a time, its layout, its secrets; what is damaged is named, not mended.

Nothing in it is ever deleted here: a person decides what to do with data that cannot be read.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil

from infra.embedded import brokers, postgres
from tapeline.errors import Misconfigured
from tapeline.runtime import entropy
from tapeline.runtime.runfile import Secrets
from tapeline.runtime.settings_sections import CLUSTERS

LAYOUT = 1
MARKER_FILE = "layout.json"
SECRETS_FILE = "secrets.json"
LOCK_FILE = "supervisor.lock"
POSTGRES, CLICKHOUSE = "postgres", "clickhouse"
_STORES = (*(name for count in CLUSTERS for name in brokers.names(count)), POSTGRES, CLICKHOUSE)
_ASIDE = "put it back from a copy, or move {folder} aside and run `tapeline up` again, which starts empty"


class Marker(msgspec.Struct, frozen=True, kw_only=True):
    """Says that a folder is ours, and in which layout."""

    layout: int


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the data directory for one supervisor; raise Misconfigured naming the one that holds it already."""
    _make(folder)
    with os.fdopen(os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600), "r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            who = file.read().strip()
            raise Misconfigured(
                f"Tapeline is already running in {folder}" + (f" (process {who})" if who else ""),
                fix="see it with `tapeline status`, stop it with `tapeline down`",
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
        file.truncate(0)


def is_locked(folder: Path) -> bool:
    """Tell whether a supervisor holds the data directory now."""
    try:
        with (folder / LOCK_FILE).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def holder(folder: Path) -> psutil.Process | None:
    """Return the supervisor that holds the data directory, where it has said who it is."""
    if not is_locked(folder):
        return None
    try:
        return psutil.Process(int((folder / LOCK_FILE).read_text("ascii")))
    except (OSError, ValueError, psutil.NoSuchProcess):
        return None


def open_checked(folder: Path, services: frozenset[str]) -> Secrets:
    """Check the layout and the folders of the services that will run here; return the secrets, made once."""
    marker, stored = folder / MARKER_FILE, [name for name in _STORES if (folder / name).exists()]
    if marker.exists():
        _check_layout(folder, marker)
    elif stored:
        raise damaged(folder, f"{marker} is missing although {folder / stored[0]} is there")
    _check_brokers(folder, brokers.among(services))
    found = _postgres_damage(folder) if POSTGRES in services else None
    if found is not None:
        raise damaged(folder / POSTGRES, found)
    secrets = _secrets(folder, stored)
    if not marker.exists():
        _write(marker, Marker(layout=LAYOUT))
    return secrets


def damaged(folder: Path, what: str) -> Misconfigured:
    """Return the sentence for data that cannot be read."""
    return Misconfigured(
        f"the data directory is damaged: {what} (nothing was changed)", fix=_ASIDE.format(folder=folder)
    )


def _make(folder: Path) -> None:
    """Make the folder readable by its owner only; raise Misconfigured when it cannot be used."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Misconfigured(
            f"data.dir {folder} cannot be used ({error.strerror})", fix="set data.dir to a folder that can be written"
        ) from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise Misconfigured(
            f"data.dir {folder} cannot be written by this user",
            fix="set data.dir to a folder of yours, or change its owner",
        )


def _check_layout(folder: Path, marker: Path) -> None:
    try:
        found = msgspec.json.decode(marker.read_bytes(), type=Marker).layout
    except (OSError, msgspec.DecodeError) as error:
        raise damaged(folder, f"{marker} cannot be read ({error})") from None
    if found != LAYOUT:
        raise Misconfigured(
            f"the data directory {folder} has layout {found}, and this version of Tapeline reads layout {LAYOUT}",
            fix="run the version of Tapeline that wrote it, or set data.dir to another folder",
        )


def _secrets(folder: Path, stored: list[str]) -> Secrets:
    """Return the secrets of this data directory: the stores were made with them, so they never change."""
    file = folder / SECRETS_FILE
    try:
        return msgspec.json.decode(file.read_bytes(), type=Secrets)
    except FileNotFoundError:
        if POSTGRES in stored:
            raise damaged(folder, f"{file} is missing, and the databases open only with its passwords") from None
    except (OSError, msgspec.DecodeError) as error:
        raise damaged(folder, f"{file} cannot be read ({error})") from None
    made = Secrets(
        postgres_password=entropy.token(), clickhouse_password=entropy.token(), gateway_token=entropy.token()
    )
    _write(file, made)
    return made


def _check_brokers(folder: Path, wanted: tuple[str, ...]) -> None:
    if not wanted:
        return
    refused = brokers.other_number(folder, wanted)
    if refused is not None:
        raise refused
    found = brokers.damage(folder, wanted)
    if found is not None:
        raise damaged(brokers.all_of(folder, wanted), found)


def _postgres_damage(folder: Path) -> str | None:
    data = folder / POSTGRES
    return postgres.damage(data) if data.exists() else None


def _write(file: Path, value: msgspec.Struct) -> None:
    """Write a file whole or not at all, readable by its owner only."""
    draft = file.with_suffix(".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as handle:
        handle.write(msgspec.json.encode(value) + b"\n")
        handle.flush()
        os.fsync(handle.fileno())
    draft.replace(file)
