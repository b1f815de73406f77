"""What a demo runs with: settings of its own beside the real ones, and the faults that were asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator import faults
from tapeline.cli.demo.plan import Wish, chosen, settings_of
from tapeline.errors import Misconfigured
from tapeline.runtime import settings
from tapeline.runtime.settings import Monitor, Simulation, Venues


def test_the_demo_has_folders_of_its_own_and_every_part_on(tmp_path: Path) -> None:
    found = settings.load(
        tmp_path,
        environ={
            "HOME": str(tmp_path),
            "TAPELINE_SIMULATION__SYMBOLS": "7",
            "TAPELINE_MONITOR__ORDERBOOK_DEPTH": "50",
            "TAPELINE_EMBEDDED__KAFKA_HEAP_MB": "300",
            "TAPELINE_SERVER__PORT": "9000",
        },
    )
    demo = settings_of(found, Wish(seed=5, faults=("gap", "cut")))
    assert (demo.data.dir, demo.log.dir) == (tmp_path / ".tapeline-demo", tmp_path / "logs" / "demo")
    assert demo.data.cache_dir == found.data.cache_dir
    assert (demo.embedded.pipeline, demo.embedded.kafka_heap_mb) == (True, 300)
    assert demo.venues == Venues(network="simulated")
    assert demo.simulation == Simulation(seed=5, symbols=7, faults="gap,cut", rate=1.0)
    assert demo.monitor == Monitor(symbols="all", orderbook_depth=50)
    assert demo.server.port == 0


def test_the_demo_may_have_three_brokers(tmp_path: Path) -> None:
    found = settings.load(tmp_path, environ={"HOME": str(tmp_path), "TAPELINE_EMBEDDED__BROKERS": "3"})
    assert [settings_of(found, Wish(brokers=count)).embedded.brokers for count in (None, 1, 3)] == [3, 1, 3]
    with pytest.raises(Misconfigured) as caught:
        settings_of(found, Wish(brokers=2))
    assert str(caught.value) == "--brokers is 2: 1 or 3: of two or four, one more could not be spared"


@pytest.mark.parametrize(
    ("text", "acts", "kills"),
    [
        ("", (), False),
        ("kill", (), True),
        (" cut, gap ,kill", ("gap", "cut"), True),
        ("all", faults.parse("all"), True),
    ],
)
def test_kill_is_the_demos_own_fault(text: str, acts: tuple[str, ...], kills: bool) -> None:  # noqa: FBT001 - a case
    assert chosen(text) == (acts, kills)


def test_an_unknown_fault_is_refused() -> None:
    with pytest.raises(Misconfigured, match=r"there is no fault 'gapp': did you mean 'gap'\?"):
        chosen("gapp,kill")


@pytest.mark.parametrize(
    ("venues", "symbols", "trades"),
    [
        ("binance,bybit", 20, True),
        ("okx", 20, False),
        ("binance,bybit,okx,kucoin,coinex,htx,mexc,bitget,bingx,gateio", 6, True),
        ("all", 5, True),
    ],
)
def test_a_demo_of_many_markets_has_fewer_symbols_and_one_without_accounts_trades_nothing(
    venues: str,
    symbols: int,
    trades: bool,  # noqa: FBT001 - a case
    tmp_path: Path,
) -> None:
    found = settings.load(tmp_path, environ={"HOME": str(tmp_path)})
    demo = settings_of(found, Wish(venues=venues))
    assert (demo.simulation.symbols, bool(demo.strategies.run)) == (symbols, trades)
    named = settings.load(tmp_path, environ={"HOME": str(tmp_path), "TAPELINE_SIMULATION__SYMBOLS": "9"})
    assert settings_of(named, Wish(venues=venues)).simulation.symbols == 9
