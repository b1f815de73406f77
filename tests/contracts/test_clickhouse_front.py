"""What Tapeline needs of ClickHouse, driven by the stock clients: our front and a real server must both pass (X-10).

`pytest --backend=external` runs it against the server that settings name (clickhouse.host).
"""

# ruff: noqa: S608 - the tables are named by the tests themselves

from __future__ import annotations

import asyncio
import io
import math
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import clickhouse_connect
import pyarrow as pa
import pytest
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError, StreamFailureError

from tapeline.runtime import entropy, settings
from tests.support.clickhouse_front import PASSWORD, USER, front_process


@dataclass(frozen=True)
class Server:
    host: str
    port: int
    username: str
    password: str
    secure: bool = False

    def client(self, *, database: str | None = None, compress: bool | str = False) -> Client:
        return clickhouse_connect.get_client(
            host=self.host,
            port=self.port,
            username=self.username,
            password=self.password,
            secure=self.secure,
            database=database or "__default__",
            compress=compress,
        )


@pytest.fixture(scope="module")
def server(backend: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if backend == "embedded":
        with front_process(tmp_path_factory.mktemp("front")) as front:
            yield Server("127.0.0.1", front.port, USER, PASSWORD)
        return
    named = settings.load(Path.cwd()).clickhouse
    if backend != "external" or named.host is None:
        pytest.skip("no ClickHouse: clickhouse.host names none")
    password = "" if named.password is None else named.password.get_secret_value()
    yield Server(named.host, named.port, named.username, password, named.secure)


@pytest.fixture(scope="module")
def database(server: Server) -> Iterator[str]:
    name = f"contract_{entropy.new_id()[:8]}"
    with server.client() as client:
        client.command(f"CREATE DATABASE {name}")
        yield name
        client.command(f"DROP DATABASE {name}")


@pytest.fixture
def client(server: Server, database: str) -> Iterator[Client]:
    with server.client(database=database) as found:
        yield found


@pytest.fixture
async def async_client(server: Server, database: str) -> AsyncIterator[AsyncClient]:
    found = await clickhouse_connect.get_async_client(
        host=server.host,
        port=server.port,
        username=server.username,
        password=server.password,
        secure=server.secure,
        database=database,
        compress=False,
        autogenerate_session_id=False,
    )
    yield found
    await found.close()


def table(client: Client, columns: str, *, order: str = "tuple()", extra: str = "") -> str:
    name = f"t_{entropy.new_id()[:8]}"
    client.command(f"CREATE TABLE {name} ({columns}) ENGINE = MergeTree ORDER BY {order} {extra}")
    return name


def test_rows_of_every_type_that_our_tables_use_come_back_as_they_were(client: Client) -> None:
    columns = {
        "at": "DateTime64(6, 'UTC')",
        "price": "Float64",
        "venue": "LowCardinality(String)",
        "levels": "Array(Float64)",
        "exact": "Nullable(String)",
        "amount": "Decimal(38, 18)",
        "side": "Enum8('buy' = 1, 'sell' = 2)",
        "sequence": "UInt64",
        "flag": "Bool",
        "venues": "Array(LowCardinality(String))",
        "maybe": "Nullable(Float64)",
    }
    name = table(client, ", ".join(f"{column} {kind}" for column, kind in columns.items()), order="sequence")
    rows = [
        (
            datetime(2026, 1, 2, 3, 4, 5, 678901),  # noqa: DTZ001 - the client gives UTC columns back without a zone
            0.1 + 0.2,
            "bybit",
            [1.5, 5e-324, 1.7976931348623157e308],
            None,
            Decimal("12345678901234567890.123456789012345678"),
            "sell",
            2**64 - 1,
            True,
            ["a", "b"],
            None,
        ),
        (
            datetime(1970, 1, 1),  # noqa: DTZ001 - as above
            -0.0,
            "",
            [],
            "0.1000000000000000055511151231257827",
            Decimal("-0.000000000000000001"),
            "buy",
            0,
            False,
            [],
            math.pi,
        ),
    ]
    client.insert(name, rows, column_names=list(columns))
    assert client.query(f"SELECT * FROM {name} ORDER BY sequence DESC").result_rows == rows


def test_a_float_survives_bit_by_bit_also_where_it_is_no_number(client: Client) -> None:
    name = table(client, "n UInt8, x Float64", order="n")
    client.insert(name, [[0, math.inf], [1, -math.inf], [2, math.nan], [3, -0.0]], column_names=["n", "x"])
    read = client.query(f"SELECT reinterpretAsUInt64(x) FROM {name} ORDER BY n").result_rows
    assert read == [(0x7FF0000000000000,), (0xFFF0000000000000,), (0x7FF8000000000000,), (0x8000000000000000,)]


def test_arrow_goes_in_and_comes_out_with_the_same_values(client: Client) -> None:
    name = table(
        client, "sequence UInt64, at DateTime64(6, 'UTC'), price Float64, levels Array(Float64)", order="sequence"
    )
    moment = datetime(2026, 5, 6, 7, 8, 9, 123456, tzinfo=UTC)
    sent = pa.table(
        {
            "sequence": pa.array([1, 2], pa.uint64()),
            "at": pa.array([moment, moment], pa.timestamp("us", "UTC")),
            "price": pa.array([0.1, 2.5], pa.float64()),
            "levels": pa.array([[1.0, 2.0], []], pa.list_(pa.float64())),
        }
    )
    summary = client.insert_arrow(name, sent)
    got = client.query_arrow(f"SELECT * FROM {name} ORDER BY sequence")
    assert summary.written_rows == 2
    assert got.to_pylist() == sent.to_pylist()


def test_a_data_frame_comes_out_with_the_same_values(client: Client) -> None:
    frame = client.query_df("SELECT number AS n, toString(number) AS s FROM numbers(3)")
    assert frame.to_dict("list") == {"n": [0, 1, 2], "s": ["0", "1", "2"]}


def test_a_million_rows_go_in_at_once_and_come_out_streamed(client: Client) -> None:
    name = table(client, "n UInt64, x Float64", order="n")
    count = 1_000_000
    sent = pa.table({"n": pa.array(range(count), pa.uint64()), "x": pa.array(map(float, range(count)), pa.float64())})
    assert client.insert_arrow(name, sent).written_rows == count
    with client.query_column_block_stream(f"SELECT n, x FROM {name}") as stream:
        numbers, values = (set(), set())
        for block in stream:
            numbers.update(block[0])
            values.update(block[1])
    assert (len(numbers), sum(numbers), len(values)) == (count, count * (count - 1) // 2, count)


@pytest.mark.parametrize(
    "value", ["plain", "it's", "back\\slash", "tab\tline\nend", "; DROP TABLE x --", "é\u2028\U0001f600", ""]
)
def test_a_bound_parameter_is_a_value_whatever_stands_in_it(client: Client, value: str) -> None:
    found = client.query("SELECT {text:String} AS a, {n:UInt64} + 1 AS b", parameters={"text": value, "n": 41})
    assert found.result_rows == [(value, 42)]


def test_parameters_bind_identifiers_arrays_and_nothing(client: Client) -> None:
    name = table(client, "n UInt64", order="n")
    client.insert(name, [[1], [2], [3]], column_names=["n"])
    found = client.query(
        "SELECT n FROM {name:Identifier} WHERE n IN {wanted:Array(UInt64)} ORDER BY n",
        parameters={"name": name, "wanted": [1, 3]},
    )
    assert found.result_rows == [(1,), (3,)]


def test_a_setting_holds_for_its_own_statement_only(client: Client) -> None:
    ask = "SELECT getSetting('max_block_size')"
    before = client.command(ask)
    assert client.command(ask, settings={"max_block_size": 1234}) == 1234
    assert client.command(ask) == before


def test_an_unknown_setting_is_refused_by_its_code(client: Client) -> None:
    with pytest.raises(DatabaseError) as caught:
        client.command("SELECT 1", settings={"no_such_setting": 1})
    assert caught.value.code == 115


def test_a_token_drops_a_repeat_and_is_forgotten_by_the_next_insert(client: Client) -> None:
    """DESIGN 5: the sink is effectively once, and an insert without a token is never taken for a repeat."""
    name = table(client, "n UInt64", order="n", extra="SETTINGS non_replicated_deduplication_window = 100")
    token = {"insert_deduplication_token": "md.trade:0:0-1"}
    client.insert(name, [[1], [2]], column_names=["n"], settings=token)
    client.insert(name, [[1], [2]], column_names=["n"], settings=token)
    client.insert(name, [[3]], column_names=["n"])
    client.insert(name, [[4]], column_names=["n"], settings=token)
    client.insert(name, [[5]], column_names=["n"], settings={"insert_deduplication_token": "md.trade:0:2-2"})
    assert client.query(f"SELECT n FROM {name} ORDER BY n").result_rows == [(1,), (2,), (3,), (5,)]


def test_a_token_drops_a_repeat_of_arrow_columns(client: Client) -> None:
    name = table(client, "n UInt64", order="n", extra="SETTINGS non_replicated_deduplication_window = 100")
    sent = pa.table({"n": pa.array([7, 8], pa.uint64())})
    for _ in range(2):
        client.insert_arrow(name, sent, settings={"insert_deduplication_token": "a"})
    assert client.query(f"SELECT n FROM {name} ORDER BY n").result_rows == [(7,), (8,)]


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("SELEC 1 FROM", 62),
        ("SELECT * FROM no_such_table", 60),
        ("SELECT no_such_column FROM system.one", 47),
        ("SELECT * FROM no_such_database.t", 81),
        ("SELECT throwIf(1)", 395),
        ("SELECT 1; SELECT 2", 62),
    ],
)
def test_an_error_carries_the_code_of_clickhouse(client: Client, statement: str, code: int) -> None:
    with pytest.raises(DatabaseError) as caught:
        client.query(statement)
    assert caught.value.code == code


def test_a_refused_insert_stores_nothing_and_the_client_goes_on(client: Client) -> None:
    name = table(client, "n UInt64", order="n")
    with pytest.raises(DatabaseError):
        client.raw_insert(name, ["n"], b"1\nnot a number\n", fmt="TabSeparated")
    client.raw_insert(name, ["n"], b"2\n", fmt="TabSeparated")
    assert client.query(f"SELECT n FROM {name}").result_rows == [(2,)]


@pytest.mark.parametrize(
    ("columns", "extra", "rows", "code"),
    [
        ("n UInt64, CONSTRAINT small CHECK n < 5", "", 10, 469),
        ("n UInt64, made UInt8 MATERIALIZED throwIf(n > 5)", "", 10, 395),
        ("n UInt64", "PARTITION BY n", 200, 252),
    ],
)
def test_a_late_refusal_is_an_error(client: Client, columns: str, extra: str, rows: int, code: int) -> None:
    name = table(client, columns, order="n", extra=extra)
    with pytest.raises(DatabaseError) as caught:
        client.insert(name, [[number] for number in range(rows)], column_names=["n"])
    assert (caught.value.code, client.command(f"SELECT count() FROM {name}")) == (code, 0)


def test_an_error_in_the_middle_of_a_stream_reaches_the_reader(client: Client) -> None:
    statement = "SELECT number, throwIf(number = 3000000) FROM numbers(10000000) SETTINGS max_threads = 1"
    with pytest.raises(StreamFailureError, match="395"), client.query_row_block_stream(statement) as stream:
        for _ in stream:
            pass


@pytest.mark.parametrize(
    ("fmt", "block"),
    [
        ("TabSeparated", b"1\tone\n2\ttwo\n"),
        ("JSONEachRow", b'{"n":1,"s":"one"}\n{"n":2,"s":"two"}\n'),
        ("RowBinary", b"\x01\x00\x00\x00\x03one\x02\x00\x00\x00\x03two"),
        ("CSV", b'1,"one"\n2,"two"\n'),
        ("Values", b"(1, 'one'), (2, 'two')"),
    ],
)
def test_inserts_take_every_format_before_and_beside_the_body(client: Client, fmt: str, block: bytes) -> None:
    name = table(client, "n UInt32, s String", order="n")
    client.raw_insert(name, ["n", "s"], block, fmt=fmt)
    client.raw_insert(name, ["n", "s"], io.BytesIO(block), fmt=fmt)
    assert client.query(f"SELECT n, s, count() FROM {name} GROUP BY ALL ORDER BY n").result_rows == [
        (1, "one", 2),
        (2, "two", 2),
    ]


@pytest.mark.parametrize(
    "fmt", ["TabSeparated", "JSONEachRow", "CSV", "Pretty", "JSON", "ArrowStream", "Parquet", "XML"]
)
def test_answers_come_in_the_format_that_was_asked_for(client: Client, fmt: str) -> None:
    said = client.raw_query("SELECT number AS n FROM numbers(2)", fmt=fmt)
    if fmt == "ArrowStream":
        with pa.ipc.open_stream(said) as reader:
            assert reader.read_all().to_pydict() == {"n": [0, 1]}
    else:
        exact = {"TabSeparated": b"0\n1\n", "CSV": b"0\n1\n", "JSONEachRow": b'{"n":0}\n{"n":1}\n'}
        start = {"Parquet": b"PAR1", "JSON": b"{", "XML": b"<?xml", "Pretty": b""}
        assert said == exact[fmt] if fmt in exact else said.startswith(start[fmt])


def test_values_in_the_statement_itself_are_stored(client: Client) -> None:
    name = table(client, "n UInt32, s String, at DateTime", order="n")
    client.command(f"INSERT INTO {name} /* ; FORMAT x */ (n, s, at) VALUES (1 + 1, 'a;b) VALUES', toDateTime(0)); ")
    client.command(f"INSERT INTO {name} SELECT n + 1, s, at FROM {name}")
    assert client.query(f"SELECT n, s FROM {name} ORDER BY n").result_rows == [(2, "a;b) VALUES"), (3, "a;b) VALUES")]


def test_an_answer_without_rows_still_names_its_columns_when_asked_with_limit_0(client: Client) -> None:
    found = client.query("SELECT 1 AS a, 'x' AS b LIMIT 0")
    assert (found.column_names, found.result_rows) == (("a", "b"), [])


@pytest.mark.parametrize("compress", [True, "lz4", "zstd", "gzip"])
def test_a_client_that_compresses_is_understood(server: Server, client: Client, compress: bool | str) -> None:  # noqa: FBT001 - what the client takes
    name = table(client, "n UInt64, s String", order="n")
    rows = [(n, f"row {n}") for n in range(5_000)]
    with server.client(database=client.database, compress=compress) as packing:
        packing.insert(name, rows, column_names=["n", "s"])
        assert packing.query(f"SELECT * FROM {name} ORDER BY n").result_rows == rows


def test_the_summary_counts_what_was_written_and_read(client: Client) -> None:
    name = table(client, "n UInt64", order="n")
    written = client.insert(name, [[n] for n in range(1_000)], column_names=["n"])
    assert (written.written_rows, written.summary["written_bytes"]) == (1_000, "8000")
    moved = client.command(f"INSERT INTO {name} SELECT n FROM {name} WHERE n < 10")
    assert moved.written_rows == 10  # type: ignore[union-attr] # a command without an answer returns its summary
    read = client.query(f"SELECT n FROM {name} WHERE NOT ignore(n) OR n + 1 = 1000")
    assert (read.summary["read_rows"], read.summary["result_rows"]) == ("1010", "1010")


def test_the_id_of_a_query_is_the_one_it_was_given(client: Client) -> None:
    assert client.query("SELECT 1", settings={"query_id": "mine-1"}).query_id == "mine-1"


async def test_the_async_client_runs_many_statements_at_the_same_time(async_client: AsyncClient) -> None:
    name = f"t_{entropy.new_id()[:8]}"
    await async_client.command(f"CREATE TABLE {name} (n UInt64, part UInt64) ENGINE = MergeTree ORDER BY (part, n)")

    async def write(part: int) -> int:
        rows = [[n, part] for n in range(500)]
        return (await async_client.insert(name, rows, column_names=["n", "part"])).written_rows

    assert await asyncio.gather(*(write(part) for part in range(20))) == [500] * 20
    found = await async_client.query(f"SELECT part, count(), sum(n) FROM {name} GROUP BY part ORDER BY part")
    assert found.result_rows == [(part, 500, 124_750) for part in range(20)]


async def test_the_async_client_moves_arrow_both_ways(async_client: AsyncClient) -> None:
    name = f"t_{entropy.new_id()[:8]}"
    await async_client.command(f"CREATE TABLE {name} (n UInt64) ENGINE = MergeTree ORDER BY n")
    await async_client.insert_arrow(name, pa.table({"n": pa.array([3, 1, 2], pa.uint64())}))
    assert (await async_client.query_arrow(f"SELECT n FROM {name} ORDER BY n")).to_pydict() == {"n": [1, 2, 3]}


async def test_the_async_client_gets_the_code_of_an_error(async_client: AsyncClient) -> None:
    with pytest.raises(DatabaseError) as caught:
        await async_client.query("SELECT * FROM no_such_table")
    assert caught.value.code == 60


async def test_an_insert_does_not_wait_for_a_long_select(async_client: AsyncClient) -> None:
    name = f"t_{entropy.new_id()[:8]}"
    await async_client.command(f"CREATE TABLE {name} (n UInt64) ENGINE = MergeTree ORDER BY n")
    statement = "SELECT sleepEachRow(1) FROM numbers(2) SETTINGS max_block_size = 1"
    long = asyncio.gather(*(async_client.query(statement) for _ in range(6)))
    for number in range(5):
        await async_client.insert(name, [[number]], column_names=["n"])
    assert not long.done()
    assert [len(found.result_rows) for found in await long] == [2] * 6


def test_a_wrong_password_and_a_wrong_user_are_refused_with_code_516(server: Server) -> None:
    for wrong in (replace(server, password="wrong"), replace(server, username="nobody")):
        with pytest.raises(DatabaseError) as caught:
            wrong.client()
        assert caught.value.code == 516
