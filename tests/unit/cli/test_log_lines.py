"""A line of any process as an entry, and which entries are wanted."""

from __future__ import annotations

import pytest

from tapeline.cli.log_lines import Entry, Wanted, parse

OURS = (
    '{"timestamp":"2026-01-31T12:00:00.000001Z","level":"error","service":"registry","event":"X","trace_id":"t1","n":1}'
)


def made(timestamp: str, level: str, event: str) -> Entry:
    fields: dict[str, object] = {"level": level, "service": "s", "event": event}
    return Entry(timestamp, level, "s", event, {"timestamp": timestamp, **fields} if timestamp else fields)


def test_our_own_lines_keep_every_field() -> None:
    assert parse(OURS, "other") == Entry(
        "2026-01-31T12:00:00.000001Z",
        "error",
        "registry",
        "X",
        {
            "timestamp": "2026-01-31T12:00:00.000001Z",
            "level": "error",
            "service": "registry",
            "event": "X",
            "trace_id": "t1",
            "n": 1,
        },
    )


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        (
            "2026-01-31T12:00:00.123Z WARN QuorumController activating",
            made("2026-01-31T12:00:00.123000Z", "warn", "QuorumController activating"),
        ),
        (
            "2026-01-31 12:00:00.123 UTC [71] FATAL:  no such database",
            made("2026-01-31T12:00:00.123000Z", "error", "no such database"),
        ),
        ("2026-01-31 12:00:00 plain words", made("2026-01-31T12:00:00.000000Z", "info", "plain words")),
        ("2026-01-31 12:00:00 SHOUTING words", made("2026-01-31T12:00:00.000000Z", "info", "SHOUTING words")),
        ("  at java.base/Thread.run", made("", "info", "  at java.base/Thread.run")),
        ("[1, 2]", made("", "info", "[1, 2]")),
        ('{"half', made("", "info", '{"half')),
    ],
)
def test_lines_of_other_programs_are_read_by_their_time(text: str, entry: Entry) -> None:
    assert parse(text, "s") == entry


@pytest.mark.parametrize(
    ("wanted", "holds"),
    [
        (Wanted(), True),
        (Wanted(name="registry", level="warn", trace="t1"), True),
        (Wanted(level="error"), True),
        (Wanted(level="critical"), False),
        (Wanted(name="kafka"), False),
        (Wanted(trace="t2"), False),
    ],
)
def test_all_conditions_must_hold_and_a_level_includes_those_above(wanted: Wanted, holds: bool) -> None:  # noqa: FBT001 - the expected answer
    assert wanted.holds(parse(OURS, "s")) is holds
