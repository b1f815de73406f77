"""The run file: replaced whole, for its owner only, and it tells a living process from another with its id."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tapeline.errors import Misconfigured
from tapeline.runtime import runfile
from tapeline.runtime.runfile import Addresses, ProcessRecord, RunFile, Secrets

RUN = RunFile(
    version="0.1.0",
    data_dir="/data",
    log_dir="/logs",
    started_us=1,
    supervisor=ProcessRecord(name="supervisor", state="running", pid=1, created_s=2.0),
    addresses=Addresses(kafka="127.0.0.1:9092"),
    secrets=Secrets(postgres_password="p", clickhouse_password="c", gateway_token="g"),
    processes={"kafka": ProcessRecord(name="kafka", state="starting", restarts=2)},
    schema_ids={"md.trade-value": 1},
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    assert runfile.read(tmp_path) is None
    runfile.write(tmp_path, RUN)
    assert runfile.read(tmp_path) == RUN
    runfile.remove(tmp_path)
    runfile.remove(tmp_path)
    assert runfile.read(tmp_path) is None


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        runfile.write(tmp_path, RUN)
    finally:
        os.umask(before)
    assert stat.S_IMODE(runfile.path_in(tmp_path).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_a_draft_that_a_killed_writer_left_open_to_all_makes_no_open_run_file(tmp_path: Path) -> None:
    draft = tmp_path / "run.json.new"
    draft.write_text("half")
    draft.chmod(0o644)
    runfile.write(tmp_path, RUN)
    assert stat.S_IMODE(runfile.path_in(tmp_path).stat().st_mode) == 0o600


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 3}'])
def test_a_damaged_file_is_one_sentence_with_the_fix(tmp_path: Path, text: str) -> None:
    runfile.path_in(tmp_path).write_text(text)
    with pytest.raises(Misconfigured, match=r"the run file .*run\.json cannot be read .*: delete it if no Tapeline"):
        runfile.read(tmp_path)


def test_a_field_of_a_newer_version_is_ignored(tmp_path: Path) -> None:
    runfile.write(tmp_path, RUN)
    path = runfile.path_in(tmp_path)
    path.write_text(path.read_text().replace("{", '{"future": 1,', 1))
    assert runfile.read(tmp_path) == RUN


def record(pid: int | None, created_s: float | None = None) -> ProcessRecord:
    return ProcessRecord(name="x", state="running", pid=pid, created_s=created_s)


def test_a_process_is_alive_only_while_it_is_the_same_one() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        created_s = psutil.Process(child.pid).create_time()
        assert runfile.is_alive(record(child.pid, created_s))
        assert runfile.is_alive(record(child.pid))
        assert not runfile.is_alive(record(child.pid, created_s - 100))
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        # Dead and not yet reaped: its id still exists.
        assert not runfile.is_alive(record(child.pid, created_s))
    assert not runfile.is_alive(record(child.pid, created_s))
    assert not runfile.is_alive(record(None))
