"""The kill switch of one process: thrown by a signal at any moment of its life, and not forgotten if it dies of it.

A halt that is not stored yet stands in a file, which the next executor of the account finds.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tapeline.runtime import logs
from tapeline.runtime.log_events import LogEvent

_PREFIX: Final = "halted-"


class Switch:
    """Whether an account's executor was told to halt, also before there was one."""

    def __init__(self, folder: Path, account: str) -> None:
        """Take the folder that outlives the process."""
        self._file = folder / f"{_PREFIX}{account}"
        self._act: Callable[[], None] | None = None

    @property
    def thrown(self) -> bool:
        """Tell whether a halt waits to be stored."""
        return self._file.exists()

    def throw(self) -> None:
        """Halt now, and remember it on the disk."""
        try:
            with self._file.open("w", encoding="utf-8") as file:
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            # The halt itself must not fail by a full disk.
            logs.get(__name__).error(LogEvent.STEP_FAILED, step="halt", reason=str(error))
        if self._act is not None:
            self._act()

    def connect(self, act: Callable[[], None]) -> None:
        """Let this be what a halt does; one that was thrown before is done now."""
        self._act = act
        if self.thrown:
            act()

    def stored(self) -> None:
        """Forget a halt that stands in the store from now on."""
        self._file.unlink(missing_ok=True)
