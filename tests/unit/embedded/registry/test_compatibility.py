"""Each level lets through what it promises and names what it does not."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from infra.embedded.registry.compatibility import Earlier, Level, problems

_INT = {"name": "a", "type": "int"}
_LONG = {"name": "a", "type": "long"}
_NEEDED = {"name": "b", "type": "int"}
_OPTIONAL = {"name": "b", "type": "int", "default": 0}


def _text(*fields: Mapping[str, object]) -> str:
    return json.dumps({"type": "record", "name": "A", "fields": list(fields)})


@pytest.mark.parametrize(
    ("old", "new", "refusing"),
    [
        # A field more with a default: both may read.
        (_text(_INT), _text(_INT, _OPTIONAL), set()),
        # A field more without one: the new cannot read the old.
        (_text(_INT), _text(_INT, _NEEDED), {"BACKWARD", "FULL"}),
        # A field less that had none: the old cannot read the new.
        (_text(_INT, _NEEDED), _text(_INT), {"FORWARD", "FULL"}),
        # A wider type: the old cannot read the new.
        (_text(_INT), _text(_LONG), {"FORWARD", "FULL"}),
        (_text(_LONG), _text(_INT), {"BACKWARD", "FULL"}),
        (_text(_INT), '"string"', {"BACKWARD", "FORWARD", "FULL"}),
    ],
)
def test_a_level_refuses_what_it_promises_to_refuse(old: str, new: str, refusing: set[str]) -> None:
    for level in ("NONE", "BACKWARD", "FORWARD", "FULL"):
        for form in (level, f"{level}_TRANSITIVE") if level != "NONE" else (level,):
            found = problems(form, new, [Earlier(1, old)])  # type: ignore[arg-type] # made of two valid halves
            assert bool(found) is (level in refusing), form


@pytest.mark.parametrize(("level", "refused"), [("BACKWARD", False), ("BACKWARD_TRANSITIVE", True)])
def test_only_a_transitive_level_asks_the_older_ones(level: Level, *, refused: bool) -> None:
    earlier = [Earlier(1, _text(_INT)), Earlier(2, _text(_INT, _OPTIONAL)), Earlier(3, _text(_NEEDED))]
    # Without `a` nothing of version 1 is readable: `b` was not there and has no default.
    assert bool(problems(level, _text(_NEEDED), earlier)) is refused


def test_a_message_is_written_as_confluents() -> None:
    assert problems("FULL", _text(_NEEDED), [Earlier(1, '"int"'), Earlier(7, _text(_INT))]) == (
        (
            '{errorType:"READER_FIELD_MISSING_DEFAULT_VALUE", description:"the new schema cannot read what the earlier '
            "one wrote at path '/fields/0' (b)\"}"
        ),
        (
            '{errorType:"READER_FIELD_MISSING_DEFAULT_VALUE", description:"the earlier schema cannot read what the new '
            "one writes at path '/fields/0' (a)\"}"
        ),
        "{oldSchemaVersion: 7}",
        "{compatibility: FULL}",
    )


def test_nothing_earlier_refuses_nothing() -> None:
    assert problems("FULL_TRANSITIVE", '"int"', []) == ()
