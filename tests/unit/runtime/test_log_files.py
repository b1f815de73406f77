"""Log files rotate by size and by day, are read back in order, and old ones go (X-03)."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from tapeline.runtime import log_files
from tapeline.runtime.log_files import LogFile

DAY_US = 86_400_000_000
MONDAY_US = 20_000 * DAY_US  # 2024-10-04
TUESDAY_US = MONDAY_US + DAY_US


def content(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(folder.glob("*.log"))}


def dated(path: Path, at_us: int) -> None:
    os.utime(path, ns=(at_us * 1000, at_us * 1000))


def test_a_daily_log_has_a_file_per_day(tmp_path: Path) -> None:
    log = LogFile(tmp_path, "sinks", daily=True, max_bytes=100)
    log.write(b"one\n", MONDAY_US)
    log.write(b"two\n", TUESDAY_US - 1)
    log.write(b"three\n", TUESDAY_US)
    log.close()
    assert content(tmp_path) == {"sinks_20241004.log": "one\ntwo\n", "sinks_20241005.log": "three\n"}


def test_a_full_daily_log_gets_a_number(tmp_path: Path) -> None:
    log = LogFile(tmp_path, "sinks", daily=True, max_bytes=8)
    for line in (b"aaa\n", b"bbb\n", b"ccc\n", b"d\n", b"eee\n"):
        log.write(line, MONDAY_US)
    log.close()
    assert content(tmp_path) == {
        "sinks_20241004.1.log": "aaa\nbbb\n",
        "sinks_20241004.2.log": "ccc\nd\n",
        "sinks_20241004.log": "eee\n",
    }


def test_a_line_longer_than_the_limit_is_written_whole(tmp_path: Path) -> None:
    log = LogFile(tmp_path, "sinks", daily=True, max_bytes=4)
    log.write(b"0123456789\n", MONDAY_US)
    log.write(b"0123456789\n", MONDAY_US)
    log.close()
    assert content(tmp_path) == {"sinks_20241004.1.log": "0123456789\n", "sinks_20241004.log": "0123456789\n"}


def test_a_shared_log_keeps_its_name_and_is_rotated_by_day_and_size(tmp_path: Path) -> None:
    log = LogFile(tmp_path, "error", daily=False, max_bytes=8)
    for line, at_us in ((b"aaa\n", MONDAY_US), (b"b\n", TUESDAY_US), (b"cc\n", TUESDAY_US), (b"dddd\n", TUESDAY_US)):
        log.write(line, at_us)
    log.close()
    assert content(tmp_path) == {
        "error.20241004.1.log": "aaa\n",
        "error.20241005.1.log": "b\ncc\n",
        "error.log": "dddd\n",
    }


def test_a_shared_log_of_yesterday_found_at_start_is_rotated(tmp_path: Path) -> None:
    (tmp_path / "error.log").write_text("old\n")
    dated(tmp_path / "error.log", MONDAY_US + 5)
    log = LogFile(tmp_path, "error", daily=False, max_bytes=100)
    log.write(b"new\n", TUESDAY_US)
    log.close()
    assert content(tmp_path) == {"error.20241004.1.log": "old\n", "error.log": "new\n"}


def test_two_writers_rotate_a_day_once(tmp_path: Path) -> None:
    one, two = (LogFile(tmp_path, "error", daily=False, max_bytes=100) for _ in range(2))
    one.write(b"1\n", MONDAY_US)
    dated(tmp_path / "error.log", MONDAY_US)
    two.write(b"2\n", MONDAY_US)
    one.write(b"3\n", TUESDAY_US)
    two.write(b"4\n", TUESDAY_US)
    one.close()
    two.close()
    assert content(tmp_path) == {"error.20241004.1.log": "1\n2\n", "error.log": "3\n4\n"}


def test_while_another_process_rotates_lines_go_on(tmp_path: Path) -> None:
    """A process stopped in the middle of a rotation must not stop the others."""
    log = LogFile(tmp_path, "error", daily=False, max_bytes=4)
    log.write(b"aaa\n", MONDAY_US)
    with (tmp_path / ".rotate.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        log.write(b"bbb\n", MONDAY_US)
    log.write(b"ccc\n", MONDAY_US)
    log.close()
    assert content(tmp_path) == {"error.20241004.1.log": "aaa\nbbb\n", "error.log": "ccc\n"}


def test_a_deleted_file_and_a_deleted_folder_come_back(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    log = LogFile(folder, "sinks", daily=True, max_bytes=100)
    log.write(b"one\n", MONDAY_US)
    (folder / "sinks_20241004.log").unlink()
    log.write(b"two\n", MONDAY_US)
    assert content(folder) == {"sinks_20241004.log": "two\n"}
    (folder / "sinks_20241004.log").unlink()
    folder.rmdir()
    log.write(b"three\n", MONDAY_US)
    log.close()
    assert content(folder) == {"sinks_20241004.log": "three\n"}


def test_a_full_disk_raises_and_the_next_line_stands_alone(tmp_path: Path) -> None:
    log = LogFile(tmp_path, "error", daily=False, max_bytes=10**9)
    (tmp_path / "error.log").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        log.write(b"lost\n", MONDAY_US)
    (tmp_path / "error.log").unlink()
    log.write(b"kept\n", MONDAY_US)
    log.close()
    assert content(tmp_path) == {"error.log": "kept\n"}


def test_files_are_listed_in_the_order_written(tmp_path: Path) -> None:
    names = [
        "kafka_20241004.1.log", "kafka_20241004.2.log", "kafka_20241004.10.log", "kafka_20241004.log",
        "kafka_20241005.log",
    ]  # fmt: skip
    for name in [*reversed(names), "kafka_errors_20241004.log", "kafka.log.txt", "kafka2_20241004.log"]:
        (tmp_path / name).touch()
    assert [path.name for path in log_files.files_of(tmp_path, "kafka")] == names
    assert [path.name for path in log_files.files_of(tmp_path, "kafka_errors")] == ["kafka_errors_20241004.log"]
    shared = ["error.20241004.1.log", "error.20241004.2.log", "error.20241005.1.log", "error.log"]
    for name in reversed(shared):
        (tmp_path / name).touch()
    assert [path.name for path in log_files.files_of(tmp_path, "error")] == shared


def test_old_files_are_deleted_and_nothing_else(tmp_path: Path) -> None:
    old = ["error.20241001.1.log", "sinks_20241001.1.log", "sinks_20241001.log", "sinks_errors_20241001.log"]
    kept = ["error.log", "kafka.log", "notes.txt", "sinks_20241003.log", "trade.log"]
    for name in [*old, *kept]:
        (tmp_path / name).touch()
        dated(tmp_path / name, MONDAY_US - 3 * DAY_US)
    dated(tmp_path / "sinks_20241003.log", MONDAY_US - DAY_US)
    assert [path.name for path in log_files.prune(tmp_path, 2, MONDAY_US)] == old
    assert sorted(path.name for path in tmp_path.iterdir()) == kept
