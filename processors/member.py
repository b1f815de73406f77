"""A worker's own fixed name in its group: the first one on this machine that no living worker has.

A static member that is started again takes its partitions back without a rebalance, so the name must be the same after
a crash and must never be used twice at once. A lock on a file gives both: the system lets go of it when a process ends,
however it ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from tapeline.errors import Misconfigured


@contextlib.contextmanager
def claimed(folder: Path, group: str) -> Iterator[str]:
    """Hold a name for the time of the block: `spreads-1@host`, where `host` is this machine's."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, number = _first_free(folder, group)
    except OSError as error:
        raise Misconfigured(
            f"data.dir {folder.parent} cannot be written ({error.strerror or error})",
            fix="set it to a folder that this user may write",
        ) from error
    try:
        yield f"{group}-{number}@{socket.gethostname()}"
    finally:
        os.close(handle)


def _first_free(folder: Path, group: str) -> tuple[int, int]:
    for number in count(1):
        handle = os.open(folder / f"{group}-{number}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
        else:
            return handle, number
    raise AssertionError  # the count has no end
