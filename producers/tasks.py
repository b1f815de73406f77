"""Which tasks are this daemon's and what is to be recorded for them: rows in, wishes out, nothing is asked here.

All rows of a pair are leased together, so that no pair has two owners. A daemon takes what is free by priority, up to
MOST pairs; what it holds is given up only where nothing asks for it any more, or where something more important is free
and there is no room (K5). Time is the database's own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final

import msgspec

from producers.places import Place
from tapeline.domain.tasks import Pair, Task

MOST: Final = 500
"""Pairs of one daemon."""

Wanted = dict[Place, dict[str, int]]
"""The depth of each symbol of each market, 0 all."""


class Plan(msgspec.Struct, frozen=True):
    """What to ask the database for, the most important first, and what to give up before that."""

    claim: tuple[Pair, ...]
    release: tuple[Pair, ...]
    safe: frozenset[Pair]
    """Of what is claimed, that which is ours for some time even where the claim is not heard."""
    free_again_us: int | None
    """When the first lease of another daemon runs out, None: none is waited for."""


def plan(tasks: Iterable[Task], me: str, now_us: int, *, may: Callable[[Pair], bool], most: int = MOST) -> Plan:
    """Return which leases a daemon renews, takes and gives up; `may` tells whether it can record a pair at all."""
    rows = _by_pair(tasks)
    priorities = _priorities(rows)
    others = {pair: until for pair, of in rows.items() if (until := _held_until(of, me, now_us)) is not None}
    mine = {pair for pair, of in rows.items() if any(one.daemon == me for one in of)}
    open_to_us = [pair for pair in priorities if pair not in others and may(pair)]
    chosen = sorted(open_to_us, key=lambda pair: (-priorities[pair], pair not in mine, pair))[:most]
    # One living row is enough: who wants the pair needs all of them.
    live = {pair for pair in mine if any(one.daemon == me and (one.until_us or 0) > now_us for one in rows[pair])}
    return Plan(
        claim=tuple(chosen),
        release=tuple(sorted(mine.difference(chosen))),
        safe=frozenset(live.intersection(chosen)),
        free_again_us=min((until for pair, until in others.items() if pair in priorities and may(pair)), default=None),
    )


def wanted(tasks: Iterable[Task], pairs: Collection[Pair], *, default: int) -> Wanted:
    """Return what to record of these pairs: the deepest task of a pair wins, `default` is for those that name no depth.

    What is not enabled asks for nothing; a pair in both tables is one.
    """
    found: Wanted = {}
    rows = _by_pair(tasks)
    priorities = _priorities(rows)
    for pair in sorted(priorities, key=lambda one: (-priorities[one], one)):
        if pair in pairs:
            depths = [one.depth for one in rows[pair] if one.enabled and one.depth is not None]
            found.setdefault(Place(pair.venue, pair.market), {})[pair.symbol] = _deepest(depths or [default])
    return found


class Difference(msgspec.Struct, frozen=True):
    """The steps from what is recorded of a market to what is wanted, in the order of doing; the rest is untouched."""

    unsubscribe: tuple[str, ...]
    resubscribe: Mapping[str, int]
    """At another depth: unsubscribed first as well (K6)."""
    subscribe: Mapping[str, int]


def difference(carried: Mapping[str, int], desired: Mapping[str, int]) -> Difference:
    """Return what differs, by name and depth."""
    return Difference(
        unsubscribe=tuple(name for name in carried if name not in desired),
        resubscribe={name: depth for name, depth in desired.items() if name in carried and carried[name] != depth},
        subscribe={name: depth for name, depth in desired.items() if name not in carried},
    )


def _by_pair(tasks: Iterable[Task]) -> dict[Pair, list[Task]]:
    found: dict[Pair, list[Task]] = {}
    for one in tasks:
        found.setdefault(one.pair, []).append(one)
    return found


def _priorities(rows: Mapping[Pair, list[Task]]) -> dict[Pair, int]:
    """Return the priority of each pair that a task asks for."""
    asked = {pair: [one.priority for one in of if one.enabled] for pair, of in rows.items()}
    return {pair: max(found) for pair, found in asked.items() if found}


def _held_until(rows: Iterable[Task], me: str, now_us: int) -> int | None:
    """Return when the lease of another daemon on a pair runs out, None where it has or there is none."""
    until = [one.until_us for one in rows if one.daemon not in (None, me) and one.until_us is not None]
    return max((one for one in until if one > now_us), default=None)


def _deepest(depths: Iterable[int]) -> int:
    found = set(depths)
    return 0 if 0 in found else max(found)
