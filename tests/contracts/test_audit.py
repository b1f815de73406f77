"""The audit on a real ClickHouse, from rows as the sink writes them: what it reads, what it says, how it ends."""

from __future__ import annotations

import asyncio
import os
import sys
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from simulator.audit import outages
from simulator.audit.compare import Audit, Counts, Kill
from simulator.audit.outages import Outage
from simulator.audit.rows import GapRow, Instrument, Rows
from simulator.audit.running import audit
from simulator.audit.signals import Latency
from simulator.audit.stored import StorePlace, store
from simulator.journal import Journal, file_name
from sinks.rows.catalogue import BY_TOPIC
from sinks.store import Store
from tapeline.domain.events import Book, DeltaBatch, Gap, Trade
from tapeline.errors import Misconfigured, Unavailable
from tapeline.runtime import clickhouse, clock, endpoints, migrations, postgres
from tapeline.runtime.endpoints import ClickHouseEndpoint
from tapeline.runtime.runfile import RunFile
from tapeline.runtime.settings import Settings
from tests.support.clickhouse_front import free_port
from tests.support.sinks import funding, spread
from tests.unit.simulator.audit.run import FIRST, OF, START_US, Run, at, balanced, gap, played_run

ROOT = Path(__file__).parents[2]


@pytest.fixture
async def own(tapeline_settings: Settings, tapeline_up: RunFile) -> AsyncIterator[ClickHouseEndpoint]:
    """A migrated database of the test's own."""
    found = endpoints.endpoints_from(tapeline_settings, tapeline_up)
    name = f"test_{uuid.uuid4().hex}"
    place = replace(found.clickhouse, database=name)
    async with await postgres.connect(replace(found.postgres, pool_idle=1)) as server:
        await server.execute(f"CREATE DATABASE {name}")
        client = await clickhouse.connect(place, create_database=True)
        async with await postgres.connect(replace(found.postgres, pool_idle=1, name=name)) as pool:
            await migrations.migrate_postgres(pool)
            await migrations.migrate_clickhouse(client, pool)
        yield place
        await client.command(f"DROP DATABASE {name}")
        await client.close()
        await server.execute(f"DROP DATABASE {name}")


def place_of(endpoint: ClickHouseEndpoint) -> StorePlace:
    return StorePlace(
        url=f"http://{endpoint.host}:{endpoint.port}",
        user=endpoint.username,
        password=endpoint.password or "",
        database=endpoint.database,
    )


def deltas(run: Run) -> list[DeltaBatch]:
    """Return the records whose rows the run has."""
    batches: dict[tuple[str, int, int], DeltaBatch] = {}
    for row in run.levels:
        key = (row.kind, row.epoch, row.sequence)
        plain = DeltaBatch(
            venue="bybit", market="spot", symbol=OF.symbol, epoch=row.epoch,
            kind="change" if row.kind == "change" else "snapshot", sequence=row.sequence, bid_prices=(),
            bid_quantities=(), ask_prices=(), ask_quantities=(), venue_us=row.at_us, received_us=row.received_us,
            published_us=row.received_us,
        )  # fmt: skip
        one = batches.get(key, plain)
        if row.side == "bid":
            prices, quantities = (*one.bid_prices, row.price), (*one.bid_quantities, row.quantity)
            batches[key] = msgspec.structs.replace(one, bid_prices=prices, bid_quantities=quantities)
        else:
            prices, quantities = (*one.ask_prices, row.price), (*one.ask_quantities, row.quantity)
            batches[key] = msgspec.structs.replace(one, ask_prices=prices, ask_quantities=quantities)
    return list(batches.values())


def books(run: Run) -> list[Book]:
    return [
        Book(
            venue="bybit", market="spot", symbol=OF.symbol, epoch=row.epoch, sequence=row.sequence,
            state="valid" if row.state == "valid" else "stale", depth=row.depth, bid_prices=row.bid_prices,
            bid_quantities=row.bid_quantities, ask_prices=row.ask_prices, ask_quantities=row.ask_quantities,
            first_received_us=row.at_us, venue_us=row.at_us, received_us=row.at_us, published_us=row.at_us,
        )
        for row in run.books
    ]  # fmt: skip


def trades(run: Run) -> list[Trade]:
    return [
        Trade(
            venue="bybit", market="spot", symbol=OF.symbol, epoch=START_US, trade_id=row.id, price=row.price,
            quantity=row.quantity, side="buy" if row.side == "buy" else "sell", venue_us=row.at_us,
            received_us=row.at_us, published_us=row.at_us,
        )
        for row in run.trades
    ]  # fmt: skip


def gaps(rows: Sequence[GapRow]) -> list[Gap]:
    return [
        Gap(
            venue="bybit", market="spot", symbol=OF.symbol, channel="book" if row.channel == "book" else "trade",
            epoch=row.epoch, from_id=row.from_id, to_id=row.to_id, start_us=row.start_us, end_us=row.end_us,
            cause="restart", backfilled=row.backfilled, published_us=row.published_us,
        )
        for row in rows
    ]  # fmt: skip


async def put(endpoint: ClickHouseEndpoint, topic: str, records: Sequence[object]) -> None:
    """Store records as the sink does."""
    client = await clickhouse.connect(endpoint)
    table = BY_TOPIC[topic]
    try:
        columns = table.columns(records)
        await Store(client, endpoint).insert(table, columns, token=uuid.uuid4().hex, send_by_s=clock.monotonic_s() + 30)
    finally:
        await client.close()


async def stored(endpoint: ClickHouseEndpoint, run: Run) -> None:
    """Store a whole run."""
    await put(endpoint, "md.delta", deltas(run))
    await put(endpoint, "md.book", books(run))
    await put(endpoint, "md.trade", trades(run))
    for one in gaps(run.gaps):
        # Each state of a gap in a batch of its own, as it comes.
        await put(endpoint, "md.gap", [one])


def written(run: Run, folder: Path) -> Path:
    """Write the run's journal and outages down, and return the folder."""
    journal = Journal(folder / file_name(OF.venue, OF.market))
    for record in run.records:
        journal.write(record)
    journal.close()
    for outage in run.outages:
        outages.append(folder / outages.FILE_NAME, outage)
    return folder


def killed() -> Run:
    """Return a run in which a producer was killed, which cost two messages, and all was told."""
    run = played_run()
    run.lose(4, 5)
    run.repaired(5.2, 5)
    run.gaps = [
        gap(3, None, ids=(FIRST + 3, None), cause="restart", published=5.1),
        gap(3, 5.2, ids=(FIRST + 3, FIRST + 5), cause="restart"),
    ]
    run.outages = [Outage(process="producers", action="kill", at_us=at(4), back_us=at(5))]
    return run


KILLED = balanced(
    stored=Counts(trades=5, deltas=16),
    gap_records=1,
    in_gaps=4,
    books_checked=9,
    spreads=2,
    spread_symbols=1,
    faults={"kill": {"producers": 1}},
    kills=(Kill(process="producers", at_us=at(4), back_s=0.1),),
    tick_to_signal_ms=Latency(p50=2.0, p90=2.0, p99=2.0, n=2),
)


async def test_rows_are_read_as_they_stand_in_the_tables(own: ClickHouseEndpoint) -> None:
    run = killed()
    await stored(own, run)
    other = msgspec.structs.replace(trades(run)[0], symbol="ETH/USDT")
    await put(own, "md.trade", [other])
    async with store(place_of(own)) as opened:
        rows = Rows(
            levels=await opened.levels(OF),
            books=await opened.books(OF),
            trades=await opened.trades(OF),
            gaps=await opened.gaps(),
        )
        instruments = await opened.instruments()
    kinds = {"snapshot": 0, "change": 1}
    assert rows == Rows(
        levels=sorted(run.levels, key=lambda row: (row.sequence, row.epoch, kinds[row.kind])),
        books=run.books,
        trades=run.trades,
        gaps=run.gaps[1:],
    )
    assert instruments == [OF, Instrument("bybit", "spot", "ETH/USDT")]


async def test_a_run_that_is_in_order_is_balanced(own: ClickHouseEndpoint, tmp_path: Path) -> None:
    run = killed()
    await stored(own, run)
    await put(own, "signal.spread", [spread(OF.symbol, number) for number in (1, 2)])
    folder = written(run, tmp_path)
    assert await audit(folder, folder / outages.FILE_NAME, place_of(own)) == KILLED


async def test_funding_is_counted_once_and_what_stands_twice_is_a_problem(
    own: ClickHouseEndpoint, tmp_path: Path
) -> None:
    """K4: two parts that a venue told at one moment are two records; the same one again is a duplicate."""
    run = killed()
    await stored(own, run)
    await put(own, "signal.spread", [spread(OF.symbol, number) for number in (1, 2)])
    told = [funding(OF.symbol, 1, market="spot"), funding(OF.symbol, 1, market="spot", index_price=64_000.0)]
    await put(own, "md.funding", told)
    folder = written(run, tmp_path)
    assert await audit(folder, folder / outages.FILE_NAME, place_of(own)) == msgspec.structs.replace(KILLED, funding=2)
    await put(own, "md.funding", told[:1])
    assert await audit(folder, folder / outages.FILE_NAME, place_of(own)) == msgspec.structs.replace(
        KILLED,
        funding=2,
        duplicates=1,
        problems=(f"{OF} funding: 1 of 3 rows repeat another one",),
        balanced=False,
    )


async def test_rows_of_an_instrument_that_no_journal_lists_are_a_problem(
    own: ClickHouseEndpoint, tmp_path: Path
) -> None:
    run = killed()
    await stored(own, run)
    await put(own, "signal.spread", [spread(OF.symbol, number) for number in (1, 2)])
    await put(own, "md.trade", [msgspec.structs.replace(trades(run)[0], symbol="ETH/USDT")])
    await put(own, "md.gap", [msgspec.structs.replace(gaps(run.gaps)[1], symbol="SOL/USDT")])
    folder = written(run, tmp_path)
    assert await audit(folder, folder / outages.FILE_NAME, place_of(own)) == msgspec.structs.replace(
        KILLED,
        gap_records=2,
        problems=tuple(
            f"bybit:spot:{symbol}: rows are stored, and no journal lists it" for symbol in ("ETH/USDT", "SOL/USDT")
        ),
        balanced=False,
    )


async def as_process(endpoint: ClickHouseEndpoint, folder: Path) -> tuple[int, Audit]:
    """Run the audit as a process and return its exit code and what it printed."""
    place = place_of(endpoint)
    (folder / "tapeline.toml").touch()
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TAPELINE_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "simulator.audit", "--journals", str(folder), "--url", place.url, "--user", place.user,
        "--database", place.database,
        cwd=folder,
        env={**environ, "PYTHONPATH": str(ROOT), "TAPELINE_CLICKHOUSE__PASSWORD": place.password},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, msgspec.json.decode(said, type=Audit)


async def test_the_process_tells_by_its_exit_code_whether_it_is_balanced(
    own: ClickHouseEndpoint, tmp_path: Path
) -> None:
    run = killed()
    await stored(own, run)
    folder = written(run, tmp_path)
    wanted = msgspec.structs.replace(KILLED, spreads=0, spread_symbols=0, tick_to_signal_ms=Latency())
    assert await as_process(own, folder) == (0, wanted)
    await put(own, "md.trade", trades(run)[:1])
    code, found = await as_process(own, folder)
    assert (code, found.balanced, found.duplicates) == (1, False, 1)


async def test_who_is_not_let_in_is_told_what_to_do(own: ClickHouseEndpoint, tmp_path: Path) -> None:
    folder = written(killed(), tmp_path)
    nothing = folder / "no-outages"
    with pytest.raises(Misconfigured, match=r"does not let the audit in .*: give its user and password"):
        await audit(folder, nothing, replace(place_of(own), password="wrong"))
    with pytest.raises(Misconfigured, match=r"has no such table .*: name the database that the sinks fill"):
        await audit(folder, nothing, replace(place_of(own), database="default"))
    with pytest.raises(Unavailable, match="does not answer"):
        await audit(folder, nothing, replace(place_of(own), url=f"http://127.0.0.1:{free_port()}"))
    with pytest.raises(Misconfigured, match="there is no journal in"):
        await audit(tmp_path / "empty", nothing, place_of(own))
