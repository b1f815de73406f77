"""Reads Postgres as a user would: SELECTs on the tables of the order path, all of one moment, nothing written."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Literal, TypeVar

import asyncpg
import msgspec

from simulator.audit.order_rows import FillRow, IntentRow, Kept, OrderRow, PositionRow
from tapeline.errors import InvalidMessage, Misconfigured, Unavailable

Row = TypeVar("Row", bound=msgspec.Struct)

SslMode = Literal["disable", "prefer", "require", "verify-ca", "verify-full"]

_CONNECT_S: Final = 10.0
_ANSWER_S: Final = 120.0
_INTENTS: Final = "SELECT intent_id, opening, first_received_us FROM intents ORDER BY taken_us, intent_id"
_ORDERS: Final = """
SELECT client_order_id AS client_id, intent_id, venue, market::text AS market, symbol, leg::text AS leg, part, attempt,
    side::text AS side, closing, quantity, status::text AS status, filled, filled_value AS value, commission AS fees,
    created_us, expires_us, sent_us
FROM orders ORDER BY id"""
_FILLS: Final = """
SELECT venue, market::text AS market, symbol, fill_id, client_order_id AS client_id, side::text AS side, price,
    quantity, fee, fee_currency AS fee_coin, fee_quote
FROM trades ORDER BY id"""
_POSITIONS: Final = """
SELECT venue, market::text AS market, symbol, side, quantity, base_fees, funding FROM positions ORDER BY id"""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrdersPlace:
    """Where Postgres answers and who asks; `sslmode` means what it means to libpq."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str
    sslmode: SslMode = "disable"


async def read(place: OrdersPlace) -> Kept:
    """Return all rows; raise Unavailable when Postgres does not answer, Misconfigured when it lets nobody in."""
    where = f"Postgres at {place.host}:{place.port}"
    try:
        connection = await asyncpg.connect(
            host=place.host,
            port=place.port,
            user=place.user,
            password=place.password,
            database=place.database,
            ssl=place.sslmode,
            timeout=_CONNECT_S,
            command_timeout=_ANSWER_S,
        )
        try:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                return Kept(
                    intents=await _rows(connection, _INTENTS, IntentRow),
                    orders=await _rows(connection, _ORDERS, OrderRow),
                    fills=await _rows(connection, _FILLS, FillRow),
                    positions=await _rows(connection, _POSITIONS, PositionRow),
                )
        finally:
            await connection.close()
    except (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InsufficientPrivilegeError) as error:
        told = f"{where} does not let the audit in ({error})"
        raise Misconfigured(told, fix="give its user and password") from error
    except (asyncpg.InvalidCatalogNameError, asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError) as error:
        told = f"{where} has no such table ({error})"
        raise Misconfigured(told, fix="name the database that the executor fills") from error
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
        raise Unavailable(f"{where} does not answer ({error!r})") from error


async def _rows(connection: asyncpg.Connection, query: str, kind: type[Row]) -> tuple[Row, ...]:
    found = await connection.fetch(query)
    try:
        return tuple(msgspec.convert(dict(row), kind, builtin_types=(Decimal,)) for row in found)
    except msgspec.ValidationError as error:
        raise InvalidMessage(f"a row of Postgres is not what the audit reads ({error})") from error
