"""How long `tapeline demo` takes until it is ready, its first set-up done: some starts, each with data of its own.

`python -m benchmarks.start` runs this alone.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from tapeline.runtime.settings import child_environment

STARTS = 3


def run() -> tuple[float, ...]:
    """Return how many seconds each start took."""
    return tuple(_started() for _ in range(STARTS))


def _started() -> float:
    with tempfile.TemporaryDirectory() as folder:
        # What it says of one second of trading is not asked: only when that second began.
        told = subprocess.run(
            [sys.executable, "-m", "tapeline", "demo", "--for", "1", "--headless", "--json"],
            env=child_environment(TAPELINE_DATA__DIR=str(Path(folder) / "data"), TAPELINE_LOG__DIR=f"{folder}/logs"),
            stdout=subprocess.PIPE,
            check=False,
        ).stdout
    return float(json.loads(told)["ready_s"])


if __name__ == "__main__":
    sys.stdout.write(f"{run()}\n")
