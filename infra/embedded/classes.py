"""A memory image of the broker's classes: made once for a Java and a set of jars, it halves the time of each start.

Made in the background, from the list of classes that the first broker loaded. Java itself checks that an image fits and
goes on without it when it does not, so nothing depends on it.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
import signal
from asyncio.subprocess import DEVNULL
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.embedded.java import Java
from infra.embedded.yielding import give_way

LIST_FILE = "classes.lst"


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """Where the image of a broker's classes is, and what it is made of."""

    java: Java
    jars: tuple[Path, ...]
    cache: Path
    scratch: Path

    @property
    def file(self) -> Path:
        """Return the image's place: another Java or other jars have another one."""
        program = self.java.path.resolve()
        known = program.stat()
        parts = (program, known.st_size, known.st_mtime_ns, *self.jars)
        return self.cache / f"classes-{hashlib.sha256(repr(parts).encode()).hexdigest()[:16]}.jsa"

    @property
    def list_file(self) -> Path:
        """Return where a broker without image writes which classes it loads."""
        return self.scratch / LIST_FILE

    def flags(self) -> tuple[str, ...]:
        """Return the flags of a broker: use the image, or help to make it."""
        if self.file.exists():
            return ("-Xshare:auto", f"-XX:SharedArchiveFile={self.file}")
        return (f"-XX:DumpLoadedClassList={self.list_file}",)

    def command(self, draft: Path) -> tuple[str, ...]:
        """Return the command line that makes the image; it must have the broker's class path and collector."""
        return (
            str(self.java.path),
            *self.java.flags(heap_mb=256),
            "-Xlog:disable",
            "-Xshare:dump",
            f"-XX:SharedClassListFile={self.list_file}",
            f"-XX:SharedArchiveFile={draft}",
            "-cp",
            os.pathsep.join(str(jar) for jar in self.jars),
        )


async def make(image: Image, environ: Mapping[str, str]) -> bool:
    """Make the image when there is none and nobody else is at it; cancelling stops it and leaves nothing half made."""
    if image.file.exists() or not image.list_file.exists():
        return False
    with (image.cache / "classes.lock").open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        draft = image.file.with_suffix(".new")
        draft.unlink(missing_ok=True)
        process = await asyncio.create_subprocess_exec(
            *image.command(draft),
            stdin=DEVNULL,
            stdout=DEVNULL,
            stderr=DEVNULL,
            env=dict(environ),
            start_new_session=True,
        )
        try:
            await give_way(process.pid)
            done = await process.wait() == 0
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            if process.returncode != 0:
                draft.unlink(missing_ok=True)
        if done:
            draft.rename(image.file)
            _forget_old(image)
        return done


def _forget_old(image: Image) -> None:
    """Delete images of a Java or jars that are gone; one still in use stays open for its broker."""
    for other in image.cache.glob("classes-*.jsa"):
        if other != image.file:
            other.unlink(missing_ok=True)
