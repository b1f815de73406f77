"""Looking at a Tapeline that runs: up, status, doctor, topics, groups, logs; each answer is one JSON value."""

from __future__ import annotations

import signal

import psutil
from confluent_kafka import Consumer, TopicPartition

from schemas import avro_files
from schemas.topics import TOPICS
from tests.journeys.conftest import Up

PROCESSES = ["supervisor", "kafka", "postgres", "clickhouse", "registry"]


def test_up_says_where_everything_is_and_nothing_else(up: Up) -> None:
    """Issue part 4: `up --json` is ready and carries addresses and processes."""
    assert sorted(up.status) == [
        "addresses", "brokers", "data_dir", "log_dir", "processes", "ready", "ready_s", "run_file", "state", "version",
    ]  # fmt: skip
    assert up.answer.stderr == ""
    assert (up.status["state"], up.status["ready"]) == ("running", True)
    assert up.status["data_dir"] == str(up.tapeline.root / "data")
    assert up.status["addresses"]["gateway"] is None
    for service in ("kafka", "registry", "postgres", "clickhouse"):
        assert "127.0.0.1:" in up.status["addresses"][service]


def test_up_twice_is_refused_and_harms_nothing(up: Up) -> None:
    code, error, sentence = up.tapeline.run("up", "--json").refusal
    assert (code, error["kind"], sentence) == (2, "misconfigured", f"{error['problem']}: {error['fix']}")
    assert error["problem"].startswith(f"Tapeline is already running in {up.tapeline.root / 'data'}")
    assert error["fix"] == "see it with `tapeline status`, stop it with `tapeline down`"
    assert up.tapeline.json("status")["state"] == "running"


def test_status_has_addresses_and_living_processes(up: Up) -> None:
    status = up.tapeline.json("status")
    assert status["addresses"] == up.status["addresses"]
    assert sorted(status["processes"]) == sorted(PROCESSES)
    for name, process in status["processes"].items():
        assert sorted(process) == [
            "cpu_s", "detail", "metrics", "pid", "restarts", "rss_mb", "state", "uptime_s",
        ]  # fmt: skip
        assert (name, process["state"], process["restarts"]) == (name, "running", 0)
        assert psutil.pid_exists(process["pid"])
        assert process["rss_mb"] > 1
        assert process["uptime_s"] > 0


def test_status_for_a_person_names_every_process_and_address(up: Up) -> None:
    answer = up.tapeline.run("status")
    assert (answer.code, answer.stderr) == (0, "")
    assert "● running" in answer.stdout.splitlines()[0]
    for word in (*PROCESSES, up.status["addresses"]["kafka"], up.status["addresses"]["clickhouse"]):
        assert word in answer.stdout


def test_status_watch_goes_on_until_ctrl_c(up: Up) -> None:
    with up.tapeline.started("status", "--watch", "--json") as watching:
        assert [watching.line()["state"] for _ in range(2)] == ["running", "running"]
        ended = watching.stop(signal.SIGINT)
    assert (ended.code, ended.stderr) == (0, "")


def test_doctor_finds_a_running_tapeline_healthy(up: Up) -> None:
    found = up.tapeline.json("doctor")
    wrong = [check for check in found["checks"] if check["state"] != "ok" and check["name"] != "disk space"]
    assert wrong == []
    assert [check["name"] for check in found["checks"]] == [
        "settings", "python", "java", "kafka files", "engines", "disk space", "data directory", "log directory",
        "ports", "run file", "orphan processes", "kafka", "registry", "postgres", "clickhouse", "topics", "copies",
        "schemas", "migrations", "sink lag", "clock",
    ]  # fmt: skip


def test_topics_ls_is_the_catalogue(up: Up) -> None:
    found = up.tapeline.json("topics", "ls")["topics"]
    ours = [topic for topic in found if topic["state"] != "not ours"]
    assert [(topic["name"], topic["state"], topic["partitions"]) for topic in ours] == [
        (topic.name, "ok", topic.partition_count(4)) for topic in TOPICS
    ]
    assert next(topic for topic in found if topic["name"] == "_schemas")["state"] == "not ours"


def test_topics_describe_shows_record_partitions_and_settings(up: Up) -> None:
    found = up.tapeline.json("topics", "describe", "md.funding")
    assert found["topic"]["record"] == "tapeline.Funding"
    assert (found["subject"], found["differs"]) == ("md.funding-value", {})
    assert [field["name"] for field in found["fields"]] == [
        field["name"] for field in avro_files.load("tapeline.Funding")["fields"]
    ]
    assert [part["partition"] for part in found["partitions"]] == [0, 1, 2, 3]
    assert found["config"]["retention.ms"] == "86400000"


def test_an_unknown_topic_names_the_nearest(up: Up) -> None:
    fix = "did you mean 'md.trade'?"
    code, error, sentence = up.tapeline.run("topics", "tail", "md.trad", "--json").refusal
    assert (code, error) == (2, {"kind": "misconfigured", "problem": "there is no topic 'md.trad'", "fix": fix})
    assert sentence == f"there is no topic 'md.trad': {fix}"


def test_groups_lag_counts_what_is_not_read(up: Up) -> None:
    """A group of any client: here librdkafka's."""
    bootstrap = up.endpoints.kafka.bootstrap
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "journey", "enable.auto.commit": False})
    consumer.commit(offsets=[TopicPartition("audit", 0, 0)], asynchronous=False)
    consumer.close()
    part = {"topic": "audit", "partition": 0, "committed": 0, "end": 0, "lag": 0}
    group = {"group": "journey", "state": "Empty", "members": 0, "lag": 0, "partitions": [part]}
    assert up.tapeline.json("groups", "lag", "journey") == {"groups": [group]}
    assert group in up.tapeline.json("groups", "lag")["groups"]
    code, error, _ = up.tapeline.run("groups", "lag", "journe", "--json").refusal
    assert (code, error["fix"]) == (2, "did you mean 'journey'?")


def test_logs_are_merged_by_time_and_filtered(up: Up) -> None:
    entries = up.tapeline.run("logs", "-n", "30", "--json").values
    times = [entry["timestamp"] for entry in entries]
    assert (len(times), times) == (30, sorted(times))
    mine = up.tapeline.run("logs", "supervisor", "--level", "info", "-n", "5", "--json").values
    assert {(entry["service"], entry["level"] in {"info", "warn", "error"}) for entry in mine} == {("supervisor", True)}
    assert up.tapeline.run("logs", "--trace", "no-such-trace", "--json").values == []
    code, error, _ = up.tapeline.run("logs", "kafkaa", "--json").refusal
    assert (code, error["fix"]) == (2, "did you mean 'kafka'?")


def test_migrations_are_applied(up: Up) -> None:
    found = up.tapeline.json("migrate", "status")
    assert sorted(found) == ["clickhouse", "postgres"]
    assert {one["state"] for listed in found.values() for one in listed} == {"applied"}
    assert up.tapeline.json("migrate", "up") == {"ran": []}


def test_a_wrong_password_of_an_external_postgres_is_one_sentence(up: Up) -> None:
    place = up.endpoints.postgres
    wrong = up.tapeline.with_settings(
        TAPELINE_DATABASE__HOST=place.host,
        TAPELINE_DATABASE__PORT=str(place.port),
        TAPELINE_DATABASE__USE_TLS="false",
        TAPELINE_DATABASE__PASSWORD="not-the-password",
    )
    answer = wrong.run("migrate", "status", "--json")
    code, error, sentence = answer.refusal
    assert (code, error["kind"]) == (2, "misconfigured")
    assert error["problem"] == f"Postgres at {place.host}:{place.port} (database.host) refused the user 'tapeline'"
    assert sentence.startswith(f"{error['problem']}: set database.user and database.password")
    assert "not-the-password" not in answer.stdout + answer.stderr
    found = wrong.run("doctor", "--json")
    checks = {check["name"]: check["state"] for check in found.value["checks"]}
    assert (found.code, checks["postgres"], checks["kafka"], checks["migrations"]) == (1, "fail", "ok", "warn")
