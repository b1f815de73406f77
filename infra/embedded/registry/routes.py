"""Every address of the registry's REST API, and how its path, query and body become one request value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

import msgspec

from infra.embedded.registry import requests
from infra.embedded.registry.requests import ConfigBody, ModeBody, Page, SchemaBody

Body = TypeVar("Body")


class BadRequest(ValueError):
    """The body or a parameter cannot be read; the message says which and why."""


class NoSuchPlace(LookupError):
    """The path has the form of an address but names nothing: an id that is no number."""


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request, read: the parts of its path, its query, its body."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes = b""

    @property
    def subject(self) -> str:
        """Return the subject that the path names."""
        return self.path["subject"]

    @property
    def scope(self) -> str | None:
        """Return the subject that the path names, or None for all."""
        return self.path.get("subject")

    @property
    def id(self) -> int:
        """Return the schema id that the path names."""
        text = self.path["id"]
        if not (text.isascii() and text.isdigit()):
            raise NoSuchPlace(text)
        return int(text)

    @property
    def page(self) -> Page:
        """Return which part of a list is wanted."""
        return Page(offset=max(0, self._number("offset", 0)), limit=self._number("limit", -1))

    def flag(self, name: str) -> bool:
        """Return whether a parameter is true; clients write True and true."""
        return self.query.get(name, "").lower() == "true"

    def as_body(self, kind: type[Body]) -> Body:
        """Return the body as a value; an empty one has no fields."""
        try:
            return msgspec.json.decode(self.body or b"{}", type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BadRequest(f"the body cannot be read: {error}") from error

    def _number(self, name: str, default: int) -> int:
        try:
            return int(self.query.get(name, default))
        except ValueError as error:
            raise BadRequest(f"the parameter {name} is not a number") from error


@dataclass(frozen=True, slots=True)
class Route:
    """An address: method and path, and what is asked there."""

    method: str
    path: str
    read: Callable[[Call], requests.Request]


def _register(call: Call) -> requests.Register:
    return requests.Register(subject=call.subject, body=call.as_body(SchemaBody), normalize=call.flag("normalize"))


def _lookup(call: Call) -> requests.Lookup:
    return requests.Lookup(
        subject=call.subject,
        body=call.as_body(SchemaBody),
        normalize=call.flag("normalize"),
        deleted=call.flag("deleted"),
    )


def _check(call: Call) -> requests.Check:
    return requests.Check(
        subject=call.subject,
        version=call.path.get("version"),
        body=call.as_body(SchemaBody),
        normalize=call.flag("normalize"),
        verbose=call.flag("verbose"),
    )


def _list_subjects(call: Call) -> requests.ListSubjects:
    return requests.ListSubjects(
        prefix=call.query.get("subjectPrefix", ""),
        deleted=call.flag("deleted"),
        # franz-go writes deletedOnly, confluent-kafka deleted_only.
        deleted_only=call.flag("deletedOnly") or call.flag("deleted_only"),
        page=call.page,
    )


def _list_versions(call: Call) -> requests.ListVersions:
    return requests.ListVersions(
        subject=call.subject,
        deleted=call.flag("deleted"),
        deleted_only=call.flag("deletedOnly") or call.flag("deleted_only"),
        page=call.page,
    )


def _list_schemas(call: Call) -> requests.ListSchemas:
    return requests.ListSchemas(
        prefix=call.query.get("subjectPrefix", ""),
        deleted=call.flag("deleted"),
        latest_only=call.flag("latestOnly"),
        page=call.page,
    )


def _get_version(call: Call, *, text_only: bool = False) -> requests.GetVersion:
    return requests.GetVersion(
        subject=call.subject, version=call.path["version"], deleted=call.flag("deleted"), text_only=text_only
    )


def _get_version_text(call: Call) -> requests.GetVersion:
    return _get_version(call, text_only=True)


def _get_referenced_by(call: Call) -> requests.GetReferencedBy:
    return requests.GetReferencedBy(subject=call.subject, version=call.path["version"])


def _get_schema(call: Call) -> requests.GetSchema:
    return requests.GetSchema(id=call.id, max_id=call.flag("fetchMaxId"))


def _get_schema_text(call: Call) -> requests.GetSchema:
    return requests.GetSchema(id=call.id, text_only=True)


def _get_uses(call: Call, *, subjects_only: bool = False) -> requests.GetUses:
    return requests.GetUses(
        id=call.id,
        subjects_only=subjects_only,
        subject=call.query.get("subject"),
        deleted=call.flag("deleted"),
        page=call.page,
    )


def _get_subjects_of(call: Call) -> requests.GetUses:
    return _get_uses(call, subjects_only=True)


def _delete_subject(call: Call) -> requests.DeleteSubject:
    return requests.DeleteSubject(subject=call.subject, permanent=call.flag("permanent"))


def _delete_version(call: Call) -> requests.DeleteVersion:
    return requests.DeleteVersion(subject=call.subject, version=call.path["version"], permanent=call.flag("permanent"))


def _get_config(call: Call) -> requests.GetConfig:
    return requests.GetConfig(subject=call.scope, default_to_global=call.flag("defaultToGlobal"))


def _set_config(call: Call) -> requests.SetConfig:
    return requests.SetConfig(subject=call.scope, body=call.as_body(ConfigBody))


def _drop_config(call: Call) -> requests.DropConfig:
    return requests.DropConfig(subject=call.scope)


def _get_mode(call: Call) -> requests.GetMode:
    return requests.GetMode(subject=call.scope, default_to_global=call.flag("defaultToGlobal"))


def _set_mode(call: Call) -> requests.SetMode:
    if call.body.lstrip().startswith(b'"'):
        # Some versions of franz-go send the bare word.
        return requests.SetMode(subject=call.scope, body=ModeBody(mode=call.as_body(str)), force=call.flag("force"))
    return requests.SetMode(subject=call.scope, body=call.as_body(ModeBody), force=call.flag("force"))


def _drop_mode(call: Call) -> requests.DropMode:
    return requests.DropMode(subject=call.scope)


ROUTES: Final = (
    Route("GET", "/schemas", _list_schemas),
    Route("GET", "/schemas/ids/{id}", _get_schema),
    Route("GET", "/schemas/ids/{id}/schema", _get_schema_text),
    Route("GET", "/schemas/ids/{id}/subjects", _get_subjects_of),
    Route("GET", "/schemas/ids/{id}/versions", _get_uses),
    Route("GET", "/subjects", _list_subjects),
    Route("POST", "/subjects/{subject}", _lookup),
    Route("DELETE", "/subjects/{subject}", _delete_subject),
    Route("GET", "/subjects/{subject}/versions", _list_versions),
    Route("POST", "/subjects/{subject}/versions", _register),
    Route("GET", "/subjects/{subject}/versions/{version}", _get_version),
    Route("DELETE", "/subjects/{subject}/versions/{version}", _delete_version),
    Route("GET", "/subjects/{subject}/versions/{version}/schema", _get_version_text),
    Route("GET", "/subjects/{subject}/versions/{version}/referencedby", _get_referenced_by),
    Route("POST", "/compatibility/subjects/{subject}/versions", _check),
    Route("POST", "/compatibility/subjects/{subject}/versions/{version}", _check),
    Route("GET", "/config", _get_config),
    Route("PUT", "/config", _set_config),
    Route("DELETE", "/config", _drop_config),
    Route("GET", "/config/{subject}", _get_config),
    Route("PUT", "/config/{subject}", _set_config),
    Route("DELETE", "/config/{subject}", _drop_config),
    Route("GET", "/mode", _get_mode),
    Route("PUT", "/mode", _set_mode),
    Route("DELETE", "/mode", _drop_mode),
    Route("GET", "/mode/{subject}", _get_mode),
    Route("PUT", "/mode/{subject}", _set_mode),
    Route("DELETE", "/mode/{subject}", _drop_mode),
)
"""All that is asked of the log's state; `api.py` adds what needs none (`/`, `/health`, `/schemas/types`)."""
