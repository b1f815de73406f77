"""Topics, records, errors, metrics and log events: one list each, complete, and nothing beside it."""

from __future__ import annotations

import pytest

from infra.embedded.registry import records
from processors.__main__ import AGENTS
from schemas.acls import GROUPS, REGISTRY_TOPIC
from schemas.topics import TOPICS
from tapeline import errors
from tapeline.runtime import log_events, metrics
from tests.architecture.rules.catalogues import free_log_events, free_metrics, used
from tests.architecture.rules.source import PRODUCT, ROOT, none_of, snippet, sources

SHELLS = [source for source in sources(*PRODUCT) if source.path != "tapeline/runtime/log_events.py"]
METRICS = "tapeline/runtime/metrics.py"


def test_every_topic_has_its_record_and_every_record_its_topic() -> None:
    files = {path.stem for path in (ROOT / "schemas" / "avro").glob("*.avsc")}
    assert {topic.record.rpartition(".")[2] for topic in TOPICS} == files


def test_every_owner_and_reader_is_a_folder_of_processes() -> None:
    named = {process for topic in TOPICS for process in (*topic.owner, *topic.readers)}
    # Strategies are agents in `processors` with rights of their own.
    assert named <= {*PRODUCT, "cli", "strategies"}


def test_each_agent_has_a_group_that_its_process_may_read_in() -> None:
    for name in AGENTS:
        assert name.startswith(GROUPS["strategies" if name == "strategies" else "processors"])


def test_our_own_registry_keeps_its_schemas_where_its_user_may_write() -> None:
    assert records.TOPIC == REGISTRY_TOPIC


def test_the_error_tree_is_complete() -> None:
    found = {
        error
        for error in vars(errors).values()
        if isinstance(error, type) and issubclass(error, errors.TapelineError) and error is not errors.TapelineError
    }
    assert set(errors.ERRORS) == found
    assert [error.__name__ for error in errors.ERRORS if error.__name__ not in (errors.__doc__ or "")] == []


def test_every_log_event_is_used() -> None:
    names = [event.value for event in log_events.EVENTS]
    assert set(names) - used(names, "LogEvent", SHELLS) == set()


def test_a_log_line_names_its_event_from_the_catalogue() -> None:
    assert none_of(told for source in SHELLS for told in free_log_events(source))


def test_every_metric_is_used_and_none_is_made_elsewhere() -> None:
    elsewhere = [source for source in SHELLS if source.path != METRICS]
    names = [name for name, value in vars(metrics).items() if isinstance(value, metrics.Metric)]
    assert set(names) - used(names, "metrics", elsewhere) == set()
    assert none_of(told for source in elsewhere for told in free_metrics(source))


def test_an_unused_name_is_noticed() -> None:
    source = snippet("from x.log_events import LogEvent\nlog.info(LogEvent.STARTED, n=1)\n")
    assert used(["STARTED", "STOPPED"], "LogEvent", [source]) == {"STARTED"}
    source = snippet("from tapeline.runtime import metrics\nbound = metrics.PARTS.bind()\n")
    assert used(["PARTS", "READY"], "metrics", [source]) == {"PARTS"}


@pytest.mark.parametrize("text", ["log.info('started', n=1)", "logs.get().error(f'{x} failed')"])
def test_a_log_event_as_a_text_is_refused(text: str) -> None:
    assert len(list(free_log_events(snippet(text)))) == 1
    assert list(free_log_events(snippet("log.info(LogEvent.STARTED, n=1)"))) == []


def test_a_metric_of_ones_own_is_refused() -> None:
    assert len(list(free_metrics(snippet("import prometheus_client\nx = prometheus_client.Counter('a', 'b')")))) == 1
