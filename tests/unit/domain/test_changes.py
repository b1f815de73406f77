"""Changes as one: what is written together loses nothing; what would lose something is kept apart."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from tapeline.domain.account import Block
from tapeline.domain.account_records import Balance
from tapeline.domain.changes import Changes, apart, joined
from tapeline.domain.positions import OurPosition
from tests.support.trader_values import fill, intent, order

WALLET = Balance(venue="bybit", wallet="unified", asset="USDT", total=Decimal(1), available=Decimal(1))
BLOCK = Block(account="main", venue="bybit", market="spot", symbol="BTC/USDT", reason="odd", since_us=1)


def position(*, life: int) -> OurPosition:
    return OurPosition(
        account="main", venue="bybit", market="spot", symbol="BTC/USDT", life=life, strategy="grid-1", status="OPEN",
        opened_us=1, updated_us=1, version=1,
    )  # fmt: skip


def test_both_are_told_in_their_order_and_the_later_number_counts() -> None:
    first, second = order(intent(), "a"), order(intent(), "b")
    before = Changes(orders=(first,), fills=(fill("f1", "a", "1"),), balances=(WALLET,), event_sequence=3)
    after = Changes(orders=(second, first), fills=(fill("f2", "a", "1"),), event_sequence=5)

    assert joined(before, after) == Changes(
        orders=(first, second, first),
        fills=(fill("f1", "a", "1"), fill("f2", "a", "1")),
        balances=(WALLET,),
        event_sequence=5,
    )
    assert joined(before, Changes()) == joined(Changes(), before) == before


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (Changes(), Changes(balances=(WALLET,)), False),
        (Changes(balances=(WALLET,)), Changes(balances=(WALLET,)), True),
        (Changes(positions=(position(life=1),)), Changes(positions=(position(life=1),)), False),
        (Changes(positions=(position(life=1),)), Changes(positions=(position(life=2),)), True),
        (Changes(blocks=(BLOCK,)), Changes(unblocked=(BLOCK,)), False),
        (Changes(unblocked=(BLOCK,)), Changes(blocks=(BLOCK,)), True),
    ],
)
def test_kept_apart_is_what_one_write_cannot_tell_from_the_other(
    first: Changes, second: Changes, *, expected: bool
) -> None:
    assert apart(first, second) is expected


def test_a_new_life_of_another_position_is_nobodys_matter() -> None:
    other = msgspec.structs.replace(position(life=2), symbol="ETH/USDT")
    assert not apart(Changes(positions=(position(life=1),)), Changes(positions=(other,)))
