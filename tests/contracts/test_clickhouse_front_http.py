"""What the front adds to the contract by itself: who is let in, what it refuses and how it says so, byte for byte."""

# ruff: noqa: S608 - the tables are named by the tests themselves

from __future__ import annotations

import gzip
import importlib
import io
import json
import sys
import zlib
from base64 import b64encode
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import urllib3

from tapeline.runtime import entropy
from tests.support.clickhouse_front import PASSWORD, USER, front_process

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

pytestmark = pytest.mark.backend("embedded")

LOGIN = {"X-ClickHouse-User": USER, "X-ClickHouse-Key": PASSWORD}


@dataclass(frozen=True)
class Said:
    """An answer: status, body as text, code of the exception, all headers."""

    status: int
    text: str
    code: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True)
class Http:
    url: str
    pool: urllib3.PoolManager

    def send(
        self,
        query: str = "",
        body: bytes = b"",
        *,
        method: str = "POST",
        headers: Mapping[str, str] = LOGIN,
        params: Mapping[str, str] | None = None,
    ) -> Said:
        given = {**({"query": query} if query else {}), **(params or {})}
        where = f"{self.url}/?{urlencode(given)}" if given else f"{self.url}/"
        answer = self.pool.request(method, where, body=body, headers=dict(headers), retries=False)
        code = answer.headers.get("X-ClickHouse-Exception-Code")
        return Said(answer.status, answer.data.decode(), code, dict(answer.headers))


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Http]:
    with front_process(tmp_path_factory.mktemp("front")) as front, urllib3.PoolManager() as pool:
        yield Http(front.url, pool)


@pytest.fixture
def table(http: Http) -> str:
    name = f"t_{entropy.new_id()[:8]}"
    made = http.send(f"CREATE TABLE {name} (n UInt64) ENGINE = MergeTree ORDER BY n")
    assert (made.status, made.text) == (200, "")
    return name


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(f"{user}:{password}".encode()).decode()}


@pytest.mark.parametrize(
    ("headers", "params"),
    [
        (LOGIN, {}),
        ({"X-ClickHouse-Key": PASSWORD}, {}),
        (basic(USER, PASSWORD), {}),
        ({}, {"user": USER, "password": PASSWORD}),
        ({}, {"password": PASSWORD}),
    ],
)
def test_the_password_is_taken_wherever_clickhouse_takes_it(
    http: Http, headers: dict[str, str], params: dict[str, str]
) -> None:
    assert http.send("SELECT 1", headers=headers, params=params) == Said(200, "1\n")


@pytest.mark.parametrize(
    ("headers", "params"),
    [
        ({**LOGIN, "X-ClickHouse-Key": "wrong"}, {}),
        ({"X-ClickHouse-User": USER}, {}),
        ({**LOGIN, "X-ClickHouse-User": "nobody"}, {}),
        (basic(USER, "wrong"), {}),
        ({"Authorization": "Basic !"}, {}),
        ({"Authorization": f"Bearer {PASSWORD}"}, {}),
        ({}, {"user": USER, "password": "wrong"}),
    ],
)
def test_a_wrong_password_is_refused_and_nothing_runs(
    http: Http, table: str, headers: dict[str, str], params: dict[str, str]
) -> None:
    refused = http.send(f"INSERT INTO {table} VALUES (1)", headers=headers, params=params)
    assert (refused.status, refused.code) == (403, "516")
    assert PASSWORD not in refused.text
    assert http.send(f"SELECT count() FROM {table}") == Said(200, "0\n")


def test_who_sends_no_password_is_asked_for_one(http: Http) -> None:
    refused = http.send("SELECT 1", headers={})
    assert (refused.status, refused.code) == (401, "516")
    assert refused.headers["WWW-Authenticate"] == 'Basic realm="ClickHouse"'


@pytest.mark.parametrize("path", ["/ping", "/replicas_status", "/"])
def test_that_it_lives_is_told_to_everybody(http: Http, path: str) -> None:
    answer = http.pool.request("GET", f"{http.url}{path}")
    assert (answer.status, answer.data) == (200, b"Ok.\n")


def test_a_get_may_only_read(http: Http, table: str) -> None:
    assert http.send("SELECT 1", method="GET") == Said(200, "1\n")
    refused = http.send(f"DROP TABLE {table}", method="GET")
    assert (refused.status, refused.code) == (403, "164")
    assert http.send(f"EXISTS {table}") == Said(200, "1\n")


@pytest.mark.parametrize("sneaky", ["SELECT 1 SETTINGS readonly = 0", "SELECT 1 SETTINGS readonly = 1"])
def test_a_get_cannot_lift_its_own_limit(http: Http, sneaky: str) -> None:
    refused = http.send(sneaky, method="GET")
    assert (refused.status, refused.code) == (403, "164")


COMPRESSED: dict[str, bytes] = {
    "gzip": gzip.compress(b"1\n2\n"),
    "deflate": zlib.compress(b"1\n2\n"),
    "zstd": zstd.compress(b"1\n2\n"),
    "lz4": importlib.import_module("lz4.frame").compress(b"1\n2\n"),
}


@pytest.mark.parametrize("encoding", COMPRESSED)
def test_compressed_bodies_are_taken(http: Http, table: str, encoding: str) -> None:
    headers = {**LOGIN, "Content-Encoding": encoding}
    assert http.send(f"INSERT INTO {table} FORMAT TSV", COMPRESSED[encoding], headers=headers) == Said(200, "")
    assert http.send(f"SELECT n FROM {table} ORDER BY n") == Said(200, "1\n2\n")


@pytest.mark.parametrize(("encoding", "status", "code"), [("br", 501, "48"), ("gzip", 400, "271"), ("lz4", 400, "271")])
def test_a_body_that_cannot_be_decompressed_is_refused_whole(
    http: Http, table: str, encoding: str, status: int, code: str
) -> None:
    headers = {**LOGIN, "Content-Encoding": encoding}
    cut = COMPRESSED["gzip"][:-4] if encoding == "gzip" else b"1\n2\n"
    refused = http.send(f"INSERT INTO {table} FORMAT TSV", cut, headers=headers)
    assert (refused.status, refused.code) == (status, code)
    assert http.send(f"SELECT count() FROM {table}") == Said(200, "0\n")


@pytest.mark.parametrize("name", ["compress", "decompress", "role"])
def test_what_is_not_done_here_is_refused_by_name(http: Http, name: str) -> None:
    refused = http.send("SELECT 1", params={name: "1"})
    assert (refused.status, refused.code, refused.text.startswith(f"Code: 48. DB::Exception: {name} ")) == (
        501,
        "48",
        True,
    )


@pytest.mark.parametrize("statement", ["SET max_threads = 1", "USE system", "CREATE TEMPORARY TABLE x (n Int8)"])
def test_what_needs_a_session_is_refused_instead_of_forgotten(http: Http, statement: str) -> None:
    refused = http.send(statement, params={"session_id": "s1"})
    assert (refused.status, refused.code) == (501, "48")


def test_a_session_runs_one_statement_at_a_time_and_keeps_no_setting(http: Http) -> None:
    with ThreadPoolExecutor(1) as threads:
        long = threads.submit(http.send, "SELECT sleep(1)", params={"session_id": "busy", "max_block_size": "17"})
        codes = set[str | None]()
        while not long.done():
            codes.add(http.send("SELECT 1", params={"session_id": "busy"}).code)
        assert long.result() == Said(200, "0\n")
    assert "373" in codes
    assert http.send("SELECT getSetting('max_block_size') = 17", params={"session_id": "busy"}) == Said(200, "0\n")


def test_files_of_the_server_are_neither_written_nor_read(http: Http, table: str, tmp_path: Path) -> None:
    wanted = tmp_path / "out"
    written = http.send(f"SELECT 1 INTO OUTFILE '{wanted}'")
    read = http.send(f"INSERT INTO {table} FROM INFILE '/etc/passwd' FORMAT TSV")
    assert (written.code, read.code, wanted.exists()) == ("48", "48", False)


def test_two_statements_at_once_are_refused_before_the_first_runs(http: Http, table: str) -> None:
    refused = http.send(f"SELECT 1; DROP TABLE {table}")
    assert (refused.status, refused.code) == (400, "62")
    assert http.send(f"EXISTS {table}") == Said(200, "1\n")


def test_the_statement_may_be_the_body_or_be_split_between_both(http: Http, table: str) -> None:
    assert http.send(body=b"SELECT 1") == Said(200, "1\n")
    assert http.send("SELECT 1 +", b" 41") == Said(200, "42\n")
    assert http.send(body=f"INSERT INTO {table} FORMAT TSV\n7\n".encode()) == Said(200, "")
    assert http.send(f"INSERT INTO {table} (n) VALUES", b"(8), (9);") == Said(200, "")
    assert (
        http.send(f"INSERT INTO {table} SETTINGS max_threads = 1 FORMAT TSV SETTINGS max_threads = 2", b"1\n").code
        == "62"
    )
    assert http.send(f"SELECT n FROM {table} ORDER BY n") == Said(200, "7\n8\n9\n")


def test_settings_behind_the_format_hold_for_the_insert(http: Http, table: str) -> None:
    statement = f"INSERT INTO {table} FORMAT CustomSeparated SETTINGS format_custom_field_delimiter = '|'"
    assert http.send(statement, b"5\n") == Said(200, "")
    assert http.send(f"SELECT n FROM {table}") == Said(200, "5\n")


def test_the_format_of_an_answer_is_named(http: Http) -> None:
    formats = {
        http.send("SELECT 1").headers["X-ClickHouse-Format"]: "TabSeparated",
        http.send("SELECT 1 FORMAT JSONEachRow").headers["X-ClickHouse-Format"]: "JSONEachRow",
        http.send("SELECT 1", params={"default_format": "CSV"}).headers["X-ClickHouse-Format"]: "CSV",
        http.send("SELECT 1", headers={**LOGIN, "X-ClickHouse-Format": "XML"}).headers["X-ClickHouse-Format"]: "XML",
    }
    assert all(found == wanted for found, wanted in formats.items())


def test_a_form_carries_what_is_too_long_for_the_address(http: Http) -> None:
    fields: dict[str, Any] = {"query": "SELECT length({x:String})", "param_x": "y" * 300_000}
    answer = http.pool.request("POST", http.url, fields=fields, headers=LOGIN)
    assert (answer.status, answer.data) == (200, b"300000\n")


def test_external_tables_are_refused(http: Http) -> None:
    fields: dict[str, Any] = {"query": "SELECT 1", "extra": ("extra.tsv", b"1\n")}
    answer = http.pool.request("POST", http.url, fields=fields, headers=LOGIN)
    assert (answer.status, answer.headers["X-ClickHouse-Exception-Code"]) == (501, "48")


def test_the_id_and_the_figures_of_a_statement_come_with_its_answer(http: Http, table: str) -> None:
    http.send(f"INSERT INTO {table} VALUES", b"(1), (2), (3)")
    said = http.send(f"SELECT n FROM {table}", params={"query_id": "mine", "wait_end_of_query": "1"})
    figures = json.loads(said.headers["X-ClickHouse-Summary"])
    took = int(figures.pop("elapsed_ns"))
    assert said.headers["X-ClickHouse-Query-Id"] == "mine"
    assert took > 0
    assert figures == {
        "read_rows": "3",
        "read_bytes": "24",
        "written_rows": "0",
        "written_bytes": "0",
        "result_rows": "3",
        "result_bytes": "6",
    }


def test_a_large_answer_is_streamed_whole(http: Http) -> None:
    answer = http.pool.request(
        "POST",
        http.url,
        body=b"SELECT number FROM numbers(2000000) FORMAT RowBinary",
        headers=LOGIN,
        preload_content=False,
    )
    assert answer.headers["Transfer-Encoding"] == "chunked"
    data = io.BytesIO(answer.read())
    assert (len(data.getvalue()), data.getvalue()[-8:]) == (16_000_000, (1_999_999).to_bytes(8, "little"))


def test_a_reader_that_leaves_frees_its_place(http: Http) -> None:
    for _ in range(20):
        answer = http.pool.request(
            "POST",
            http.url,
            body=b"SELECT * FROM numbers(100000000000) FORMAT RowBinary",
            headers=LOGIN,
            preload_content=False,
        )
        assert answer.read(1_000) != b""
        answer.close()
    assert http.send("SELECT 1") == Said(200, "1\n")


@pytest.mark.parametrize(
    ("statement", "status", "code"),
    [("SELECT * FROM nope", 404, "60"), ("SELEC 1", 400, "62"), ("", 400, "62"), ("SELECT throwIf(1)", 500, "395")],
)
def test_errors_have_the_status_and_the_words_of_clickhouse(http: Http, statement: str, status: int, code: str) -> None:
    said = http.send(body=statement.encode())
    assert (said.status, said.code, said.text.startswith(f"Code: {code}. DB::Exception: ")) == (status, code, True)
