"""One line of a log file as an entry: ours are JSON, those of Kafka and Postgres are text that begins with a time."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import msgspec

LEVELS = ("debug", "info", "warn", "error", "critical")
_WORDS = {"warning": "warn", "log": "info", "notice": "info", "hint": "info", "detail": "info", "statement": "info"}
_WORDS |= {"fatal": "error", "panic": "error"}
# 2026-01-31T12:00:00.123Z WARN Class message | 2026-01-31 12:00:00.123 UTC [71] LOG:  message
_DATED = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)[T ](?P<time>\d\d:\d\d:\d\d)(?:[.,](?P<part>\d{1,6}))?(?:Z| UTC)?\s+(?P<rest>.*)",
    re.DOTALL,
)
_LEVEL = re.compile(r"(?:\[\d+\]\s+)?(?P<level>[A-Z]+):?\s+(?P<event>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Entry:
    """One log entry: what every entry has, and the whole of it; `timestamp` is empty where the line has no time."""

    timestamp: str
    level: str
    service: str
    event: str
    fields: dict[str, object]

    def at(self, timestamp: str) -> Entry:
        """Return the entry with a time."""
        return replace(self, timestamp=timestamp, fields={"timestamp": timestamp, **self.fields})


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries to show; an empty condition holds for all."""

    name: str | None = None
    level: str | None = None
    trace: str | None = None

    def holds(self, entry: Entry) -> bool:
        """Tell whether an entry is wanted; a level stands for itself and all above it."""
        if self.name is not None and self.name != entry.service:
            return False
        if self.level is not None and _rank(entry.level) < _rank(self.level):
            return False
        return self.trace is None or entry.fields.get("trace_id") == self.trace


def parse(text: str, service: str) -> Entry:
    """Read one line of the log of a process."""
    try:
        found = msgspec.json.decode(text)
    except msgspec.DecodeError:
        found = None
    if not isinstance(found, dict):
        return _plain(text, service)
    return Entry(
        timestamp=str(found.get("timestamp", "")),
        level=level_of(str(found.get("level", "info"))),
        service=str(found.get("service", service)),
        event=str(found.get("event", "")),
        fields=found,
    )


def level_of(word: str) -> str:
    """Return our word for a level of any program."""
    return _WORDS.get(word.lower(), word.lower())


def _plain(text: str, service: str) -> Entry:
    """Read a line of text; one without a time goes on with the entry before it."""
    dated = _DATED.fullmatch(text)
    if dated is None:
        return _made("", "info", service, text)
    timestamp = f"{dated['day']}T{dated['time']}.{(dated['part'] or '').ljust(6, '0')}Z"
    levelled = _LEVEL.fullmatch(dated["rest"])
    if levelled is None or level_of(levelled["level"]) not in LEVELS:
        return _made(timestamp, "info", service, dated["rest"])
    return _made(timestamp, level_of(levelled["level"]), service, levelled["event"])


def _made(timestamp: str, level: str, service: str, event: str) -> Entry:
    known = {"timestamp": timestamp} if timestamp else {}
    return Entry(timestamp, level, service, event, {**known, "level": level, "service": service, "event": event})


def _rank(level: str) -> int:
    return LEVELS.index(level) if level in LEVELS else LEVELS.index("info")
