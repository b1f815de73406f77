"""The client of ClickHouse against the embedded one: how it is let in, what it says when it is not."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace
from pathlib import Path

import pytest

from tapeline.errors import Misconfigured, Unavailable
from tapeline.runtime import clickhouse, endpoints
from tapeline.runtime.endpoints import ClickHouseEndpoint
from tapeline.runtime.runfile import RunFile
from tapeline.runtime.settings import Settings
from tapeline.runtime.tls import TlsFiles
from tests.support.authority import Authority
from tests.support.tls_front import tls_front


@pytest.fixture
def endpoint(tapeline_settings: Settings, tapeline_up: RunFile) -> ClickHouseEndpoint:
    return replace(endpoints.endpoints_from(tapeline_settings, tapeline_up).clickhouse, max_retries=0)


async def sentence(endpoint: ClickHouseEndpoint) -> str:
    with pytest.raises(Misconfigured) as refused:
        await clickhouse.connect(endpoint, max_retries=5)
    return str(refused.value)


async def test_a_database_is_made_when_asked_and_statements_mean_it(endpoint: ClickHouseEndpoint) -> None:
    name = f"test_{uuid.uuid4().hex}"
    own = replace(endpoint, database=name)

    for _ in range(2):
        client = await clickhouse.connect(own, create_database=True)
        assert (await client.query("SELECT currentDatabase()")).result_rows == [(name,)]
        await client.close()
    client = await clickhouse.connect(own)
    await client.command(f"DROP DATABASE {name}")
    await client.close()


async def test_one_client_serves_many_tasks_at_once(endpoint: ClickHouseEndpoint) -> None:
    client = await clickhouse.connect(replace(endpoint, database="default"))

    found = await asyncio.gather(*(client.query(f"SELECT {number}") for number in range(20)))
    await client.close()

    assert [answer.result_rows for answer in found] == [[(number,)] for number in range(20)]


async def test_a_wrong_password_is_one_sentence_at_once(endpoint: ClickHouseEndpoint) -> None:
    assert await sentence(replace(endpoint, password="wrong")) == (
        f"ClickHouse at {endpoint.host}:{endpoint.port} (clickhouse.host) refused the user 'default': "
        "set clickhouse.username and clickhouse.password to what the server knows"
    )


async def test_a_missing_database_is_one_sentence(endpoint: ClickHouseEndpoint) -> None:
    assert await sentence(replace(endpoint, database="absent")) == (
        f"ClickHouse at {endpoint.host}:{endpoint.port} (clickhouse.host) has no database 'absent': "
        "run `tapeline up`, which creates it, or set clickhouse.database to one that exists"
    )


async def test_x06_an_absent_server_is_tried_again_and_then_given_up(endpoint: ClickHouseEndpoint) -> None:
    with pytest.raises(Unavailable, match=r"ClickHouse did not answer in 2 tries: ClickHouse at 127\.0\.0\.1:9 "):
        await clickhouse.connect(replace(endpoint, port=9), max_retries=1)


async def test_https_is_let_in_by_its_authority_only(endpoint: ClickHouseEndpoint, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other")
    identity = authority.issue("server")
    async with tls_front(endpoint.host, endpoint.port, authority=authority, identity=identity) as port:
        secure = replace(endpoint, port=port, secure=True, database="default")

        client = await clickhouse.connect(
            replace(secure, tls=TlsFiles(section="clickhouse", ca_file=authority.ca_file))
        )
        assert (await client.query("SELECT 1")).result_rows == [(1,)]
        await client.close()
        refused = await sentence(replace(secure, tls=TlsFiles(section="clickhouse", ca_file=other.ca_file)))

    assert refused.startswith(
        f"ClickHouse at 127.0.0.1:{port} (clickhouse.host) shows a certificate that is not trusted"
    )
    assert refused.endswith("set clickhouse.ca_file to the authority that signed it")


async def test_a_missing_authority_file_names_its_key(endpoint: ClickHouseEndpoint) -> None:
    absent = TlsFiles(section="clickhouse", ca_file=Path("/absent.pem"))

    assert await sentence(replace(endpoint, secure=True, tls=absent)) == (
        "settings key 'clickhouse.ca_file' names /absent.pem, and there is no such file: "
        "correct the path or remove the key"
    )
