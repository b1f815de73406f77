"""Where the executor can trade, and at which address."""

from __future__ import annotations

import pytest

from executor.link.tradings import TRADINGS, hosts, trading
from tapeline.errors import Misconfigured
from tapeline.venues.contract import Hosts
from tapeline.venues.registry import VENUES


def test_each_market_is_found_under_its_own_name() -> None:
    assert {place: (one.facts.venue, one.facts.market) for place, one in TRADINGS.items()} == {
        place: place for place in TRADINGS
    }
    assert trading("bybit", "spot") is TRADINGS["bybit", "spot"]


def test_an_unknown_market_names_the_nearest() -> None:
    with pytest.raises(Misconfigured, match="nobody can trade at bibit spot: did you mean bybit spot"):
        trading("bibit", "spot")


def test_the_network_decides_the_address() -> None:
    facts = trading("binance", "futures").facts
    simulated = {"binance:futures": "127.0.0.1:4000", "binance:spot": "127.0.0.1:4001"}
    assert hosts(facts, "main", simulated) == facts.main
    assert hosts(facts, "test", simulated) == facts.test
    assert hosts(facts, "simulated", simulated) == Hosts(rest="http://127.0.0.1:4000", ws="ws://127.0.0.1:4000")
    with pytest.raises(Misconfigured, match="no simulator of binance futures runs"):
        hosts(facts, "simulated", {})


def test_a_strategy_sees_the_books_of_the_venues_where_it_can_trade_and_no_other() -> None:
    traded = {(venue.id, market) for venue in VENUES.values() if venue.is_traded for market in venue.feeds}
    assert traded == set(TRADINGS)
