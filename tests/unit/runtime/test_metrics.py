"""The catalogue of metrics is the only way to measure, and names follow Prometheus's rules (X-20)."""

from __future__ import annotations

import re

import pytest

from tapeline.errors import Misconfigured
from tapeline.runtime import metrics


def sample(name: str, **labels: str) -> float | None:
    return metrics.registry().get_sample_value(name, labels)


def test_names_are_unique_and_say_their_unit() -> None:
    found = metrics.catalogue()
    assert len({metric.name for metric in found}) == len(found) > 10
    for metric in found:
        assert re.fullmatch(r"tapeline_[a-z_]+", metric.name), metric.name
        assert metric.name.endswith("_total") == (metric.kind == "counter"), metric.name
        assert metric.about, metric.name


def test_every_metric_is_served_also_when_it_was_never_touched() -> None:
    text = metrics.render().decode()
    for metric in metrics.catalogue():
        assert f"# TYPE {metric.name} {metric.kind}\n" in text
        assert f"# HELP {metric.name} {metric.about}\n" in text


def test_a_counter_counts_by_its_labels() -> None:
    before = sample("tapeline_dead_letters_total", topic="md.trade") or 0.0
    metrics.DEAD_LETTERS.inc(topic="md.trade")
    bound = metrics.DEAD_LETTERS.bind(topic="md.trade")
    bound.inc(2)
    assert sample("tapeline_dead_letters_total", topic="md.trade") == before + 3
    assert sample("tapeline_dead_letters_total", topic="md.never") is None


def test_a_gauge_holds_the_last_value() -> None:
    metrics.DEPENDENCY_UP.set(1, dependency="test")
    metrics.DEPENDENCY_UP.set(0, dependency="test")
    assert sample("tapeline_dependency_up", dependency="test") == 0.0


def test_a_histogram_spreads_what_it_sees() -> None:
    metrics.PART_START_S.observe(0.2, part="test")
    assert sample("tapeline_part_start_seconds_bucket", part="test", le="0.1") == 0.0
    assert sample("tapeline_part_start_seconds_bucket", part="test", le="0.25") == 1.0


@pytest.mark.parametrize("labels", [{}, {"queue": "x"}, {"topic": "x", "more": "y"}])
def test_wrong_labels_are_refused_and_named(labels: dict[str, str]) -> None:
    with pytest.raises(Misconfigured, match=re.escape("use exactly ['topic']")):
        metrics.DEAD_LETTERS.bind(**labels)
