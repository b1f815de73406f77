"""What may be asked of the registry: one frozen value per request, as the routes read it from HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec


class SchemaBody(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The body of a registration, a lookup or a check."""

    schema: str | None = None
    schema_type: str | None = None
    references: list[Any] | None = None
    metadata: dict[str, Any] | None = None
    rule_set: dict[str, Any] | None = None
    id: int | None = None
    version: int | None = None


class ConfigBody(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The body of a change of rules; all but the first two are refused, never dropped in silence."""

    compatibility: str | None = None
    normalize: bool | None = None
    alias: str | None = None
    compatibility_group: str | None = None
    compatibility_policy: str | None = None
    validate_fields: bool | None = None
    default_metadata: dict[str, Any] | None = None
    override_metadata: dict[str, Any] | None = None
    default_rule_set: dict[str, Any] | None = None
    override_rule_set: dict[str, Any] | None = None


class ModeBody(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a change of mode."""

    mode: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which part of a list is wanted; a negative limit means all of it."""

    offset: int = 0
    limit: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """Give this schema an id and a version in the subject, or tell those it has."""

    subject: str
    body: SchemaBody
    normalize: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """Tell id and version of a schema that the subject has."""

    subject: str
    body: SchemaBody
    normalize: bool = False
    deleted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Tell whether a schema may be registered: against one version, or (None) against all that the level counts."""

    subject: str
    version: str | None
    body: SchemaBody
    normalize: bool = False
    verbose: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ListSubjects:
    """Name the subjects."""

    prefix: str = ""
    deleted: bool = False
    deleted_only: bool = False
    page: Page = field(default_factory=Page)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListVersions:
    """Number the versions of a subject."""

    subject: str
    deleted: bool = False
    deleted_only: bool = False
    page: Page = field(default_factory=Page)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListSchemas:
    """Tell every version of every subject."""

    prefix: str = ""
    deleted: bool = False
    latest_only: bool = False
    page: Page = field(default_factory=Page)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetVersion:
    """Tell one version, or only its schema's text."""

    subject: str
    version: str
    deleted: bool = False
    text_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GetReferencedBy:
    """Name the ids that refer to a version: none, for references are refused."""

    subject: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GetSchema:
    """Tell the schema of an id, or only its text."""

    id: int
    text_only: bool = False
    max_id: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GetUses:
    """Tell where an id is used: subjects, or subjects with versions."""

    id: int
    subjects_only: bool
    subject: str | None = None
    deleted: bool = False
    page: Page = field(default_factory=Page)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteSubject:
    """Hide all versions of a subject, or forget hidden ones for good."""

    subject: str
    permanent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteVersion:
    """Hide a version, or forget a hidden one for good."""

    subject: str
    version: str
    permanent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GetConfig:
    """Tell the rules of a subject, or of all (None)."""

    subject: str | None
    default_to_global: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SetConfig:
    """Change the rules of a subject, or of all (None)."""

    subject: str | None
    body: ConfigBody


@dataclass(frozen=True, slots=True, kw_only=True)
class DropConfig:
    """Take back the rules of a subject, or of all (None)."""

    subject: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetMode:
    """Tell the mode of a subject, or of all (None)."""

    subject: str | None
    default_to_global: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SetMode:
    """Change the mode of a subject, or of all (None)."""

    subject: str | None
    body: ModeBody
    force: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DropMode:
    """Take back the mode of a subject, or of all (None)."""

    subject: str | None


Request = (
    Register
    | Lookup
    | Check
    | ListSubjects
    | ListVersions
    | ListSchemas
    | GetVersion
    | GetReferencedBy
    | GetSchema
    | GetUses
    | DeleteSubject
    | DeleteVersion
    | GetConfig
    | SetConfig
    | DropConfig
    | GetMode
    | SetMode
    | DropMode
)
