"""The audit as a process: `python -m simulator.audit --journals DIR`; prints JSON, exit 1 when it is not balanced.

Where ClickHouse is comes from the arguments, the password from the settings alone (TAPELINE_CLICKHOUSE__PASSWORD):
every user of the machine could read it on a command line.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from simulator.audit import outages, running
from simulator.audit.compare import Audit
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
    parser.add_argument("--until-us", type=int, default=None, help="leave out what was emitted later")
    given = parser.parse_args(arguments)
    found: list[Audit] = []

    async def run(life: Lifecycle) -> None:
        place = place_of(life.settings, url=given.url, user=given.user, database=given.database)
        written = given.outages or given.journals / outages.FILE_NAME
        found.append(await running.audit(given.journals, written, place, until_us=given.until_us))

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


if __name__ == "__main__":
    sys.exit(main())
