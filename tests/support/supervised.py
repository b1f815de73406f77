"""`python -m tests.support.supervised TRUTH PORTS`: the shipped supervisor, whose run file names proxies.

PORTS is JSON, from a service (`kafka`, `postgres`, .., `bybit:spot`) to the port of the proxy before it; where each
service really answers is written to the file TRUTH before any process is started. Nothing else is changed.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import msgspec

from infra.embedded.__main__ import main
from infra.embedded.plans import Chosen
from tapeline.runtime.runfile import Addresses

STORES: Final = ("kafka", "registry", "postgres", "clickhouse")


def behind(true: Addresses, ports: dict[str, int]) -> Addresses:
    """Return the addresses of the proxies, and those of whatever has none."""
    told = {name: _moved(getattr(true, name), ports[name]) for name in STORES if name in ports}
    venues = {place: _moved(at, ports[place]) if place in ports else at for place, at in true.venues.items()}
    return msgspec.structs.replace(true, **told, venues=venues)


def port_of(true: Addresses, name: str) -> int:
    """Return the port on which a service really answers."""
    found = true.venues[name] if name in true.venues else getattr(true, name)
    return int(found.rpartition(":")[2])


def _moved(address: str, port: int) -> str:
    return f"{address.rpartition(':')[0]}:{port}"


def run() -> int:
    """Run the supervisor and return its exit code."""
    truth, ports = Path(sys.argv.pop(1)), msgspec.json.decode(sys.argv.pop(1), type=dict[str, int])
    find = Chosen.addresses

    def addresses(chosen: Chosen) -> Addresses:
        true = find(chosen)
        draft = truth.with_suffix(".new")
        draft.write_bytes(msgspec.json.encode(true))
        draft.replace(truth)
        return behind(true, ports)

    Chosen.addresses = addresses  # type: ignore[assignment, method-assign]  # the one thing that differs from the shipped program
    return main()


if __name__ == "__main__":
    sys.exit(run())
