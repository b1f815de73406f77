"""Log lines: JSON with the promised fields, in the promised files, without secrets; a full disk never kills (X-03)."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NoReturn

import pytest

from tapeline.errors import Misconfigured
from tapeline.runtime import clock, logs, metrics
from tapeline.runtime.log_events import LogEvent
from tapeline.runtime.settings import Log

STARTED, CRASHED = LogEvent.PROCESS_STARTED, LogEvent.PROCESS_CRASHED


@pytest.fixture(autouse=True)
def _close_logs() -> Iterator[None]:
    level = logging.getLogger().level
    yield
    logs.shutdown()
    logging.getLogger().setLevel(level)
    logging.getLogger("tapeline").setLevel(logging.NOTSET)


def lines(folder: Path, name: str = "sinks") -> list[dict[str, Any]]:
    today = clock.day(clock.now_us())
    file = folder / (f"{name}.log" if name in {"error", "trade"} else f"{name}_{today}.log")
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_a_line_has_the_promised_fields(tmp_path: Path) -> None:
    logs.configure("sinks", Log(dir=tmp_path))
    logs.get("sinks.book").info(STARTED, parts=3)
    (found,) = lines(tmp_path)
    assert list(found)[:5] == ["timestamp", "level", "service", "event", "trace_id"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", found.pop("timestamp"))
    assert isinstance(found.pop("pid"), int)
    assert found == {
        "level": "info",
        "service": "sinks",
        "event": "PROCESS_STARTED",
        "trace_id": None,
        "logger": "tapeline.sinks.book",
        "parts": 3,
    }


def test_each_file_has_what_belongs_into_it(tmp_path: Path) -> None:
    logs.configure("sinks", Log(dir=tmp_path))
    log = logs.get()
    log.info(STARTED, n=1)
    log.error(CRASHED, n=2)
    log.info(LogEvent.ALERT_RAISED, n=3, category="trade")
    assert [line["n"] for line in lines(tmp_path)] == [1, 2, 3]
    assert [line["n"] for line in lines(tmp_path, "sinks_errors")] == [2]
    assert [line["n"] for line in lines(tmp_path, "error")] == [2]
    assert [line["n"] for line in lines(tmp_path, "trade")] == [3]


@pytest.mark.parametrize(
    ("level", "written"),
    [
        ("debug", ["debug", "info", "warn", "error"]),
        ("info", ["info", "warn", "error"]),
        ("warn", ["warn", "error"]),
        ("error", ["error"]),
    ],
)
def test_the_level_is_obeyed(
    tmp_path: Path, level: Literal["debug", "info", "warn", "error"], written: list[str]
) -> None:
    logs.configure("sinks", Log(dir=tmp_path, level=level))
    log = logs.get(__name__)
    for say in (log.debug, log.info, log.warning, log.error):
        say(STARTED)
    assert [line["level"] for line in lines(tmp_path)] == written


def test_libraries_are_heard_from_warnings_on(tmp_path: Path) -> None:
    logs.configure("sinks", Log(dir=tmp_path, level="debug"))
    foreign = logging.getLogger("aiokafka.cluster")
    foreign.debug("secret internals")
    foreign.info("chatter")
    foreign.warning("node %s is away, password=hunter2", 3)
    (found,) = lines(tmp_path)
    assert (found["event"], found["level"]) == ("node 3 is away, password=***", "warn")
    assert found["logger"] == "aiokafka.cluster"


def test_a_library_that_repeats_itself_does_not_flood(tmp_path: Path) -> None:
    logs.configure("sinks", Log(dir=tmp_path, level="debug"))
    for number in range(5):
        logging.getLogger("aiokafka.conn").error("no connection to node %s", number)
        logs.get().info(STARTED)
    assert [found["event"] for found in lines(tmp_path)] == ["no connection to node 0", *[STARTED] * 5]


def test_secrets_are_hidden_by_name_shape_and_value(tmp_path: Path) -> None:
    logs.configure("sinks", Log(dir=tmp_path), secrets=["s3cr3t-value", ""])
    log = logs.get()
    log.info(STARTED, password="hunter2", url="postgres://u:hunter2@h/x", text="it is s3cr3t-value")
    logs.hide("later-secret")
    try:
        int("later-secret and Bearer hunter2hunter2")
    except ValueError:
        log.exception(CRASHED)
    text = "".join(path.read_text() for path in tmp_path.glob("*.log"))
    assert ": '*** and Bearer ***'" in text
    assert not [word for word in ("hunter2", "s3cr3t-value", "later-secret") if word in text]


def test_an_exception_brings_its_traceback(tmp_path: Path) -> None:
    logs.configure("sinks", Log(dir=tmp_path))
    error = None
    try:
        _ = 1 / 0
    except ZeroDivisionError as caught:
        error = caught
    logs.get().error(CRASHED, exc_info=error)
    logging.getLogger("lib").error("foreign", exc_info=error)
    for line in lines(tmp_path):
        assert str(line["exception"]).startswith("Traceback (most recent call last):")
        assert str(line["exception"]).endswith("ZeroDivisionError: division by zero")


def test_bound_trace_ids_stand_in_every_line(tmp_path: Path) -> None:
    """E-25: one search by trace id finds the lines of an operation."""
    logs.configure("sinks", Log(dir=tmp_path))
    with logs.trace_operation("enter", trace_id="t1", symbol="BTC/USDT"):
        logs.get().info(STARTED)
        with logs.trace_operation("send"):
            logs.get("other").info(STARTED)
    logs.get().info(STARTED)
    found = [(line["trace_id"], line.get("operation"), line.get("symbol")) for line in lines(tmp_path)]
    assert found == [("t1", "enter", "BTC/USDT"), ("t1", "enter/send", "BTC/USDT"), (None, None, None)]


def test_a_field_cannot_take_the_place_of_ours(tmp_path: Path) -> None:
    logs.configure("sinks", Log(dir=tmp_path))
    logs.get().info(STARTED, service="fake", level="fake", timestamp="fake")
    (found,) = lines(tmp_path)
    assert (found["service"], found["level"], found["service_"], found["timestamp_"]) == (
        "sinks",
        "info",
        "fake",
        "fake",
    )


class Broken(dict[str, str]):
    def items(self) -> NoReturn:
        raise RuntimeError("cannot be read")


def test_a_value_that_cannot_be_shown_loses_its_line_not_the_process(tmp_path: Path) -> None:
    logs.configure("sinks", Log(dir=tmp_path))
    before = lost("unreadable")
    logs.get().info(STARTED, value=Broken(a="b"))
    logs.get().info(STARTED, value="fine")
    assert lost("unreadable") == before + 1
    assert [(line["event"], line.get("lines")) for line in lines(tmp_path)] == [
        ("PROCESS_STARTED", None),
        ("LOG_LINES_LOST", 1),
    ]


def test_a_full_disk_later_is_counted_and_said_when_it_is_over(tmp_path: Path) -> None:
    logs.configure("sinks", Log(dir=tmp_path))
    before = lost("sinks")
    file = tmp_path / f"sinks_{clock.day(clock.now_us())}.log"
    file.unlink()
    file.symlink_to("/dev/full")
    logs.get().info(STARTED, n=1)
    logs.get().info(STARTED, n=2)
    assert lost("sinks") == before + 2
    file.unlink()
    logs.get().info(STARTED, n=3)
    assert [(line["event"], line.get("n"), line.get("lines")) for line in lines(tmp_path)] == [
        ("PROCESS_STARTED", 3, None),
        ("LOG_LINES_LOST", None, 2),
    ]


def lost(file: str) -> float:
    return metrics.registry().get_sample_value("tapeline_log_lines_lost_total", {"file": file}) or 0.0


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(Misconfigured) as caught:
        logs.configure("sinks", Log(dir=tmp_path / "taken"))
    assert str(caught.value) == (
        f"log.dir '{tmp_path}/taken' cannot be written (File exists):"
        " free some space there, or set log.dir to a folder that this user may write"
    )


def test_a_full_disk_at_start_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".probe-1").symlink_to("/dev/full")
    monkeypatch.setattr(os, "getpid", lambda: 1)
    with pytest.raises(Misconfigured, match=r"cannot be written \(No space left on device\): free some space there"):
        logs.configure("sinks", Log(dir=tmp_path))


def test_the_console_shows_json_or_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("sinks", Log(dir=tmp_path, console="json"))
    logs.get().info(STARTED, parts=3)
    assert json.loads(capsys.readouterr().err)["parts"] == 3
    logs.configure("sinks", Log(dir=tmp_path, console="text"))
    logs.get().info(STARTED, parts=3, password="hunter2")
    shown = capsys.readouterr().err
    assert "PROCESS_STARTED" in shown
    assert "parts=3" in shown
    assert "password=***" in shown


def test_a_second_configuration_replaces_the_first(tmp_path: Path) -> None:
    logs.configure("one", Log(dir=tmp_path / "one"))
    logs.configure("two", Log(dir=tmp_path / "two"))
    logs.get().info(STARTED)
    assert lines(tmp_path / "one", "one") == []
    assert len(lines(tmp_path / "two", "two")) == 1


def test_before_configuration_a_logger_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    logs.get(__name__).error(CRASHED, password="hunter2")
    sys.stderr.flush()
    assert capfd.readouterr() == ("", "")


def test_old_files_go_at_start(tmp_path: Path) -> None:
    old = tmp_path / "sinks_20200101.log"
    old.touch()
    os.utime(old, (0, 0))
    logs.configure("sinks", Log(dir=tmp_path, keep_days=14))
    assert not old.exists()
