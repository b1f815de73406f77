"""The data folder: held by one process at a time, looked at before the engine touches it; nothing in it is deleted."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from tapeline.errors import Misconfigured

LOCK_NAME = "front.lock"
# The engine makes these two together; one without the other is not a folder that it left behind.
_PARTS = ("metadata", "store")
# The connection string of the engine reads what follows a question mark as settings.
_NOT_IN_A_PATH = "?"


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Make the folder where it is missing and keep every other process of ours out while the block runs.

    The engine has a lock of its own, but says only that it could not start. The system drops this lock when the process
    ends, however it ends.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise Misconfigured(
            f"the ClickHouse folder {folder} cannot be used ({error.strerror})",
            fix="make it a folder that this user may write to, or name another one in data.dir",
        ) from None
    with os.fdopen(handle, "r+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = file.read().strip() or "unknown"
            raise Misconfigured(
                f"the ClickHouse folder {folder} is in use by process {holder}",
                fix="stop that one first (`tapeline down`), or name another folder in data.dir",
            ) from None
        file.truncate()
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def check(folder: Path) -> None:
    """Refuse a folder that lacks what the engine would silently make anew, which would hide the rows that are there."""
    if _NOT_IN_A_PATH in str(folder):
        raise Misconfigured(f"the ClickHouse folder {folder} has a question mark in its name", fix="rename the folder")
    found = {name: folder / name for name in _PARTS if os.path.lexists(folder / name)}
    if all(path.is_dir() and not any(path.iterdir()) for path in found.values()):
        # New, or killed while it was made: there is nothing yet that could be lost.
        return
    for name in _PARTS:
        if not (folder / name).is_dir():
            raise damaged(folder, f"{name!r} is {'no folder' if name in found else 'missing'}")
    for link in sorted((folder / "metadata").iterdir()):
        if link.is_symlink() and not link.exists():
            raise damaged(folder, f"the tables of database {link.name!r} are missing")


def damaged(folder: Path, reason: str) -> Misconfigured:
    """Return the one sentence for data that cannot be opened."""
    return Misconfigured(
        f"the ClickHouse data in {folder} is damaged ({reason})",
        fix="put a backup back, or move the folder away and start again with an empty one; nothing was deleted",
    )
