"""A peer's own environment, outside ours: made once from its pinned, hashed requirements, and again when these change.

A Python that suits is looked for on PATH and in pyenv's folder. What cannot be had is a reason, not a failure.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PLACE = ROOT / ".tools" / "peers"
OWN_MINOR = 11
MINORS = {"cryptofeed": (13, 14)}
"""Which Python 3 a peer needs where the project's own oldest does not do."""
_MADE = "made-from"
_WITHIN_S = 600.0


class Missing(Exception):
    """The peer is not to be had here, for the reason in its text."""


def python_of(peer: str) -> Path:
    """Return the Python of the peer's environment, made now if need be; Missing with the reason where it cannot be."""
    folder, wanted = PLACE / peer, HERE / peer / "requirements.txt"
    python, mark = folder / "bin" / "python", hashlib.sha256(wanted.read_bytes()).hexdigest()
    if python.exists() and (folder / _MADE).exists() and (folder / _MADE).read_text("utf-8") == mark:
        return python
    base = _base(MINORS.get(peer, (OWN_MINOR, 12, 13)))
    shutil.rmtree(folder, ignore_errors=True)
    uv = _uv()
    _done([*uv, "venv", "--quiet", "--python", str(base), str(folder)], peer)
    _done([*uv, "pip", "install", "--quiet", "--require-hashes", "--python", str(python), "-r", str(wanted)], peer)
    (folder / _MADE).write_text(mark, "utf-8")
    return python


def _base(minors: tuple[int, ...]) -> Path:
    for minor in minors:
        for candidate in _candidates(minor):
            asked = [str(candidate), "-c", "import sys; print('%d.%d' % sys.version_info[:2], sys.executable)"]
            try:
                told = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=30).stdout.split()
            except OSError:
                continue
            if told[:1] == [f"3.{minor}"]:
                return Path(told[1])
    names = " or ".join(f"3.{minor}" for minor in minors)
    raise Missing(f"it needs Python {names}, and neither PATH nor pyenv's folder has one")


def _candidates(minor: int) -> Iterator[str]:
    if sys.version_info[:2] == (3, minor):
        yield sys.executable
    yield f"python3.{minor}"
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from map(str, sorted(pyenv.glob(f"versions/3.{minor}.*/bin/python")))


def _uv() -> list[str]:
    """Return the uv that the project's own environment was made with."""
    for name in ("uv", str(ROOT / ".tools/uv/bin/uv"), str(ROOT / ".tools/uv-packages/bin/uv")):
        found = shutil.which(name)
        if found:
            return [found]
    raise Missing("there is no uv: `make ready` brings it")


def _done(command: list[str], peer: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_WITHIN_S)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        raise Missing(f"{peer} could not be installed: {last}")
