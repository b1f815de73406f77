"""The heartbeat file: young and ready is well; old, of another boot, missing, broken or waiting is not, and why."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tapeline.runtime import clock, heartbeat_file
from tapeline.runtime.heartbeat_file import Sign

READY = Sign("sinks", 7, "ready", {}, at_s=100.0, good_for_s=15.0)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "heartbeat"


@pytest.mark.parametrize(
    ("sign", "now_s", "told"),
    [
        (READY, 100.0, None),
        (READY, 115.0, None),
        (READY, 115.1, "sinks stands still: its heartbeat is 15.1 s old, 15 s are allowed"),
        (READY, 3.0, "sinks stands still: its heartbeat is -97.0 s old, 15 s are allowed"),
        (READY._replace(state="starting"), 101.0, "sinks is starting"),
        (READY._replace(state="stopping"), 101.0, "sinks is stopping"),
        (
            READY._replace(state="waiting", waiting_for={"kafka": "refused", "store": "away"}),
            101.0,
            "sinks is waiting (kafka: refused; store: away)",
        ),
    ],
)
def test_a_sign_is_judged(file: Path, sign: Sign, now_s: float, told: str | None) -> None:
    heartbeat_file.write(file, sign)
    assert heartbeat_file.problem(file, now_s) == told


def test_nothing_but_the_file_is_left(file: Path) -> None:
    heartbeat_file.write(file, READY)
    heartbeat_file.write(file, READY._replace(at_s=101.0))
    assert list(file.parent.iterdir()) == [file]


def test_a_missing_and_a_broken_file_are_told(file: Path) -> None:
    assert "there is no heartbeat" in str(heartbeat_file.problem(file, 100.0))
    for text in ("", "7", "{}", '{"service": "sinks"}', "\ufffd"):
        file.write_text(text, "utf-8")
        assert "is no heartbeat" in str(heartbeat_file.problem(file, 100.0))


def test_the_command_ends_with_what_a_container_asks(file: Path) -> None:
    words = [sys.executable, "-m", "tapeline.runtime.heartbeat_file"]

    def asked(*arguments: str) -> tuple[int, str]:
        done = subprocess.run([*words, *arguments], capture_output=True, text=True, check=False)
        return done.returncode, done.stderr

    assert asked() == (2, "usage: python -m tapeline.runtime.heartbeat_file FILE\n")
    assert asked(str(file))[0] == 1
    heartbeat_file.write(file, READY._replace(at_s=clock.monotonic_s(), good_for_s=3_600.0))
    assert asked(str(file)) == (0, "")


def test_the_command_loads_nothing_heavy() -> None:
    text = "import sys, tapeline.runtime.heartbeat_file; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) & {"aiohttp", "aiokafka", "asyncio", "msgspec", "pydantic", "structlog"} == set()
