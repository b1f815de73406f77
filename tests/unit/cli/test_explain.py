"""Which order an id means: the only one, else all that it may be are named, or the nearest when there is none."""

from __future__ import annotations

import pytest

from tapeline.cli.explain import absent, chosen
from tapeline.errors import Misconfigured
from tapeline.runtime.trading_story import Named

ONE = Named(client_order_id="tabc1", exchange_order_id="998", venue="bybit", market="spot", symbol="BTC/USDT")
TWO = Named(client_order_id="tabd2", exchange_order_id=None, venue="okx", market="futures", symbol="ETH/USDT")


def test_the_only_order_is_meant() -> None:
    assert chosen("ta", (ONE,)) == "tabc1"


def test_an_id_that_may_be_several_names_them_all() -> None:
    with pytest.raises(Misconfigured) as caught:
        chosen("tab", (ONE, TWO))
    assert str(caught.value) == (
        "'tab' may be tabc1 (bybit spot BTC/USDT), tabd2 (okx futures ETH/USDT): write more of the id, or our own "
        "client id"
    )


@pytest.mark.parametrize(("text", "near"), [("tabd1", "tabd2"), ("999", "998"), ("tabc", "tabc1")])
def test_an_unknown_id_names_the_nearest_of_both_kinds(text: str, near: str) -> None:
    failure = absent(text, (ONE, TWO)).failure
    assert (failure.kind, failure.sentence, failure.exit_code) == (
        "missing", f"there is no order {text!r}: did you mean {near!r}?", 1,
    )  # fmt: skip


def test_where_there_is_no_order_at_all_nothing_is_proposed() -> None:
    assert str(absent("x", ())) == "there is no order 'x': there are none yet; see `tapeline orders`"
