"""A kill reaches a living executor's process as SIGUSR1, by the run file alone, and nobody else who has its number."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from tapeline.cli.kill import Way, signalled
from tapeline.runtime.runfile import Addresses, ProcessRecord, RunFile, Secrets

HEARER = """
import os, signal, sys
# Not through sys.stdout: the signal may come while it is still being flushed.
signal.signal(signal.SIGUSR1, lambda *_: os.write(1, b"halted\\n"))
os.write(1, b"ready\\n")
sys.stdin.read()
"""


@pytest.fixture
def executor() -> Iterator[subprocess.Popen[str]]:
    """Run a process that says when it is told to halt."""
    with subprocess.Popen(
        [sys.executable, "-c", HEARER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "ready\n"
        yield process
        process.stdin.close()


def run_of(pid: int, created_s: float) -> RunFile:
    return RunFile(
        version="1",
        data_dir="/data",
        log_dir="/logs",
        started_us=0,
        supervisor=ProcessRecord(name="supervisor", state="running"),
        addresses=Addresses(),
        secrets=Secrets(postgres_password="x", clickhouse_password="x", gateway_token="x"),
        processes={"executor": ProcessRecord(name="executor", state="running", pid=pid, created_s=created_s)},
    )


def test_the_signal_arrives(executor: subprocess.Popen[str]) -> None:
    created_s = psutil.Process(executor.pid).create_time()
    assert signalled(run_of(executor.pid, created_s)) == Way(
        way="signal", reached=True, detail=f"executor (process {executor.pid})"
    )
    assert executor.stdout is not None
    assert executor.stdout.readline() == "halted\n"
    assert executor.poll() is None


def test_another_process_with_its_number_gets_none(executor: subprocess.Popen[str]) -> None:
    assert signalled(run_of(executor.pid, 1.0)) == Way(way="signal", reached=False, detail="executor does not run")
