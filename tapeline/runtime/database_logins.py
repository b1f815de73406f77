"""Logins of Postgres, each a member of one role and no more: made anew, with a new password, at every start of `up`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import asyncpg

    from schemas.roles import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Who a process is in Postgres."""

    name: str
    role: Role
    password: str = field(repr=False)


async def ensure(pool: asyncpg.Pool, logins: Iterable[Login]) -> None:
    """Make the logins, or give those that are there the passwords; the roles are there since the migrations."""
    async with pool.acquire() as connection, connection.transaction():
        for one in logins:
            there = await connection.fetchval("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", one.name)
            verb = "ALTER" if there else "CREATE"
            await _run(connection, f"{verb} ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD %L", one.name,
                       one.password)  # fmt: skip
            others = await connection.fetch(
                "SELECT r.rolname FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid"
                " WHERE m.member = $1::text::regrole AND r.rolname <> $2",
                one.name, one.role,
            )  # fmt: skip
            for other in others:
                await _run(connection, "REVOKE %I FROM %I", other["rolname"], one.name)
            await _run(connection, "GRANT %I TO %I", one.role, one.name)


async def _run(connection: asyncpg.pool.PoolConnectionProxy, template: str, *values: str) -> None:
    """Run a statement that takes no parameters; the server itself quotes what is put into it."""
    places = ", ".join(f"${place}::text" for place in range(2, len(values) + 2))
    await connection.execute(await connection.fetchval(f"SELECT format($1, {places})", template, *values))
