"""Each request is decided from the state alone: an answer, or one fact to write and the answer that it earns.

At most one fact per request, so that a request is done whole or not at all. What only reads stands in `look.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import singledispatch
from typing import Final

from infra.embedded.registry import answers, look, requests
from infra.embedded.registry.answers import Answer
from infra.embedded.registry.canonical import InvalidSchema, canonical
from infra.embedded.registry.compatibility import LEVELS, Earlier, problems
from infra.embedded.registry.records import (
    AnyFact,
    ConfigSet,
    ModeSet,
    SchemaRegistered,
    SubjectDeleted,
    VersionDeleted,
)
from infra.embedded.registry.state import MODES, State, Version

_AVRO: Final = "AVRO"


@dataclass(frozen=True, slots=True)
class Write:
    """The fact to write, and the answer when it has won its place in the log."""

    fact: AnyFact
    answer: Answer


def schema_text(body: requests.SchemaBody, *, normalize: bool) -> str:
    """Return the one spelling of the schema in a body; raise InvalidSchema also for what is not offered here."""
    if (body.schema_type or _AVRO) != _AVRO:
        raise InvalidSchema(f"schemaType {body.schema_type} is not supported by the embedded registry, only AVRO is")
    unsupported = {"references": body.references, "metadata": body.metadata, "ruleSet": body.rule_set}
    for name, value in unsupported.items():
        if value:
            raise InvalidSchema(f"{name} are not supported by the embedded registry; write the schema out in full")
    if not body.schema:
        raise InvalidSchema("the schema is empty")
    return canonical(body.schema, normalize=normalize)


def find(state: State, versions: tuple[Version, ...], text: str, *, normalize: bool) -> Version | None:
    """Return the newest of `versions` that holds this schema; with `normalize` also one written in another way."""
    for version in reversed(versions):
        held = state.texts[version.id]
        if text in (held, canonical(held, normalize=True) if normalize else held):
            return version
    return None


def decide(request: requests.Request, state: State) -> Answer | Write:
    """Decide a request from all that is known up to the log's end."""
    try:
        return _decide(request, state)
    except InvalidSchema as error:
        return answers.invalid_schema(str(error))


@singledispatch
def _decide(request: requests.Request, state: State) -> Answer | Write:
    """Decide one kind of request; one without a rule here only reads."""
    return look.answer(request, state)


@_decide.register
def _(request: requests.Register, state: State) -> Answer | Write:
    subject, body = state.subject(request.subject), request.body
    if _is_reserved(request.subject):
        return answers.invalid_subject(request.subject)
    normalize = request.normalize or state.config(request.subject).normalize
    text = schema_text(body, normalize=normalize)
    wanted = body.id if body.id is not None and body.id > 0 else None
    found = find(state, subject.live, text, normalize=normalize)
    if found is not None and wanted in {None, found.id}:
        return Answer({"id": found.id})
    mode = state.mode(request.subject)
    if mode == "READONLY":
        return answers.not_permitted(f"Subject {request.subject} is in read-only mode")
    return _import(request, text, wanted, state) if mode == "IMPORT" else _add(request, text, wanted, state)


def _add(request: requests.Register, text: str, wanted: int | None, state: State) -> Answer | Write:
    """Give the schema the next version of its subject, and its own id or a new one."""
    if wanted is not None:
        return answers.not_permitted(f"Subject {request.subject} is not in import mode")
    subject = state.subject(request.subject)
    earlier = [Earlier(version.number, state.texts[version.id]) for version in subject.live]
    refused = problems(state.config(request.subject).level, text, earlier)
    if refused:
        return answers.incompatible(request.subject, refused)
    return _registered(request.subject, subject.last + 1, state.ids.get(text, state.last_id + 1), text)


def _import(request: requests.Register, text: str, wanted: int | None, state: State) -> Answer | Write:
    """Register with an id chosen by the caller: for moving schemas from another registry with their ids."""
    if wanted is None:
        return answers.not_permitted(f"Subject {request.subject} is in import mode; name the id")
    if state.texts.get(wanted, text) != text:
        return answers.not_permitted(f"Overwrite new schema with id {wanted} is not permitted.")
    subject = state.subject(request.subject)
    number = request.body.version if request.body.version and request.body.version > 0 else subject.last + 1
    if any(version.number == number and version.id != wanted for version in subject.versions):
        return answers.not_permitted(f"Version {number} of subject {request.subject} holds another schema.")
    return _registered(request.subject, number, wanted, text)


def _registered(subject: str, version: int, schema_id: int, text: str) -> Write:
    fact = SchemaRegistered(subject=subject, version=version, id=schema_id, schema=text)
    return Write(fact, Answer({"id": schema_id}))


@_decide.register
def _(request: requests.Lookup, state: State) -> Answer:
    subject = state.subject(request.subject)
    versions = subject.versions if request.deleted else subject.live
    if not versions:
        return answers.no_subject(request.subject)
    normalize = request.normalize or state.config(request.subject).normalize
    text = schema_text(request.body, normalize=normalize)
    found = find(state, versions, text, normalize=normalize)
    return answers.no_schema() if found is None else Answer(look.version_body(request.subject, found, state))


@_decide.register
def _(request: requests.Check, state: State) -> Answer:
    normalize = request.normalize or state.config(request.subject).normalize
    live = state.subject(request.subject).live
    level = state.config(request.subject).level
    if request.version is not None and live:
        chosen = look.version(request.version, live)
        if isinstance(chosen, Answer):
            return chosen
        live = (chosen,)
    elif request.version not in {None, *look.LATEST}:
        return answers.no_subject(request.subject)
    text = schema_text(request.body, normalize=normalize)
    found = problems(level, text, [Earlier(version.number, state.texts[version.id]) for version in live])
    verdict = {"is_compatible": not found}
    return Answer({**verdict, "messages": list(found)} if request.verbose else verdict)


@_decide.register
def _(request: requests.DeleteSubject, state: State) -> Answer | Write:
    subject = state.subject(request.subject)
    if not subject.versions:
        return answers.no_subject(request.subject)
    if request.permanent and subject.live:
        return answers.subject_not_deleted(request.subject)
    if not request.permanent and not subject.live:
        return answers.subject_is_deleted(request.subject)
    if state.mode(request.subject) == "READONLY":
        return answers.not_permitted(f"Subject {request.subject} is in read-only mode")
    gone = subject.versions if request.permanent else subject.live
    return Write(
        SubjectDeleted(subject=request.subject, permanent=request.permanent),
        Answer([version.number for version in gone]),
    )


@_decide.register
def _(request: requests.DeleteVersion, state: State) -> Answer | Write:
    versions = state.subject(request.subject).versions
    if not versions:
        return answers.no_subject(request.subject)
    chosen = look.version(request.version, versions)
    if isinstance(chosen, Answer):
        return chosen
    if request.permanent and not chosen.deleted:
        return answers.version_not_deleted(request.subject, chosen.number)
    if not request.permanent and chosen.deleted:
        return answers.version_is_deleted(request.subject, chosen.number)
    if state.mode(request.subject) == "READONLY":
        return answers.not_permitted(f"Subject {request.subject} is in read-only mode")
    return Write(
        VersionDeleted(subject=request.subject, version=chosen.number, permanent=request.permanent),
        Answer(chosen.number),
    )


@_decide.register
def _(request: requests.SetConfig, state: State) -> Answer | Write:
    body = request.body
    known = {"compatibility", "normalize"}
    for name, key in zip(body.__struct_fields__, body.__struct_encode_fields__, strict=True):
        if name not in known and getattr(body, name) is not None:
            return answers.unsupported_config(key)
    level = (body.compatibility or state.config(request.subject).level).upper()
    found = next((known_level for known_level in LEVELS if known_level == level), None)
    if found is None or (body.compatibility is None and body.normalize is None):
        return answers.invalid_level()
    if request.subject is not None and _is_reserved(request.subject):
        return answers.invalid_subject(request.subject)
    if state.mode(request.subject) == "READONLY":
        return answers.not_permitted(f"Subject {request.subject} is in read-only mode")
    echo: dict[str, object] = {"compatibility": found}
    if body.normalize is not None:
        echo["normalize"] = body.normalize
    fact = ConfigSet(subject=request.subject, compatibility=found, normalize=bool(body.normalize))
    return Write(fact, Answer(echo))


@_decide.register
def _(request: requests.DropConfig, state: State) -> Answer | Write:
    old = state.configs.get(request.subject)
    if old is None and request.subject is not None:
        return answers.no_subject(request.subject)
    if old is None:
        return Answer(look.config_body(state.config(None)))
    if state.mode(request.subject) == "READONLY":
        return answers.not_permitted(f"Subject {request.subject} is in read-only mode")
    return Write(ConfigSet(subject=request.subject, compatibility=None), Answer(look.config_body(old)))


@_decide.register
def _(request: requests.SetMode, state: State) -> Answer | Write:
    mode = (request.body.mode or "").upper()
    if mode not in MODES:
        return answers.invalid_mode()
    if request.subject is not None and _is_reserved(request.subject):
        return answers.invalid_subject(request.subject)
    names = state.subjects if request.subject is None else (request.subject,)
    if mode == "IMPORT" and not request.force and any(state.subject(name).versions for name in names):
        return answers.not_permitted("Cannot import since found existing subjects")
    return Write(ModeSet(subject=request.subject, mode=mode), Answer({"mode": mode}))


@_decide.register
def _(request: requests.DropMode, state: State) -> Answer | Write:
    old = state.modes.get(request.subject)
    if old is None and request.subject is not None:
        return answers.no_subject(request.subject)
    answer = Answer({"mode": old or state.mode(None)})
    return answer if old is None else Write(ModeSet(subject=request.subject, mode=None), answer)


def _is_reserved(subject: str) -> bool:
    """Tell whether a name cannot be a subject here: control characters, or the syntax of contexts (`:.context:`)."""
    return subject.startswith(":.") or not subject.isprintable()
