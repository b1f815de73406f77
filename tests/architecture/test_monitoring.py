"""D-27, D-28, D-29, K29: queries name what exists, rules say what to do, every metric is looked at."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tapeline.runtime import metrics
from tests.architecture.rules import promql
from tests.architecture.rules.compose import services
from tests.architecture.rules.monitoring import Asked, dashboard_queries, panels, rule_queries, rules
from tests.architecture.rules.source import ROOT, none_of

INFRA = ROOT / "infra"
DASHBOARDS = sorted((INFRA / "grafana" / "dashboards").glob("*.json"))
ALERTS = INFRA / "prometheus" / "alerts.yml"
SCRAPED = yaml.safe_load((INFRA / "prometheus" / "prometheus.yml").read_text("utf-8"))
COMPOSE = services((INFRA / "compose.yaml").read_text("utf-8"))
ASKED = [*(asked for path in DASHBOARDS for asked in dashboard_queries(path)), *rule_queries(ALERTS)]

D_29 = {
    "rollback": "PairRolledBack",
    "stop loss": "StopLoss",
    "ERROR": "PairError",
    "disconnect > 30 s": "VenueDisconnected",
    "margin": "MarginHigh",
    "limiter ban": "VenueBans",
    "lag": "LagHigh",
}
NOT_LOOKED_AT = {
    "tapeline_parts",  # how many parts a process has says nothing by itself
    "tapeline_part_start_seconds",  # for who looks into a slow start
    "tapeline_sink_batches_total",  # rows and their time say the same
}


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: asked.where)
def test_a_query_names_what_exists(asked: Asked) -> None:
    assert none_of(promql.wrong(asked.query, shown=asked.shown))


def test_every_metric_is_looked_at() -> None:
    named = {name for asked in ASKED for name in promql.read(asked.query).names}
    bare = {name.removesuffix(end) for name in named for end in ("", "_bucket", "_count", "_sum")}
    assert {metric.name for metric in metrics.catalogue()} - bare == NOT_LOOKED_AT


def test_every_rule_says_how_bad_it_is_what_has_happened_and_what_to_do() -> None:
    found = rules(ALERTS)
    names = [rule["alert"] for rule in found]
    assert len(set(names)) == len(names)
    for rule in found:
        assert rule["labels"]["severity"] in {"critical", "warning"}, rule
        assert all(rule["annotations"][part].strip() for part in ("summary", "fix")), rule
    assert set(D_29.values()) - set(names) == set()


def test_a_disconnect_is_told_after_30_s() -> None:
    (rule,) = [rule for rule in rules(ALERTS) if rule["alert"] == "VenueDisconnected"]
    assert rule["for"] == "30s"


def test_dashboards_are_provisioned_from_the_one_source() -> None:
    source = yaml.safe_load((INFRA / "grafana/provisioning/datasources/prometheus.yml").read_text("utf-8"))
    (found,) = source["datasources"]
    assert (found["uid"], found["url"]) == ("tapeline", "http://prometheus:9090")
    boards = [json.loads(path.read_text("utf-8")) for path in DASHBOARDS]
    assert [path.stem for path in DASHBOARDS] == [board["uid"] for board in boards]
    assert {board["title"] for board in boards} == {"Market data", "Trading", "Platform"}
    for board in boards:
        ids = [panel["id"] for panel in board["panels"]]
        assert len(set(ids)) == len(ids)
        used = {json.dumps(where["datasource"]) for panel in panels(board) for where in (panel, *panel["targets"])}
        assert used == {'{"type": "prometheus", "uid": "tapeline"}'}


def test_every_worker_is_asked_for_its_metrics() -> None:
    (job,) = [job for job in SCRAPED["scrape_configs"] if job["job_name"] == "tapeline"]
    asked = {target for group in job["static_configs"] for target in group["targets"]}
    workers = {
        f"{name}:{found['environment']['TAPELINE_PROCESS__METRICS_PORT']}"
        for name, found in COMPOSE.items()
        if found["image"].startswith("tapeline:") and "prepare" not in name and "full" in found["profiles"]
    }
    assert asked == workers


def test_files_and_addresses_are_those_of_compose() -> None:
    mounted = [str(volume).split(":")[:2] for name in ("prometheus", "grafana") for volume in COMPOSE[name]["volumes"]]
    inside = {target: source for source, target in mounted}
    assert [path for path in SCRAPED["rule_files"] if path not in inside] == []
    provider = yaml.safe_load((INFRA / "grafana/provisioning/dashboards/tapeline.yml").read_text("utf-8"))
    assert f"{provider['providers'][0]['options']['path']}/" in inside
    home = COMPOSE["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert Path(home).name in {path.name for path in DASHBOARDS}
    told = {one for group in SCRAPED["alerting"]["alertmanagers"] for one in group["static_configs"][0]["targets"]}
    assert told == {"alertmanager:9093"}


def promtool(*words: str) -> None:
    """Run Prometheus's own checker where it is installed."""
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed (Debian: `apt install prometheus`); the files were checked by parsing")
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_accepts_the_rules() -> None:
    promtool("check", "rules", str(ALERTS))


def test_promtool_accepts_the_configuration(tmp_path: Path) -> None:
    text = (INFRA / "prometheus" / "prometheus.yml").read_text("utf-8")
    (tmp_path / "prometheus.yml").write_text(text.replace("/etc/prometheus/", f"{ALERTS.parent}/"), "utf-8")
    promtool("check", "config", str(tmp_path / "prometheus.yml"))


def test_rules_fire_when_they_should_and_not_before() -> None:
    promtool("test", "rules", str(INFRA / "prometheus" / "alerts_test.yml"))


STARTS = ["sh", str(INFRA / "alertmanager" / "start.sh")]
TELEGRAM = {"TELEGRAM_BOT_TOKEN": "12:ab", "TELEGRAM_CHAT_ID": "-100"}
MAIL = {
    "SMTP_SMARTHOST": "mx.example.org:587",
    "SMTP_FROM": "us@example.org",
    "SMTP_TO": "me@example.org",
    "SMTP_USERNAME": "us",
    "SMTP_PASSWORD": 'a|b&"c d$',
}


def started(folder: Path, **given: str) -> tuple[int, str]:
    """Put the configuration of Alertmanager together in a folder; `true` stands in for the program."""
    places = {"PARTS": str(INFRA / "alertmanager"), "MADE": str(folder), "PROGRAM": "true", "STORE": str(folder)}
    environ = {"PATH": os.defpath, **{f"ALERTMANAGER_{name}": value for name, value in places.items()}, **given}
    done = subprocess.run(STARTS, env=environ, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("given", "channels"),
    [
        ({}, set()),
        (TELEGRAM, {"telegram_configs"}),
        (MAIL, {"email_configs"}),
        (TELEGRAM | MAIL, {"telegram_configs", "email_configs"}),
    ],
)
def test_alerts_go_where_env_says_and_secrets_into_files(
    tmp_path: Path, given: dict[str, str], channels: set[str]
) -> None:
    code, said = started(tmp_path, **given)
    assert (code, "nobody is told" in said) == (0, not channels)
    text = (tmp_path / "alertmanager.yml").read_text("utf-8")
    (people,) = yaml.safe_load(text)["receivers"]
    assert people.keys() - {"name"} == channels
    for secret in ("TELEGRAM_BOT_TOKEN", "SMTP_PASSWORD"):
        if secret in given:
            assert given[secret] not in text
    if "email_configs" in channels:
        assert (tmp_path / "smtp_password").read_text("utf-8") == MAIL["SMTP_PASSWORD"]
        assert people["email_configs"][0]["auth_password_file"] == f"{tmp_path}/smtp_password"
    assert "@TELEGRAM" not in text
    assert "@SMTP" not in text
    assert {path.stat().st_mode & 0o077 for path in tmp_path.iterdir()} == {0}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"TELEGRAM_BOT_TOKEN": "12:ab"}, "TELEGRAM_CHAT_ID is missing"),
        (TELEGRAM | {"TELEGRAM_CHAT_ID": "1\n  x: y"}, "TELEGRAM_CHAT_ID may have letters"),
        (MAIL | {"SMTP_TO": 'a"b'}, "SMTP_TO may have letters"),
        (MAIL | {"SMTP_PASSWORD": ""}, "SMTP_PASSWORD is missing"),
    ],
)
def test_a_channel_that_is_half_named_stops_the_start(tmp_path: Path, given: dict[str, str], told: str) -> None:
    code, said = started(tmp_path, **given)
    assert code == 2
    assert told in said


@pytest.mark.parametrize(
    ("query", "shown", "told"),
    [
        ("rate(tapeline_framez_total[1m])", "", "there is no metric tapeline_framez_total"),
        ('tapeline_frames_total{vanue="bybit"}', "", "has no label vanue"),
        ("sum by (vanue) (tapeline_frames_total)", "", "none of its metrics has the label vanue"),
        ("sum by (venue) (tapeline_frames_total)", "market", "which its result does not have"),
        ("sum(tapeline_frames_total)", "venue", "which its result does not have"),
        ("tapeline_frames_total", "table", "which its result does not have"),
        ("histogram_quantile(0.9, rate(tapeline_sink_batch_seconds[5m]))", "", "there is no metric"),
        ("1 + 1", "", "it names no metric"),
    ],
)
def test_a_wrong_query_is_told(query: str, shown: str, told: str) -> None:
    assert told in " ".join(promql.wrong(query, shown=frozenset(shown.split())))


@pytest.mark.parametrize(
    "query",
    [
        'sum by (service) (up{job=~"tape.*"} unless up offset 5m) > 0',
        "histogram_quantile(0.9, sum by (le) (rate(tapeline_sink_batch_seconds_bucket[$__rate_interval])))",
        'clamp_min(tapeline_venue_held_until_seconds{venue=~"$venue"} - time(), 0) == 1e3 or absent(up)',
    ],
)
def test_a_right_query_is_not_told(query: str) -> None:
    assert none_of(promql.wrong(query))
