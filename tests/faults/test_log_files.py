"""Several real processes write and rotate the same log files: no line is lost, none is torn (X-03)."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.support.eventually import eventually

WRITERS = 4
LINES = 3_000
# Two files and a day that changes in the middle; each line names its writer and number.
WRITER = f"""
import sys
from pathlib import Path
from tapeline.runtime.log_files import LogFile

folder, me = Path(sys.argv[1]), sys.argv[2]
monday_us = 20_000 * 86_400_000_000
shared = LogFile(folder, "error", daily=False, max_bytes=20_000)
daily = LogFile(folder, "same_service", daily=True, max_bytes=20_000)
for number in range({LINES}):
    now_us = monday_us + (number >= {LINES} // 2) * 86_400_000_000
    line = f"{{me}} {{number}} {{'x' * (number * 7 % 300)}}\\n".encode()
    shared.write(line, now_us)
    daily.write(line, now_us)
    if number == 100:
        (folder / f"{{me}}.running").touch()
"""


def started(folder: Path, count: int) -> list[subprocess.Popen[bytes]]:
    script = folder.parent / "writer.py"
    script.write_text(WRITER)
    root = Path(__file__).parents[2]
    words = [sys.executable, str(script), str(folder)]
    return [
        subprocess.Popen([*words, f"w{number}"], cwd=root, env={"PYTHONPATH": str(root)}) for number in range(count)
    ]


def written(folder: Path, pattern: str) -> Counter[str]:
    """Return how often each whole line stands in the files; a torn one would be no line that anybody wrote."""
    found: Counter[str] = Counter()
    for path in folder.glob(pattern):
        found.update(path.read_text().splitlines(keepends=True))
    return found


def expected(writers: int) -> Counter[str]:
    return Counter(f"w{me} {number} {'x' * (number * 7 % 300)}\n" for me in range(writers) for number in range(LINES))


async def test_no_line_is_lost_or_torn_while_all_rotate(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    codes = [child.wait(timeout=60) for child in started(folder, WRITERS)]
    assert codes == [0] * WRITERS
    assert written(folder, "error*.log") == expected(WRITERS)
    assert written(folder, "same_service*.log") == expected(WRITERS)
    assert len(list(folder.glob("error.2024100[45].*.log"))) > 10


async def test_a_writer_killed_or_paused_anywhere_stops_nobody(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    killed, paused, *others = children = started(folder, WRITERS)
    try:
        await eventually(lambda: len(list(folder.glob("w[01].running"))) == 2, within_s=20)
        paused.send_signal(signal.SIGSTOP)
        killed.kill()
        assert [child.wait(timeout=60) for child in others] == [0] * (WRITERS - 2)
        paused.send_signal(signal.SIGCONT)
        assert paused.wait(timeout=60) == 0
    finally:
        for child in children:
            child.kill()
            child.wait()
    whole = expected(WRITERS)
    for pattern in ("error*.log", "same_service*.log"):
        found = written(folder, pattern)
        assert found <= whole
        assert {line for line in (whole - found) if not line.startswith("w0 ")} == set()
