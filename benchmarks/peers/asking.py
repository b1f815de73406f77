"""A peer's process as we see it: commands go in as JSON lines, answers come out; it ends with the block."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from benchmarks.peers import environments
from benchmarks.peers.driving import as_text

OURS = ""
"""The name under which we take part."""


class Asked:
    """One peer's process."""

    def __init__(self, name: str, process: subprocess.Popen[str]) -> None:
        """Wait until it says with which versions it runs."""
        self.name = name
        self._process = process
        told = self._answer()
        self.versions: dict[str, str] = {"Python": told["python"], **told["versions"]}

    def ask(self, do: str, *files: Path, **other: object) -> Any:  # noqa: ANN401 - an answer is plain JSON
        """Let it do one thing and return what came of it."""
        into = pipe(self._process.stdin)
        into.write(as_text({"do": do, "files": list(map(str, files)), **other}) + "\n")
        into.flush()
        return self._answer()

    def _answer(self) -> Any:  # noqa: ANN401 - an answer is plain JSON
        line = pipe(self._process.stdout).readline()
        if not line:
            raise AssertionError(f"{self.name or 'ours'} ended with code {self._process.wait()}")
        return json.loads(line)


def pipe(found: IO[str] | None) -> IO[str]:
    """Return a pipe of a process that was started with pipes."""
    if found is None:
        raise AssertionError("the process was started without pipes")
    return found


@contextmanager
def asked(name: str) -> Iterator[Asked]:
    """Start a peer in its environment, or ourselves in ours."""
    python = Path(sys.executable) if name == OURS else environments.python_of(name)
    module = "benchmarks.peers.ours" if name == OURS else f"benchmarks.peers.{name}.drive"
    with started(python, module) as process:
        yield Asked(name, process)


@contextmanager
def started(
    python: Path, module: str, *arguments: str, extra: Mapping[str, str] | None = None, heard: bool = True
) -> Iterator[subprocess.Popen[str]]:
    """Run a module of this project by any Python for the time of the block, with pipes if it is to be heard."""
    ends = subprocess.PIPE if heard else subprocess.DEVNULL
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TAPELINE_", "PYTHON"))}
    process = subprocess.Popen(
        [str(python), "-m", module, *arguments],
        cwd=environments.ROOT,
        env={**kept, "PYTHONDONTWRITEBYTECODE": "1", **(extra or {})},
        stdin=ends,
        stdout=ends,
        stderr=None if heard else subprocess.DEVNULL,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
