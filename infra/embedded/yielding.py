"""Processes that give way, where cores are few, to what decides and trades.

Linux shares cores out between sessions first (autogroups): in a session of its own, as all of ours are, a process's own
niceness says nothing to the others. So the session is made as nice as its process, where there is such a thing.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import psutil

_YIELDS: Final = 10
"""How much nicer than the others it is that gives way."""
_MOST_NICE: Final = 19
_TRIES: Final = 10
_AGAIN_S: Final = 0.11
"""The kernel takes one such change in a tenth of a second from whoever is not root."""


async def give_way(pid: int) -> None:
    """Let a process that leads a session give way to all others; without a kernel that can, nothing follows."""
    try:
        process = psutil.Process(pid)
        nice = min(process.nice() + _YIELDS, _MOST_NICE)
        process.nice(nice)
    except psutil.Error:
        return
    for _ in range(_TRIES):
        if _is_settled(pid, nice):
            return
        await asyncio.sleep(_AGAIN_S)


def _is_settled(pid: int, nice: int) -> bool:
    """Make the session of a process as nice as it; tell whether there is nothing to try again."""
    try:
        _ = Path(f"/proc/{pid}/autogroup").write_text(str(nice))
    except BlockingIOError:
        return False
    except OSError:
        # Another system, a kernel without sessions of this kind, or the process is gone.
        return True
    return True
