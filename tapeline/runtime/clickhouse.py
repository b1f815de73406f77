"""The client of ClickHouse over HTTP: one sentence where a person must act, else tried again."""

from __future__ import annotations

import re
import ssl
from typing import TYPE_CHECKING

from clickhouse_connect.driver import create_async_client
from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError

from tapeline.errors import Misconfigured, TapelineError, Unavailable
from tapeline.runtime import retry, tls

if TYPE_CHECKING:
    from clickhouse_connect.driver.asyncclient import AsyncClient

    from tapeline.runtime.endpoints import ClickHouseEndpoint

_CONNECT_S = 10
_ANSWER_S = 60

_SAID = re.compile(r"DB::Exception: (.*?)(?:\s*\(for url [^)]*\))?\s*$", re.DOTALL)
# ClickHouse's own error codes.
UNKNOWN_DATABASE = 81
_REFUSED = {192, 193, 194, 497, 516}


async def connect(
    endpoint: ClickHouseEndpoint, *, max_retries: int | None = None, create_database: bool = False
) -> AsyncClient:
    """Open a client whose statements mean the endpoint's database; close it with `await client.close()`.

    `create_database` makes the database when it does not exist: for who migrates, and nobody else. Tries as often as
    `max_retries` says (default: the endpoint's own) before it raises Unavailable (X-06); a wrong password, database or
    certificate raises Misconfigured at once.
    """

    async def attempt() -> AsyncClient:
        try:
            if create_database:
                await _create_database(endpoint)
            return await _open(endpoint, endpoint.database)
        except (ClickHouseError, OSError, TimeoutError) as error:
            raise translated(error, endpoint) from error

    return await retry.reach("ClickHouse", attempt, endpoint.max_retries if max_retries is None else max_retries)


def translated(error: BaseException, endpoint: ClickHouseEndpoint) -> TapelineError:
    """Say what a failure means: Misconfigured where a person must act, else Unavailable."""
    where = f"ClickHouse at {endpoint.host}:{endpoint.port} (clickhouse.host)"
    code = getattr(error, "code", None)
    if code in _REFUSED:
        return Misconfigured(
            f"{where} refused the user {endpoint.username!r}",
            fix="set clickhouse.username and clickhouse.password to what the server knows",
        )
    if code == UNKNOWN_DATABASE:
        return Misconfigured(
            f"{where} has no database {endpoint.database!r}",
            fix="run `tapeline up`, which creates it, or set clickhouse.database to one that exists",
        )
    cause = _certificate(error)
    if cause is not None:
        return Misconfigured(
            f"{where} shows a certificate that is not trusted ({tls.told(cause)})",
            fix="set clickhouse.ca_file to the authority that signed it",
        )
    if isinstance(error, DatabaseError) and code is not None:
        return Misconfigured(
            f"{where} refused the connection ({reason(error)})", fix="change that there or in clickhouse.*"
        )
    return Unavailable(f"{where} does not answer ({reason(error)})")


def reason(error: BaseException) -> str:
    """Return what the server said, in one line, without its address and version around it."""
    text = str(error) or type(error).__name__
    said = _SAID.search(text)
    return (said[1] if said else text).splitlines()[0]


async def _open(endpoint: ClickHouseEndpoint, database: str | None) -> AsyncClient:
    if endpoint.secure:
        tls.context(endpoint.tls)  # a missing file is named before the client says something less clear
    return await create_async_client(
        host=endpoint.host,
        port=endpoint.port,
        username=endpoint.username,
        password=endpoint.password or "",
        database=database,
        secure=endpoint.secure,
        ca_cert=None if endpoint.tls.ca_file is None else str(endpoint.tls.ca_file),
        compress=not endpoint.embedded,
        connect_timeout=_CONNECT_S,
        send_receive_timeout=_ANSWER_S,
        # One client serves many tasks at once, and ClickHouse runs one statement a session.
        autogenerate_session_id=False,
        client_name="tapeline",
    )


async def _create_database(endpoint: ClickHouseEndpoint) -> None:
    client = await _open(endpoint, None)
    try:
        await client.command("CREATE DATABASE IF NOT EXISTS {name:Identifier}", parameters={"name": endpoint.database})
    finally:
        await client.close()


def _certificate(error: BaseException) -> ssl.SSLCertVerificationError | None:
    """Find the refusal of a certificate behind what the client's HTTP library made of it."""
    seen: BaseException | None = error
    while seen is not None:
        # The library's own error claims to be one and lacks what one has.
        if isinstance(seen, ssl.SSLCertVerificationError) and hasattr(seen, "verify_message"):
            return seen
        seen = seen.__cause__ or seen.__context__
    return None
