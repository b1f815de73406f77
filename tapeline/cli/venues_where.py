"""Which markets a probe connects to and at which addresses: those given, those of a simulator, else those of settings.

A market without an address is left out with the reason, unless it was asked for by name: then that is the answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from tapeline.cli import reaching
from tapeline.domain.instruments import MARKETS, Market
from tapeline.errors import Misconfigured
from tapeline.runtime import runfile, venue_hosts
from tapeline.runtime.settings import Venues
from tapeline.venues import registry
from tapeline.venues.contract import Hosts, Venue

Place = tuple[str, Market]
GIVEN: Final = "given"
SIMULATED: Final = "simulated"
_WORDS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The options that say which markets, and where they are."""

    venue: str | None = None
    among: tuple[str, ...] = ()
    """Where no venue is named, only these; empty: all."""
    market: str | None = None
    rest: str | None = None
    ws: str | None = None
    sim: Path | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """Where a market is to be reached on which network."""

    network: str
    hosts: Hosts


class _Printed(msgspec.Struct, frozen=True):
    """A line of `tapeline sim --json`, as far as it matters here."""

    venue: str
    market: str
    rest: str
    ws: str
    key: str | None = None


def places(asked: Asked) -> tuple[tuple[Venue, Market], ...]:
    """Return the markets that are asked for, in the registry's order; Misconfigured for what there is not."""
    if asked.market is not None and asked.market not in MARKETS:
        raise Misconfigured(f"there is no market {asked.market!r}", fix=f"use {' or '.join(MARKETS)}")
    names = (asked.venue,) if asked.venue is not None else asked.among or tuple(registry.VENUES)
    venues = tuple(map(registry.venue, names))
    found = tuple((one, market) for one in venues for market in one.feeds if asked.market in (None, market))
    if not found:
        raise Misconfigured(f"{asked.venue} has no market {asked.market}", fix="leave out --market")
    return found


def targets(
    asked: Asked, wanted: Iterable[Place], own: Mapping[Place, Hosts] | None = None
) -> tuple[dict[Place, Target], dict[Place, str]]:
    """Return where each market is, and why the others are nowhere; `own` are simulated ones that run for us."""
    listed = tuple(wanted)
    if own is not None:
        return _among(asked, listed, own, "no simulator of it was started")
    if asked.rest is not None or asked.ws is not None:
        return {listed[0]: _given(asked, listed)}, {}
    if asked.sim is not None:
        return _among(asked, listed, _read(asked.sim), f"{asked.sim} has no address of it")
    found = reaching.meant()
    simulated = venue_hosts.simulated(runfile.standing(found.data.dir))
    if simulated or found.venues.network == SIMULATED:
        return _among(asked, listed, simulated, "no simulator of it runs")
    return _real(listed, found.venues)


def _given(asked: Asked, listed: tuple[Place, ...]) -> Target:
    if asked.rest is None or asked.ws is None or len(listed) != 1:
        raise Misconfigured(
            "--rest and --ws are the addresses of one market", fix="give both, with --venue and --market"
        )
    return Target(GIVEN, Hosts(rest=asked.rest.rstrip("/"), ws=asked.ws.rstrip("/")))


def _among(
    asked: Asked, listed: tuple[Place, ...], simulated: Mapping[Place, Hosts], reason: str
) -> tuple[dict[Place, Target], dict[Place, str]]:
    """Return those of the markets that are simulated."""
    found = {place: Target(SIMULATED, simulated[place]) for place in listed if place in simulated}
    if not found or (asked.venue is not None and asked.market is not None and len(found) < len(listed)):
        which = " ".join(word for word in (asked.venue, asked.market) if word) or "venue"
        raise Misconfigured(
            f"no simulated {which} is known ({reason})",
            fix="start it with `tapeline demo`, or with `tapeline sim --json > FILE` and give --sim FILE",
        )
    return found, {place: reason for place in listed if place not in found}


def _real(listed: tuple[Place, ...], settings: Venues) -> tuple[dict[Place, Target], dict[Place, str]]:
    found: dict[Place, Target] = {}
    missing: dict[Place, str] = {}
    for venue, market in listed:
        try:
            hosts = venue_hosts.real(registry.feed(venue, market).facts, settings)
        except Misconfigured as error:
            missing[venue, market] = str(error).replace(f"{venue}:{market}", "it", 1)
        else:
            found[venue, market] = Target(settings.network, hosts)
    return found, missing


def _read(file: Path) -> dict[Place, Hosts]:
    """Return what the lines of `tapeline sim` say, as text or as JSON."""
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"--sim {file} cannot be read ({error})", fix="give the file it prints into") from error
    return printed(lines, str(file))


def printed(lines: Iterable[str], source: str) -> dict[Place, Hosts]:
    """Return what the lines of a simulator say; Misconfigured where one says something else."""
    found: dict[Place, Hosts] = {}
    for line in filter(None, map(str.strip, lines)):
        one = _line(line)
        if one is None or one.market not in MARKETS:
            raise Misconfigured(f"{source} has a line that `tapeline sim` does not print: {line!r}", fix="take it out")
        market: Market = "spot" if one.market == "spot" else "futures"
        facts = registry.feed(one.venue, market).facts
        found[one.venue, market] = venue_hosts.bearing(facts, Hosts(rest=one.rest, ws=one.ws), one.key)
    return found


def _line(line: str) -> _Printed | None:
    if line.startswith("{"):
        try:
            return msgspec.json.decode(line, type=_Printed)
        except msgspec.DecodeError:
            return None
    words = line.split()
    return _Printed(*words) if len(words) == _WORDS else None
