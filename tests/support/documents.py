"""The parts of the documents that are made from the catalogues; `make docs` writes them, a test fails when they drift.

In a document a made part stands between `<!-- made from NAME -->` and `<!-- end -->`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import yaml

from schemas import roles
from schemas.topics import TOPICS
from tapeline.domain.machines import drawing
from tapeline.runtime import log_events, metrics, settings, settings_text
from tests.support import integrity, reliability

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "tapeline.example.toml"
ALERTS = ROOT / "infra" / "prometheus" / "alerts.yml"
_TEMPLATE = re.compile(r"\{\{(.*?)\}\}")
_MADE = re.compile(r"(<!-- made from (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def settings_tables() -> str:
    """Return one table per section: key, environment variable, default, meaning."""
    lines: list[str] = []
    for section, model in settings.sections().items():
        lines += [f"### {section}", "", (model.__doc__ or "").strip(), ""]
        lines += ["| key | in the environment | default | meaning |", "|---|---|---|---|"]
        for key in _keys(section):
            default = "unset" if key.default is None else f"`{_plain(key.default)}`"
            lines.append(f"| `{key.dotted}` | `{key.variable}` | {default} | {_meaning(key)} |")
        lines.append("")
    return "\n".join(lines)


def topics_table() -> str:
    """Return the topics with who writes and reads them."""
    lines = ["| topic | record | written by | read by | what |", "|---|---|---|---|---|"]
    for topic in TOPICS:
        owner, readers = ", ".join(topic.owner), ", ".join(topic.readers)
        lines.append(f"| `{topic.name}` | {topic.record.rpartition('.')[2]} | {owner} | {readers} | {topic.about} |")
    return "\n".join(lines) + "\n"


def roles_table() -> str:
    """Return what each role of Postgres may do to which tables."""
    lines = ["| role | only reads | also adds | also changes | also deletes |", "|---|---|---|---|---|"]
    for role, tables in roles.TABLES.items():
        may = {
            "reads": [name for name, rights in tables.items() if rights == {"SELECT"}],
            "INSERT": [name for name, rights in tables.items() if "INSERT" in rights],
            "UPDATE": [name for name, rights in tables.items() if "UPDATE" in rights],
            "DELETE": [name for name, rights in tables.items() if "DELETE" in rights],
        }
        told = (", ".join(f"`{name}`" for name in sorted(names)) or "-" for names in may.values())
        lines.append(f"| `{role}` | {' | '.join(told)} |")
    return "\n".join(lines) + "\n"


def metrics_table() -> str:
    """Return the metrics that a process serves on `/metrics`."""
    lines = ["| metric | kind | labels | what |", "|---|---|---|---|"]
    lines += [f"| `{m.name}` | {m.kind} | {', '.join(m.labels)} | {m.about} |" for m in metrics.catalogue()]
    return "\n".join(lines) + "\n"


def alerts_table() -> str:
    """Return the rules by which people are told."""
    lines = ["| alert | how bad | when it lasts | what |", "|---|---|---|---|"]
    for group in yaml.safe_load(ALERTS.read_text("utf-8"))["groups"]:
        for rule in group["rules"]:
            told = _TEMPLATE.sub(_shown, rule["annotations"]["summary"])
            lines.append(f"| {rule['alert']} | {rule['labels']['severity']} | {rule.get('for', '')} | {told} |")
    return "\n".join(lines) + "\n"


def _shown(found: re.Match[str]) -> str:
    """Return what stands for a template in a sentence: its label, or N."""
    label = re.search(r"\$labels\.(\w+)", found[1])
    return "N" if label is None else f"*{label[1]}*"


def log_events_table() -> str:
    """Return the names that a line of the log can have."""
    lines = ["| event | what has happened |", "|---|---|"]
    lines += [f"| `{event.value}` | {event.about} |" for event in log_events.EVENTS]
    return "\n".join(lines) + "\n"


def machines_diagrams() -> str:
    """Return the state machines as diagrams."""
    return "\n".join(f"### {name}\n\n```mermaid\n{diagram}```\n" for name, diagram in drawing.DRAWN.items())


MAKERS: dict[str, Callable[[], str]] = {
    "settings": settings_tables,
    "topics": topics_table,
    "roles": roles_table,
    "metrics": metrics_table,
    "alerts": alerts_table,
    "log_events": log_events_table,
    "machines": machines_diagrams,
    "reliability": reliability.table,
    "integrity": integrity.found_table,
    "windows": integrity.windows_table,
    "peer": integrity.peer_table,
    "unknowable": integrity.unknowable,
}


def renewed(text: str) -> str:
    """Return a document with every made part made again."""
    return _MADE.sub(lambda found: f"{found[1]}\n{MAKERS[found[2]]().rstrip()}\n\n{found[3]}", text)


def documents() -> Iterator[Path]:
    """Yield every page of the documentation."""
    yield from sorted(ROOT.glob("*.md"))
    yield from sorted((ROOT / "docs").rglob("*.md"))


def write_all() -> None:
    """Make every part of every document again."""
    EXAMPLE.write_text(settings_text.example_toml(), "utf-8")
    (ROOT / ".env.example").write_text(settings_text.example_env(), "utf-8")
    for page in documents():
        write(page)


def write(page: Path) -> None:
    """Make every part of one document again."""
    text = page.read_text("utf-8")
    if (new := renewed(text)) != text:
        page.write_text(new, "utf-8")


def _keys(section: str) -> Iterator[settings.Key]:
    return (key for key in settings.catalogue() if key.section == section)


def _meaning(key: settings.Key) -> str:
    words = [str(word) for word in key.choices]
    allowed = f"always {words[0]}" if len(words) == 1 else f"one of {', '.join(words)}"
    return f"{key.about}; {allowed}" if words else key.about


def _plain(default: object) -> str:
    """Return a default as TOML and JSON write it."""
    if isinstance(default, Path):
        return json.dumps(default.as_posix())
    return str(default) if isinstance(default, Decimal) else json.dumps(default)


if __name__ == "__main__":
    write_all()
