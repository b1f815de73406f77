"""The kill switch tells in every way that works, says of each what came of it, and fails only when none did."""

from __future__ import annotations

import inspect
import json
from pathlib import Path

import psutil
import pytest

from executor import running
from tapeline.cli import kill
from tapeline.cli.app import main
from tapeline.cli.kill import Row, Told, Way, failure, is_executor, signalled, view
from tapeline.cli.view import Cell, line
from tapeline.runtime import runfile
from tapeline.runtime.desired_state import THROWN_AT_EXECUTOR
from tapeline.runtime.runfile import Addresses, ProcessRecord, ProcessState, RunFile, Secrets

SIGNAL = Way(way="signal", reached=True, detail="executor (process 7)")
AWAY = Way(way="postgres", reached=False, detail="Postgres does not answer")
ROW = Row(scope="system", target="all", desired="HALTED", version=3, reason="why")


def run_of(**processes: ProcessRecord) -> RunFile:
    return RunFile(
        version="1",
        data_dir="/data",
        log_dir="/logs",
        started_us=0,
        supervisor=ProcessRecord(name="supervisor", state="running"),
        addresses=Addresses(),
        secrets=Secrets(postgres_password="x", clickhouse_password="x", gateway_token="x"),
        processes=processes,
    )


def this_process(state: ProcessState) -> ProcessRecord:
    own = psutil.Process()
    return ProcessRecord(name="executor", state=state, pid=own.pid, created_s=own.create_time())


@pytest.mark.parametrize(
    ("run", "detail"),
    [
        (None, "there is no run file"),
        (run_of(), "the run file names no executor"),
        (run_of(kafka=this_process("running")), "the run file names no executor"),
        (run_of(executor=ProcessRecord(name="executor", state="running")), "executor does not run"),
    ],
)
def test_where_no_executor_lives_nothing_is_signalled(run: RunFile | None, detail: str) -> None:
    assert signalled(run) == Way(way="signal", reached=False, detail=detail)


@pytest.mark.parametrize("state", ["starting", "restarting", "failed"])
def test_an_executor_that_is_not_ready_would_die_of_the_signal_and_gets_none(state: ProcessState) -> None:
    """Were it sent, this very test would end here."""
    record = this_process(state)
    assert signalled(run_of(executor=record)) == Way(
        way="signal",
        reached=False,
        detail=f"executor (process {record.pid}) is {state}: it takes nothing yet, nor a signal",
    )


@pytest.mark.parametrize(
    ("name", "is_one"),
    [("executor", True), ("executor-main", True), ("executor:main", True), ("executors", False), ("kafka", False)],
)
def test_each_accounts_executor_is_meant(name: str, is_one: bool) -> None:  # noqa: FBT001 - a table of the test
    assert is_executor(name) is is_one


def test_one_way_is_enough() -> None:
    assert Told(desired="HALTED", data_dir="d", ways=(SIGNAL, AWAY), rows=()).reached
    assert not Told(desired="HALTED", data_dir="d", ways=(AWAY,), rows=()).reached


def test_the_view_says_what_was_reached_and_what_was_not() -> None:
    assert view(Told(desired="HALTED", data_dir="/data", ways=(SIGNAL, AWAY), rows=(ROW,))) == (
        line(
            Cell("HALTED", "bad"),
            "  nothing is opened, what rests is cancelled, closes go on; until `tapeline resume` or `tapeline reduce`",
        ),
        line(Cell("  of       ", "dim"), "the Tapeline whose data is in /data"),
        line(Cell("✓ ", "good"), Cell("signal   ", "dim"), "executor (process 7)"),
        line(Cell("✗ ", "bad"), Cell("postgres ", "dim"), "Postgres does not answer"),
        line(Cell("  ", "dim"), "system all: HALTED, version 3"),
    )


def test_when_nothing_was_reached_the_error_names_both_ways_and_what_is_left() -> None:
    unheard = Way(way="signal", reached=False, detail="there is no run file")
    found = failure(Told(desired="HALTED", data_dir="d", ways=(unheard, AWAY), rows=()))
    assert (found.kind, found.exit_code, found.sentence) == (
        "unreached",
        3,
        f"the kill switch has reached nothing (signal: there is no run file; postgres: {AWAY.detail}): {found.fix}",
    )
    assert (
        found.fix == "stop the executor's process or its machine; if orders may still rest, cancel them at the venues"
    )


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TAPELINE_LOG__DIR", str(tmp_path / "logs"))
    monkeypatch.setenv("TAPELINE_DATA__DIR", str(tmp_path / "data"))
    return tmp_path


def test_the_command_fails_where_nothing_runs(nowhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["kill", "--json"]) == 3
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["kind"] == "unreached"
    assert error["problem"] == (
        "the kill switch has reached nothing (signal: there is no run file; postgres: Postgres is not running: run "
        "`tapeline up` or set database.host)"
    )


def test_a_run_file_that_cannot_be_read_does_not_keep_it_from_the_database(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TAPELINE_KAFKA__BOOTSTRAP", "127.0.0.1:1")  # so that it is not looked for beside it

    async def stored(*_: object) -> tuple[Row, ...]:
        return (ROW,)

    def broken(_: Path) -> RunFile | None:
        raise PermissionError("no right to read it")

    monkeypatch.setattr(kill, "_write", stored)
    monkeypatch.setattr(kill, "_services", lambda _: None)
    monkeypatch.setattr(runfile, "read", broken)
    assert main(["kill", "--json", "--reason", "why"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["ways"] == [
        {"way": "signal", "reached": False, "detail": "PermissionError: no right to read it"},
        {"way": "postgres", "reached": True, "detail": "HALTED is stored with its audit entry"},
    ]
    assert told["rows"] == [{"scope": "system", "target": "all", "desired": "HALTED", "version": 3, "reason": "why"}]


def test_a_resume_knows_the_halts_that_executors_store() -> None:
    """What an executor writes for a halt that reached it as a signal is what `resume` takes back."""
    source = inspect.getsource(running)
    assert THROWN_AT_EXECUTOR in source or "THROWN_AT_EXECUTOR" in source
