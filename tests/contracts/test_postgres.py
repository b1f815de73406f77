"""The pool of connections, on the real Postgres: its size, how it is let in (X-13), how it waits (X-06)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from tapeline.errors import Misconfigured, Unavailable
from tapeline.runtime import endpoints, postgres
from tapeline.runtime.endpoints import PostgresEndpoint
from tapeline.runtime.runfile import RunFile
from tapeline.runtime.settings import Settings
from tapeline.runtime.tls import TlsFiles
from tests.support.authority import Authority
from tests.support.tls_front import tls_front


@pytest.fixture
def endpoint(tapeline_settings: Settings, tapeline_up: RunFile) -> PostgresEndpoint:
    return replace(endpoints.endpoints_from(tapeline_settings, tapeline_up).postgres, max_retries=0)


async def test_x13_the_pool_holds_five_and_grows_to_twenty(endpoint: PostgresEndpoint) -> None:
    async with await postgres.connect(endpoint) as pool:
        assert (pool.get_size(), pool.get_min_size(), pool.get_max_size()) == (5, 5, 20)
        held = [await pool.acquire() for _ in range(20)]
        assert pool.get_idle_size() == 0
        for connection in held:
            await pool.release(connection)


async def test_a_session_says_who_it_is_and_counts_in_utc(endpoint: PostgresEndpoint) -> None:
    async with await postgres.connect(endpoint) as pool:
        row = await pool.fetchrow(
            "SELECT current_setting('application_name'), current_setting('timezone'), current_user"
        )

    assert row is not None
    assert tuple(row) == ("tapeline", "UTC", endpoint.user)


async def sentence(endpoint: PostgresEndpoint) -> str:
    with pytest.raises(Misconfigured) as refused:
        _ = await postgres.connect(endpoint, max_retries=5)
    return str(refused.value)


async def test_a_wrong_password_is_one_sentence_at_once(endpoint: PostgresEndpoint) -> None:
    assert await sentence(replace(endpoint, password="wrong")) == (
        f"Postgres at {endpoint.host}:{endpoint.port} (database.host) refused the user 'tapeline': set database.user "
        "and database.password to what the server knows, or database.cert_file where it asks for a client certificate"
    )


async def test_a_missing_database_is_one_sentence(endpoint: PostgresEndpoint) -> None:
    assert await sentence(replace(endpoint, name="absent")) == (
        f"Postgres at {endpoint.host}:{endpoint.port} (database.host) has no database 'absent': "
        "create it or set database.name to one that exists"
    )


async def test_a_server_without_tls_is_refused_when_tls_is_asked_for(endpoint: PostgresEndpoint) -> None:
    assert await sentence(replace(endpoint, sslmode="require")) == (
        f"Postgres at {endpoint.host}:{endpoint.port} (database.host) does not offer TLS: "
        "turn TLS on there, or set database.use_tls to false"
    )


async def test_x06_an_absent_server_is_tried_again_and_then_given_up(endpoint: PostgresEndpoint) -> None:
    with pytest.raises(Unavailable, match=r"Postgres did not answer in 2 tries: Postgres at 127.0.0.1:9 .*111"):
        _ = await postgres.connect(replace(endpoint, port=9), max_retries=1)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
async def guarded(endpoint: PostgresEndpoint, authority: Authority) -> AsyncIterator[PostgresEndpoint]:
    """The same Postgres behind TLS, with a certificate for its address."""
    identity = authority.issue("server")
    async with tls_front(endpoint.host, endpoint.port, authority=authority, identity=identity, postgres=True) as port:
        yield replace(endpoint, port=port, tls=TlsFiles(section="database", ca_file=authority.ca_file), pool_idle=1)


async def one(endpoint: PostgresEndpoint) -> int:
    async with await postgres.connect(endpoint) as pool:
        return int(await pool.fetchval("SELECT 1"))


@pytest.mark.parametrize("sslmode", ["require", "verify-ca", "verify-full"])
async def test_x13_each_sslmode_is_let_in(guarded: PostgresEndpoint, sslmode: endpoints.SslMode) -> None:
    assert await one(replace(guarded, sslmode=sslmode)) == 1


async def test_x13_require_does_not_ask_who_signed(guarded: PostgresEndpoint) -> None:
    assert await one(replace(guarded, sslmode="require", tls=TlsFiles(section="database"))) == 1


async def test_x13_verify_ca_refuses_another_authority(guarded: PostgresEndpoint, tmp_path: Path) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    other = TlsFiles(section="database", ca_file=Authority(folder).ca_file)

    refused = await sentence(replace(guarded, sslmode="verify-ca", tls=other))

    assert refused.startswith(
        f"Postgres at 127.0.0.1:{guarded.port} (database.host) is not trusted with database.sslmode"
    )
    assert refused.endswith("set database.ca_file to the authority that signed its certificate")


async def test_x13_only_verify_full_asks_for_the_host_name(endpoint: PostgresEndpoint, authority: Authority) -> None:
    elsewhere = authority.issue("elsewhere", hosts=("10.9.9.9",))
    async with tls_front(endpoint.host, endpoint.port, authority=authority, identity=elsewhere, postgres=True) as port:
        there = replace(endpoint, port=port, tls=TlsFiles(section="database", ca_file=authority.ca_file), pool_idle=1)

        assert await one(replace(there, sslmode="verify-ca")) == 1
        assert "certificate is not valid for '127.0.0.1'" in await sentence(replace(there, sslmode="verify-full"))


async def test_x13_a_client_certificate_is_shown_where_it_is_asked_for(
    endpoint: PostgresEndpoint, authority: Authority
) -> None:
    server, client = authority.issue("server"), authority.issue("client")
    files = TlsFiles(section="database", ca_file=authority.ca_file, cert_file=client.cert, key_file=client.key)
    async with tls_front(
        endpoint.host, endpoint.port, authority=authority, identity=server, asks_client=True, postgres=True
    ) as port:
        there = replace(endpoint, port=port, sslmode="verify-full", tls=files, pool_idle=1)

        assert await one(there) == 1
        with pytest.raises((Misconfigured, Unavailable), match="Postgres at"):
            _ = await postgres.connect(replace(there, tls=replace(files, cert_file=None, key_file=None)))


async def test_a_connection_of_its_own_is_made_with_the_same_arguments(endpoint: PostgresEndpoint) -> None:
    connection = await asyncpg.connect(**postgres.arguments(endpoint))

    assert await connection.fetchval("SELECT 1") == 1
    await connection.close()
