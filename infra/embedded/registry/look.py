"""The requests that only read: answered from the state, and never a reason to write."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch
from typing import Any, Final, TypeVar

from infra.embedded.registry import answers, requests
from infra.embedded.registry.answers import Answer
from infra.embedded.registry.state import Config, State, Version

LATEST: Final = frozenset({"latest", "-1"})
_LARGEST_VERSION: Final = 2**31 - 1

Item = TypeVar("Item")


@singledispatch
def answer(request: requests.Request, state: State) -> Answer:
    """Answer a request that only reads; one without a rule here is a mistake in this program."""
    raise TypeError(f"no rule for {type(request).__name__}: {len(state.subjects)} subjects wait")


def version(wanted: str, versions: Sequence[Version]) -> Version | Answer:
    """Return the version that a path names among `versions` (not empty), or the refusal; a living one is the latest."""
    if wanted in LATEST:
        live = [one for one in versions if not one.deleted]
        return (live or versions)[-1]
    if not (wanted.isascii() and wanted.isdigit() and 1 <= int(wanted) <= _LARGEST_VERSION):
        return answers.invalid_version(wanted)
    return next((one for one in versions if one.number == int(wanted)), answers.no_version(int(wanted)))


def version_body(subject: str, one: Version, state: State) -> dict[str, Any]:
    """Return a version as Confluent's registry writes it; the type AVRO is not named."""
    return {"subject": subject, "version": one.number, "id": one.id, "schema": state.texts[one.id]}


def config_body(config: Config) -> dict[str, Any]:
    """Return rules as Confluent's registry writes them."""
    return {"compatibilityLevel": config.level, **({"normalize": True} if config.normalize else {})}


@answer.register
def _(request: requests.ListSubjects, state: State) -> Answer:
    names = [
        name
        for name in sorted(state.subjects)
        if name.startswith(request.prefix)
        and _shown(state.subjects[name].versions, deleted=request.deleted, only=request.deleted_only)
        # A subject with a living version is not a deleted one.
        and not (request.deleted_only and state.subjects[name].live)
    ]
    return Answer(_part(names, request.page))


@answer.register
def _(request: requests.ListVersions, state: State) -> Answer:
    shown = _shown(state.subject(request.subject).versions, deleted=request.deleted, only=request.deleted_only)
    if not shown:
        return answers.no_subject(request.subject)
    return Answer(_part([one.number for one in shown], request.page))


@answer.register
def _(request: requests.ListSchemas, state: State) -> Answer:
    found: list[dict[str, Any]] = []
    for name in sorted(state.subjects):
        if name.startswith(request.prefix):
            shown = _shown(state.subjects[name].versions, deleted=request.deleted)
            found += [version_body(name, one, state) for one in (shown[-1:] if request.latest_only else shown)]
    return Answer(_part(found, request.page))


@answer.register
def _(request: requests.GetVersion, state: State) -> Answer:
    subject = state.subject(request.subject)
    versions = subject.versions if request.deleted else subject.live
    if not versions:
        return answers.no_subject(request.subject)
    found = version(request.version, versions)
    if isinstance(found, Answer):
        return found
    if request.text_only:
        return Answer(state.texts[found.id], raw=True)
    return Answer(version_body(request.subject, found, state))


@answer.register
def _(request: requests.GetReferencedBy, state: State) -> Answer:
    versions = state.subject(request.subject).versions
    if not versions:
        return answers.no_subject(request.subject)
    found = version(request.version, versions)
    return found if isinstance(found, Answer) else Answer([])


@answer.register
def _(request: requests.GetSchema, state: State) -> Answer:
    if not any(state.uses(request.id)):
        return answers.no_schema(request.id)
    text = state.texts[request.id]
    if request.text_only:
        return Answer(text, raw=True)
    return Answer({"schema": text, **({"maxId": state.last_id} if request.max_id else {})})


@answer.register
def _(request: requests.GetUses, state: State) -> Answer:
    uses = [
        (name, one)
        for name, one in state.uses(request.id)
        if (request.deleted or not one.deleted) and request.subject in {None, name}
    ]
    if not any(state.uses(request.id)):
        return answers.no_schema(request.id)
    if request.subjects_only:
        return Answer(_part(sorted({name for name, _ in uses}), request.page))
    return Answer(_part([{"subject": name, "version": one.number} for name, one in uses], request.page))


@answer.register
def _(request: requests.GetConfig, state: State) -> Answer:
    own = state.configs.get(request.subject)
    if own is None and request.subject is not None and not request.default_to_global:
        return answers.no_subject_config(request.subject)
    return Answer(config_body(own or state.config(None)))


@answer.register
def _(request: requests.GetMode, state: State) -> Answer:
    own = state.modes.get(request.subject)
    if own is None and request.subject is not None and not request.default_to_global:
        return answers.no_subject_mode(request.subject)
    return Answer({"mode": own or state.mode(None)})


def _shown(versions: tuple[Version, ...], *, deleted: bool, only: bool = False) -> list[Version]:
    """Return the living versions, with `deleted` the hidden ones too, with `only` nothing but the hidden ones."""
    if only:
        return [one for one in versions if one.deleted]
    return [one for one in versions if deleted or not one.deleted]


def _part(items: list[Item], page: requests.Page) -> list[Item]:
    end = None if page.limit < 0 else page.offset + page.limit
    return items[page.offset : end]
