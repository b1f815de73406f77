"""Reads ClickHouse over plain HTTP as a user would: SELECTs on the tables of the tape, rows as JSON, streamed.

Every answer is awaited whole by the server (`wait_end_of_query`), so that a status says honestly whether it is whole.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, TypeVar

import aiohttp
import msgspec

from simulator.audit.rows import BookRow, FundingRow, GapRow, Instrument, LevelRow, SpreadRow, TradeRow
from tapeline.errors import InvalidMessage, Misconfigured, Unavailable

Row = TypeVar("Row")

_SETTINGS: Final = {"wait_end_of_query": "1", "output_format_json_quote_64bit_integers": "0"}
_CHUNK: Final = 1 << 20
_REASON_CHARS: Final = 300
_ANSWER_S: Final = 120.0
_NOT_IN: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})

_LEVELS: Final = """
SELECT kind, epoch, sequence_num, side, price, amount, toUnixTimestamp64Micro(ts), toUnixTimestamp64Micro(received_ts)
FROM orderbook_deltas
WHERE exchange_id = {venue:String} AND market_type = {market:String} AND pair = {symbol:String}
ORDER BY sequence_num, epoch, kind, level"""
_BOOKS: Final = """
SELECT epoch, sequence_num, state, depth, toUnixTimestamp64Micro(ts), bids.price, bids.amount, asks.price, asks.amount
FROM orderbook_snapshots
WHERE exchange_id = {venue:String} AND market_type = {market:String} AND pair = {symbol:String}
ORDER BY sequence_num, epoch"""
_TRADES: Final = """
SELECT trade_id, side, price, amount, toUnixTimestamp64Micro(ts)
FROM trades
WHERE exchange_id = {venue:String} AND market_type = {market:String} AND pair = {symbol:String}
ORDER BY ts, trade_id"""
_GAPS: Final = """
SELECT exchange_id, market_type, pair, channel, epoch, from_id, to_id, toUnixTimestamp64Micro(start_ts),
    toUnixTimestamp64Micro(end_ts), cause, backfilled, toUnixTimestamp64Micro(published_ts)
FROM gaps FINAL ORDER BY exchange_id, market_type, pair, start_ts, channel, epoch"""
_FUNDING: Final = """
SELECT exchange_id, market_type, pair, count(),
    uniqExact(tuple(epoch, received_ts, rate, mark_price, index_price, next_ts, interval_us))
FROM funding GROUP BY exchange_id, market_type, pair ORDER BY ALL"""
_SPREADS: Final = """
SELECT pair, signal_id, toUnixTimestamp64Micro(published_ts) - toUnixTimestamp64Micro(first_received_ts)
FROM spreads"""
_INSTRUMENTS: Final = """
SELECT DISTINCT exchange_id, market_type, pair FROM (
    SELECT DISTINCT exchange_id, market_type, pair FROM orderbook_deltas
    UNION ALL SELECT DISTINCT exchange_id, market_type, pair FROM orderbook_snapshots
    UNION ALL SELECT DISTINCT exchange_id, market_type, pair FROM funding
    UNION ALL SELECT DISTINCT exchange_id, market_type, pair FROM trades)
ORDER BY ALL"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StorePlace:
    """Where ClickHouse answers and who asks; `url` is like http://host:port."""

    url: str
    user: str
    password: str = field(repr=False)
    database: str


class _Triple(msgspec.Struct, frozen=True, array_like=True):
    venue: str
    market: str
    symbol: str


class Store:
    """The tables; a method raises Unavailable when ClickHouse does not answer, Misconfigured when it lets nobody in."""

    def __init__(self, session: aiohttp.ClientSession, place: StorePlace) -> None:
        """Take an open session; `store` makes and closes it."""
        self._session = session
        self._place = place

    async def levels(self, of: Instrument) -> list[LevelRow]:
        """Return the changes and whole books of one instrument, by sequence."""
        return [row async for rows in self._rows(_LEVELS, LevelRow, of) for row in rows]

    async def books(self, of: Instrument) -> list[BookRow]:
        """Return the published books of one instrument, by sequence."""
        return [row async for rows in self._rows(_BOOKS, BookRow, of) for row in rows]

    async def trades(self, of: Instrument) -> list[TradeRow]:
        """Return the trades of one instrument, by time."""
        return [row async for rows in self._rows(_TRADES, TradeRow, of) for row in rows]

    async def gaps(self) -> list[GapRow]:
        """Return the last state of every gap."""
        return [row async for rows in self._rows(_GAPS, GapRow) for row in rows]

    async def funding(self) -> list[FundingRow]:
        """Return how much funding of each perpetual is stored."""
        return [row async for rows in self._rows(_FUNDING, FundingRow) for row in rows]

    def spreads(self) -> AsyncIterator[list[SpreadRow]]:
        """Yield all spreads, many at a time."""
        return self._rows(_SPREADS, SpreadRow)

    async def instruments(self) -> list[Instrument]:
        """Return every instrument that has any row."""
        found = [row async for rows in self._rows(_INSTRUMENTS, _Triple) for row in rows]
        return [Instrument(row.venue, row.market, row.symbol) for row in found]

    async def _rows(self, query: str, kind: type[Row], of: Instrument | None = None) -> AsyncIterator[list[Row]]:
        decoder = msgspec.json.Decoder(kind)
        asked = {} if of is None else {"venue": of.venue, "market": of.market, "symbol": of.symbol}
        params = {"database": self._place.database, **_SETTINGS, **{f"param_{key}": asked[key] for key in asked}}
        text = f"{query} FORMAT JSONCompactEachRow"
        try:
            async with self._session.post(self._place.url, params=params, data=text.encode()) as answer:
                if answer.status != HTTPStatus.OK:
                    raise self._refused(answer.status, await answer.text())
                rest = b""
                async for chunk in answer.content.iter_chunked(_CHUNK):
                    lines, _, rest = (rest + chunk).rpartition(b"\n")
                    yield decoder.decode_lines(lines)
                yield decoder.decode_lines(rest)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unavailable(f"ClickHouse at {self._place.url} does not answer ({error!r})") from error
        except msgspec.MsgspecError as error:
            raise InvalidMessage(f"a row of ClickHouse is not what the audit reads ({error})") from error

    def _refused(self, status: int, said: str) -> Exception:
        where, reason = f"ClickHouse at {self._place.url}", " ".join(said.split())[:_REASON_CHARS]
        if status in _NOT_IN:
            return Misconfigured(f"{where} does not let the audit in ({reason})", fix="give its user and password")
        if status == HTTPStatus.NOT_FOUND:
            return Misconfigured(f"{where} has no such table ({reason})", fix="name the database that the sinks fill")
        return Unavailable(f"{where} refused a SELECT with {status} ({reason})")


@asynccontextmanager
async def store(place: StorePlace) -> AsyncIterator[Store]:
    """Open the store for the length of the block."""
    headers = {"X-ClickHouse-User": place.user, "X-ClickHouse-Key": place.password}
    limit = aiohttp.ClientTimeout(total=_ANSWER_S)
    async with aiohttp.ClientSession(headers=headers, timeout=limit) as session:
        yield Store(session, place)
