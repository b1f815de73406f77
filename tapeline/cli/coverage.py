"""`tapeline coverage`: whether all of a symbol was recorded in a time, by the tapes and the gap ledger we keep."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

import msgspec

from tapeline.cli.coverage_periods import (
    FUNDING_WITHIN_US,
    TAPES,
    Coverage,
    Extent,
    Hole,
    Stream,
    coverages,
    hole,
    lacks,
)
from tapeline.cli.failure import CRASH, OK
from tapeline.cli.market_symbols import Missing, symbol_of
from tapeline.cli.reaching import services
from tapeline.cli.render import Output
from tapeline.cli.tail_plan import time_us
from tapeline.cli.trading_text import moment
from tapeline.cli.view import Cell, Grid, View, line, row, span
from tapeline.errors import Misconfigured, Unavailable
from tapeline.runtime import clickhouse, clock
from tapeline.runtime.endpoints import Endpoints

_US: Final = 1_000_000
_EXTENT: Final = """
SELECT exchange_id AS venue, market_type AS market, toUnixTimestamp64Micro(min(ts)) AS began_us,
    toUnixTimestamp64Micro(max(ts)) AS ended_us
FROM {table:Identifier} WHERE pair = {pair:String} GROUP BY exchange_id, market_type"""
_HOLES: Final = """
SELECT exchange_id AS venue, market_type AS market, channel, toUnixTimestamp64Micro(start_ts) AS start_us,
    toUnixTimestamp64Micro(end_ts) AS end_us, cause, detail, backfilled, epoch, from_id, to_id
FROM gaps FINAL
WHERE pair = {pair:String} AND start_ts <= fromUnixTimestamp64Micro({to_us:Int64})
    AND (end_ts IS NULL OR end_ts >= fromUnixTimestamp64Micro({from_us:Int64}))
ORDER BY start_ts"""
# The records of the period, with the last one before it and the first one after it.
_SILENCES: Final = """
SELECT venue, market, 'funding' AS channel, before_us AS start_us, at_us AS end_us, 'silence' AS cause,
    NULL AS detail, false AS backfilled, epoch, NULL AS from_id, NULL AS to_id
FROM (
    SELECT venue, market, epoch, at_us, lagInFrame(at_us, 1, at_us) OVER (
        PARTITION BY venue, market ORDER BY at_us ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS before_us
    FROM (
        SELECT exchange_id AS venue, market_type AS market, epoch, toUnixTimestamp64Micro(ts) AS at_us
        FROM funding WHERE pair = {pair:String}
            AND ts BETWEEN fromUnixTimestamp64Micro({from_us:Int64}) AND fromUnixTimestamp64Micro({to_us:Int64})
        UNION ALL SELECT exchange_id, market_type, argMax(epoch, ts), toUnixTimestamp64Micro(max(ts))
        FROM funding WHERE pair = {pair:String} AND ts < fromUnixTimestamp64Micro({from_us:Int64})
        GROUP BY exchange_id, market_type
        UNION ALL SELECT exchange_id, market_type, argMin(epoch, ts), toUnixTimestamp64Micro(min(ts))
        FROM funding WHERE pair = {pair:String} AND ts > fromUnixTimestamp64Micro({to_us:Int64})
        GROUP BY exchange_id, market_type))
WHERE at_us - before_us > {within_us:Int64}
ORDER BY start_us"""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Of which symbol the period is asked, in microseconds UTC."""

    symbol: str
    from_us: int
    to_us: int


def asked(text: str, start: str, end: str, now_us: int) -> Asked:
    """Return what is asked for; Misconfigured for a text that is no symbol or no time, or a period that ends first."""
    found = Asked(symbol=symbol_of(text, ()), from_us=_time("FROM", start, now_us), to_us=_time("TO", end, now_us))
    if found.from_us > found.to_us:
        raise Misconfigured(
            f"the period begins at {clock.iso(found.from_us)} and ends at {clock.iso(found.to_us)}",
            fix="give the earlier time first; an age like 2h is earlier than 10m",
        )
    return found


def _time(name: str, text: str, now_us: int) -> int:
    try:
        return time_us(text, now_us)
    except Misconfigured:
        raise Misconfigured(
            f"{name} {text!r} is no time", fix="use an age like 10m or 2h, or a UTC time like 2026-01-31T12:00"
        ) from None


def coverage(out: Output, text: str, start: str, end: str) -> int:
    """Show the coverage; exit code 1 when the period is not whole, or nothing of the symbol is stored."""
    period = asked(text, start, end, clock.now_us())
    found = asyncio.run(read(services(), period))
    if not found:
        missing = Missing(
            f"nothing of {period.symbol} is stored", fix="see with `tapeline status` whether producers and sinks run"
        )
        out.fail(missing.failure)
        return missing.failure.exit_code
    out.show(answer(period, found), partial(view, period, found))
    return OK if whole(found) else CRASH


def whole(found: Sequence[Coverage]) -> bool:
    """Tell whether every channel is."""
    return all(one.complete for one in found)


def answer(period: Asked, found: tuple[Coverage, ...]) -> Mapping[str, object]:
    """Return it as JSON has it."""
    return {
        "symbol": period.symbol,
        "from": clock.iso(period.from_us),
        "from_us": period.from_us,
        "to": clock.iso(period.to_us),
        "to_us": period.to_us,
        "complete": whole(found),
        "channels": found,
    }


async def read(known: Endpoints, period: Asked) -> tuple[Coverage, ...]:
    """Return how whole the period is of each channel that is stored."""
    client = await clickhouse.connect(known.clickhouse)

    async def rows(query: str, **parameters: object) -> tuple[Mapping[str, Any], ...]:
        return tuple((await client.query(query, parameters=parameters)).named_results())

    try:
        extents: dict[Stream, Extent] = {}
        for channel, table in TAPES.items():
            for one in await rows(_EXTENT, table=table, pair=period.symbol):
                extents[one["venue"], one["market"], channel] = one["began_us"], one["ended_us"]
        when = {"pair": period.symbol, "from_us": period.from_us, "to_us": period.to_us}
        holes = (*await rows(_HOLES, **when), *await rows(_SILENCES, **when, within_us=FUNDING_WITHIN_US))
    except Exception as error:
        # Whatever the library raises, it means that the store did not answer.
        raise Unavailable(f"ClickHouse did not answer ({clickhouse.reason(error)})") from error
    finally:
        await client.close()
    return coverages(extents, map(hole, holes), period.from_us, period.to_us)


def view(period: Asked, found: tuple[Coverage, ...]) -> View:
    """Lay out the coverage for a person: a row for each channel, then each hole."""
    verdict = Cell("whole", "good") if whole(found) else Cell("not whole", "bad")
    head = line(Cell(f"{period.symbol} ", "bold"), f"{moment(period.from_us)} to {moment(period.to_us)} UTC: ", verdict)
    columns = ("venue", "market", "channel", "", "first record", "last record", "holes>", "filled>", "lacks")
    listed = tuple(_cells(period, one) for one in found)
    holes = tuple(_hole(one, each) for one in found for each in one.holes)
    names = ("venue", "market", "channel", "from", "to", "length>", "cause", "", "detail")
    return (head, line(), Grid(columns, listed), *((line(), Grid(names, holes)) if holes else ()))


def _cells(period: Asked, one: Coverage) -> tuple[Cell, ...]:
    return row(
        Cell(one.venue, "name"),
        one.market,
        one.channel,
        Cell("whole", "good") if one.complete else Cell("not whole", "bad"),
        None if one.began_us is None else moment(one.began_us),
        None if one.ended_us is None else moment(one.ended_us),
        len(one.holes),
        sum(each.backfilled for each in one.holes),
        ", ".join(lacks(one, period.from_us, period.to_us)),
    )


def _hole(one: Coverage, each: Hole) -> tuple[Cell, ...]:
    return row(
        Cell(one.venue, "name"),
        one.market,
        one.channel,
        moment(each.start_us),
        Cell("open", "bad") if each.end_us is None else moment(each.end_us),
        None if each.end_us is None else span((each.end_us - each.start_us) / _US),
        each.cause,
        Cell("filled", "good") if each.backfilled else Cell("missing", "bad"),
        each.detail,
    )
