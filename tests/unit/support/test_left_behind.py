"""A process that a test forgets is found, also when it has left the family."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from tests.support.left_behind import left_behind

# Starts a grandchild in a session of its own, tells its id and ends: the grandchild belongs to nobody.
DETACH = """
import subprocess, sys
words, none = [sys.executable, "-c", "import signal; signal.pause()"], subprocess.DEVNULL
grandchild = subprocess.Popen(words, start_new_session=True, stdout=none, stderr=none)
print(grandchild.pid)
"""


def test_a_process_that_left_the_family_is_found() -> None:
    told = subprocess.run([sys.executable, "-W", "ignore", "-c", DETACH], capture_output=True, text=True, check=True)
    grandchild = int(told.stdout)
    try:
        assert any(found.startswith(f"{grandchild} ") for found in left_behind(within_s=0))
    finally:
        os.kill(grandchild, signal.SIGKILL)


def test_a_process_that_has_ended_is_not_found() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        child.wait()
    assert [found for found in left_behind(within_s=0) if found.startswith(f"{child.pid} ")] == []
