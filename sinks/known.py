"""What is stored already, by identity, with bounded memory and no blind spot; pure.

For each group (an instrument, or a symbol) every identity is known whose time lies in [since_us, until_us]. A record
outside of that is not judged: `wanted` names the look-up that is needed first. So memory is bounded by forgetting the
oldest, and forgetting costs a look-up, never a doubled row. What is known comes from the store itself: it says what is
stored, also by a predecessor, at any age and after the topic's retention has passed, and costs nothing at a start.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, NamedTuple

FOREVER: Final = 2**63 - 1
MARGIN_US: Final = 10_000_000
"""How far before a record the look-up begins, so that its neighbours need none of their own."""

Group = tuple[str, ...]


class Key(NamedTuple):
    """What tells one record from all others: its group, its identity within it, and its time."""

    group: Group
    identity: Hashable
    ts_us: int


@dataclass(slots=True)
class _Stored:
    """What is known of one group."""

    since_us: int
    until_us: int
    times: dict[Hashable, int]


class Known:
    """The identities that are stored, of one table and one partition."""

    def __init__(self, *, limit: int = 1_000, groups: int = 5_000) -> None:
        """Begin with nothing known; a group keeps its newest `limit` identities (for a while twice as many)."""
        self._limit = limit
        self._most = groups
        self._groups: dict[Group, _Stored] = {}

    def wanted(self, keys: Iterable[Key]) -> dict[Group, int]:
        """Return which groups must be looked up, and from what time on, before these keys can be judged."""
        found: dict[Group, int] = {}
        for group, (low, high) in _spans(keys).items():
            stored = self._groups.get(group)
            if stored is None or low < stored.since_us:
                found[group] = low - MARGIN_US
            elif high > stored.until_us:
                found[group] = stored.until_us + 1
        return found

    def loaded(self, asked: Mapping[Group, int], found: Iterable[Key], *, limit: int) -> bool:
        """Take in a look-up's answer: for each group its oldest keys from the asked time on, at most `limit`.

        Return False when more must be asked for: `limit` keys of a group have the same time, so nothing is known yet.
        """
        enough = True
        by_group: dict[Group, list[Key]] = {group: [] for group in asked}
        for key in found:
            by_group[key.group].append(key)
        for group, keys in by_group.items():
            since_us = asked[group]
            # Cut off at the limit: its last time may have had more.
            until_us = FOREVER if len(keys) < limit else max(key.ts_us for key in keys) - 1
            if until_us < since_us:
                enough = False
                continue
            times = {key.identity: key.ts_us for key in keys}
            before = self._groups.pop(group, None)
            if before is not None and since_us <= before.until_us + 1 and until_us >= before.since_us - 1:
                since_us, until_us = min(since_us, before.since_us), max(until_us, before.until_us)
                times = before.times | times
            self._groups[group] = _Stored(since_us, until_us, times)
        return enough

    def fresh(self, keys: Sequence[Key]) -> list[bool]:
        """Tell of each key whether it is neither stored nor earlier among these; all must have been looked up."""
        if missing := self.wanted(keys):
            message = f"these groups were not looked up: {missing}"
            raise RuntimeError(message)
        seen: set[tuple[Group, Hashable]] = set()
        answer: list[bool] = []
        for group, identity, _ in keys:
            new = identity not in self._groups[group].times and (group, identity) not in seen
            seen.add((group, identity))
            answer.append(new)
        return answer

    def stored(self, keys: Iterable[Key]) -> None:
        """Remember what is stored now; forget the oldest where that is too much."""
        for group, identity, ts_us in keys:
            self._groups[group].times[identity] = ts_us
        for group in {key.group for key in keys}:
            # Used last, forgotten last.
            stored = self._groups[group] = self._groups.pop(group)
            if len(stored.times) > 2 * self._limit:
                _forget(stored, self._limit)
        for group in list(islice(self._groups, max(0, len(self._groups) - self._most))):
            del self._groups[group]

    def __len__(self) -> int:
        """Return how many identities are held."""
        return sum(len(stored.times) for stored in self._groups.values())


def _forget(stored: _Stored, limit: int) -> None:
    stored.since_us = sorted(stored.times.values())[-limit]
    stored.times = {identity: at_us for identity, at_us in stored.times.items() if at_us >= stored.since_us}


def _spans(keys: Iterable[Key]) -> dict[Group, tuple[int, int]]:
    spans: dict[Group, tuple[int, int]] = {}
    for group, _, ts_us in keys:
        low, high = spans.get(group, (ts_us, ts_us))
        spans[group] = min(low, ts_us), max(high, ts_us)
    return spans
