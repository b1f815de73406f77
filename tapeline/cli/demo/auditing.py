"""The audit of a pipeline on simulated markets, by where it keeps things: journals, outages, ClickHouse, Postgres."""

from __future__ import annotations

from infra.embedded.workers import JOURNAL
from simulator.audit import outages
from simulator.audit.compare import Audit
from simulator.audit.kept import OrdersPlace
from simulator.audit.running import audit
from simulator.audit.stored import StorePlace
from tapeline.runtime import endpoints
from tapeline.runtime.settings import Settings


async def audited_in(found: Settings, *, until_us: int | None = None) -> Audit:
    """Audit the run of these settings: all of it, or without its orders what was emitted until a time."""
    known = endpoints.resolve(found)
    store, database = known.clickhouse, known.postgres
    place = StorePlace(
        url=f"http://{store.host}:{store.port}",
        user=store.username,
        password=store.password or "",
        database=store.database,
    )
    orders = OrdersPlace(
        host=database.host,
        port=database.port,
        user=database.user,
        password=database.password or "",
        database=database.name,
        sslmode=database.sslmode,
    )
    folder = found.data.dir
    return await audit(folder / JOURNAL, folder / outages.FILE_NAME, place, orders, until_us=until_us)
