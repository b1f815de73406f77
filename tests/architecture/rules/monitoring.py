"""What Grafana and Prometheus are told by files: panels with their queries, rules with their sentences."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

_LEGEND = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_SENTENCE = re.compile(r"\$labels\.(\w+)")
_VALUES = re.compile(r"label_values\((.+), *(\w+)\)")


class Asked(NamedTuple):
    """One query, where it stands, and the labels that are shown of it."""

    where: str
    query: str
    shown: frozenset[str]


def panels(board: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the panels of a dashboard that show something."""
    yield from (panel for panel in board["panels"] if panel["type"] != "row")


def dashboard_queries(path: Path) -> Iterator[Asked]:
    """Yield every query of a dashboard: of panels, of variables, of annotations."""
    board = json.loads(path.read_text("utf-8"))
    for panel in panels(board):
        for target in panel["targets"]:
            shown = frozenset(_LEGEND.findall(target["legendFormat"]))
            yield Asked(f"{path.name}: {panel['title']}", target["expr"], shown)
    for variable in board["templating"]["list"]:
        found = _VALUES.fullmatch(variable["query"]["query"])
        assert found is not None, variable
        yield Asked(f"{path.name}: ${variable['name']}", found[1], frozenset({found[2]}))
    for note in board["annotations"]["list"]:
        yield Asked(f"{path.name}: {note['name']}", note["expr"], frozenset(_LEGEND.findall(note["titleFormat"])))


def rules(path: Path) -> list[Mapping[str, Any]]:
    """Return every rule of a file."""
    return [rule for group in yaml.safe_load(path.read_text("utf-8"))["groups"] for rule in group["rules"]]


def rule_queries(path: Path) -> Iterator[Asked]:
    """Yield the expression of every rule, and the labels that its sentences show."""
    for rule in rules(path):
        shown = frozenset(_SENTENCE.findall(" ".join(rule["annotations"].values())))
        yield Asked(f"{path.name}: {rule['alert']}", rule["expr"], shown)
