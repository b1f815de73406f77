"""Whatever is written when, by however many writers: each line stands once and whole, and files stay within bounds."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tapeline.runtime.log_files import LogFile, files_of

DAY_US = 86_400_000_000
MONDAY_US = 20_000 * DAY_US
LIMIT = 60

# (which of three writers, how long the line is, how many hours pass before)
STEPS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 100), st.integers(0, 13)), max_size=40)


@given(STEPS, st.booleans())
def test_each_line_stands_once_in_the_order_written(steps: list[tuple[int, int, int]], daily: bool) -> None:  # noqa: FBT001 - Hypothesis passes it by position
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        writers = [LogFile(folder, "x", daily=daily, max_bytes=LIMIT) for _ in range(3)]
        now_us, lines = MONDAY_US, []
        for number, (which, size, hours) in enumerate(steps):
            now_us += hours * DAY_US // 24
            lines.append(f"{number} {'x' * size}\n")
            writers[which].write(lines[-1].encode(), now_us)
            # The test lives in another time than the disk.
            os.utime(writers[which].path(f"{_day(now_us)}"), ns=(now_us * 1000, now_us * 1000))
        for writer in writers:
            writer.close()
        texts = [path.read_text() for path in files_of(folder, "x")]
        assert Counter("".join(texts).splitlines(keepends=True)) == Counter(lines)
        assert "".join(texts) == "".join(lines)
        assert all(len(text) <= LIMIT or text.count("\n") == 1 for text in texts)


def _day(at_us: int) -> str:
    return f"{20241004 + (at_us - MONDAY_US) // DAY_US}"
