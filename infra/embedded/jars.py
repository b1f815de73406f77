"""The broker's jars: exactly those of the committed lock, fetched once, each checked by its SHA-256 before it is used.

`python -m infra.embedded.jars fetch CACHE` fetches in a process of its own (it can be stopped at any moment and leaves
no half file); `python -m infra.embedded.jars lock VERSION` writes the lock anew.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from importlib import resources
from pathlib import Path

import msgspec

from infra.embedded import steps
from tapeline.errors import Misconfigured, TapelineError, Unavailable

STEP = "jars"
LOCK_FILE = "kafka.lock.json"
FOLDER = "jars"
_DRAFT = "fetch-"
_AT_ONCE = 6
_CHUNK = 1 << 20
_EXIT_FAILED = 1


class Jar(msgspec.Struct, frozen=True, kw_only=True):
    """One file of the lock: Maven coordinates `group:artifact:version`, size and checksum."""

    coordinates: str
    size: int
    sha256: str

    @property
    def file_name(self) -> str:
        """Return the name the file has everywhere."""
        _, artifact, version = self.coordinates.split(":")
        return f"{artifact}-{version}.jar"


class JarLock(msgspec.Struct, frozen=True, kw_only=True):
    """All jars of one broker version."""

    kafka: str
    jars: tuple[Jar, ...]


Fetch = Callable[[str, Path], Path]
"""Fetches the file of some coordinates into a folder and returns where it is; raises OSError when it cannot."""


def load_lock() -> JarLock:
    """Return the committed lock."""
    text = resources.files("infra.embedded").joinpath(LOCK_FILE).read_bytes()
    return msgspec.json.decode(text, type=JarLock)


def class_path(lock: JarLock, cache: Path) -> tuple[Path, ...]:
    """Return where the jars are once they are fetched."""
    return tuple(cache / FOLDER / jar.file_name for jar in lock.jars)


def missing(lock: JarLock, cache: Path) -> tuple[Jar, ...]:
    """Return the jars that are not in the cache or are damaged there."""
    return tuple(jar for jar in lock.jars if _sha256(cache / FOLDER / jar.file_name) != jar.sha256)


def fetch_missing(lock: JarLock, cache: Path, fetch: Fetch, report: steps.OnStep) -> None:
    """Fetch what is missing, several at once; other processes that share the cache wait and then find all there."""
    folder = cache / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder, report):
        # Left by a fetch that was killed; nobody else is at work now.
        for draft in folder.glob(f"{_DRAFT}*"):
            shutil.rmtree(draft, ignore_errors=True)
        wanted = missing(lock, cache)
        total = sum(jar.size for jar in wanted)
        done = 0
        with (
            tempfile.TemporaryDirectory(prefix=_DRAFT, dir=folder) as draft_name,
            ThreadPoolExecutor(_AT_ONCE) as pool,
        ):
            draft = Path(draft_name)
            running = {pool.submit(_fetch_one, jar, draft, folder, fetch): jar for jar in wanted}
            try:
                for future in as_completed(running):
                    future.result()
                    done += running[future].size
                    name = running[future].file_name
                    report(steps.Step(step=STEP, state="progress", detail=name, done=done, total=total))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise


def _fetch_one(jar: Jar, draft: Path, folder: Path, fetch: Fetch) -> None:
    """Fetch one file beside the others, check it, and only then give it its name."""
    try:
        found = fetch(jar.coordinates, draft)
    except OSError as error:
        raise Unavailable(
            f"the broker's file {jar.file_name} cannot be fetched ({_reason(error)}) and is not in {folder}: "
            "connect to the internet for the first start, or name a broker in kafka.bootstrap"
        ) from error
    checksum = _sha256(found)
    if checksum != jar.sha256:
        found.unlink(missing_ok=True)
        raise Misconfigured(
            f"the fetched file {jar.file_name} has checksum {checksum} and not {jar.sha256} of the lock",
            fix="run `tapeline up` again, which fetches it anew; if it stays, something between here and "
            "the repository changes files",
        )
    found.replace(folder / jar.file_name)


def _reason(error: BaseException) -> str:
    """Return the innermost cause in a few words: network libraries wrap it several times."""
    seen: BaseException = error
    while (inner := seen.__cause__ or seen.__context__) is not None:
        seen = inner
    return str(seen).rsplit(": ", maxsplit=1)[-1].strip("')(") or type(seen).__name__


@contextlib.contextmanager
def _alone(folder: Path, report: steps.OnStep) -> Iterator[None]:
    """Hold the cache's lock; it is freed when the process ends, however it ends."""
    with (folder / "lock").open("wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report(steps.Step(step=STEP, state="progress", detail="another start is fetching; waiting for it"))
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _sha256(path: Path) -> str | None:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except FileNotFoundError:
        return None
    return digest.hexdigest()


def main(arguments: Sequence[str]) -> int:
    """Run one of the two commands; steps go to standard output as JSON lines."""
    report = steps.Reporter(sys.stdout.fileno())
    try:
        match arguments:
            case ["fetch", cache]:
                from infra.embedded import maven  # noqa: PLC0415 - loads a network library, only needed here

                fetch_missing(load_lock(), Path(cache), maven.fetch, report)
            case ["lock", version]:
                from infra.embedded import maven  # noqa: PLC0415 - as above

                text = msgspec.json.format(msgspec.json.encode(maven.resolve(version)), indent=1)
                (Path(__file__).parent / LOCK_FILE).write_bytes(text + b"\n")
            case _:
                raise Misconfigured("unknown arguments", fix="say `fetch CACHE_FOLDER` or `lock KAFKA_VERSION`")
    except TapelineError as error:
        report(steps.failed(STEP, error))
        return _EXIT_FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
