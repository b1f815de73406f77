"""Accounts: one row each version, with all balances; known by account and version."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from sinks.histories.history import ID, Array, History, in_time, statement, texts
from tapeline.domain.account_records import Account

_MONEY: Final = ("usdt", "equity", "unrealized_pnl", "exposure", "margin", "reserved")
_COLUMNS: Final = {
    "account": ("text", "account"),
    "version": ("bigint", "version"),
    **{name: ("numeric", name) for name in _MONEY},
    "open_orders": ("bigint", "open_orders"),
    "open_positions": ("bigint", "open_positions"),
    "balances": ("text", "balances::jsonb"),
    "source": ("text", "source"),
    "at_us": ("bigint", "at_us"),
}
_ENCODE: Final = msgspec.json.Encoder()


def check(value: Account) -> None:
    """Refuse what the columns cannot hold."""
    texts(ID, account=value.account)
    texts(source=value.source)
    for balance in value.balances:
        texts(venue=balance.venue, wallet=balance.wallet, asset=balance.asset)
    in_time(at_us=value.at_us)


def rows(value: Account) -> int:
    """Return 1."""
    del value
    return 1


def arrays(values: Sequence[Account]) -> Sequence[Array]:
    """Return the accounts as one array a column; amounts of balances are text, so that they stay exact."""
    made = {name: [getattr(value, name) for value in values] for name in _COLUMNS}
    made["balances"] = [_ENCODE.encode(value.balances).decode() for value in values]
    return list(made.values())


ACCOUNTS: Final = History(
    name="account_history",
    topic="account",
    insert=statement("account_history", _COLUMNS, "account, version"),
    check=check,
    rows=rows,
    arrays=arrays,
)
