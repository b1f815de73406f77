"""The audit of a pipeline on simulated markets, by where it keeps things: journals, outages, and its ClickHouse."""

from __future__ import annotations

from infra.embedded.workers import JOURNAL
from simulator.audit import outages
from simulator.audit.compare import Audit
from simulator.audit.running import audit
from simulator.audit.stored import StorePlace
from tapeline.runtime import endpoints
from tapeline.runtime.settings import Settings


async def audited_in(found: Settings, *, until_us: int | None = None) -> Audit:
    """Audit the run of these settings, all of it or what was emitted until a time."""
    store = endpoints.resolve(found).clickhouse
    place = StorePlace(
        url=f"http://{store.host}:{store.port}",
        user=store.username,
        password=store.password or "",
        database=store.database,
    )
    folder = found.data.dir
    return await audit(folder / JOURNAL, folder / outages.FILE_NAME, place, until_us=until_us)
