"""The pool of connections to Postgres: refused at start with one sentence where a person must act, else tried again."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import asyncpg

from tapeline.errors import Misconfigured, TapelineError, Unavailable
from tapeline.runtime import retry, tls

if TYPE_CHECKING:
    from tapeline.runtime.endpoints import PostgresEndpoint

_CONNECT_S = 10.0
_IDLE_S = 300.0

_PASSWORD = (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError)
_STARTING = (asyncpg.CannotConnectNowError, asyncpg.TooManyConnectionsError, asyncpg.ConnectionDoesNotExistError)


async def connect(
    endpoint: PostgresEndpoint, *, max_retries: int | None = None, answer_within_s: float | None = None
) -> asyncpg.Pool:
    """Open a pool of at most `pool_max` connections, of which `pool_idle` stay open when nothing is asked (X-13).

    Tries as often as `max_retries` says (default: the endpoint's own) before it raises Unavailable (X-06); a wrong
    password, database or certificate raises Misconfigured at once. A statement that is not answered `answer_within_s`
    raises TimeoutError; by default it is waited for.
    """

    async def attempt() -> asyncpg.Pool:
        try:
            return await asyncpg.create_pool(
                **arguments(endpoint),
                min_size=min(endpoint.pool_idle, endpoint.pool_max),
                max_size=endpoint.pool_max,
                max_inactive_connection_lifetime=_IDLE_S,
                command_timeout=answer_within_s,
                reset=_nothing_to_reset,
            )
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            raise translated(error, endpoint) from error

    return await retry.reach("Postgres", attempt, endpoint.max_retries if max_retries is None else max_retries)


async def _nothing_to_reset(connection: object) -> None:
    """Spare each use a question: nobody leaves a setting, a cursor or a lock behind on a connection of the pool."""
    del connection


def arguments(endpoint: PostgresEndpoint) -> dict[str, Any]:
    """Return what a connection is made with; also for one that must be its own, as a LISTEN or a session lock."""
    return {
        "host": endpoint.host,
        "port": endpoint.port,
        "user": endpoint.user,
        "password": endpoint.password,
        "database": endpoint.name,
        "ssl": _tls(endpoint),
        "timeout": _CONNECT_S,
        "server_settings": {"application_name": "tapeline", "timezone": "UTC"},
    }


def translated(error: BaseException, endpoint: PostgresEndpoint) -> TapelineError:
    """Say what a failure to connect means: Misconfigured where a person must act, else Unavailable."""
    where = f"Postgres at {endpoint.host}:{endpoint.port} (database.host)"
    if isinstance(error, _PASSWORD):
        return Misconfigured(
            f"{where} refused the user {endpoint.user!r}",
            fix="set database.user and database.password to what the server knows, or database.cert_file where it asks "
            "for a client certificate",
        )
    if isinstance(error, asyncpg.InvalidCatalogNameError):
        return Misconfigured(
            f"{where} has no database {endpoint.name!r}", fix="create it or set database.name to one that exists"
        )
    if isinstance(error, ssl.SSLError | ssl.CertificateError):
        return Misconfigured(
            f"{where} is not trusted with database.sslmode {endpoint.sslmode} ({tls.told(error)})",
            fix="set database.ca_file to the authority that signed its certificate",
        )
    if isinstance(error, ConnectionError) and "SSL" in str(error):
        return Misconfigured(f"{where} does not offer TLS", fix="turn TLS on there, or set database.use_tls to false")
    if isinstance(error, asyncpg.PostgresError) and not isinstance(error, _STARTING):
        return Misconfigured(f"{where} refused the connection ({error})", fix="change that there or in database.*")
    return Unavailable(f"{where} does not answer ({str(error) or type(error).__name__})")


def forbidden(error: asyncpg.InsufficientPrivilegeError, endpoint: PostgresEndpoint) -> Misconfigured:
    """Say that the user has no right to what was asked."""
    return Misconfigured(
        f"Postgres at {endpoint.host}:{endpoint.port} does not let the user {endpoint.user!r} do this ({error})",
        fix="set database.user to one that may: a member of the role of this process, see docs/configuration.md",
    )


def _tls(endpoint: PostgresEndpoint) -> ssl.SSLContext | bool:
    """Return the TLS context that libpq would use for this sslmode; False means none."""
    if endpoint.sslmode == "disable":
        return False
    verify = endpoint.sslmode != "require"
    return tls.context(endpoint.tls, verify=verify, check_host=endpoint.sslmode == "verify-full")
