"""Where frames for tests come from: our own small ones beside this file, and recorded stretches where they exist."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import msgspec
import pytest

HERE = Path(__file__).resolve().parent
FRAMES = HERE / "frames"


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a file of frames."""

    venue: str
    market: str
    channel: str
    recv_us: int | None = None
    url: str | None = None
    frame: str
    encoding: str | None = None

    @property
    def data(self) -> bytes:
        return base64.b64decode(self.frame) if self.encoding == "base64" else self.frame.encode()


def own(venue: str, market: str) -> list[Recorded]:
    """Return our own frames of a market, shaped after the venue's documentation."""
    return list(_lines(FRAMES / f"{venue}.{market}.jsonl"))


@cache
def captures() -> Path | None:
    """Return the folder of recorded frames beside the project or beside its main checkout, if there is one."""
    asked = ("git", "rev-parse", "--path-format=absolute", "--git-common-dir")
    done = subprocess.run(asked, cwd=HERE, capture_output=True, text=True, check=False)
    begins = [HERE, *([Path(done.stdout.strip())] if done.returncode == 0 else [])]
    folders = (parent / "shared" / "captures" for begin in begins for parent in begin.parents)
    return next((folder for folder in folders if folder.is_dir()), None)


def stretch(name: str) -> list[Recorded]:
    """Return a recorded stretch with all its parts, as `binance/spot.book-20240808btc`; skip where there is none."""
    folder = captures()
    if folder is None:
        pytest.skip("no folder shared/captures above the project: recorded frames are not part of it")
    first = folder / f"{name}.jsonl"
    rest = sorted(folder.glob(f"{name}-p[0-9].jsonl"))
    return [line for path in (first, *rest) for line in _lines(path)]


def _lines(path: Path) -> Iterator[Recorded]:
    decoder = msgspec.json.Decoder(Recorded)
    for line in path.read_bytes().splitlines():
        yield decoder.decode(line)
