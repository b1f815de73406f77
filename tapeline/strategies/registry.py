"""Every strategy there is, by name, and the instances that run: from settings to checked parameters, or a clear no."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from tapeline.errors import Misconfigured
from tapeline.strategies.contract import Instance, Strategy
from tapeline.strategies.two_leg import TWO_LEG

STRATEGIES: Final[Mapping[str, Strategy[Any, Any]]] = {one.name: one for one in (TWO_LEG,)}
"""Every strategy by name; a new one is added here."""


class Order(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One instance as settings give it; no symbols means all."""

    name: str
    strategy: str
    account: str = "main"
    symbols: tuple[str, ...] = ()
    parameters: dict[str, Any] = {}


def ordered(tables: Iterable[Mapping[str, Any]]) -> tuple[Order, ...]:
    """Return what settings ask for; Misconfigured names the table and the key that is wrong."""
    found: list[Order] = []
    for number, table in enumerate(tables, start=1):
        try:
            found.append(msgspec.convert(table, Order))
        except msgspec.ValidationError as error:
            fix = "an instance has name, strategy, and perhaps account, symbols, parameters"
            raise Misconfigured(f"strategies.run, instance {number}: {error}", fix=fix) from error
    return tuple(found)


def instances(orders: Iterable[Order]) -> tuple[Instance, ...]:
    """Return the instances that were ordered; Misconfigured names the instance and the key that is wrong."""
    made = tuple(_instance(order) for order in orders)
    names = [one.name for one in made]
    for name in names:
        if names.count(name) > 1:
            raise Misconfigured(f"two strategy instances have the name {name!r}", fix="give each a name of its own")
    return made


def _instance(order: Order) -> Instance:
    strategy = STRATEGIES.get(order.strategy)
    if strategy is None:
        near = difflib.get_close_matches(order.strategy, STRATEGIES, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"the strategies are {', '.join(STRATEGIES)}"
        raise Misconfigured(f"{order.name}: there is no strategy {order.strategy!r}", fix=hint)
    if not order.name or ":" in order.name:
        raise Misconfigured(f"{order.name!r} is no name of an instance", fix="use letters, digits and dashes")
    try:
        parameters = msgspec.convert(order.parameters, strategy.parameters, strict=False)
    except msgspec.ValidationError as error:
        raise Misconfigured(f"{order.name}: {error}", fix="correct its parameters") from error
    return Instance(
        name=order.name,
        strategy=strategy,
        parameters=parameters,
        account=order.account,
        symbols=frozenset(order.symbols) or None,
    )
