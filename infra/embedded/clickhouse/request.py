"""What a request says apart from its statement: who asks, and which parameters are settings; pure readings."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from infra.embedded.clickhouse.refusal import AUTHENTICATION_FAILED, BAD_ARGUMENTS, NOT_IMPLEMENTED, Refused

USER_HEADER = "X-ClickHouse-User"
KEY_HEADER = "X-ClickHouse-Key"
DATABASE_HEADER = "X-ClickHouse-Database"
FORMAT_HEADER = "X-ClickHouse-Format"

# Words of the HTTP interface that are no settings of the engine.
_TRANSPORT = frozenset(
    {
        "add_http_cors_header",
        "buffer_size",
        "client_protocol_version",
        "close_session",
        "database",
        "default_format",
        "enable_http_compression",
        "http_headers_progress_interval_ms",
        "password",
        "query",
        "query_id",
        "quota_key",
        "send_progress_in_http_headers",
        "session_check",
        "session_id",
        "session_timeout",
        "stacktrace",
        "user",
        "wait_end_of_query",
    }
)
_PARAMETER = "param_"
# What would be wrong to overlook, with what to do instead.
_NOT_HERE = {
    "compress": "answers in ClickHouse's own compressed blocks: leave it out",
    "decompress": "bodies in ClickHouse's own compressed blocks: send Content-Encoding gzip, deflate, zstd or lz4",
    "role": "roles: there is one user",
}


@dataclass(frozen=True, slots=True)
class Options:
    """The parameters of a request, sorted by what they are for."""

    settings: Mapping[str, str]
    parameters: Mapping[str, str]
    database: str | None
    default_format: str
    session: str | None
    query_id: str | None
    whole: bool


def options(params: Mapping[str, str], headers: Mapping[str, str]) -> Options:
    """Sort the parameters; raise Refused for one that asks for what this front does not do."""
    for name, what in _NOT_HERE.items():
        if params.get(name, "0") not in {"", "0", "false"}:
            raise Refused(NOT_IMPLEMENTED, f"{name} asks for {what}")
    default_format = params.get("default_format") or headers.get(FORMAT_HEADER) or "TabSeparated"
    if not default_format.isalnum():
        raise Refused(BAD_ARGUMENTS, f"{default_format!r} is no name of a format")
    settings = {
        name: value
        for name, value in params.items()
        if name not in _TRANSPORT and name not in _NOT_HERE and not name.startswith(_PARAMETER)
    }
    return Options(
        settings=settings,
        parameters={
            name.removeprefix(_PARAMETER): value for name, value in params.items() if name.startswith(_PARAMETER)
        },
        database=params.get("database") or headers.get(DATABASE_HEADER) or None,
        default_format=default_format,
        session=params.get("session_id") or None,
        query_id=params.get("query_id") or None,
        whole=params.get("wait_end_of_query", "0") in {"1", "true"},
    )


@dataclass(frozen=True, slots=True)
class Login:
    """The one user of this front."""

    user: str
    password: str

    def check(self, params: Mapping[str, str], headers: Mapping[str, str]) -> Literal["in", "anonymous"]:
        """Return `in` for the right user and password, `anonymous` when neither was sent; else raise Refused."""
        sent = _presented(params, headers)
        if sent is None:
            return "anonymous"
        user, password = sent
        # Both are compared whole, so that the time it takes tells nothing about either.
        same_user = hmac.compare_digest(user.encode(), self.user.encode())
        same_password = hmac.compare_digest(password.encode(), self.password.encode())
        if not (same_user and same_password):
            raise refused_login(user)
        return "in"


def refused_login(user: str) -> Refused:
    """Return ClickHouse's answer to a wrong user, a wrong password, or none."""
    return Refused(
        AUTHENTICATION_FAILED,
        f"{user}: Authentication failed: password is incorrect, or there is no user with such name.",
    )


def _presented(params: Mapping[str, str], headers: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the user and password that were sent, in the order in which ClickHouse looks for them."""
    if USER_HEADER in headers or KEY_HEADER in headers:
        return headers.get(USER_HEADER, "default"), headers.get(KEY_HEADER, "")
    scheme, _, value = headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            user, _, password = base64.b64decode(value, validate=True).decode("utf-8").partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise refused_login("?") from None
        return user, password
    if scheme:
        raise refused_login("?")
    if "user" in params or "password" in params:
        return params.get("user", "default"), params.get("password", "")
    return None
