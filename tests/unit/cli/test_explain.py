"""Which order an id means: the only one, else all that it may be are named, or the nearest when there is none."""

from __future__ import annotations

import pytest

from tapeline.cli.explain import absent, chosen
from tapeline.errors import Misconfigured
from tapeline.runtime.trading_story import Named, NamedIntent

ONE = Named(client_order_id="tabc1", exchange_order_id="998", venue="bybit", market="spot", symbol="BTC/USDT")
TWO = Named(client_order_id="tabd2", exchange_order_id=None, venue="okx", market="futures", symbol="ETH/USDT")
WANTED = NamedIntent(intent_id="7c1", strategy="two-leg", symbol="BTC/USDT", command="EnterPair", status="REFUSED")


def test_the_only_one_is_meant() -> None:
    assert (chosen("ta", (ONE,)), chosen("7c", (WANTED,))) == (ONE, WANTED)


def test_an_id_that_may_be_several_names_them_all() -> None:
    with pytest.raises(Misconfigured) as caught:
        chosen("tab", (ONE, TWO, WANTED))
    assert str(caught.value) == (
        "'tab' may be tabc1 (bybit spot BTC/USDT), tabd2 (okx futures ETH/USDT), 7c1 (intent EnterPair BTC/USDT): "
        "write more of the id, or our own client id"
    )


@pytest.mark.parametrize(("text", "near"), [("tabd1", "tabd2"), ("999", "998"), ("7c2", "7c1")])
def test_an_unknown_id_names_the_nearest_of_all_kinds(text: str, near: str) -> None:
    failure = absent(text, (ONE, TWO, WANTED)).failure
    assert (failure.kind, failure.sentence, failure.exit_code) == (
        "missing", f"there is no order or intent {text!r}: did you mean {near!r}?", 1,
    )  # fmt: skip


def test_where_there_is_no_order_at_all_nothing_is_proposed() -> None:
    assert str(absent("x", ())) == "there is no order or intent 'x': there are none yet; see `tapeline orders`"
