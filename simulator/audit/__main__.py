"""The audit as a process: `python -m simulator.audit --journals DIR`; prints JSON, exit 1 when it is not balanced.

Where ClickHouse and Postgres are comes from the arguments, passwords from the settings alone
(TAPELINE_CLICKHOUSE__PASSWORD, TAPELINE_DATABASE__PASSWORD): every user of the machine could read them on a command
line. Where neither arguments nor settings name a Postgres, a run must have no orders.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from simulator.audit import outages, running
from simulator.audit.compare import Audit
from simulator.audit.kept import OrdersPlace, SslMode
from simulator.audit.stored import StorePlace
from tapeline.runtime import lifecycle
from tapeline.runtime.lifecycle import Lifecycle
from tapeline.runtime.settings import Settings

SERVICE = "audit"
NOT_BALANCED = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the audit and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m simulator.audit", description=__doc__)
    parser.add_argument("--journals", type=Path, required=True, help="folder of what the markets did")
    parser.add_argument("--outages", type=Path, default=None, help=f"of processes, else {outages.FILE_NAME} there")
    parser.add_argument("--url", default=None, help="of ClickHouse, http://host:port; default: as the settings say")
    parser.add_argument("--user", default=None, help="default: as the settings say")
    parser.add_argument("--database", default=None, help="default: as the settings say")
    parser.add_argument("--postgres-host", default=None, help="of Postgres; default: as the settings say")
    parser.add_argument("--postgres-port", type=int, default=None, help="default: as the settings say")
    parser.add_argument("--postgres-user", default=None, help="default: as the settings say")
    parser.add_argument("--postgres-database", default=None, help="default: as the settings say")
    parser.add_argument("--until-us", type=int, default=None, help="leave out what was emitted later, and all orders")
    given = parser.parse_args(arguments)
    found: list[Audit] = []

    async def run(life: Lifecycle) -> None:
        place = place_of(life.settings, url=given.url, user=given.user, database=given.database)
        written = given.outages or given.journals / outages.FILE_NAME
        orders = orders_place_of(
            life.settings,
            host=given.postgres_host,
            port=given.postgres_port,
            user=given.postgres_user,
            database=given.postgres_database,
        )
        found.append(await running.audit(given.journals, written, place, orders, until_us=given.until_us))

    code = lifecycle.run(run, service=SERVICE)
    if code or not found:
        return code
    sys.stdout.write(f"{msgspec.json.encode(found[0]).decode()}\n")
    sys.stdout.flush()
    return 0 if found[0].balanced else NOT_BALANCED


def place_of(settings: Settings, *, url: str | None, user: str | None, database: str | None) -> StorePlace:
    """Return where ClickHouse is: what was given, else what the settings say."""
    named = settings.clickhouse
    scheme, host = "https" if named.secure else "http", named.host or "localhost"
    return StorePlace(
        url=url or f"{scheme}://{host}:{named.port}",
        user=user or named.username,
        password="" if named.password is None else named.password.get_secret_value(),
        database=database or named.database,
    )


def orders_place_of(
    settings: Settings, *, host: str | None, port: int | None, user: str | None, database: str | None
) -> OrdersPlace | None:
    """Return where Postgres is: what was given, else what the settings say; None where nobody names a host."""
    named = settings.database
    found = host or named.host
    if found is None:
        return None
    sslmode: SslMode = "disable"
    if named.use_tls:
        # Of a Postgres that settings do not name they do not say either how it is to be trusted.
        sslmode = "prefer" if named.host is None else named.sslmode
    return OrdersPlace(
        host=found,
        port=port or named.port,
        user=user or named.user,
        password="" if named.password is None else named.password.get_secret_value(),
        database=database or named.name,
        sslmode=sslmode,
    )


if __name__ == "__main__":
    sys.exit(main())
