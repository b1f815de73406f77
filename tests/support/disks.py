"""A small disk under one folder, to be filled and freed: a mount of its own, else a limit on what processes write.

Root may mount, where there is the program for it; anybody else gets the limit, under which a write fails as on a full
disk, but no file that exists grows.
"""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import psutil

_FILLER: Final = "filler"
_CHUNKS: Final = (1 << 20, 4_096, 1)
_MB: Final = 1 << 20
_UNMOUNTED: Final = (("umount",), ("umount", "-l"))
_LITTLE: Final = 4_096


class Disk(Protocol):
    """What a test does to a small disk; `how` says by which means."""

    @property
    def how(self) -> str:
        """Return by which means."""

    def fill(self) -> None:
        """Leave no room; again and again, for what is written may also be deleted."""

    def free(self) -> None:
        """Give the room back."""


@dataclass(frozen=True, slots=True)
class Mount:
    """A file system in memory of a fixed size."""

    folder: Path
    size_mb: int

    @property
    def how(self) -> str:
        """Return by which means."""
        return f"mount of {self.size_mb} MB"

    @property
    def room(self) -> int:
        """Return how many bytes are free."""
        found = os.statvfs(self.folder)
        return found.f_bavail * found.f_frsize

    def fill(self) -> None:
        """Write until nothing more fits."""
        with (self.folder / _FILLER).open("ab", buffering=0) as file:
            for size in _CHUNKS:
                with contextlib.suppress(_Full):
                    while True:
                        _write(file.fileno(), bytes(size))

    def free(self) -> None:
        """Delete what was written."""
        (self.folder / _FILLER).unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit on the size of files for the processes that are found, each time anew."""

    found: Callable[[], list[psutil.Process]]

    @property
    def how(self) -> str:
        """Return by which means."""
        return "size limit per process"

    def fill(self) -> None:
        """Let them write no file beyond a few bytes."""
        self._set(_LITTLE)

    def free(self) -> None:
        """Let them write."""
        self._set(resource.RLIM_INFINITY)

    def _set(self, soft: int) -> None:
        for process in self.found():
            with contextlib.suppress(psutil.Error):
                process.rlimit(psutil.RLIMIT_FSIZE, (soft, resource.RLIM_INFINITY))


@contextlib.contextmanager
def small_disk(folder: Path, size_mb: int, found: Callable[[], list[psutil.Process]]) -> Iterator[Disk]:
    """Put a folder, with all that is in it, on a small disk for the length of the block."""
    aside = folder.with_name(f"{folder.name}.aside")
    folder.rename(aside)
    folder.mkdir()
    if not _mounted(folder, size_mb):
        folder.rmdir()
        aside.rename(folder)
        yield Limit(found)
        return
    try:
        # Sparse files stay sparse: a broker's indexes are mostly holes.
        subprocess.run(["cp", "-a", "--sparse=always", f"{aside}/.", str(folder)], check=True)
        shutil.rmtree(aside)
        try:
            yield Mount(folder, size_mb)
        except BaseException:
            # What is to be studied would be gone with the disk.
            (folder / _FILLER).unlink(missing_ok=True)
            subprocess.run(["cp", "-a", "--sparse=always", str(folder), str(aside)], check=False)
            raise
    finally:
        for command in _UNMOUNTED:
            if subprocess.run([*command, str(folder)], check=False, capture_output=True).returncode == 0:
                break
        folder.rmdir()
        if aside.exists():
            aside.rename(folder)


def _mounted(folder: Path, size_mb: int) -> bool:
    if os.geteuid() != 0 or shutil.which("mount") is None:
        return False
    command = ["mount", "-t", "tmpfs", "-o", f"size={size_mb}m", "tapeline", str(folder)]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


class _Full(Exception):
    """Nothing more fits."""


def _write(handle: int, data: bytes) -> None:
    try:
        if os.write(handle, data) < len(data):
            raise _Full
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise _Full from error
        raise
