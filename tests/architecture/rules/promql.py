"""What a query of Prometheus names: metrics and labels, and whether they exist; enough of PromQL for our own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tapeline.runtime import metrics

TARGET = frozenset({"job", "instance", "service"})
"""Labels that every series gets from the one who asked for it."""
FOREIGN: Mapping[str, frozenset[str]] = {
    "up": frozenset(),
    "ALERTS": frozenset({"alertname", "alertstate", "severity"}),
    "alertmanager_notifications_failed_total": frozenset({"integration", "reason"}),
    # https://docs.redpanda.com/current/reference/public-metrics-reference/
    "redpanda_storage_disk_free_bytes": frozenset(),
    "redpanda_storage_disk_total_bytes": frozenset(),
    "redpanda_kafka_under_replicated_replicas": frozenset(
        {"redpanda_namespace", "redpanda_partition", "redpanda_topic"}
    ),
}
"""What others serve, as far as we use it."""
_WORDS = frozenset({
    "by", "without", "on", "ignoring", "group_left", "group_right", "and", "or", "unless", "offset", "bool", "inf",
})  # fmt: skip
_TEXT = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'")
_SELECTOR = re.compile(r"([a-zA-Z_:][\w:]*)\s*\{([^}]*)\}")
_MATCHER = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_RANGE = re.compile(r"\[[^\]]*\]|\boffset\s+\w+")
_NAME = re.compile(r"(?<![\w:$.])([a-zA-Z_:][\w:]*)(?!\s*\()(?![\w:])")


@dataclass(frozen=True, slots=True)
class Query:
    """What a query names."""

    names: frozenset[str]
    matched: frozenset[tuple[str, str]]
    """(metric, label) of each selector."""
    grouped: frozenset[str]
    """Labels by which it groups or joins."""


def read(text: str) -> Query:
    """Take a query apart."""
    bare = _TEXT.sub('""', text)
    grouped = {word.strip() for found in _GROUPING.findall(bare) for word in found.split(",") if word.strip()}
    matched = {(name, label) for name, inside in _SELECTOR.findall(bare) for label in _MATCHER.findall(inside)}
    rest = _RANGE.sub(" ", _GROUPING.sub(" ", re.sub(r"\{[^}]*\}", " ", bare)))
    names = {name for name in _NAME.findall(rest) if name.lower() not in _WORDS}
    return Query(frozenset(names), frozenset(matched), frozenset(grouped))


def known() -> dict[str, frozenset[str]]:
    """Return every series that exists with its labels: the catalogue's, the collectors' of a process, foreign ones."""
    found = {
        sample.name: frozenset(sample.labels) for family in metrics.registry().collect() for sample in family.samples
    }
    found |= FOREIGN
    for metric in metrics.catalogue():
        labels = frozenset(metric.labels)
        if metric.kind == "histogram":
            found |= {f"{metric.name}_{end}": labels for end in ("sum", "count")}
            found[f"{metric.name}_bucket"] = labels | {"le"}
        else:
            found[metric.name] = labels
    return found


def wrong(text: str, *, shown: frozenset[str] = frozenset()) -> Iterator[str]:
    """Yield what a query names and does not exist; `shown` are labels that its legend or sentence shows."""
    series, query = known(), read(text)
    for name in sorted(query.names - series.keys()):
        yield f"there is no metric {name}: {text}"
    if not query.names:
        yield f"it names no metric: {text}"
    for name, label in sorted(query.matched):
        if label not in series.get(name, frozenset({label})) | TARGET:
            yield f"{name} has no label {label}: {text}"
    union = frozenset[str]().union(*(series.get(name, frozenset()) for name in query.names)) | TARGET
    for label in sorted(query.grouped - union):
        yield f"none of its metrics has the label {label}: {text}"
    # What is grouped away cannot be shown.
    aggregated = query.grouped or re.search(r"\b(?:sum|max|min|avg|count)\s*\(", text) is not None
    for label in sorted(shown - (query.grouped if aggregated else union)):
        yield f"it shows the label {label}, which its result does not have: {text}"
