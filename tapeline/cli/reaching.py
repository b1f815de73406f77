"""How a command finds the services: one try each, because the person in front of it can try again.

Commands that look mean the Tapeline of the settings; where none runs there and settings name no broker, but a demo runs
beside it, they mean the demo.
"""

from __future__ import annotations

from dataclasses import replace

from tapeline.errors import Misconfigured
from tapeline.runtime import endpoints, runfile, settings
from tapeline.runtime.endpoints import Endpoints
from tapeline.runtime.settings import Settings
from tapeline.runtime.settings_sections import CLUSTERS

ADMIN = "admin"
"""Who changes rights and tables; `.env.admin` holds its logins, which no worker reads."""


def services(found: Settings | None = None) -> Endpoints:
    """Return where the services are, each to be tried once only."""
    return impatient(endpoints.resolve(found or meant()))


def meant(service: str | None = None) -> Settings:
    """Return the settings of the Tapeline that a look is meant for; `service` may have some of its own."""
    found = settings.load(service=service)
    if found.kafka.bootstrap is not None or runfile.read(found.data.dir) is not None:
        return found
    demo = of_demo(found)
    return found if runfile.standing(demo.data.dir) is None else demo


def of_demo(found: Settings) -> Settings:
    """Return the settings with the demo's own folders, beside the real ones."""
    data = found.data.model_copy(update={"dir": found.data.dir.with_name(f"{found.data.dir.name}-demo")})
    log = found.log.model_copy(update={"dir": found.log.dir / "demo"})
    return found.model_copy(update={"data": data, "log": log})


def with_brokers(found: Settings, count: int | None) -> Settings:
    """Return the settings with as many brokers as the option says; Misconfigured for another number than 1 or 3."""
    if count is None:
        return found
    if count not in CLUSTERS:
        raise Misconfigured(f"--brokers is {count}", fix="1 or 3: of two or four, one more could not be spared")
    if found.kafka.bootstrap is not None:
        raise Misconfigured(
            "kafka.bootstrap names a broker, so none is started here",
            fix="leave out --brokers, or unset kafka.bootstrap",
        )
    embedded = {**found.embedded.model_dump(exclude_unset=True), "brokers": count}
    return found.model_copy(update={"embedded": type(found.embedded)(**embedded)})


def impatient(known: Endpoints) -> Endpoints:
    """Return the same services with no further tries at start."""
    kafka, postgres, clickhouse = known.found_kafka, known.found_postgres, known.found_clickhouse
    return replace(
        known,
        found_kafka=None if kafka is None else replace(kafka, max_retries=0),
        found_postgres=None if postgres is None else replace(postgres, max_retries=0),
        found_clickhouse=None if clickhouse is None else replace(clickhouse, max_retries=0),
    )
