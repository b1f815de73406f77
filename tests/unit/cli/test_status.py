"""The status is judged from the run file and from which of its processes live."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tapeline.cli.render import to_json
from tapeline.cli.status import ProcessStatus, State, Usage, assess, brokers_lines, stopped, view
from tapeline.cli.version import installed
from tapeline.cli.view import Line
from tapeline.runtime.runfile import Addresses, Brokers, ProcessRecord, RunFile, Secrets

NOW_US = 1_790_000_010_000_000
SECRETS = Secrets(postgres_password="pg-secret", clickhouse_password="ch-secret", gateway_token="gw-secret")


def record(name: str, **changes: object) -> ProcessRecord:
    made = ProcessRecord(name=name, state="running", pid=7, started_us=NOW_US - 5_000_000, metrics="127.0.0.1:9")
    return msgspec.structs.replace(made, **changes)


def run_file(*, ready: bool = True, **kafka: object) -> RunFile:
    return RunFile(
        version="1.2.3",
        data_dir="/data",
        log_dir="/logs",
        started_us=0,
        ready=ready,
        supervisor=record("supervisor"),
        addresses=Addresses(kafka="127.0.0.1:9092"),
        secrets=SECRETS,
        processes={"kafka": record("kafka", **kafka)},
    )


@pytest.mark.parametrize(
    ("lacking", "text"),
    [
        ((0, 0), "brokers    3 of 3 in service, 88 partitions, all copies in step"),
        ((9, 0), "brokers    3 of 3 in service, 9 of 88 partitions lack copies"),
        ((9, 2), "brokers    3 of 3 in service, 2 of 88 partitions have too few copies: writers wait"),
    ],
)
def test_several_brokers_are_shown_with_what_lacks_copies(lacking: tuple[int, int], text: str) -> None:
    brokers = Brokers(brokers=3, in_service=3, partitions=88, under_replicated=lacking[0], under_min=lacking[1])
    found = assess(msgspec.structs.replace(run_file(), brokers=brokers), Path("/data/run.json"), USED, NOW_US)
    assert found.brokers == brokers
    assert ["".join(cell.text for cell in one.cells) for one in brokers_lines(found)] == [text]


USED = {"supervisor": Usage(rss_mb=50.5, cpu_s=1.25), "kafka": Usage(rss_mb=200.0, cpu_s=3.0)}


def test_the_answer_has_every_field_and_no_secret() -> None:
    found = assess(run_file(restarts=2), Path("/data/run.json"), USED, NOW_US)
    assert found.processes["kafka"] == ProcessStatus(
        state="running", pid=7, restarts=2, uptime_s=5.0, rss_mb=200.0, cpu_s=3.0, metrics="127.0.0.1:9", detail=None
    )
    text = to_json(found)
    assert msgspec.json.decode(text) == {
        "state": "running",
        "ready": True,
        "version": "1.2.3",
        "data_dir": "/data",
        "log_dir": "/logs",
        "run_file": "/data/run.json",
        "addresses": {
            "kafka": "127.0.0.1:9092", "registry": None, "postgres": None, "clickhouse": None, "gateway": None,
            "venues": {},
        },
        "brokers": None,
        "processes": {
            "supervisor": {
                "state": "running", "pid": 7, "restarts": 0, "uptime_s": 5.0, "rss_mb": 50.5, "cpu_s": 1.25,
                "metrics": "127.0.0.1:9", "detail": None,
            },
            "kafka": {
                "state": "running", "pid": 7, "restarts": 2, "uptime_s": 5.0, "rss_mb": 200.0, "cpu_s": 3.0,
                "metrics": "127.0.0.1:9", "detail": None,
            },
        },
    }  # fmt: skip
    assert "secret" not in text


@pytest.mark.parametrize(
    ("run", "living", "state"),
    [
        (run_file(), ["supervisor", "kafka"], "running"),
        (run_file(ready=False), ["supervisor", "kafka"], "starting"),
        (run_file(), ["supervisor"], "degraded"),
        (run_file(state="restarting", pid=None), ["supervisor"], "degraded"),
        (run_file(), ["kafka"], "degraded"),
        (run_file(), [], "stopped"),
    ],
)
def test_the_state_is_one_word(run: RunFile, living: list[str], state: State) -> None:
    used = {name: USED[name] for name in living}
    assert assess(run, Path("/data/run.json"), used, NOW_US).state == state


@pytest.mark.parametrize(("living", "state"), [(["supervisor"], "restarting"), ([], "stopped")])
def test_a_dead_process_is_told_whatever_the_run_file_says(living: list[str], state: str) -> None:
    found = assess(run_file(), Path("/data/run.json"), {name: USED[name] for name in living}, NOW_US)
    assert found.processes["kafka"] == ProcessStatus(
        state=state, pid=None, restarts=0, uptime_s=None, rss_mb=None, cpu_s=None, metrics="127.0.0.1:9",
        detail="process 7 is gone",
    )  # fmt: skip


def test_nothing_is_ready_without_a_supervisor() -> None:
    assert assess(run_file(), Path("/data/run.json"), {"kafka": USED["kafka"]}, NOW_US).ready is False


def test_a_stopped_tapeline_has_the_same_shape() -> None:
    found = stopped(Path("/data"), Path("/logs"))
    assert (found.state, found.version, found.addresses, found.processes) == ("stopped", installed(), Addresses(), {})
    lines = ["".join(cell.text for cell in block.cells) for block in view(found) if isinstance(block, Line)]
    assert lines == [f"○ stopped  tapeline {installed()}", "data  /data", "start it with `tapeline up`"]
