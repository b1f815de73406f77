"""The heartbeat file: a process replaces it every second from its own event loop, and whoever watches it reads its age.

    python -m tapeline.runtime.heartbeat_file FILE

ends with 0 while the process is ready and its file is young, else with 1 and the reason. It imports nothing
heavy, as every container asks often. Ages are of the monotonic clock, which all processes of a machine share.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tapeline.runtime import clock

HEALTHY = 0
UNHEALTHY = 1
USAGE = 2


class Sign(NamedTuple):
    """What a process says of itself in the file."""

    service: str
    pid: int
    state: str
    waiting_for: dict[str, str]
    at_s: float
    """When, on the monotonic clock."""
    good_for_s: float
    """A file that is older counts as that of a process which stands still."""


def write(path: Path, sign: Sign) -> None:
    """Replace the file whole, so that a reader never sees half of it; raises OSError where it cannot be written."""
    draft = path.with_name(f".{path.name}.{sign.pid}")
    # Neither synced nor kept: it tells of now.
    draft.write_text(json.dumps(sign._asdict()), "utf-8")
    draft.replace(path)


def problem(path: Path, now_s: float) -> str | None:
    """Return why the process behind a file is not well, None when it is."""
    try:
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
        sign = Sign(**found)
        age_s = now_s - sign.at_s
    except OSError as error:
        return f"there is no heartbeat in {path} ({error.strerror}): the process has not started, or has no disk"
    except (ValueError, TypeError) as error:
        return f"{path} is no heartbeat ({error})"
    if not 0 <= age_s <= sign.good_for_s:
        # A time that is still to come is one of before the machine was started again.
        return f"{sign.service} stands still: its heartbeat is {age_s:.1f} s old, {sign.good_for_s:g} s are allowed"
    if sign.state == "ready":
        return None
    reasons = "; ".join(f"{name}: {why}" for name, why in sign.waiting_for.items())
    return f"{sign.service} is {sign.state}" + (f" ({reasons})" if reasons else "")


def main(arguments: Sequence[str]) -> int:
    """Judge one file and return the exit code."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m tapeline.runtime.heartbeat_file FILE\n")
        return USAGE
    told = problem(Path(arguments[0]), clock.monotonic_s())
    if told is None:
        return HEALTHY
    # What stands on either stream is kept by the container engine; `docker inspect` shows it.
    sys.stderr.write(f"{told}\n")
    return UNHEALTHY


def sign(service: str, state: str, waiting_for: dict[str, str], good_for_s: float) -> Sign:
    """Return what this process says now."""
    return Sign(service, os.getpid(), state, waiting_for, clock.monotonic_s(), good_for_s)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
