"""The simulator's process: `python -m simulator --venue all`; one JSON line per exchange when all are ready."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
from pydantic import SecretStr

from simulator import faults, instruments, places, running
from simulator.running import Ready
from simulator.terms import FUNDING_S, Key
from tapeline.errors import Misconfigured
from tapeline.runtime import lifecycle
from tapeline.runtime.lifecycle import Lifecycle


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the process and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m simulator", description=__doc__)
    parser.add_argument("--venue", default=places.ALL, help=f"{', '.join(places.VENUES)} or {places.ALL} (the default)")
    parser.add_argument("--market", default=places.ALL, help="spot, futures or all (the default)")
    parser.add_argument(
        "--ports", type=_ports, default=(), help="comma separated, one for each exchange; default: free ones"
    )
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same market")
    parser.add_argument("--faults", default="", help=f"comma separated, or all: {', '.join(faults.SIMULATED)}")
    parser.add_argument("--symbols", type=int, default=instruments.DEFAULT_SYMBOLS, help="how many are listed")
    parser.add_argument("--rate", type=float, default=1.0, help="scales how much happens")
    parser.add_argument("--funding-s", type=int, default=FUNDING_S, help="how often futures pay funding")
    parser.add_argument("--journal", type=Path, default=None, help="folder for what the markets did")
    given = parser.parse_args(arguments)

    async def run(life: Lifecycle) -> None:
        options = places.Options(
            places=places.choose(given.venue, given.market),
            ports=given.ports,
            seed=given.seed,
            faults=faults.parse(given.faults),
            symbols=given.symbols,
            rate=given.rate,
            funding_s=given.funding_s,
            journal=given.journal,
            keys=_keys(life.settings.simulation.keys),
        )
        await running.run(life, options, _tell)

    return lifecycle.run(run, service=running.SERVICE)


def _keys(given: SecretStr | None) -> dict[str, Key]:
    """Return the keys that the settings give; Misconfigured when they are no such thing."""
    if given is None:
        return {}
    try:
        return msgspec.json.decode(given.get_secret_value(), type=dict[str, Key])
    except msgspec.DecodeError as error:
        fix = 'give {"bybit": {"key": "..", "secret": ".."}, ..}'
        raise Misconfigured(f"simulation.keys are no keys by venue ({error})", fix=fix) from None


def _ports(text: str) -> tuple[int, ...]:
    return tuple(int(port) for port in text.split(","))


def _tell(ready: Ready) -> None:
    sys.stdout.write(f"{msgspec.json.encode(ready).decode()}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
