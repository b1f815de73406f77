"""Whether a new schema may follow the ones before it: levels as Confluent's, the verdict by `avro`'s own checker."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple, get_args

from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType

from infra.embedded.registry.canonical import parse

Level = Literal[
    "NONE", "BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD", "FORWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE"
]  # fmt: skip

LEVELS: Final[tuple[Level, ...]] = get_args(Level)
DEFAULT: Final[Level] = "BACKWARD"


class Earlier(NamedTuple):
    """A schema that stands already, with its version."""

    version: int
    text: str


def problems(level: Level, new: str, earlier: Sequence[Earlier]) -> tuple[str, ...]:
    """Return why `new` may not follow `earlier` (oldest first), one message each; none means it may.

    BACKWARD: the new schema reads what the earlier one wrote. FORWARD: the earlier reads what the new one writes. FULL:
    both. Without TRANSITIVE only the newest of the earlier ones counts. A message is written as Confluent writes it, so
    that Redpanda Console can take it apart.
    """
    counted = earlier if level.endswith("_TRANSITIVE") else earlier[-1:]
    found: list[str] = []
    for one in reversed(counted):
        faults: list[str] = []
        if level.startswith(("BACKWARD", "FULL")):
            faults += _faults(reader=new, writer=one.text, told="new schema cannot read what the earlier one wrote")
        if level.startswith(("FORWARD", "FULL")):
            faults += _faults(reader=one.text, writer=new, told="earlier schema cannot read what the new one writes")
        if faults:
            found += [*faults, f"{{oldSchemaVersion: {one.version}}}"]
    return (*found, f"{{compatibility: {level}}}") if found else ()


def _faults(*, reader: str, writer: str, told: str) -> list[str]:
    checker = ReaderWriterCompatibilityChecker()  # type: ignore[no-untyped-call] # avro types all but this constructor
    verdict = checker.get_compatibility(parse(reader), parse(writer))
    if verdict.compatibility is SchemaCompatibilityType.compatible:
        return []
    kinds = ", ".join(sorted({kind.name.upper() for kind in verdict.incompatibilities}))
    # Console quotes every `word:` as a key before it reads the message as JSON, so a text may hold none.
    details = " and ".join(sorted(message.replace(":", "") for message in verdict.messages))
    places = ", ".join(sorted(place for place in verdict.locations if place != "/") or ["/"])
    description = f"the {told} at path '{places}' ({details})"
    return [f"{{errorType:{json.dumps(kinds)}, description:{json.dumps(description, ensure_ascii=False)}}}"]
