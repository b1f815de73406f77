"""The ClickHouse process under kill -9, SIGTERM, damage and strangers: nothing acknowledged is lost or deleted."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import clickhouse_connect
import pytest
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.exceptions import ClickHouseError

from tests.support.clickhouse_front import PASSWORD, USER, FrontProcess, front_process
from tests.support.eventually import eventually

pytestmark = pytest.mark.backend("embedded")

TABLE = "CREATE TABLE t (n UInt64) ENGINE = MergeTree ORDER BY n SETTINGS non_replicated_deduplication_window = 10000"


@asynccontextmanager
async def connected(front: FrontProcess) -> AsyncIterator[AsyncClient]:
    client = await clickhouse_connect.get_async_client(
        host="127.0.0.1",
        port=front.port,
        username=USER,
        password=PASSWORD,
        compress=False,
        autogenerate_session_id=False,
    )
    try:
        yield client
    finally:
        await client.close()


@pytest.fixture
def front(tmp_path: Path) -> Iterator[FrontProcess]:
    with front_process(tmp_path / "front") as found:
        yield found


Start = Callable[..., FrontProcess]


@pytest.fixture
def start() -> Iterator[Start]:
    """Return what starts a front that may refuse to; none outlives the test."""
    started: list[FrontProcess] = []

    def one(folder: Path, **how: Any) -> FrontProcess:  # noqa: ANN401 - as the dataclass takes them
        started.append(FrontProcess(folder, **how))
        return started[-1].start()

    yield one
    for front in started:
        front.kill()


async def store(client: AsyncClient, batch: int) -> None:
    """Insert the rows of one batch under its token, as the sink does."""
    rows = [[batch * 100 + n] for n in range(100)]
    await client.insert("t", rows, column_names=["n"], settings={"insert_deduplication_token": f"t:0:{batch}"})


async def counted(client: AsyncClient) -> tuple[int, int]:
    found = await client.query("SELECT count(), uniqExact(n) FROM t")
    rows, distinct = found.result_rows[0]
    return int(rows), int(distinct)


async def test_kill_9_loses_no_acknowledged_row_and_doubles_none(front: FrontProcess) -> None:
    """DESIGN 5: after each kill the writer sends its last batch again; the token drops it when it was stored."""
    async with connected(front) as client:
        await client.command(TABLE)
    batch = 0
    took: list[float] = []
    for _ in range(3):
        async with connected(front) as client:
            acknowledged = batch

            async def write(client: AsyncClient = client) -> None:
                nonlocal batch
                while True:
                    await store(client, batch)
                    batch += 1

            writing = asyncio.gather(write(), return_exceptions=True)
            await eventually(lambda done=acknowledged: batch >= done + 20)  # type: ignore[misc] # mypy cannot infer it
            front.kill()
            (error,) = await writing
            assert isinstance(error, ClickHouseError | OSError), error
        took.append(await front.start().ready())
    async with connected(front) as client:
        rows, distinct = await counted(client)
        assert rows == distinct
        assert rows - batch * 100 in {0, 100}, "only the last batch may be stored without its acknowledgement"
        await store(client, batch)
        await store(client, 0)
        assert await counted(client) == ((batch + 1) * 100, (batch + 1) * 100)
    assert max(took) < 10.0, f"X-10: back within 10 s, took {took}"


async def test_sigterm_lets_running_statements_end_and_keeps_what_they_wrote(front: FrontProcess) -> None:
    """X-04: a stop drains."""
    async with connected(front) as client:
        await client.command(TABLE)
        running = asyncio.gather(
            client.query("SELECT sleepEachRow(1) FROM numbers(2) SETTINGS max_block_size = 1"),
            client.command("INSERT INTO t SELECT number + sleepEachRow(0.1) FROM numbers(10)"),
        )

        async def both_run() -> bool:
            return int(str(await client.command("SELECT count() FROM system.processes"))) == 3

        await eventually(both_run)
        front.terminate()
        await eventually(lambda: not front.answers())
        assert not running.done(), "nobody new is let in while the last statements run"
        answer, _ = await running
        assert len(answer.result_rows) == 2
    assert await asyncio.to_thread(front.ended) == 0
    await front.start().ready()
    async with connected(front) as client:
        assert await counted(client) == (10, 10)


async def test_a_folder_has_one_owner(front: FrontProcess, start: Start, tmp_path: Path) -> None:
    second = start(tmp_path / "second", data=front.folder / "data")
    assert await asyncio.to_thread(second.ended) == 2
    assert front.process is not None
    said = one_sentence(second)
    assert f"{front.folder / 'data'} is in use by process {front.process.pid}" in said
    async with connected(front) as client:
        assert await client.command("SELECT 1") == 1


async def test_a_taken_port_is_named(start: Start, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        front = start(tmp_path, port=taken.getsockname()[1])
        assert await asyncio.to_thread(front.ended) == 2
    assert f"port {front.port} for ClickHouse cannot be used" in one_sentence(front)


async def test_without_a_password_it_does_not_start(start: Start, tmp_path: Path) -> None:
    front = start(tmp_path, password=None)
    assert await asyncio.to_thread(front.ended) == 2
    assert "ClickHouse has no password" in one_sentence(front)


async def test_a_folder_that_is_a_file_is_named(start: Start, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a folder")
    front = start(tmp_path)
    assert await asyncio.to_thread(front.ended) == 2
    assert f"{tmp_path / 'data'} cannot be used" in one_sentence(front)
    assert (tmp_path / "data").read_text() == "not a folder"


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a table of 300 rows in parts of its own, closed in order."""

    async def fill(front: FrontProcess) -> None:
        async with connected(front) as client:
            await client.command("CREATE DATABASE crypto")
            await client.command(TABLE)
            for batch in range(3):
                await store(client, batch)

    folder = tmp_path_factory.mktemp("stored")
    with front_process(folder) as front:
        asyncio.run(fill(front))
        front.terminate()
        assert front.ended() == 0
    return folder / "data"


def garble(folder: Path, pattern: str) -> None:
    found = sorted(folder.rglob(pattern))
    assert found, pattern
    for path in found:
        path.write_bytes(b"garbage\n")


DAMAGE: dict[str, Callable[[Path], None]] = {
    "a table's definition is garbage": lambda folder: garble(folder, "t.sql"),
    "a database's definition is garbage": lambda folder: garble(folder, "crypto.sql"),
    "the version of a table is garbage": lambda folder: garble(folder, "format_version.txt"),
    "a part's data is garbage": lambda folder: garble(folder, "data.bin"),
    "a part's columns are garbage": lambda folder: garble(folder, "columns.txt"),
    "the store is gone": lambda folder: shutil.rmtree(folder / "store"),
    "the metadata are gone": lambda folder: shutil.rmtree(folder / "metadata"),
    "the store is a file": lambda folder: (folder / "store").rename(folder / "away").joinpath("../store").touch(),
}


def contents(folder: Path) -> set[str]:
    """Return what stands in the files of the rows, wherever they are now: a damaged part may be set aside."""
    return {hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*.bin")}


@pytest.mark.parametrize("damage", DAMAGE)
async def test_damaged_data_are_told_in_one_sentence_and_nothing_is_deleted(
    stored: Path, start: Start, tmp_path: Path, damage: str
) -> None:
    data = tmp_path / "data"
    shutil.copytree(stored, data, symlinks=True)
    DAMAGE[damage](data)
    before = contents(data)
    # Where a damaged part was set aside, a second start must not take that for granted.
    for _ in range(2 if damage.startswith("a part") else 1):
        front = start(tmp_path / "front", data=data)
        assert await asyncio.to_thread(front.ended) == 2, front.said()
        said = one_sentence(front)
        assert f"the ClickHouse data in {data} is damaged (" in said
        assert "put a backup back, or move the folder away" in said
        (front.folder / "said").unlink()
    assert contents(data) >= before


async def test_a_folder_may_have_any_name(start: Start, tmp_path: Path) -> None:
    data = tmp_path / "a b%20c#d&e=f é"
    front = start(tmp_path, data=data)
    await front.ready()
    async with connected(front) as client:
        await client.command(TABLE)
        await store(client, 0)
        assert await counted(client) == (100, 100)
    assert (data / "store").is_dir()


def one_sentence(front: FrontProcess) -> str:
    """Return the one line that it said, and fail when there are more."""
    lines = front.said().splitlines()
    assert len(lines) == 1, lines
    return lines[0]
