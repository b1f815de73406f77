"""Where an account can trade follows from its keys and the network; without any the start is refused with the fix."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from executor import composing
from executor.link.tradings import Network
from executor.markets import Markets
from executor.terms import Terms
from tapeline.errors import Misconfigured
from tapeline.runtime.codec import Codec
from tapeline.runtime.endpoints import KafkaEndpoint
from tapeline.runtime.runfile import Addresses, ProcessRecord, RunFile, Secrets, VenueKey
from tapeline.runtime.settings import Keys, Process, Settings, Trader, Venues
from tapeline.venues import orders
from tapeline.venues.contract import Hosts

BYBIT = Keys(bybit_key=SecretStr("key-of-bybit"), bybit_secret=SecretStr("its-own-words"))
RUN = RunFile(
    version="1",
    data_dir="d",
    log_dir="l",
    started_us=1,
    supervisor=ProcessRecord(name="supervisor", state="running"),
    addresses=Addresses(
        venues={f"{venue}:{market}": "127.0.0.1:1" for venue in ("binance", "bybit") for market in ("spot", "futures")}
    ),
    secrets=Secrets(
        postgres_password="p",
        clickhouse_password="c",
        gateway_token="g",
        venue_keys={venue: VenueKey(key=venue, secret=f"{venue}-s") for venue in ("binance", "bybit")},
    ),
)


def test_simulated_venues_are_all_traded_with_the_keys_of_the_run() -> None:
    found = composing.places(Settings(venues=Venues(network="simulated")), RUN)
    assert {where: (one.keys, one.hosts) for where, one in found.items()} == {
        (venue, market): (
            orders.Keys(key=venue, secret=f"{venue}-s"),
            Hosts(rest="http://127.0.0.1:1", ws="ws://127.0.0.1:1"),
        )
        for venue in ("binance", "bybit")
        for market in ("spot", "futures")
    }


def test_elsewhere_only_venues_with_keys_are_traded() -> None:
    found = composing.places(Settings(venues=Venues(network="test"), keys=BYBIT), RUN)
    assert {where: one.keys for where, one in found.items()} == {
        ("bybit", market): orders.Keys(key="key-of-bybit", secret="its-own-words") for market in ("spot", "futures")
    }


def test_real_money_needs_live_trading() -> None:
    with pytest.raises(Misconfigured, match="live trading at bybit is off"):
        _ = composing.places(Settings(venues=Venues(network="main"), keys=BYBIT), None)
    live = Settings(venues=Venues(network="main"), keys=BYBIT, trader=Trader(live=True))
    assert set(composing.places(live, None)) == {("bybit", "spot"), ("bybit", "futures")}


def test_without_any_key_there_is_nothing_to_trade_with() -> None:
    with pytest.raises(Misconfigured, match=r"keys of no venue: set keys.binance_key or bybit_key"):
        _ = composing.places(Settings(venues=Venues(network="test")), RUN)


@pytest.mark.parametrize(("network", "visible_us"), [("simulated", 1_000_000), ("test", 10_000_000)])
def test_how_long_an_order_may_stay_unseen_is_the_venue_s_own(network: Network, visible_us: int) -> None:
    settings = Settings(venues=Venues(network=network), keys=BYBIT)
    places = composing.places(settings, RUN)
    markets = Markets(KafkaEndpoint(bootstrap="nowhere:1"), Codec({}), _unasked, process="p")
    found = composing.known("main", settings, places, markets)
    assert found.visibility_us["bybit", "futures"] == visible_us
    assert found.reduce_only & {("bybit", "spot"), ("bybit", "futures")} == {("bybit", "futures")}


def test_what_becomes_of_positions_at_starts_and_stops_is_said_by_settings() -> None:
    usual = composing.terms(Settings())
    assert (usual.on_restart, usual.on_stop, usual.stop_s) == ("close", "close", 15.0)
    other = Settings(trader=Trader(on_restart="resume", on_stop="keep"), process=Process(drain_timeout_s=10))
    assert composing.terms(other) == Terms(on_restart="resume", on_stop="keep", stop_s=5.0)


async def _unasked(schema_id: int) -> str:
    raise AssertionError(schema_id)
