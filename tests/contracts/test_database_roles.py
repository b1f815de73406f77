"""Roles of Postgres on the real one: what each may do to each table, compared whole, and real tries, refused."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from importlib import resources

import asyncpg
import msgspec
import pytest

from schemas import roles
from schemas.roles import Role
from tapeline.domain.account_records import Control
from tapeline.errors import Misconfigured
from tapeline.runtime import database_logins, desired_state, migration_files, migrations, postgres
from tapeline.runtime.database_logins import Login
from tapeline.runtime.desired_state import Wish
from tapeline.runtime.endpoints import PostgresEndpoint
from tapeline.runtime.runfile import RunFile
from tapeline.runtime.settings import Settings
from tapeline.runtime.transactions import Transactions
from tests.support.logins import entered
from tests.support.own_database import own_database

WISH = Wish(scope="system", target="all", desired="HALTED", actor="a person")
ALL = tuple(roles.TABLES)


@pytest.fixture
async def endpoint(tapeline_settings: Settings, tapeline_up: RunFile) -> AsyncIterator[PostgresEndpoint]:
    """A migrated database of the test's own, entered as its owner."""
    async with own_database(tapeline_settings, tapeline_up) as found:
        async with await postgres.connect(found) as owner:
            await migrations.migrate_postgres(owner)
            await owner.execute("INSERT INTO accounts (account) VALUES ('main')")
        yield found


async def refusal(endpoint: PostgresEndpoint, role: Role, statement: str) -> str:
    """Return what a member of a role is told when it tries."""
    async with entered(endpoint, role) as transactions:
        with pytest.raises(Misconfigured) as refused:
            async with transactions.begin() as session:
                await session.execute(statement)
    return str(refused.value).partition("do this (")[2].partition(")")[0]


async def test_every_table_is_named_and_each_role_may_do_to_it_what_the_catalogue_says(
    endpoint: PostgresEndpoint,
) -> None:
    async with await postgres.connect(endpoint) as owner:
        tables = {row[0] for row in await owner.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
        rows = await owner.fetch(
            "SELECT coalesce(r.rolname, 'PUBLIC') AS role, c.relname AS name, a.privilege_type AS privilege"
            " FROM pg_class c, aclexplode(c.relacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee"
            " WHERE c.relnamespace = 'public'::regnamespace AND a.grantee <> c.relowner"
        )
    granted = {(row["role"], row["name"], row["privilege"]) for row in rows}

    assert {name for of in roles.TABLES.values() for name in of} | roles.NOBODY == tables
    assert granted == {
        (role, table, privilege)
        for role, of in roles.TABLES.items()
        for table, privileges in of.items()
        for privilege in privileges
    }


async def test_k5_single_columns_are_changed_by_whom_the_catalogue_says(endpoint: PostgresEndpoint) -> None:
    async with await postgres.connect(endpoint) as owner:
        rows = await owner.fetch(
            "SELECT r.rolname AS role, c.relname AS name, t.attname AS column, a.privilege_type AS privilege"
            " FROM pg_class c JOIN pg_attribute t ON t.attrelid = c.oid, aclexplode(t.attacl) a"
            " LEFT JOIN pg_roles r ON r.oid = a.grantee WHERE c.relnamespace = 'public'::regnamespace"
        )
    assert {(row["role"], row["name"], row["column"], row["privilege"]) for row in rows} == {
        (role, table, column, "UPDATE")
        for role, of in roles.COLUMNS.items()
        for table, columns in of.items()
        for column in columns
    }
    assert await refusal(endpoint, "tapeline_producer", "UPDATE monitoring SET enabled = false") == (
        "permission denied for table monitoring"
    )


async def test_what_acts_with_the_owners_rights_is_called_by_whom_the_catalogue_says(
    endpoint: PostgresEndpoint,
) -> None:
    async with await postgres.connect(endpoint) as owner:
        rows = await owner.fetch(
            "SELECT coalesce(r.rolname, 'PUBLIC') AS role, p.proname AS name"
            " FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a"
            " LEFT JOIN pg_roles r ON r.oid = a.grantee"
            " WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef AND a.grantee <> p.proowner"
        )
    assert {(row["role"], row["name"]) for row in rows} == {
        (role, name) for role, names in roles.FUNCTIONS.items() for name in names
    }


VERBS = {
    "SELECT": "SELECT 1 FROM {table} LIMIT 0",
    "INSERT": "INSERT INTO {table} DEFAULT VALUES",
    "UPDATE": "UPDATE {table} SET {column} = DEFAULT WHERE false",
    "DELETE": "DELETE FROM {table} WHERE false",
    "TRUNCATE": "TRUNCATE {table} CASCADE",
}


async def first_columns(endpoint: PostgresEndpoint) -> dict[str, str]:
    async with await postgres.connect(endpoint) as owner:
        rows = await owner.fetch(
            "SELECT table_name, quote_ident(column_name) AS name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND ordinal_position = 1"
        )
    return {row["table_name"]: row["name"] for row in rows}


async def may(transactions: Transactions, statement: str) -> bool:
    """Try a statement that changes nothing, and tell whether the rights were enough for it."""
    try:
        async with transactions.begin() as session:
            await session.execute(statement)
    except Misconfigured:
        return False
    except asyncpg.IntegrityConstraintViolationError:
        # An empty row is none; that is asked after the rights.
        return True
    return True


@pytest.mark.parametrize("role", ALL)
async def test_each_role_is_let_do_and_refused_the_same_when_it_tries(endpoint: PostgresEndpoint, role: Role) -> None:
    columns = await first_columns(endpoint)
    async with entered(endpoint, role) as transactions:
        found = {
            (table, privilege): await may(transactions, statement.format(table=table, column=column))
            for table, column in columns.items()
            for privilege, statement in VERBS.items()
        }

    assert found == {
        (table, privilege): privilege in roles.TABLES[role].get(table, frozenset())
        for table in columns
        for privilege in VERBS
    }


async def test_the_sink_cannot_write_orders_and_the_gateway_neither(endpoint: PostgresEndpoint) -> None:
    assert await refusal(endpoint, "tapeline_sink", "UPDATE orders SET status = 'FILLED'") == (
        "permission denied for table orders"
    )
    assert await refusal(endpoint, "tapeline_gateway", "UPDATE orders SET status = 'FILLED'") == (
        "permission denied for table orders"
    )
    assert await refusal(endpoint, "tapeline_executor", "INSERT INTO trade_history (fill_id) VALUES ('1')") == (
        "permission denied for table trade_history"
    )


@pytest.mark.parametrize("role", ALL)
async def test_nobody_writes_the_audit_but_by_its_function(endpoint: PostgresEndpoint, role: Role) -> None:
    for statement in (
        "INSERT INTO audit_logs (sequence) VALUES (1)",
        "UPDATE audit_logs SET actor = 'y'",
        "DELETE FROM audit_logs",
    ):
        assert await refusal(endpoint, role, statement) == "permission denied for table audit_logs"
    assert await refusal(endpoint, role, "UPDATE audit_head SET sequence = 0") == (
        "permission denied for table audit_head"
    )


@pytest.mark.parametrize("role", ["tapeline_executor", "tapeline_gateway"])
async def test_desired_state_is_changed_with_its_audit_and_its_copies(endpoint: PostgresEndpoint, role: Role) -> None:
    async with entered(endpoint, role) as transactions, transactions.begin() as session:
        changed = await desired_state.change(session, WISH)
    async with await postgres.connect(endpoint) as owner:
        actions = await owner.fetch("SELECT action::text, entity_id FROM audit_logs")
        waiting = await owner.fetch("SELECT stream, topic, body::text FROM outbox ORDER BY number")

    assert (changed.done, [tuple(row) for row in actions]) == (True, [("STATE_CHANGE", "all")])
    assert [(row["stream"], row["topic"]) for row in waiting] == [("control", "control"), ("control", "audit")]
    assert msgspec.json.decode(waiting[0]["body"], type=Control) == changed.state


async def test_who_may_not_change_desired_state_is_told_so(endpoint: PostgresEndpoint) -> None:
    async with entered(endpoint, "tapeline_reader") as transactions:
        with pytest.raises(
            Misconfigured, match=r"does not let the user 't_\w+' do this \(permission denied for functi"
        ):
            async with transactions.begin() as session:
                await desired_state.change(session, WISH)


async def test_the_gateway_puts_nothing_into_the_outbox_of_an_account(endpoint: PostgresEndpoint) -> None:
    told = "SELECT tell_control('order.event', 'k', 'tapeline.OrderEvent', '{}')"
    assert await refusal(endpoint, "tapeline_gateway", told) == "the stream control has no records of order.event"
    into = "INSERT INTO outbox (stream, number, topic, key, record, body) VALUES ('main', 1, 'audit', 'k', 'r', '1')"
    assert await refusal(endpoint, "tapeline_gateway", into) == "permission denied for table outbox"


async def test_a_login_has_one_role_and_its_newest_password(endpoint: PostgresEndpoint) -> None:
    login = Login(name=f"t_{uuid.uuid4().hex[:12]}", role="tapeline_sink", password="first")
    async with await postgres.connect(endpoint) as owner:
        await database_logins.ensure(owner, [login])
        await database_logins.ensure(owner, [replace(login, role="tapeline_reader", password="it's the 2nd")])
        try:
            with pytest.raises(Misconfigured, match="refused the user"):
                _ = await postgres.connect(replace(endpoint, user=login.name, password="first"))
            async with await postgres.connect(replace(endpoint, user=login.name, password="it's the 2nd")) as pool:
                member = await pool.fetch("SELECT rolname FROM pg_roles WHERE pg_has_role(oid, 'member')")
        finally:
            await owner.execute(f"DROP ROLE {login.name}")
    assert {row["rolname"] for row in member} == {login.name, "tapeline_reader"}


async def test_the_way_back_takes_every_grant_and_the_way_up_gives_them_again(endpoint: PostgresEndpoint) -> None:
    count = "SELECT count(*) FROM information_schema.role_table_grants WHERE grantee LIKE 'tapeline\\_%'"
    async with await postgres.connect(endpoint) as owner:
        before = await owner.fetchval(count)
        await migrations.migrate_postgres(owner, 8)
        between = await owner.fetchval(count)
        await migrations.migrate_postgres(owner)
        after = await owner.fetchval(count)
    assert (before > 0, between, after) == (True, 0, before)


async def test_an_owner_that_may_not_make_roles_is_told_what_to_run(endpoint: PostgresEndpoint) -> None:
    name, missing = f"t_{uuid.uuid4().hex[:12]}", f"tapeline_{uuid.uuid4().hex[:8]}"
    shipped = migration_files.load(resources.files("schemas").joinpath("postgres"))
    block = shipped[8].up.partition("-- Before Postgres 15")[0].replace("tapeline_reader", missing)
    async with await postgres.connect(endpoint) as owner:
        await owner.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'x1'")
        try:
            async with await postgres.connect(replace(endpoint, user=name, password="x1")) as weak:
                with pytest.raises(asyncpg.InsufficientPrivilegeError) as refused:
                    await weak.execute(block)
        finally:
            await owner.execute(f"DROP ROLE {name}")
    assert str(refused.value) == (
        f"the role {missing} is missing, and {name} may not make it. As an administrator run: CREATE ROLE {missing}"
    )
