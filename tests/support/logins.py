"""A login of Postgres for the length of a block, in the role that a process has."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from schemas.roles import Role
from tapeline.runtime import database_logins, postgres
from tapeline.runtime.database_logins import Login
from tapeline.runtime.endpoints import PostgresEndpoint
from tapeline.runtime.transactions import Transactions


@asynccontextmanager
async def entered(endpoint: PostgresEndpoint, role: Role) -> AsyncIterator[Transactions]:
    """Enter a migrated database, known by its owner's endpoint, as a login of that role, by its password."""
    login = Login(name=f"t_{uuid.uuid4().hex[:12]}", role=role, password=uuid.uuid4().hex)
    async with await postgres.connect(endpoint) as owner:
        await database_logins.ensure(owner, [login])
        mine = replace(endpoint, user=login.name, password=login.password)
        try:
            async with await postgres.connect(mine) as pool:
                yield Transactions(pool, mine)
        finally:
            await owner.execute(f"DROP ROLE {login.name}")
