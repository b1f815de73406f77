"""What each request gets, whole answers compared, from the state that the requests before it have made."""

from __future__ import annotations

import json

import pytest

from infra.embedded.registry.answers import Answer
from infra.embedded.registry.decide import Write, decide
from infra.embedded.registry.records import AnyFact
from infra.embedded.registry.requests import (
    Check,
    ConfigBody,
    DeleteSubject,
    DeleteVersion,
    DropConfig,
    DropMode,
    GetConfig,
    GetMode,
    GetReferencedBy,
    GetSchema,
    GetUses,
    GetVersion,
    ListSchemas,
    ListSubjects,
    ListVersions,
    Lookup,
    ModeBody,
    Page,
    Register,
    Request,
    SchemaBody,
    SetConfig,
    SetMode,
)
from infra.embedded.registry.state import State, Subject, Version, apply


def record(*fields: str, name: str = "A") -> str:
    inside = ",".join(f'{{"name":"{field}","type":"int","default":0}}' for field in fields)
    return f'{{"type":"record","name":"{name}","fields":[{inside}]}}'


def needed(field: str) -> str:
    return f'{{"type":"record","name":"A","fields":[{{"name":"{field}","type":"int"}}]}}'


def register(subject: str, schema: str, *, id: int | None = None, version: int | None = None) -> Register:  # noqa: A002 - as in the body
    return Register(subject=subject, body=SchemaBody(schema=schema, id=id, version=version))


def after(*requests: Request) -> State:
    """Return the state after requests that all want to write."""
    state = State()
    for request in requests:
        decision = decide(request, state)
        assert isinstance(decision, Write), decision
        state = apply(decision.fact, state)
    return state


def answer(request: Request, state: State) -> Answer:
    decision = decide(request, state)
    return decision if isinstance(decision, Answer) else decision.answer


def refused(code: int, message: str) -> Answer:
    return Answer({"error_code": code, "message": message}, code if code < 1000 else code // 100)


A, AB = record("a"), record("a", "b")
TWO = after(register("s", A), register("s", AB), register("t", A))


def test_ids_count_up_and_one_schema_has_one_id_in_all_subjects() -> None:
    assert (dict(TWO.texts), dict(TWO.subjects)) == (
        {1: A, 2: AB},
        {"s": Subject((Version(1, 1), Version(2, 2)), 2), "t": Subject((Version(1, 1),), 1)},
    )


def test_a_schema_that_stands_there_is_not_written_again() -> None:
    assert decide(register("s", json.dumps(json.loads(A), indent=2)), TWO) == Answer({"id": 1})


def test_an_incompatible_schema_gets_409_with_the_reason() -> None:
    assert answer(register("s", needed("c")), TWO) == refused(
        409,
        'Schema being registered is incompatible with an earlier schema for subject "s", details: '
        '[{errorType:"READER_FIELD_MISSING_DEFAULT_VALUE", description:"the new schema cannot read what the earlier '
        "one wrote at path '/fields/0' (c)\"}, {oldSchemaVersion: 2}, {compatibility: BACKWARD}]",
    )


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (SchemaBody(), "the schema is empty"),
        (
            SchemaBody(schema="{"),
            "not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
        ),
        (
            SchemaBody(schema="{}", schema_type="JSON"),
            "schemaType JSON is not supported by the embedded registry, only AVRO is",
        ),
        (
            SchemaBody(schema=A, references=[{"name": "x"}]),
            "references are not supported by the embedded registry; write the schema out in full",
        ),
        (
            SchemaBody(schema=A, metadata={"properties": {}}),
            "metadata are not supported by the embedded registry; write the schema out in full",
        ),
    ],
)
def test_what_is_not_offered_is_refused_and_never_dropped_in_silence(body: SchemaBody, reason: str) -> None:
    expected = refused(42201, f"Invalid schema: {reason}")
    asked: list[Request] = [Register(subject="s", body=body), Lookup(subject="s", body=body)]
    asked.append(Check(subject="s", version=None, body=body))
    assert [answer(request, TWO) for request in asked] == [expected] * 3


@pytest.mark.parametrize("subject", [":.context:s", "a\nb"])
def test_a_subject_that_cannot_be_one_is_refused(subject: str) -> None:
    expected = refused(42208, f"The specified subject '{subject}' is not a valid subject.")
    asked: list[Request] = [register(subject, A), SetConfig(subject=subject, body=ConfigBody(compatibility="FULL"))]
    asked.append(SetMode(subject=subject, body=ModeBody(mode="READONLY")))
    assert [answer(request, State()) for request in asked] == [expected] * 3


def test_normalize_finds_a_schema_written_in_another_way() -> None:
    short = '{"type":"record","name":"A","namespace":"x","fields":[]}'
    long = '{"type":"record","name":"x.A","fields":[]}'
    state = after(register("s", short))
    assert decide(Register(subject="s", body=SchemaBody(schema=long), normalize=True), state) == Answer({"id": 1})
    assert isinstance(decide(Register(subject="s", body=SchemaBody(schema=long)), state), Write)
    asked = Lookup(subject="s", body=SchemaBody(schema=long), normalize=True)
    assert answer(asked, state) == Answer({"subject": "s", "version": 1, "id": 1, "schema": short})
    unasked = after(
        SetConfig(subject=None, body=ConfigBody(compatibility="FULL", normalize=True)), register("s", short)
    )
    assert dict(unasked.texts) == {1: long}


SOFT = after(register("s", A), register("s", AB), DeleteVersion(subject="s", version="1"))
GONE = after(
    register("s", A), register("t", AB), DeleteSubject(subject="s"), DeleteSubject(subject="s", permanent=True)
)

READS: list[tuple[Request, State, object]] = [
    (ListSubjects(), TWO, ["s", "t"]),
    (ListSubjects(prefix="t"), TWO, ["t"]),
    (ListSubjects(page=Page(offset=1, limit=1)), TWO, ["t"]),
    (ListSubjects(), GONE, ["t"]),
    (ListVersions(subject="s"), SOFT, [2]),
    (ListVersions(subject="s", deleted=True), SOFT, [1, 2]),
    (ListVersions(subject="s", deleted_only=True), SOFT, [1]),
    (GetVersion(subject="s", version="latest"), TWO, {"subject": "s", "version": 2, "id": 2, "schema": AB}),
    (GetVersion(subject="s", version="-1"), TWO, {"subject": "s", "version": 2, "id": 2, "schema": AB}),
    (GetVersion(subject="s", version="1", deleted=True), SOFT, {"subject": "s", "version": 1, "id": 1, "schema": A}),
    (GetSchema(id=1), SOFT, {"schema": A}),
    (GetSchema(id=1, max_id=True), SOFT, {"schema": A, "maxId": 2}),
    (GetUses(id=1, subjects_only=True), TWO, ["s", "t"]),
    (GetUses(id=1, subjects_only=False), TWO, [{"subject": "s", "version": 1}, {"subject": "t", "version": 1}]),
    (GetUses(id=1, subjects_only=False, subject="t"), TWO, [{"subject": "t", "version": 1}]),
    (GetUses(id=1, subjects_only=False), SOFT, []),
    (GetUses(id=1, subjects_only=False, deleted=True), SOFT, [{"subject": "s", "version": 1}]),
    (GetReferencedBy(subject="s", version="1"), TWO, []),
    (
        ListSchemas(latest_only=True),
        TWO,
        [{"subject": "s", "version": 2, "id": 2, "schema": AB}, {"subject": "t", "version": 1, "id": 1, "schema": A}],
    ),
    (ListSchemas(prefix="s"), SOFT, [{"subject": "s", "version": 2, "id": 2, "schema": AB}]),
    (Lookup(subject="s", body=SchemaBody(schema=A)), TWO, {"subject": "s", "version": 1, "id": 1, "schema": A}),
    (
        Lookup(subject="s", body=SchemaBody(schema=A), deleted=True),
        SOFT,
        {"subject": "s", "version": 1, "id": 1, "schema": A},
    ),
    (Check(subject="s", version="latest", body=SchemaBody(schema=A)), TWO, {"is_compatible": True}),
    (
        Check(subject="new", version="latest", body=SchemaBody(schema=A), verbose=True),
        TWO,
        {"is_compatible": True, "messages": []},
    ),
    (Check(subject="new", version=None, body=SchemaBody(schema=A)), TWO, {"is_compatible": True}),
    (Check(subject="s", version="1", body=SchemaBody(schema=needed("c"))), TWO, {"is_compatible": False}),
    (GetConfig(subject=None), TWO, {"compatibilityLevel": "BACKWARD"}),
    (GetConfig(subject="s", default_to_global=True), TWO, {"compatibilityLevel": "BACKWARD"}),
    (GetMode(subject=None), TWO, {"mode": "READWRITE"}),
    (GetMode(subject="s", default_to_global=True), TWO, {"mode": "READWRITE"}),
    (DropConfig(subject=None), TWO, {"compatibilityLevel": "BACKWARD"}),
    (DropMode(subject=None), TWO, {"mode": "READWRITE"}),
]  # fmt: skip


@pytest.mark.parametrize(("request_", "state", "body"), READS)
def test_reading_tells_what_is_there(request_: Request, state: State, body: object) -> None:
    assert decide(request_, state) == Answer(body)


@pytest.mark.parametrize(("schema_id", "version"), [(1, "1"), (2, "2")])
def test_a_schema_alone_is_told_as_it_stands(schema_id: int, version: str) -> None:
    text = TWO.texts[schema_id]
    assert decide(GetSchema(id=schema_id, text_only=True), TWO) == Answer(text, raw=True)
    assert decide(GetVersion(subject="s", version=version, text_only=True), TWO) == Answer(text, raw=True)


NO_S = refused(40401, "Subject 's' not found.")
REFUSALS: list[tuple[Request, State, Answer]] = [
    (Lookup(subject="s", body=SchemaBody(schema=A)), State(), NO_S),
    (Lookup(subject="s", body=SchemaBody(schema=A)), SOFT, refused(40403, "Schema not found")),
    (ListVersions(subject="s"), State(), NO_S),
    (GetVersion(subject="s", version="1"), State(), NO_S),
    (GetVersion(subject="s", version="1"), SOFT, refused(40402, "Version 1 not found.")),
    (GetVersion(subject="s", version="9"), TWO, refused(40402, "Version 9 not found.")),
    (
        GetVersion(subject="s", version="0"),
        TWO,
        refused(
            42202,
            "The specified version '0' is not a valid version id. "
            'Allowed values are between [1, 2^31-1] and the string "latest"',
        ),
    ),
    (GetReferencedBy(subject="s", version="1"), State(), NO_S),
    (GetSchema(id=3), TWO, refused(40403, "Schema 3 not found")),
    (GetSchema(id=1), GONE, refused(40403, "Schema 1 not found")),
    (GetUses(id=3, subjects_only=True), TWO, refused(40403, "Schema 3 not found")),
    (Check(subject="s", version="1", body=SchemaBody(schema=A)), State(), NO_S),
    (Check(subject="s", version="9", body=SchemaBody(schema=A)), TWO, refused(40402, "Version 9 not found.")),
    (DeleteSubject(subject="s"), State(), NO_S),
    (
        DeleteSubject(subject="s", permanent=True),
        TWO,
        refused(40405, "Subject 's' was not deleted first before being permanently deleted"),
    ),
    (
        DeleteSubject(subject="s"),
        after(register("s", A), DeleteSubject(subject="s")),
        refused(40404, "Subject 's' was soft deleted. Set permanent=true to delete permanently"),
    ),
    (DeleteVersion(subject="s", version="1"), State(), NO_S),
    (DeleteVersion(subject="s", version="9"), TWO, refused(40402, "Version 9 not found.")),
    (
        DeleteVersion(subject="s", version="1"),
        SOFT,
        refused(40406, "Subject 's' Version 1 was soft deleted. Set permanent=true to delete permanently"),
    ),
    (
        DeleteVersion(subject="s", version="2", permanent=True),
        SOFT,
        refused(40407, "Subject 's' Version 2 was not deleted first before being permanently deleted"),
    ),
    (
        GetConfig(subject="s"),
        TWO,
        refused(40408, "Subject 's' does not have subject-level compatibility configured"),
    ),
    (GetMode(subject="s"), TWO, refused(40409, "Subject 's' does not have subject-level mode configured")),
    (DropConfig(subject="s"), TWO, NO_S),
    (DropMode(subject="s"), TWO, NO_S),
    (
        SetConfig(subject=None, body=ConfigBody(compatibility="SOMETIMES")),
        TWO,
        refused(
            42203,
            "Invalid compatibility level. Valid values are NONE, BACKWARD, BACKWARD_TRANSITIVE, FORWARD, "
            "FORWARD_TRANSITIVE, FULL, FULL_TRANSITIVE",
        ),
    ),
    (
        SetConfig(subject=None, body=ConfigBody(compatibility="FULL", compatibility_group="g")),
        TWO,
        refused(
            42203,
            "'compatibilityGroup' is not supported by the embedded registry; only compatibility and normalize are",
        ),
    ),
    (
        SetMode(subject=None, body=ModeBody(mode="FORWARD")),
        TWO,
        refused(42204, "Invalid mode. Valid values are READWRITE, READONLY, IMPORT"),
    ),
    (
        SetMode(subject="s", body=ModeBody(mode="IMPORT")),
        TWO,
        refused(42205, "Cannot import since found existing subjects"),
    ),
    (register("s", A, id=7), State(), refused(42205, "Subject s is not in import mode")),
]


@pytest.mark.parametrize(("request_", "state", "expected"), REFUSALS)
def test_each_refusal_has_confluents_code(request_: Request, state: State, expected: Answer) -> None:
    assert decide(request_, state) == expected


def test_rules_of_a_subject_win_until_they_are_taken_back() -> None:
    none = SetConfig(subject="s", body=ConfigBody(compatibility="none"))
    state = after(register("s", A), none)
    assert answer(none, state) == Answer({"compatibility": "NONE"})
    assert answer(GetConfig(subject="s"), state) == Answer({"compatibilityLevel": "NONE"})
    assert isinstance(decide(register("s", needed("c")), state), Write)
    back = decide(DropConfig(subject="s"), state)
    assert isinstance(back, Write)
    assert back.answer == Answer({"compatibilityLevel": "NONE"})
    assert answer(register("s", needed("c")), apply(back.fact, state)).status == 409


def test_a_read_only_subject_changes_in_nothing() -> None:
    state = after(register("s", A), SetMode(subject="s", body=ModeBody(mode="readonly")))
    expected = refused(42205, "Subject s is in read-only mode")
    asked: list[Request] = [register("s", AB), DeleteSubject(subject="s"), DeleteVersion(subject="s", version="1")]
    asked.append(SetConfig(subject="s", body=ConfigBody(compatibility="FULL")))
    assert [answer(request, state) for request in asked] == [expected] * 4
    assert answer(register("s", A), state) == Answer({"id": 1})
    assert answer(register("t", A), state) == Answer({"id": 1})


def test_import_takes_ids_as_they_come_and_never_two_schemas_for_one() -> None:
    state = after(
        SetMode(subject=None, body=ModeBody(mode="IMPORT")),
        register("s", A, id=17, version=3),
        register("s", needed("c"), id=5),
    )
    assert dict(state.subjects) == {"s": Subject((Version(3, 17), Version(4, 5)), 4)}
    assert answer(register("t", AB, id=17), state) == refused(
        42205, "Overwrite new schema with id 17 is not permitted."
    )
    assert answer(register("s", AB, id=18, version=3), state) == refused(
        42205, "Version 3 of subject s holds another schema."
    )
    assert answer(register("s", AB), state) == refused(42205, "Subject s is in import mode; name the id")
    back = apply(_mode(state), state)
    assert answer(register("t", AB), back) == Answer({"id": 18})


def _mode(state: State) -> AnyFact:
    decision = decide(SetMode(subject=None, body=ModeBody(mode="READWRITE")), state)
    assert isinstance(decision, Write)
    return decision.fact


def test_after_a_permanent_deletion_neither_id_nor_version_is_used_again() -> None:
    state = after(
        register("s", A),
        DeleteSubject(subject="s"),
        DeleteSubject(subject="s", permanent=True),
        register("s", AB),
        register("s", A),
    )
    assert (state.subject("s"), dict(state.texts)) == (
        Subject((Version(2, 2), Version(3, 1)), 3),
        {1: A, 2: AB},
    )


def test_a_deleted_subject_comes_back_with_the_rules_of_all() -> None:
    state = after(
        register("s", A),
        SetConfig(subject="s", body=ConfigBody(compatibility="NONE")),
        SetMode(subject="s", body=ModeBody(mode="READWRITE")),
        DeleteSubject(subject="s"),
    )
    assert (dict(state.configs), dict(state.modes)) == ({}, {})


def test_deletions_answer_what_is_gone() -> None:
    assert answer(DeleteSubject(subject="s"), SOFT) == Answer([2])
    assert answer(DeleteVersion(subject="s", version="latest"), SOFT) == Answer(2)
    assert answer(DeleteVersion(subject="s", version="1", permanent=True), SOFT) == Answer(1)


def test_a_log_that_contradicts_itself_is_not_believed() -> None:
    decision = decide(register("s", AB), State())
    assert isinstance(decision, Write)
    with pytest.raises(ValueError, match="id 1 stands for another schema already; the log contradicts itself"):
        apply(decision.fact, TWO)
