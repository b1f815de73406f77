"""Starting and stopping: what is stopped says so, wrong settings are told, what runs in front leaves nothing."""

from __future__ import annotations

import signal

from tests.journeys.command import Tapeline
from tests.support.running import left_over

NOTHING: dict[str, object] = {
    "kafka": None,
    "registry": None,
    "postgres": None,
    "clickhouse": None,
    "gateway": None,
    "venues": {},
}


def test_a_stopped_tapeline_says_so(stopped: Tapeline) -> None:
    status = stopped.json("status")
    assert (status["state"], status["ready"], status["run_file"]) == ("stopped", False, None)
    assert (status["addresses"], status["processes"]) == (NOTHING, {})
    down = stopped.json("down")
    assert (down["state"], down["was_running"]) == ("stopped", False)
    code, error, sentence = stopped.run("topics", "ls", "--json").refusal
    assert (code, error["kind"]) == (2, "misconfigured")
    assert sentence == "Kafka is not running: run `tapeline up` or set kafka.bootstrap"
    doctor = stopped.json("doctor")
    assert doctor["state"] == "warn"
    assert [one["fix"] for one in doctor["checks"] if one["name"] == "services"] == ["run `tapeline up`"]


def test_wrong_settings_are_told_with_the_nearest_key(stopped: Tapeline) -> None:
    wrong = stopped.with_settings(TAPELINE_KAFKA__BOOTSTRP="127.0.0.1:9092")
    code, error, sentence = wrong.run("up", "--json").refusal
    assert (code, error["kind"], error["fix"]) == (2, "misconfigured", "did you mean 'TAPELINE_KAFKA__BOOTSTRAP'?")
    assert sentence == f"{error['problem']}: {error['fix']}"
    doctor = wrong.run("doctor", "--json")
    assert (doctor.code, [one["state"] for one in doctor.value["checks"]]) == (1, ["fail"])


def test_wrong_usage_is_told(stopped: Tapeline) -> None:
    code, error, sentence = stopped.run("statu", "--json").refusal
    assert (code, error["kind"]) == (2, "usage")
    assert sentence == (
        "No such command 'statu'. Did you mean 'status'? see `tapeline --help`, or --help of the command"
    )


def test_a_broker_that_does_not_answer_is_exit_code_3(stopped: Tapeline) -> None:
    away = stopped.with_settings(TAPELINE_KAFKA__BOOTSTRAP="127.0.0.1:1")
    code, error, _ = away.run("groups", "lag", "--json").refusal
    assert (code, error["kind"]) == (3, "unavailable")


def test_a_run_file_that_cannot_be_read_is_told_and_the_traceback_is_in_the_log(stopped: Tapeline) -> None:
    data = stopped.root / "data"
    data.mkdir()
    (data / "run.json").write_text("{", "utf-8")
    answer = stopped.run("status")
    assert (answer.code, answer.stdout, answer.stderr.count("\n")) == (2, "", 1)
    assert answer.stderr.startswith(f"error: the run file {data / 'run.json'} cannot be read")
    written = "".join(path.read_text("utf-8") for path in (stopped.root / "logs").glob("cli_2*.log"))
    assert ("Traceback" in written, "Traceback" in answer.stderr) == (True, False)
    (data / "run.json").unlink()


def test_a_reader_that_has_seen_enough_is_no_error(stopped: Tapeline) -> None:
    with stopped.started("settings", "ls") as listing:
        listing.close_output()
        ended = listing.wait()
    assert (ended.code, ended.stderr) == (0, "")


def test_up_in_the_foreground_stops_everything_at_sigterm(stopped: Tapeline) -> None:
    with stopped.started("up", "--foreground", "--json") as running:
        status = running.line()
        assert (status["state"], sorted(status["processes"])) == (
            "running", ["clickhouse", "kafka", "postgres", "registry", "supervisor"],
        )  # fmt: skip
        ended = running.stop(signal.SIGTERM)
    assert (ended.code, ended.stdout, ended.stderr) == (0, "", "")
    assert left_over(stopped.settings) == []
