"""What a producer records: markets by name, addresses by network, symbols by wish."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from pydantic import SecretStr, ValidationError

from producers.places import Place, choose, chosen, hosts, reachable
from tapeline.domain.events import Instrument
from tapeline.errors import Misconfigured
from tapeline.runtime.runfile import Addresses, ProcessRecord, RunFile, Secrets, VenueKey
from tapeline.runtime.settings import Settings, Venues, secret_values
from tapeline.venues import registry
from tapeline.venues.contract import Hosts

PLACE = Place("bybit", "futures")
RUN = RunFile(
    version="1",
    data_dir="/d",
    log_dir="/l",
    started_us=0,
    supervisor=ProcessRecord(name="supervisor", state="running"),
    addresses=Addresses(venues={"bybit:futures": "127.0.0.1:1234"}),
    secrets=Secrets(postgres_password="p", clickhouse_password="c", gateway_token="g"),
)


def instrument(symbol: str) -> Instrument:
    base, _, quote = symbol.partition("/")
    return Instrument(
        venue="bybit",
        market="futures",
        symbol=symbol,
        native=base + quote,
        base=base,
        quote=quote,
        status="trading",
        price_tick=Decimal("0.1"),
        quantity_step=Decimal("0.001"),
        contract_size=Decimal(1),
        received_us=1,
        published_us=1,
    )


BTC, ETH = instrument("BTC/USDT"), instrument("ETH/USDT")


def test_without_a_name_every_market_of_every_venue_is_meant() -> None:
    everything = tuple(Place(name, market) for name in registry.HOSTED for market in registry.VENUES[name].feeds)
    assert everything[:2] == (Place("binance", "spot"), Place("binance", "futures"))
    assert choose((), "all") == everything
    assert choose(("all",), "all") == everything
    assert choose(("bybit", "bybit"), "futures") == (PLACE,)
    assert choose(("uniswap", "all"), "all") == (Place("uniswap", "spot"), *everything)


def test_what_there_is_not_is_refused_with_what_there_is() -> None:
    with pytest.raises(Misconfigured, match="there is no market 'options': choose spot, futures or all"):
        choose((), "options")
    with pytest.raises(Misconfigured, match="unknown exchange: bibit: did you mean bybit"):
        choose(("bibit",), "all")


def test_the_network_says_where_a_market_is() -> None:
    facts = PLACE.feed.facts
    assert hosts(PLACE, Settings(), None) == facts.main
    assert hosts(PLACE, Settings(venues=Venues(network="test")), None) == facts.test
    simulated = Settings(venues=Venues(network="simulated"))
    assert hosts(PLACE, simulated, RUN) == Hosts(rest="http://127.0.0.1:1234", ws="ws://127.0.0.1:1234")
    with pytest.raises(Misconfigured, match="no simulator of binance:spot runs"):
        hosts(Place("binance", "spot"), simulated, RUN)


def test_x_12_a_chain_is_read_at_the_node_that_settings_name() -> None:
    place = Place("uniswap", "spot")
    with pytest.raises(Misconfigured, match=r"uniswap:spot needs a JSON-RPC node of Ethereum: set venues.node_http"):
        hosts(place, Settings(), None)
    named = Venues(node_http=SecretStr("https://node.example/key/"), node_ws=SecretStr("wss://node.example/key"))
    assert hosts(place, Settings(venues=named), None) == Hosts(
        rest="https://node.example/key", ws="wss://node.example/key"
    )
    assert secret_values(Settings(venues=named)) == ("https://node.example/key", "wss://node.example/key")


def test_x_12_a_key_that_reading_takes_is_in_each_request() -> None:
    place = Place("1inch", "spot")
    with pytest.raises(Misconfigured, match=r"1inch:spot needs an API key of the 1inch .*: set venues.oneinch_key"):
        hosts(place, Settings(), None)
    named = Settings(venues=Venues(oneinch_key=SecretStr("testkey")))
    found = hosts(place, named, None)
    assert (found.rest, found.headers) == ("https://api.1inch.com", {"Authorization": "Bearer testkey"})
    assert secret_values(named) == ("testkey",)
    assert hosts(PLACE, named, None) == PLACE.feed.facts.main
    run = msgspec.structs.replace(
        RUN,
        addresses=Addresses(venues={"1inch:spot": "127.0.0.1:5"}),
        secrets=msgspec.structs.replace(RUN.secrets, venue_keys={"1inch": VenueKey(key="made", secret="up")}),
    )
    simulated = Settings(venues=Venues(network="simulated"))
    assert hosts(place, simulated, run) == Hosts(
        rest="http://127.0.0.1:5", ws="ws://127.0.0.1:5", headers={"Authorization": "Bearer made"}
    )


def test_on_the_simulated_network_all_has_those_that_take_a_node_or_a_key() -> None:
    everything = tuple(Place(name, market) for name, one in registry.VENUES.items() for market in one.feeds)
    assert choose(("all",), "all", network="simulated") == everything
    assert everything[-2:] == (Place("uniswap", "spot"), Place("1inch", "spot"))


@pytest.mark.parametrize("wrong", ["node.example", "ftp://node.example", "wss://node.example", "https://a b"])
def test_an_address_that_is_no_node_is_refused_and_not_shown(wrong: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Venues(node_http=SecretStr(wrong))
    assert "give http(s)://host/path" in str(refused.value)


@pytest.mark.parametrize(
    ("wish", "found", "missing"),
    [
        ("all", {"BTCUSDT": BTC, "ETHUSDT": ETH}, ()),
        (" ETH/USDT, XYZ/USDT ,", {"ETHUSDT": ETH}, ("XYZ/USDT",)),
        ("", {}, ()),
    ],
)
def test_symbols_are_chosen_by_name_and_the_unlisted_are_told(
    wish: str, found: dict[str, Instrument], missing: tuple[str, ...]
) -> None:
    assert chosen((BTC, ETH), wish) == (found, missing)


def test_a_venue_without_a_test_network_is_not_asked_in_its_place() -> None:
    with pytest.raises(Misconfigured, match=r"kucoin:spot has no test network: leave it out of monitor\.venues"):
        hosts(Place("kucoin", "spot"), Settings(venues=Venues(network="test")), None)


def test_of_a_simulated_network_only_what_runs_can_be_recorded() -> None:
    every = choose((), "all")
    assert reachable(every, Settings(venues=Venues(network="simulated")), RUN) == (PLACE,)
    assert reachable(every, Settings(venues=Venues(network="main")), None) == every
