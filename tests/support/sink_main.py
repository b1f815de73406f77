"""The sink's own process for tests, with one named moment at which it kills, stops or holds itself.

`python -m tests.support.sink_main STEP ACTION NTH TOPIC FOLDER clickhouse --name a`: at the NTH time that a batch of
TOPIC comes to STEP it writes FOLDER/reached, then `kill` is SIGKILL, `stop` is SIGSTOP, and `hold` waits for FOLDER/go.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from sinks.__main__ import main
from sinks.batching import Range
from sinks.steps import Step
from tapeline.runtime.kafka import Partition
from tests.support.eventually import eventually

_SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}
_HELD_S = 60.0


class Scripted:
    """Acts once."""

    def __init__(self, step: str, action: str, nth: int, topic: str, folder: Path) -> None:
        self._step, self._action, self._left, self._topic, self._folder = step, action, nth, topic, folder

    async def at(self, step: Step, partition: Partition, wanted: Range | None) -> None:
        """Act when it is time."""
        if step != self._step or partition.topic != self._topic:
            return
        self._left -= 1
        if self._left != 0:
            return
        (self._folder / "reached").write_text(f"{partition.partition} {wanted}", "utf-8")
        if self._action == "hold":
            await eventually((self._folder / "go").exists, within_s=_HELD_S)
        else:
            os.kill(os.getpid(), _SIGNALS[self._action])


if __name__ == "__main__":
    step, action, nth, topic, folder = sys.argv[1:6]
    sys.exit(main(sys.argv[6:], steps=Scripted(step, action, int(nth), topic, Path(folder))))
