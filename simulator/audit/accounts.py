"""The simulator against itself: a wallet at the halt is what it was at the start and what the journal says moved it.

On spot coins change hands, on futures the wallet moves by what positions earned, by fees and by funding; a position
that is flat at the end earned exactly what its fills brought in.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from simulator.audit.dealings import Dealings, base_of, quote_of
from simulator.audit.exact import ZERO, minus, plus, signed, text, times
from simulator.audit.findings import Findings
from simulator.journal import Balances


def check_accounts(dealings: Iterable[Dealings], findings: Findings) -> None:
    """Check the wallets of all markets that were halted."""
    for one in dealings:
        if one.start is None or one.halt is None:
            continue
        moved = _totals(one.start)
        (_spot if one.place.endswith(":spot") else _futures)(one, moved)
        _say(one, "wallet", moved, _totals(one.halt), findings)
        held = {holding.symbol: Decimal(holding.quantity) for holding in one.halt.positions}
        if not one.place.endswith(":spot"):
            _say(one, "position", _held(one), held, findings)
            flow = {symbol: earned for symbol, earned in _flow(one).items() if symbol not in held}
            realized = {symbol: earned for symbol, earned in one.realized.items() if symbol not in held}
            _say(one, "profit of", flow, realized, findings)


def _spot(one: Dealings, moved: dict[str, Decimal]) -> None:
    for fill in one.fills:
        bought = signed(fill.side, fill.quantity)
        _move(moved, base_of(fill.symbol), bought)
        _move(moved, quote_of(fill.symbol), minus(ZERO, times(bought, fill.price)))
        _move(moved, fill.fee_coin, minus(ZERO, fill.fee))


def _futures(one: Dealings, moved: dict[str, Decimal]) -> None:
    for symbol, earned in one.realized.items():
        _move(moved, quote_of(symbol), earned)
    for fill in one.fills:
        _move(moved, fill.fee_coin, minus(ZERO, fill.fee))
    for paid in one.payments:
        _move(moved, paid.coin, paid.amount)


def _held(one: Dealings) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for fill in one.fills:
        _move(found, fill.symbol, signed(fill.side, fill.quantity))
    return found


def _flow(one: Dealings) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for fill in one.fills:
        _move(found, fill.symbol, minus(ZERO, times(signed(fill.side, fill.quantity), fill.price)))
    return found


def _totals(balances: Balances) -> dict[str, Decimal]:
    return {one.asset: Decimal(one.total) for one in balances.assets}


def _move(amounts: dict[str, Decimal], name: str, amount: Decimal) -> None:
    amounts[name] = plus(amounts.get(name, ZERO), amount)


def _say(one: Dealings, what: str, sums: dict[str, Decimal], told: dict[str, Decimal], findings: Findings) -> None:
    for name in sorted({*sums, *told}):
        summed, stood = sums.get(name, ZERO), told.get(name, ZERO)
        if summed != stood:
            sentence = f"its {what} {name} is {text(stood)} in the journal and {text(summed)} by the fills there"
            findings.say("account", f"the simulated {one.place} contradicts itself: {sentence}")
