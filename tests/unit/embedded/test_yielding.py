"""What gives way does so for processes of other sessions too, where the kernel shares cores out by session."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import psutil
import pytest

from infra.embedded.yielding import give_way
from tests.support.accepted import accepted

_AUTOGROUP = Path("/proc/self/autogroup")


async def _started() -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", "import sys; sys.stdin.read()", stdin=asyncio.subprocess.PIPE, start_new_session=True
    )


async def _ended(process: asyncio.subprocess.Process) -> None:
    _ = await process.communicate(b"")


async def test_process_and_session_are_as_nice() -> None:
    processes = [await _started() for _ in range(3)]
    try:
        _ = await asyncio.gather(*(give_way(one.pid) for one in processes))
        wanted = min(psutil.Process().nice() + 10, 19)
        assert [psutil.Process(one.pid).nice() for one in processes] == [wanted] * 3
        if not _AUTOGROUP.exists():
            pytest.skip("this kernel shares cores out by process alone")
        said = [Path(f"/proc/{one.pid}/autogroup").read_text().split(" nice ")[1].strip() for one in processes]
        assert said == [str(wanted)] * 3
    finally:
        for one in processes:
            await _ended(one)


async def test_a_process_that_is_gone_is_no_error() -> None:
    process = await _started()
    await _ended(process)
    with accepted():
        await give_way(process.pid)
