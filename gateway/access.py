"""Who may in: everybody who shows the one token, compared in a time that does not tell how much of it was right."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import HTTPException, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.websockets import WebSocket

from tapeline.errors import Misconfigured
from tapeline.runtime.endpoints import Endpoints
from tapeline.runtime.settings import Settings

SCHEME: Final = HTTPBearer(
    scheme_name="token", auto_error=False, description="The token of setting server.token, else that of the run file."
)
_BEARER: Final = "bearer "

Check = Callable[..., Awaitable[None]]
"""A dependency of a route: returns, or refuses the request."""


def token(settings: Settings, found: Endpoints) -> str:
    """Return the token that clients must show; Misconfigured when there is none."""
    if settings.server.token is not None:
        return settings.server.token.get_secret_value()
    if found.run is not None:
        return found.run.secrets.gateway_token
    raise Misconfigured("there is no token that clients must show", fix="set server.token or run `tapeline up`")


def same(given: str, wanted: str) -> bool:
    """Tell whether two secrets are equal, in constant time."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), wanted.encode("utf-8", "surrogatepass"))


def required(wanted: str) -> Check:
    """Return the dependency that refuses a request without the token."""

    async def check(given: Annotated[HTTPAuthorizationCredentials | None, Security(SCHEME)]) -> None:
        if given is None or not same(given.credentials, wanted):
            raise HTTPException(
                HTTPStatus.UNAUTHORIZED,
                "show the token: Authorization: Bearer <token>",
                headers={"WWW-Authenticate": "Bearer"},
            )

    return check


def shows(socket: WebSocket, wanted: str) -> bool:
    """Tell whether a WebSocket shows the token, in the header or, for browsers, as `?token=`."""
    header = socket.headers.get("authorization", "")
    given = header[len(_BEARER) :].strip() if header.lower().startswith(_BEARER) else socket.query_params.get("token")
    return given is not None and same(given, wanted)
