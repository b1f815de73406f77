"""The parts of the documents that are made from the catalogues; `make docs` writes them, a test fails when they drift.

In a document a made part stands between `<!-- made from NAME -->` and `<!-- end -->`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

from schemas.topics import TOPICS
from tapeline.domain.machines import drawing
from tapeline.runtime import log_events, metrics, settings, settings_text
from tests.support import reliability

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "tapeline.example.toml"
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


def metrics_table() -> str:
    """Return the metrics that a process serves on `/metrics`."""
    lines = ["| metric | kind | labels | what |", "|---|---|---|---|"]
    lines += [f"| `{m.name}` | {m.kind} | {', '.join(m.labels)} | {m.about} |" for m in metrics.catalogue()]
    return "\n".join(lines) + "\n"


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
    "metrics": metrics_table,
    "log_events": log_events_table,
    "machines": machines_diagrams,
    "reliability": reliability.table,
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
