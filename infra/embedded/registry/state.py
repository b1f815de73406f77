"""What the registry knows: a value that follows from the log alone, so every reader of the log knows the same.

An id never changes, never repeats and is never forgotten, not even when its last version is deleted for good; a version
number of a subject is never used again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import singledispatch
from types import MappingProxyType
from typing import Final, Literal, TypeVar

from infra.embedded.registry import compatibility
from infra.embedded.registry.compatibility import Level
from infra.embedded.registry.records import (
    AnyFact,
    ConfigSet,
    ModeSet,
    SchemaRegistered,
    SubjectDeleted,
    VersionDeleted,
)

Mode = Literal["READWRITE", "READONLY", "IMPORT"]
MODES: Final = ("READWRITE", "READONLY", "IMPORT")

Name = TypeVar("Name")
Thing = TypeVar("Thing")


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a subject; deleted means hidden, still there for who asks for deleted ones."""

    number: int
    id: int
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Subject:
    """The versions of a subject, oldest first, and the highest number it ever gave."""

    versions: tuple[Version, ...] = ()
    last: int = 0

    @property
    def live(self) -> tuple[Version, ...]:
        """Return the versions that are not deleted."""
        return tuple(version for version in self.versions if not version.deleted)


@dataclass(frozen=True, slots=True)
class Config:
    """The rules of a subject or of all: which change is allowed, and whether schemas are normalized unasked."""

    level: Level
    normalize: bool = False


def _empty() -> Mapping[Name, Thing]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class State:
    """All of it; the key None of `configs` and `modes` stands for all subjects."""

    texts: Mapping[int, str] = field(default_factory=_empty)
    ids: Mapping[str, int] = field(default_factory=_empty)
    subjects: Mapping[str, Subject] = field(default_factory=_empty)
    configs: Mapping[str | None, Config] = field(default_factory=_empty)
    modes: Mapping[str | None, str] = field(default_factory=_empty)
    last_id: int = 0

    def subject(self, name: str) -> Subject:
        """Return a subject; one that nobody registered has no versions."""
        return self.subjects.get(name, Subject())

    def config(self, name: str | None) -> Config:
        """Return the rules that hold for a subject: its own, else those of all."""
        return self.configs.get(name) or self.configs.get(None) or Config(compatibility.DEFAULT)

    def mode(self, name: str | None) -> str:
        """Return the mode that holds for a subject: its own, else that of all."""
        return self.modes.get(name) or self.modes.get(None) or "READWRITE"

    def uses(self, schema_id: int) -> Iterator[tuple[str, Version]]:
        """Yield each subject and version with this id, deleted ones too, by name and number."""
        for name in sorted(self.subjects):
            for version in self.subjects[name].versions:
                if version.id == schema_id:
                    yield name, version


@singledispatch
def apply(fact: AnyFact, state: State) -> State:
    """Return the state after `fact`; a kind of fact without a rule here is a mistake in this program."""
    raise TypeError(f"no rule for {type(fact).__name__}: {state.last_id} ids stay")


@apply.register
def _(fact: SchemaRegistered, state: State) -> State:
    known = state.texts.get(fact.id)
    if known is not None and known != fact.schema:
        raise ValueError(f"id {fact.id} stands for another schema already; the log contradicts itself")
    subject = state.subject(fact.subject)
    others = (version for version in subject.versions if version.number != fact.version)
    versions = sorted((*others, Version(fact.version, fact.id)), key=lambda version: version.number)
    return replace(
        state,
        texts=_with(state.texts, fact.id, fact.schema),
        ids=state.ids if fact.schema in state.ids else _with(state.ids, fact.schema, fact.id),
        subjects=_with(state.subjects, fact.subject, Subject(tuple(versions), max(subject.last, fact.version))),
        last_id=max(state.last_id, fact.id),
    )


@apply.register
def _(fact: VersionDeleted, state: State) -> State:
    subject = state.subject(fact.subject)
    versions = tuple(
        replace(version, deleted=True) if version.number == fact.version else version
        for version in subject.versions
        if not (fact.permanent and version.number == fact.version)
    )
    return replace(state, subjects=_with(state.subjects, fact.subject, replace(subject, versions=versions)))


@apply.register
def _(fact: SubjectDeleted, state: State) -> State:
    subject = state.subject(fact.subject)
    versions = () if fact.permanent else tuple(replace(version, deleted=True) for version in subject.versions)
    return replace(
        state,
        subjects=_with(state.subjects, fact.subject, replace(subject, versions=versions)),
        # As Confluent's: a deleted subject that comes back starts with the rules of all.
        configs=_without(state.configs, fact.subject),
        modes=_without(state.modes, fact.subject),
    )


@apply.register
def _(fact: ConfigSet, state: State) -> State:
    if fact.compatibility is None:
        return replace(state, configs=_without(state.configs, fact.subject))
    return replace(
        state, configs=_with(state.configs, fact.subject, Config(fact.compatibility, normalize=fact.normalize))
    )


@apply.register
def _(fact: ModeSet, state: State) -> State:
    if fact.mode is None:
        return replace(state, modes=_without(state.modes, fact.subject))
    return replace(state, modes=_with(state.modes, fact.subject, fact.mode))


def _with(table: Mapping[Name, Thing], name: Name, thing: Thing) -> Mapping[Name, Thing]:
    return MappingProxyType({**table, name: thing})


def _without(table: Mapping[Name, Thing], name: Name) -> Mapping[Name, Thing]:
    return MappingProxyType({key: thing for key, thing in table.items() if key != name})
