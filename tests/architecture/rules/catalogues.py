"""Names that stand in a catalogue are used, and what is used stands in its catalogue."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from itertools import pairwise

from tests.architecture.rules.names import imports, references
from tests.architecture.rules.source import Source

_LOG_METHODS = {"debug", "info", "warning", "error", "exception", "critical"}
_METRIC_KINDS = {"Counter", "Gauge", "Histogram", "Summary", "Info", "Enum"}


def used(names: Iterable[str], holder: str, sources: Iterable[Source]) -> set[str]:
    """Return which of these names are used as `holder.NAME`, or imported from it, outside the catalogue itself."""
    wanted = set(names)
    found: set[str] = set()
    for source in sources:
        words = {name for _, name in references(source)} | {name for _, name in imports(source)}
        for word in words:
            owner, _, name = word.rpartition(".")
            parts = word.split(".")
            if name in wanted and owner.rpartition(".")[2] == holder:
                found.add(name)
            found |= {part for before, part in pairwise(parts) if before == holder} & wanted
    return found


def free_log_events(source: Source) -> Iterator[str]:
    """Yield every log line whose event is written as a text: it belongs into the catalogue."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _LOG_METHODS:
            first = node.args[0] if node.args else None
            if isinstance(first, ast.Constant | ast.JoinedStr):
                yield source.at(node.lineno, "a log event is a name of tapeline.runtime.log_events, not a text")


def free_metrics(source: Source) -> Iterator[str]:
    """Yield every metric that is made outside the catalogue."""
    for line, name in references(source):
        package, _, kind = name.rpartition(".")
        if package.startswith("prometheus_client") and kind in _METRIC_KINDS:
            yield source.at(line, f"{name} is made in tapeline.runtime.metrics alone: add a constant there")
