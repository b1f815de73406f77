"""A small disk on the real system: what was in the folder stays, a full one refuses, a freed one takes again."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.support.disks import Limit, Mount, small_disk

_WRITER = "import sys\nfor line in sys.stdin: open(line.strip(), 'ab', buffering=0).write(b'x' * 10_000)"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "data"
    (made / "deep").mkdir(parents=True)
    (made / "deep" / "kept").write_bytes(b"kept")
    return made


def test_a_mount_keeps_what_was_there_and_is_gone_at_its_end(folder: Path) -> None:
    with small_disk(folder, 4, list) as disk:
        if not isinstance(disk, Mount):
            pytest.skip("this user may not mount")
        assert ((folder / "deep" / "kept").read_bytes(), os.path.ismount(folder)) == (b"kept", True)
        disk.fill()
        with pytest.raises(OSError, match="No space left") as told:
            (folder / "more").write_bytes(bytes(10_000))
        assert told.value.errno == errno.ENOSPC
        disk.free()
        assert (folder / "more").write_bytes(bytes(10_000)) == 10_000
    assert not folder.exists()


def test_what_failed_on_a_mount_stays_in_its_folder(folder: Path) -> None:
    def fail() -> None:
        with small_disk(folder, 4, list) as disk:
            if not isinstance(disk, Mount):
                pytest.skip("this user may not mount")
            (folder / "more").write_bytes(b"more")
            disk.fill()
            raise ValueError("it failed")

    with pytest.raises(ValueError, match="it failed"):
        fail()
    files = {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    assert (files, os.path.ismount(folder)) == ({"deep/kept": b"kept", "more": b"more"}, False)


def test_a_limit_refuses_until_it_is_taken_away(folder: Path) -> None:
    file = folder / "more"
    with subprocess.Popen([sys.executable, "-c", _WRITER], stdin=subprocess.PIPE, stderr=subprocess.PIPE) as writer:
        disk = Limit(lambda: [psutil.Process(writer.pid)])
        disk.fill()
        writer.communicate(f"{file}\n{file}\n".encode(), timeout=20)
    assert (writer.returncode, file.stat().st_size) == (1, 4_096)
    with subprocess.Popen([sys.executable, "-c", _WRITER], stdin=subprocess.PIPE) as writer:
        disk.fill()
        disk.free()
        writer.communicate(f"{file}\n".encode(), timeout=20)
    assert (writer.returncode, file.stat().st_size) == (0, 14_096)
