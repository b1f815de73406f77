"""Measures every market and writes docs/integrity.json and the tables of docs/integrity.md: `make integrity`."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections import Counter

from simulator import places
from tapeline.domain.book import BookKeeper, WentStale
from tests.integrity import ccxt_pro
from tests.integrity.judging import Verdict
from tests.integrity.measuring import Measured, measure
from tests.integrity.promises import broken_by, rule_of
from tests.support import documents, integrity
from tests.support.integrity import Fault, Recorded, Row
from tests.venues import test_continuity as continuity
from tests.venues.recorded import captures

EXCHANGES = places.choose(",".join(places.FACES), places.ALL)


def main() -> int:
    """Measure, write, and say what is not as it is promised."""
    options = argparse.ArgumentParser(prog="make integrity", description=__doc__)
    options.add_argument("--messages", type=int, default=4_000, help="book messages of each run")
    options.add_argument("--seed", type=int, default=1, help="seed of markets and faults")
    options.add_argument(
        "--venue", default=",".join(places.FACES), help="measure only these and keep the rows of the others"
    )
    options.add_argument("--peer", action="store_true", help="measure what ccxt.pro makes of holes, nothing else")
    asked = options.parse_args()
    before = integrity.read()
    if asked.peer:
        return _peer(before)
    rows = {row.place: row for row in before.rows}
    wrong: list[str] = []
    for place in places.choose(asked.venue, places.ALL):
        found = measure(place, messages=asked.messages, seed=asked.seed)
        wrong += [
            f"{place}: {told}"
            for each in found.verdicts.values()
            for one in each
            for told in broken_by(found.facts, one)
        ]
        rows[str(place)] = _row(found)
        sys.stdout.write(f"{place}: {found.clean.messages} messages, {sum(map(len, found.verdicts.values()))} faults\n")
    kept = [rows[str(place)] for place in EXCHANGES if str(place) in rows]
    integrity.store(integrity.Measured(seed=asked.seed, rows=kept, peers=before.peers))
    documents.write(documents.ROOT / "docs" / "integrity.md")
    sys.stdout.write("\n".join([*wrong, f"{len(wrong)} not as promised", ""]))
    return 1 if wrong else 0


def _peer(before: integrity.Measured) -> int:
    """Let ccxt.pro meet holes on every market that it knows, and keep our own rows."""
    wanted = [place for place in EXCHANGES if place.venue in ccxt_pro.VENUES]
    peers = asyncio.run(ccxt_pro.measured(wanted))
    integrity.store(integrity.Measured(seed=before.seed, rows=before.rows, peers=peers))
    documents.write(documents.ROOT / "docs" / "integrity.md")
    return 0


def _row(found: Measured) -> Row:
    return Row(
        place=str(found.place),
        rule=rule_of(found.facts.book),
        messages=found.clean.messages,
        false_alarms=len(found.clean.gaps),
        wrong=len(found.clean.wrong),
        undisturbed=found.undisturbed,
        faults=[_fault(kind, every) for kind, every in found.verdicts.items()],
        recorded=_recorded(found.place.venue, found.place.market),
    )


def _fault(kind: str, every: list[Verdict]) -> Fault:
    return Fault(
        kind=kind,
        injected=len(every),
        how=dict(sorted(Counter(one.how for one in every).items())),
        covered=sum(one.covered for one in every),
        found_ms=max((one.found_us or 0 for one in every), default=0) // 1000,
        wrong=sum(one.wrong for one in every),
        wrong_ms=max((one.wrong_us for one in every), default=0) // 1000,
    )


def _recorded(venue: str, market: str) -> Recorded | None:
    """Return what the gap rule makes of the recorded stretches of a market, None where there are none."""
    names = [name for name in continuity.STRETCHES if name.startswith(f"{venue}/{market}.")]
    if captures() is None or not names:
        return None
    changes = alarms = 0
    for name in names:
        keeper = BookKeeper(epoch=1)
        for change in continuity.changes(name):
            changes += 1
            alarms += isinstance(continuity.feed_in(keeper, change), WentStale)
    return Recorded(stretches=len(names), changes=changes, false_alarms=alarms)


if __name__ == "__main__":
    sys.exit(main())
