"""What was done to the pipeline on purpose, written down by who did it: one append-only file of JSON lines.

The file is the only proof that a gap of a killed producer had its cause at its source.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

import msgspec

FILE_NAME: Final = "outages.jsonl"
"""How the file is called when it lies beside the journals."""


class Outage(msgspec.Struct, frozen=True, kw_only=True):
    """One process was ended, held, or without room at `at_us`; at `back_us` it ran again, None while not known.

    Of a `cut` the process is `client-service`, such as `producers-kafka`: the one could not reach the other.
    """

    process: str
    action: Literal["kill", "pause", "cut", "full"]
    at_us: int
    back_us: int | None = None


_DECODER = msgspec.json.Decoder(Outage)


def append(path: Path, outage: Outage) -> None:
    """Write an outage down before it is done; written again with the same process and time it replaces the first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab", buffering=0) as lines:
        lines.write(msgspec.json.encode(outage) + b"\n")


def read(path: Path) -> tuple[Outage, ...]:
    """Return the outages in order of time; none without a file, and not a last line that was cut off."""
    if not path.exists():
        return ()
    found: dict[tuple[str, int], Outage] = {}
    with path.open("rb") as lines:
        for line in lines:
            if line.endswith(b"\n"):
                outage = _DECODER.decode(line)
                found[outage.process, outage.at_us] = outage
    return tuple(sorted(found.values(), key=lambda one: (one.at_us, one.process)))
