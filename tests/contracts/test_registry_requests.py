"""The requests that Redpanda Console, rpk and confluent-kafka make are answered as Confluent's registry answers them.

Each row was read in the client's source: method, path and query as the client builds them, who, and where it stands.
They are played in order against one real registry on a real Kafka, and the whole answer is compared.
Console and rpk use franz-go's client `sr`; where a row names `pkg/sr`, the file beside it is the caller.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Final, NamedTuple

import aiohttp
import pytest

from tapeline.runtime.runfile import RunFile
from tests.support.registry_process import registry_process

SR: Final = "twmb/franz-go pkg/sr/api.go"
CONSOLE: Final = f"{SR} < redpanda-data/console backend/pkg/console/schema_registry.go"
CACHE: Final = f"{SR} < redpanda-data/console backend/pkg/schema/client.go"
RPK: Final = f"{SR} < redpanda-data/redpanda src/go/rpk/pkg/cli/registry/"
PYTHON: Final = (
    "confluentinc/confluent-kafka-python src/confluent_kafka/schema_registry/_sync/schema_registry_client.py"
)
SERDE: Final = "confluentinc/confluent-kafka-python src/confluent_kafka/schema_registry/_sync/serde.py"


class Row(NamedTuple):
    """A request and its whole answer."""

    method: str
    path: str
    who: str
    source: str
    body: object
    status: int
    answer: object


def record(*fields: str) -> str:
    inside = ",".join(f'{{"name":"{field}","type":"int","default":0}}' for field in fields)
    return f'{{"type":"record","name":"Trade","namespace":"t","fields":[{inside}]}}'


ONE, TWO = record("a"), record("a", "b")
BAD: Final = '{"type":"record","name":"Trade","namespace":"t","fields":[{"name":"c","type":"int"}]}'
V1: Final = {"subject": "md.trade-value", "version": 1, "id": 1, "schema": ONE}
V2: Final = {"subject": "md.trade-value", "version": 2, "id": 2, "schema": TWO}
S: Final = "/subjects/md.trade-value"
REASON: Final = (
    '{errorType:"READER_FIELD_MISSING_DEFAULT_VALUE", description:"the new schema cannot read what the earlier one '
    "wrote at path '/fields/0' (c)\"}"
)


def refused(code: int, message: str) -> dict[str, object]:
    return {"error_code": code, "message": message}


def schema(text: str, **more: object) -> dict[str, object]:
    return {"schema": text, **more}


NOT_HERE: Final = refused(404, "HTTP 404 Not Found")
NO_SUBJECT: Final = refused(40401, "Subject 'md.trade-value' not found.")

ROWS: Final = (
    # nothing is registered
    Row("GET", "/subjects", "rpk subject list", f"{RPK}subject.go", None, 200, []),
    Row("GET", "/subjects?deleted=true", "console subjects", CONSOLE, None, 200, []),
    Row("GET", "/schemas/types", "console types, rpk schema", CONSOLE, None, 200, ["AVRO"]),
    Row("GET", "/schemas/types", "get_schema_types", PYTHON, None, 200, ["AVRO"]),
    Row("GET", "/mode", "console mode, rpk mode get", CONSOLE, None, 200, {"mode": "READWRITE"}),
    Row("GET", "/config", "console, rpk compatibility-level get", CONSOLE, None, 200,
        {"compatibilityLevel": "BACKWARD"}),
    Row("GET", f"{S}/versions", "console details", CONSOLE, None, 404, NO_SUBJECT),
    Row("GET", "/schemas/ids/1", "console decodes a record", CACHE, None, 404, refused(40403, "Schema 1 not found")),
    # what this registry does not offer is not there, which all three understand as such
    Row("GET", "/contexts", "console probes for contexts", CONSOLE, None, 404, NOT_HERE),
    Row("POST", "/security/acls", "console probes for ACLs (rpsr)", CONSOLE, [{}], 404, NOT_HERE),
    Row("GET", "/associations/resources/-/md.trade", "AvroSerializer's subject names", SERDE, None, 404, NOT_HERE),
    Row("GET", "/schemas/guids/00000000-0000-0000-0000-000000000000", "get_schema_by_guid", PYTHON, None,
        404, NOT_HERE),
    Row("GET", f"{S}/metadata?deleted=false&key=a&value=b", "get_latest_with_metadata", PYTHON, None, 404, NOT_HERE),
    # registrations
    Row(
        "POST", f"{S}/versions?normalize=False", "register_schema", PYTHON,
        schema(ONE, schemaType="AVRO", references=[]), 200, {"id": 1},
    ),
    Row("POST", f"{S}/versions", "rpk schema create", f"{RPK}schema/create.go", schema(TWO), 200, {"id": 2}),
    Row("POST", f"{S}/versions", "console create", CONSOLE, schema(TWO, id=-1, version=-1), 200, {"id": 2}),
    Row("POST", f"{S}/versions?normalize=true", "console create", CONSOLE, schema(TWO), 200, {"id": 2}),
    Row("GET", "/schemas/ids/2/versions", "rpk after create, get --id", f"{RPK}schema/get.go", None, 200,
        [{"subject": "md.trade-value", "version": 2}]),
    Row("POST", f"{S}/versions", "an incompatible schema", SR, schema(BAD), 409, refused(
        409, 'Schema being registered is incompatible with an earlier schema for subject "md.trade-value", details: '
        f"[{REASON}, {{oldSchemaVersion: 2}}, {{compatibility: BACKWARD}}]",
    )),
    Row("POST", f"{S}/versions", "rpk schema create x.proto", f"{RPK}schema/create.go",
        schema("syntax", schemaType="PROTOBUF"), 422, refused(
            42201, "Invalid schema: schemaType PROTOBUF is not supported by the embedded registry, only AVRO is")),
    Row("POST", f"{S}/versions", "console with references", CONSOLE,
        schema(ONE, references=[{"name": "x", "subject": "x", "version": 1}]), 422, refused(
            42201,
            "Invalid schema: references are not supported by the embedded registry; write the schema out in full")),
    Row("POST", f"{S}/versions", "console with metadata, which then tries without", CONSOLE,
        schema(ONE, metadata={"properties": {"owner": "x"}}), 422, refused(
            42201,
            "Invalid schema: metadata are not supported by the embedded registry; write the schema out in full")),
    # reading
    Row("GET", "/schemas/ids/1", "console decodes a record", CACHE, None, 200, {"schema": ONE}),
    Row("GET", "/schemas/ids/1?subject=md.trade-value", "AvroDeserializer", PYTHON, None, 200, {"schema": ONE}),
    Row("GET", "/schemas/ids/1?fetchMaxId=true", "sr FetchMaxID", SR, None, 200, {"schema": ONE, "maxId": 2}),
    Row("GET", "/schemas/ids/1/schema", "sr SchemaTextByID", SR, None, 200, json.loads(ONE)),
    Row("GET", "/schemas/ids/1/subjects", "sr SubjectsByID", SR, None, 200, ["md.trade-value"]),
    Row("GET", "/schemas/ids/1/subjects?offset=0&limit=-1", "get_subjects_by_schema_id", PYTHON, None,
        200, ["md.trade-value"]),
    Row("GET", "/schemas/ids/1/versions?offset=0&limit=-1", "get_schema_versions", PYTHON, None, 200,
        [{"subject": "md.trade-value", "version": 1}]),
    Row("GET", "/schemas/ids/1/versions?subject=md.trade-value", "console usages", CONSOLE, None, 200,
        [{"subject": "md.trade-value", "version": 1}]),
    Row("GET", "/schemas", "sr AllSchemas", SR, None, 200, [V1, V2]),
    Row("GET", "/schemas?latestOnly=true", "sr AllSchemas", SR, None, 200, [V2]),
    Row("GET", "/subjects?deleted=false&deleted_only=false&offset=0&limit=-1", "get_subjects", PYTHON, None,
        200, ["md.trade-value"]),
    Row("GET", "/subjects?subjectPrefix=order", "console subjects", CONSOLE, None, 200, []),
    Row("GET", S, "sr SubjectVersions as it was before it asked for /versions", SR, None, 405,
        refused(405, "HTTP 405 Method Not Allowed")),
    Row("GET", f"{S}/versions", "console details, rpk schema list", CONSOLE, None, 200, [1, 2]),
    Row("GET", f"{S}/versions?deleted=true", "console details", CONSOLE, None, 200, [1, 2]),
    Row("GET", f"{S}/versions?deleted=false&deleted_only=false&offset=0&limit=-1", "get_versions", PYTHON, None,
        200, [1, 2]),
    Row("GET", f"{S}/versions/latest", "get_latest_version", PYTHON, None, 200, V2),
    Row("GET", f"{S}/versions/latest?deleted=true", "console details", CONSOLE, None, 200, V2),
    Row("GET", f"{S}/versions/1", "rpk schema get --schema-version", f"{RPK}schema/get.go", None, 200, V1),
    Row("GET", f"{S}/versions/1?deleted=false", "get_version", PYTHON, None, 200, V1),
    Row("GET", f"{S}/versions/1/schema", "sr SchemaTextByVersion", SR, None, 200, json.loads(ONE)),
    Row("GET", f"{S}/versions/9?deleted=false", "get_version", PYTHON, None, 404,
        refused(40402, "Version 9 not found.")),
    Row("GET", f"{S}/versions/1/referencedby", "rpk schema references", f"{RPK}schema/references.go", None, 200, []),
    Row("GET", f"{S}/versions/1/referencedby?deleted=true", "console references", CONSOLE, None, 200, []),
    Row("GET", f"{S}/versions/1/referencedby?offset=0&limit=-1", "get_referenced_by", PYTHON, None, 200, []),
    Row("POST", S, "rpk schema get --schema", f"{RPK}schema/get.go", schema(ONE), 200, V1),
    Row("POST", f"{S}?normalize=False&deleted=False", "lookup_schema", PYTHON, schema(ONE, schemaType="AVRO"), 200, V1),
    Row("POST", f"{S}?normalize=False&deleted=False", "lookup_schema", PYTHON, schema('"int"'), 404,
        refused(40403, "Schema not found")),
    # compatibility
    Row("POST", f"/compatibility{S}/versions/latest", "rpk schema check-compatibility",
        f"{RPK}schema/check_compatibility.go", schema(ONE), 200, {"is_compatible": True}),
    Row("POST", f"/compatibility{S}/versions/latest?verbose=true", "console validates", CONSOLE, schema(BAD), 200,
        {"is_compatible": False, "messages": [REASON, "{oldSchemaVersion: 2}", "{compatibility: BACKWARD}"]}),
    Row("POST", f"/compatibility{S}/versions/1?verbose=true", "console validates", CONSOLE, schema(TWO), 200,
        {"is_compatible": True, "messages": []}),
    Row("POST", "/compatibility/subjects/new/versions/latest?verbose=true", "console validates a new one", CONSOLE,
        schema(ONE), 200, {"is_compatible": True, "messages": []}),
    Row("POST", f"/compatibility{S}/versions/latest?normalize=False&verbose=False", "test_compatibility", PYTHON,
        schema(BAD), 200, {"is_compatible": False}),
    Row("POST", f"/compatibility{S}/versions?normalize=False&verbose=False", "test_compatibility_all_versions", PYTHON,
        schema(BAD), 200, {"is_compatible": False}),
    # rules
    Row("GET", "/config/md.trade-value", "console details, get_config", CONSOLE, None, 404,
        refused(40408, "Subject 'md.trade-value' does not have subject-level compatibility configured")),
    Row("GET", "/config/md.trade-value?defaultToGlobal=true", "rpk compatibility-level get",
        f"{RPK}compatibility_level.go", None, 200, {"compatibilityLevel": "BACKWARD"}),
    Row("PUT", "/config/md.trade-value", "console, rpk compatibility-level set", CONSOLE,
        {"compatibility": "FULL"}, 200, {"compatibility": "FULL"}),
    Row("PUT", "/config/md.trade-value?defaultToGlobal=true", "rpk compatibility-level set",
        f"{RPK}compatibility_level.go", {"compatibility": "FULL"}, 200, {"compatibility": "FULL"}),
    Row("GET", "/config/md.trade-value", "get_compatibility", PYTHON, None, 200, {"compatibilityLevel": "FULL"}),
    Row("PUT", "/config/md.trade-value", "set_config", PYTHON, {"compatibility": "NONE", "normalize": True}, 200,
        {"compatibility": "NONE", "normalize": True}),
    Row("GET", "/config/md.trade-value", "get_config", PYTHON, None, 200,
        {"compatibilityLevel": "NONE", "normalize": True}),
    Row("PUT", "/config/md.trade-value", "set_compatibility", PYTHON, {"compatibility": "SOMETIMES"}, 422, refused(
        42203, "Invalid compatibility level. Valid values are NONE, BACKWARD, BACKWARD_TRANSITIVE, FORWARD, "
        "FORWARD_TRANSITIVE, FULL, FULL_TRANSITIVE")),
    Row("DELETE", "/config/md.trade-value", "console, delete_config", CONSOLE, None, 200,
        {"compatibilityLevel": "NONE", "normalize": True}),
    Row("PUT", "/config", "console, set_compatibility", CONSOLE, {"compatibility": "FULL_TRANSITIVE"}, 200,
        {"compatibility": "FULL_TRANSITIVE"}),
    Row("DELETE", "/config", "console, delete_config", CONSOLE, None, 200, {"compatibilityLevel": "FULL_TRANSITIVE"}),
    # modes
    Row("GET", "/mode/md.trade-value", "console details, get_mode", CONSOLE, None, 404,
        refused(40409, "Subject 'md.trade-value' does not have subject-level mode configured")),
    Row("GET", "/mode/md.trade-value?defaultToGlobal=true", "rpk mode get", f"{RPK}mode/get.go", None, 200,
        {"mode": "READWRITE"}),
    Row("PUT", "/mode/md.trade-value", "sr SetMode as it was when it sent the bare word", SR, "READONLY", 200,
        {"mode": "READONLY"}),
    Row("PUT", "/mode/md.trade-value?force=False", "update_mode", PYTHON, {"mode": "READONLY"}, 200,
        {"mode": "READONLY"}),
    Row("POST", f"{S}/versions", "register_schema", PYTHON, schema(record("z")), 422,
        refused(42205, "Subject md.trade-value is in read-only mode")),
    Row("DELETE", "/mode/md.trade-value", "console, rpk mode reset, delete_mode", CONSOLE, None, 200,
        {"mode": "READONLY"}),
    Row("PUT", "/mode?force=False", "update_global_mode", PYTHON, {"mode": "IMPORT"}, 422,
        refused(42205, "Cannot import since found existing subjects")),
    Row("PUT", "/mode?force=true", "rpk mode set --global --force", f"{RPK}mode/set.go", {"mode": "IMPORT"}, 200,
        {"mode": "IMPORT"}),
    Row("PUT", "/mode", "console", CONSOLE, {"mode": "READWRITE"}, 200, {"mode": "READWRITE"}),
    # deletions
    Row("DELETE", f"{S}/versions/1", "rpk schema delete, console, delete_version", f"{RPK}schema/delete.go", None,
        200, 1),
    Row("DELETE", f"{S}/versions/1", "again", f"{RPK}schema/delete.go", None, 404, refused(
        40406, "Subject 'md.trade-value' Version 1 was soft deleted. Set permanent=true to delete permanently")),
    Row("GET", f"{S}/versions?deletedOnly=true", "sr DeletedOnly", SR, None, 200, [1]),
    Row("GET", f"{S}/versions/1?deleted=true", "AvroDeserializer's migrations", SERDE, None, 200, V1),
    Row("DELETE", f"{S}/versions/latest?permanent=true", "rpk schema delete --permanent", f"{RPK}schema/delete.go",
        None, 404,
        refused(40407, "Subject 'md.trade-value' Version 2 was not deleted first before being permanently deleted")),
    Row("DELETE", f"{S}/versions/1?permanent=true", "delete_version", PYTHON, None, 200, 1),
    Row("GET", "/schemas/ids/1", "console decodes a record", CACHE, None, 404, refused(40403, "Schema 1 not found")),
    Row("DELETE", f"{S}?permanent=true", "rpk subject delete --permanent", f"{RPK}subject.go", None, 404,
        refused(40405, "Subject 'md.trade-value' was not deleted first before being permanently deleted")),
    Row("DELETE", S, "rpk subject delete, console, delete_subject", f"{RPK}subject.go", None, 200, [2]),
    Row("DELETE", S, "again", f"{RPK}subject.go", None, 404,
        refused(40404, "Subject 'md.trade-value' was soft deleted. Set permanent=true to delete permanently")),
    Row("GET", "/subjects", "rpk subject list", f"{RPK}subject.go", None, 200, []),
    Row("GET", "/subjects?deleted=true", "rpk subject list --deleted", f"{RPK}subject.go", None,
        200, ["md.trade-value"]),
    Row("GET", f"{S}/versions", "console details", CONSOLE, None, 404, NO_SUBJECT),
    Row("GET", f"{S}/versions?deleted=true", "console details", CONSOLE, None, 200, [2]),
    Row("DELETE", f"{S}?permanent=true", "delete_subject", PYTHON, None, 200, [2]),
    Row("GET", "/subjects?deleted=true", "console subjects", CONSOLE, None, 200, []),
    # a path in which the subject has a slash, as franz-go and httpx escape it
    Row("POST", "/subjects/a%2Fb%20c/versions", "sr url.PathEscape", SR, schema('"int"'), 200, {"id": 3}),
    Row("GET", "/subjects", "sr Subjects", SR, None, 200, ["a/b c"]),
)  # fmt: skip


@pytest.fixture
async def url(tapeline_up: RunFile, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    assert tapeline_up.addresses.kafka is not None
    with registry_process(tmp_path_factory.mktemp("registry"), tapeline_up.addresses.kafka) as process:
        await process.ready()
        yield process.url


async def test_each_request_of_the_three_clients_gets_its_whole_answer(url: str) -> None:
    async with aiohttp.ClientSession() as session:
        for row in ROWS:
            body = None if row.body is None else json.dumps(row.body).encode()
            headers = {"Accept": "application/vnd.schemaregistry.v1+json", "Content-Type": "application/json"}
            async with session.request(row.method, url + row.path, data=body, headers=headers) as response:
                found = (response.status, await response.json(content_type=None), response.content_type)
            expected = (row.status, row.answer, "application/vnd.schemaregistry.v1+json")
            assert found == expected, f"{row.method} {row.path} ({row.who}, {row.source})"


async def test_what_cannot_be_read_is_a_bad_request(url: str) -> None:
    async with aiohttp.ClientSession() as session:
        for method, path, body, status, expected in (
            (
                "POST",
                "/subjects/s/versions",
                b"{",
                400,
                refused(400, "the body cannot be read: Input data was truncated"),
            ),
            ("GET", "/subjects?limit=x", None, 400, refused(400, "the parameter limit is not a number")),
            ("GET", "/schemas/ids/one", None, 404, NOT_HERE),
            ("POST", "/subjects/s/versions", None, 422, refused(42201, "Invalid schema: the schema is empty")),
        ):
            async with session.request(method, url + path, data=body) as response:
                assert (response.status, await response.json(content_type=None)) == (status, expected)
