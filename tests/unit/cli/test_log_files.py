"""The logs of all processes are one stream in the order of time, read from the end or as they grow."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tapeline.cli.log_files import Follower, newest, processes, reversed_lines, sources
from tapeline.cli.log_lines import Entry, Wanted


def entry(second: int, service: str, event: str, level: str = "info") -> str:
    at = f"2026-01-31T12:00:{second:02d}.000000Z"
    return json.dumps({"timestamp": at, "level": level, "service": service, "event": event}) + "\n"


def seen(entries: list[Entry]) -> list[tuple[str, str, str]]:
    return [(one.timestamp[17:19], one.service, one.event) for one in entries]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = {
        "kafka_20260130.log": entry(0, "kafka", "yesterday"),
        "kafka_20260131.1.log": entry(1, "kafka", "first"),
        "kafka_20260131.2.log": entry(3, "kafka", "second"),
        "kafka_20260131.log": entry(5, "kafka", "third", "error"),
        "registry_20260131.log": entry(2, "registry", "a") + entry(4, "registry", "b"),
        "kafka.log": "2026-01-31T12:00:06.000Z WARN Broker says\n  at line 1\n  at line 2\n",
        "kafka_errors_20260131.log": entry(5, "kafka", "copy"),
        "error.log": entry(5, "kafka", "copy"),
        "error.20260130.1.log": entry(5, "kafka", "copy"),
        "trade.log": entry(5, "kafka", "copy"),
        "notes.txt": "no log",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


def test_the_newest_entries_come_in_the_order_of_time(folder: Path) -> None:
    assert seen(newest(folder, Wanted(), None)) == [
        ("00", "kafka", "yesterday"),
        ("01", "kafka", "first"),
        ("02", "registry", "a"),
        ("03", "kafka", "second"),
        ("04", "registry", "b"),
        ("05", "kafka", "third"),
        ("06", "kafka", "Broker says"),
        ("06", "kafka", "  at line 1"),
        ("06", "kafka", "  at line 2"),
    ]
    assert seen(newest(folder, Wanted(name="registry"), 1)) == [("04", "registry", "b")]
    assert seen(newest(folder, Wanted(level="warn"), 5)) == [("05", "kafka", "third"), ("06", "kafka", "Broker says")]


def test_copies_and_strangers_are_no_sources(folder: Path) -> None:
    assert processes(folder) == ["kafka", "registry"]
    names = [[path.name for path in files] for _, files in sources(folder)]
    assert names == [
        ["kafka.log"],
        ["kafka_20260130.log", "kafka_20260131.1.log", "kafka_20260131.2.log", "kafka_20260131.log"],
        ["registry_20260131.log"],
    ]


def test_what_a_process_says_before_it_logs_has_the_time_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "sinks_output.log").write_text("Traceback\nboom\n", "utf-8")
    found = newest(tmp_path, Wanted(), None)
    assert [(one.service, one.event, one.timestamp[:2]) for one in found] == [
        ("sinks", "Traceback", "20"),
        ("sinks", "boom", "20"),
    ]


def test_no_folder_is_no_entries(tmp_path: Path) -> None:
    assert newest(tmp_path / "absent", Wanted(), 10) == []


@pytest.mark.parametrize("block", [1, 2, 3, 7, 4096])
def test_lines_are_read_backwards_whatever_the_block(tmp_path: Path, block: int) -> None:
    path = tmp_path / "x.log"
    path.write_text("ä\nbb\n\nccc\nhalf", "utf-8")
    assert list(reversed_lines(path, block)) == ["half", "ccc", "bb", "ä"]


def test_following_returns_what_is_new_once_and_waits_for_the_end_of_a_line(folder: Path) -> None:
    follower = Follower(folder)
    assert follower.more() == []
    late, early = entry(9, "registry", "late"), entry(8, "kafka", "early")
    with (folder / "registry_20260131.log").open("a", encoding="utf-8") as file:
        file.write(late + '{"half')
    (folder / "sinks_20260131.log").write_text(early, "utf-8")
    assert seen(follower.more()) == [("08", "kafka", "early"), ("09", "registry", "late")]
    assert follower.more() == []


def test_following_goes_on_through_a_rotation(folder: Path) -> None:
    follower = Follower(folder)
    path = folder / "registry_20260131.log"
    with path.open("a", encoding="utf-8") as file:
        file.write(entry(7, "registry", "before"))
    path.rename(folder / "registry_20260131.1.log")
    path.write_text(entry(8, "registry", "after"), "utf-8")
    assert seen(follower.more()) == [("07", "registry", "before"), ("08", "registry", "after")]
