"""The requests about rules and users that the library has no method for, in the versions that Kafka 2.7 and newer take.

Numbers are those of the protocol (kafka.apache.org/protocol, and the enums of `org.apache.kafka.common`).
"""

from __future__ import annotations

from typing import Any, Final, get_args

from aiokafka.protocol.admin import CreateAclsRequest_v1, DeleteAclsRequest_v1, DescribeAclsRequest_v1
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    CompactArray,
    CompactBytes,
    CompactString,
    Int8,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)

from schemas.acls import Binding, Operation

ANY: Final = 1
"""Matches every resource, pattern, operation or permission."""
RESOURCES: Final = {
    "topic": 2, "group": 3, "cluster": 4, "transactional_id": 5, "delegation_token": 6, "user": 7,
}  # fmt: skip
PATTERNS: Final = {"literal": 3, "prefixed": 4}
# From 2 on in the order of Kafka's own list, which is that of ours.
OPERATIONS: Final = {name: number for number, name in enumerate(get_args(Operation), start=2)}
PERMISSIONS: Final = {"deny": 2, "allow": 3}
SCRAM: Final = {"SCRAM-SHA-256": 1, "SCRAM-SHA-512": 2}


class _AlterUserScramResponse(Response):  # type: ignore[misc]  # the library is untyped
    API_KEY = 51
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "results",
            CompactArray(
                ("user", CompactString("utf-8")),
                ("error_code", Int16),
                ("error_message", CompactString("utf-8")),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _AlterUserScram(RequestStruct):  # type: ignore[misc]  # the library is untyped
    API_KEY = 51
    API_VERSION = 0
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = _AlterUserScramResponse
    SCHEMA = Schema(
        (
            "deletions",
            CompactArray(("name", CompactString("utf-8")), ("mechanism", Int8), ("tags", TaggedFields)),
        ),
        (
            "upsertions",
            CompactArray(
                ("name", CompactString("utf-8")),
                ("mechanism", Int8),
                ("iterations", Int32),
                ("salt", CompactBytes),
                ("salted_password", CompactBytes),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class DescribeAcls(Request[DescribeAclsRequest_v1]):  # type: ignore[misc]  # the library is untyped
    """Asks for every rule of a principal."""

    API_KEY = 29

    def __init__(self, principal: str) -> None:
        """Take the principal, as `User:name`."""
        self._principal = principal

    def build(self, request_struct_class: type[DescribeAclsRequest_v1]) -> DescribeAclsRequest_v1:
        """Return the request; the library calls this."""
        return request_struct_class(ANY, None, ANY, self._principal, None, ANY, ANY)


class CreateAcls(Request[CreateAclsRequest_v1]):  # type: ignore[misc]  # the library is untyped
    """Asks for new rules."""

    API_KEY = 30

    def __init__(self, bindings: tuple[Binding, ...]) -> None:
        """Take the rules."""
        self._rows = [row(one) for one in bindings]

    def build(self, request_struct_class: type[CreateAclsRequest_v1]) -> CreateAclsRequest_v1:
        """Return the request; the library calls this."""
        return request_struct_class(self._rows)


class DeleteAcls(Request[DeleteAclsRequest_v1]):  # type: ignore[misc]  # the library is untyped
    """Asks for the end of rules, each named whole."""

    API_KEY = 31

    def __init__(self, bindings: tuple[Binding, ...]) -> None:
        """Take the rules."""
        self._rows = [row(one) for one in bindings]

    def build(self, request_struct_class: type[DeleteAclsRequest_v1]) -> DeleteAclsRequest_v1:
        """Return the request; the library calls this."""
        return request_struct_class(self._rows)


class SetScram(Request[_AlterUserScram]):  # type: ignore[misc]  # the library is untyped
    """Asks for a user with a password, of which the broker is sent no more than a salted hash."""

    API_KEY = 51

    def __init__(self, user: str, mechanism: str, *, iterations: int, salt: bytes, salted: bytes) -> None:
        """Take who, and what the broker keeps of the password."""
        self._row: tuple[object, ...] = (user, SCRAM[mechanism], iterations, salt, salted, {})

    def build(self, request_struct_class: type[_AlterUserScram]) -> _AlterUserScram:
        """Return the request; the library calls this."""
        return request_struct_class([], [self._row], {})


def row(one: Binding) -> tuple[int, str, int, str, str, int, int]:
    """Return a rule in the order of the protocol's fields."""
    return (
        RESOURCES[one.resource],
        one.name,
        PATTERNS[one.pattern],
        one.principal,
        one.host,
        OPERATIONS[one.operation],
        PERMISSIONS[one.permission],
    )


def binding(resource: int, name: str, pattern: int, rule: tuple[str, str, int, int]) -> Binding:
    """Return a rule as the broker describes it; KeyError for a number that is newer than this list."""
    principal, host, operation, permission = rule
    return Binding(
        principal=principal,
        resource=_named(RESOURCES, resource),
        name=name,
        pattern=_named(PATTERNS, pattern),
        operation=_named(OPERATIONS, operation),
        permission=_named(PERMISSIONS, permission),
        host=host,
    )


def _named(numbers: dict[str, int], number: int) -> Any:  # noqa: ANN401 - one of the literals of Binding
    return {value: name for name, value in numbers.items()}[number]
