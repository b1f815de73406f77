"""Fills: what the venues dealt against what stands in Postgres, each known by the venue's ids of trade and order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from simulator.audit.dealings import Dealings, Dealt
from simulator.audit.exact import text
from simulator.audit.findings import Findings
from simulator.audit.order_rows import FillRow

Key = tuple[str, str, str]
"""venue:market, symbol, id."""


class FillCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Fills that stand more than once, and those that one side alone has."""

    doubled: int = 0
    orphan: int = 0


def compare_fills(dealings: Iterable[Dealings], rows: Sequence[FillRow], findings: Findings) -> FillCounts:
    """Compare all fills of all venues."""
    dealt = [one for found in dealings for one in found.fills]
    theirs: dict[Key, Dealt] = {(one.place, one.symbol, one.fill_id): one for one in dealt}
    ours: dict[Key, FillRow] = {(row.place, row.symbol, row.fill_id): row for row in rows}
    doubled = _doubled(((one.place, one.symbol, one.fill_id) for one in dealt), "at the venue", findings)
    doubled += _doubled(((row.place, row.symbol, row.fill_id) for row in rows), "in Postgres", findings)
    alone = sorted(set(theirs) ^ set(ours))
    for key in alone:
        there, name = (True, theirs[key].client_id) if key in theirs else (False, ours[key].client_id)
        told = "was dealt at the venue and is not in Postgres" if there else "is in Postgres and was never dealt"
        findings.say("order orphan", f"{_named(key)} of order {name or 'none'}: it {told}")
    for key in sorted(set(theirs) & set(ours)):
        _compare(key, ours[key], theirs[key], findings)
    return FillCounts(doubled=doubled, orphan=len(alone))


def _named(key: Key) -> str:
    place, symbol, name = key
    return f"fill {name} at {place}:{symbol}"


def _doubled(keys: Iterable[Key], where: str, findings: Findings) -> int:
    often = {key: count for key, count in Counter(keys).items() if count > 1}
    for key, count in sorted(often.items()):
        findings.say("order doubled", f"{_named(key)}: it stands {count} times {where}")
    return sum(often.values()) - len(often)


def _compare(key: Key, ours: FillRow, theirs: Dealt, findings: Findings) -> None:
    told = {
        "order": (ours.client_id or "none", theirs.client_id),
        "side": (ours.side, theirs.side),
        "price": (text(ours.price), text(theirs.price)),
        "quantity": (text(ours.quantity), text(theirs.quantity)),
        "fee": (f"{text(ours.fee)} {ours.fee_coin}", f"{text(theirs.fee)} {theirs.fee_coin}"),
        "fee in quote": (text(ours.fee_quote), text(theirs.fee_quote)),
    }
    for what, (here, there) in told.items():
        if here != there:
            of = f"{_named(key)} of order {theirs.client_id}"
            findings.say("fill", f"{of}: its {what} is {here} in Postgres and {there} at the venue")
