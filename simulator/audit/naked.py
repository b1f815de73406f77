"""How long what was dealt of a symbol stood on one side: from the fill that opened it to the fill that closed it.

All venues and markets of a symbol count together, less the fees that were taken in its base coin. What is worth at most
5 USDT at the price of the last fill, or is less than a lot, is flat: no venue would take an order to repair it. Nor can
such rests at several places be dealt as one, so it is flat as well where nothing is left without them.

A stretch is one of an outage where the executor or Postgres was away at some time in it, or where a place refused
everything that the same intents have orders at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from simulator import instruments
from simulator.audit.dealings import Away, Dealings, Dealt
from simulator.audit.exact import ZERO, plus, signed, text, times
from simulator.audit.findings import Findings, between
from simulator.audit.order_rows import OrderRow
from simulator.audit.outages import Outage

MOST_S: Final = 2.0
MOST_IN_OUTAGE_S: Final = 10.0
_SMALL: Final = Decimal(5)
_US_PER_S: Final = 1_000_000
_DIGITS: Final = 3
_LOTS: Final = {one.symbol: one.lot.exact(1) for one in instruments.listed(instruments.MOST_SYMBOLS)}
_NEEDED: Final = ("executor", "postgres")


class Naked(msgspec.Struct, frozen=True, kw_only=True):
    """The longest stretches in seconds: apart from every outage, and beside one."""

    longest_s: float = 0.0
    in_outage_s: float = 0.0


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """A symbol on one side; `worth` is the most that it was."""

    symbol: str
    begin_us: int
    end_us: int
    worth: Decimal
    places: frozenset[str]

    @property
    def lasted_s(self) -> float:
        """Return how long it was."""
        return round((self.end_us - self.begin_us) / _US_PER_S, _DIGITS)

    def touches(self, away: Away) -> bool:
        """Tell whether something it needed was away at some time in it."""
        later = away.begin_us > self.end_us
        earlier = away.end_us is not None and away.end_us < self.begin_us
        return not (later or earlier) and (away.place is None or away.place in self.places)


def check_naked(
    dealings: Sequence[Dealings], rows: Iterable[OrderRow], outages: Iterable[Outage], findings: Findings
) -> Naked:
    """Return the longest stretches, and say those that are too long."""
    away = [*(one for dealt in dealings for one in dealt.shut), *(_away(one) for one in outages if _needed(one))]
    longest_s = in_outage_s = 0.0
    for one in stretches(dealings, partners(rows)):
        beside = sorted({other.name for other in away if one.touches(other)})
        if beside:
            in_outage_s = max(in_outage_s, one.lasted_s)
        else:
            longest_s = max(longest_s, one.lasted_s)
        most_s = MOST_IN_OUTAGE_S if beside else MOST_S
        if one.lasted_s > most_s:
            told = f"stood on one side {between(one.begin_us, one.end_us)}, {one.lasted_s:g} s, at most {most_s:g} s"
            why = f", beside {', '.join(beside)}" if beside else ""
            findings.say("naked", f"{one.symbol}: {text(one.worth)} {told} are allowed{why}")
    return Naked(longest_s=longest_s, in_outage_s=in_outage_s)


def partners(rows: Iterable[OrderRow]) -> Mapping[str, frozenset[str]]:
    """Return for each order, by its client id, the places of all orders of its intent."""
    every = tuple(rows)
    places: dict[str, set[str]] = {}
    for row in every:
        places.setdefault(row.intent_id, set()).add(row.place)
    return {row.client_id: frozenset(places[row.intent_id]) for row in every}


def stretches(dealings: Sequence[Dealings], partner: Mapping[str, frozenset[str]]) -> list[Stretch]:
    """Return all stretches, those of a symbol in order of time; one that nothing closed ends with the run."""
    end_us = max((one.end_us for one in dealings), default=0)
    by_symbol: dict[str, list[Dealt]] = {}
    for fill in (fill for one in dealings for fill in one.fills):
        by_symbol.setdefault(fill.symbol, []).append(fill)
    found: list[Stretch] = []
    for _, fills in sorted(by_symbol.items()):
        found += _of_symbol(sorted(fills, key=lambda one: (one.at_us, one.place, one.fill_id)), end_us, partner)
    return found


def _of_symbol(fills: Sequence[Dealt], end_us: int, partner: Mapping[str, frozenset[str]]) -> Iterable[Stretch]:
    nets: dict[str, Decimal] = {}
    now: Stretch | None = None
    base = fills[0].symbol.partition("/")[0]
    for fill in fills:
        net = plus(nets.get(fill.place, ZERO), signed(fill.side, fill.quantity))
        nets[fill.place] = plus(net, -fill.fee) if fill.fee_coin == base else net
        large = (one for one in nets.values() if _worth(one, fill) > _SMALL)
        worth = min(_worth(plus(*nets.values()), fill), _worth(plus(*large), fill))
        places = partner.get(fill.client_id, frozenset()) | {fill.place}
        if now is None and worth > _SMALL:
            now = Stretch(symbol=fill.symbol, begin_us=fill.at_us, end_us=end_us, worth=worth, places=places)
        elif now is not None:
            now = msgspec.structs.replace(now, worth=max(now.worth, worth), places=now.places | places)
        if now is not None and worth <= _SMALL:
            yield msgspec.structs.replace(now, end_us=fill.at_us)
            now = None
    if now is not None:
        yield msgspec.structs.replace(now, end_us=max(end_us, fills[-1].at_us))


def _worth(quantity: Decimal, fill: Dealt) -> Decimal:
    """Return what a quantity is worth at a fill's price; less than a lot is worth nothing."""
    lot = _LOTS.get(fill.symbol, ZERO)
    return times(abs(quantity), fill.price) if abs(quantity) >= lot else ZERO


def _needed(outage: Outage) -> bool:
    return outage.process.startswith(_NEEDED)


def _away(outage: Outage) -> Away:
    return Away(name=f"{outage.action} of {outage.process}", begin_us=outage.at_us, end_us=outage.back_us)
