"""Whose connections are cut: those of the very process that the run file names, to the very port that it called."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from tapeline.runtime import runfile
from tapeline.runtime.runfile import Addresses, ProcessRecord, RunFile, Secrets
from tests.support.network import calls_of

RUN = RunFile(
    version="0.1.0",
    data_dir="/data",
    log_dir="/logs",
    started_us=1,
    supervisor=ProcessRecord(name="supervisor", state="running"),
    addresses=Addresses(),
    secrets=Secrets(postgres_password="p", clickhouse_password="c", gateway_token="g"),
    processes={
        "gateway": ProcessRecord(name="gateway", state="starting", pid=os.getpid()),
        "sinks": ProcessRecord(name="sinks", state="running", pid=os.getpid(), created_s=1.0),
        "executor": ProcessRecord(name="executor", state="restarting"),
    },
)


def test_the_calls_of_a_process_are_its_own_open_connections(tmp_path: Path) -> None:
    assert calls_of(tmp_path, "gateway") == set()
    runfile.write(tmp_path, RUN)
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as caller:
        call = (caller.getsockname()[1], server.getsockname()[1])
        # A process that has the id of one that is gone, and one that is just between two lives, have called nobody.
        assert [call in calls_of(tmp_path, name) for name in RUN.processes] == [True, False, False]
    assert call not in calls_of(tmp_path, "gateway")
