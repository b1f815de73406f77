"""`tapeline demo` from outside: what it answers, that it balances, where it works, what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.journeys.command import Tapeline
from tests.support.running import left_over

PUBLIC = ("gap", "duplicate", "reorder", "cut", "stall", "stall-symbol", "corrupt", "429", "slow")
MARKETS = ["binance:futures", "binance:spot", "bybit:futures", "bybit:spot"]
PIPELINE = {"producers", "processors", "sinks", "gateway", "registry", "kafka", "postgres", "clickhouse", "executor"}
CLUSTER = {"kafka-1", "kafka-2", "kafka-3"}
KEYS = [
    "balanced", "books_checked", "conflated", "crossed_valid_books", "duplicates", "emitted", "faults", "funding",
    "gap_records", "in_gaps", "intents", "kills", "lost", "naked_s_max", "naked_s_max_crash", "not_compared", "orders",
    "pnl", "problems", "processes", "ran_s", "ready_s", "spread_symbols", "spreads", "stored", "symbols",
    "tick_to_order_ms", "tick_to_signal_ms", "unseen", "wrong_valid_books",
]  # fmt: skip
NOTHING_WRONG = {
    "lost": 0, "duplicates": 0, "crossed_valid_books": 0, "wrong_valid_books": 0, "problems": [], "balanced": True,
}  # fmt: skip


@pytest.fixture
def place(tmp_path: Path) -> Tapeline:
    return Tapeline(tmp_path, {"TAPELINE_SIMULATION__SYMBOLS": "5"})


def wrong(found: dict[str, Any]) -> dict[str, Any]:
    return {name: found[name] for name in NOTHING_WRONG}


def of_orders(found: dict[str, Any]) -> tuple[object, ...]:
    """Return what must not be of orders, and the difference of profits."""
    orders = found["orders"]
    return (orders["duplicate"], orders["orphan"], orders["unknown_open"], found["pnl"]["error"])


@pytest.mark.timeout(180)
def test_a_quiet_demo_balances_in_a_folder_of_its_own_and_others_find_it(place: Tapeline) -> None:
    old = place.root / "data-demo"
    old.mkdir()
    (old / "supervisor.lock").touch()
    (old / "old-data").touch()
    with place.started("demo", "--for", "12", "--seed", "3", "--headless", "--json") as running:
        shown = place.until("topics", "tail", "md.book", "-n", "3", "--json", lines=3).values
        offers = place.until("spreads", "BTC/USDT", "--once", "--json", lines=6).values
        found = running.line()
        ended = running.wait()
    assert (ended.code, ended.stderr) == (0, "")
    assert sorted(found) == KEYS
    assert wrong(found) == NOTHING_WRONG
    assert of_orders(found) == (0, 0, 0, "0")
    assert (found["gap_records"], found["faults"], found["stored"]) == (0, {}, found["emitted"])
    assert (found["spread_symbols"], found["symbols"]) == (5, 5)
    assert found["funding"] > 0
    assert 12 <= found["ran_s"] < 40
    assert set(found["processes"]) == {"supervisor", "simulator", *PIPELINE}
    assert [(one["record"], one["value"]["state"], len(one["value"]["bid_prices"])) for one in shown] == [
        ("tapeline.Book", "valid", 20)
    ] * 3
    assert len(offers) == 6  # each pair of four instruments
    assert not (old / "old-data").exists()
    assert not (place.root / "data").exists()
    assert left_over(of_demo(place).settings) == []


@pytest.mark.timeout(300)
def test_a_demo_in_which_everything_goes_wrong_balances_too(place: Tapeline) -> None:
    """X-05, X-21: each fault on each venue and market within 30 s, processes killed every 5 s."""
    found = place.run("demo", "--for", "32", "--seed", "5", "--faults", "all", "--headless", "--json", within_s=240)
    assert found.code == 0, found.value
    value = found.value
    assert wrong(value) == NOTHING_WRONG
    assert of_orders(value) == (0, 0, 0, "0")
    assert value["gap_records"] > 0
    faults = {name: sorted(value["faults"][name]) for name in PUBLIC}
    assert faults == dict.fromkeys(PUBLIC, MARKETS)
    kills = value["faults"]["kill"]
    assert (set(kills) <= PIPELINE, sum(kills.values())) == (True, 6)
    assert {name for name, used in value["processes"].items() if used["restarts"]} == set(kills)
    assert left_over(of_demo(place).settings) == []


@pytest.mark.nightly
@pytest.mark.timeout(400)
def test_with_three_brokers_of_which_each_is_killed_it_balances(tmp_path: Path) -> None:
    place = Tapeline(tmp_path)
    words = ("demo", "--brokers", "3", "--for", "60", "--seed", "1", "--faults", "all", "--headless", "--json")
    found = place.run(*words, within_s=380)
    assert found.code == 0, found.value
    value = found.value
    assert wrong(value) == NOTHING_WRONG
    assert of_orders(value) == (0, 0, 0, "0")
    kills = value["faults"]["kill"]
    assert set(kills) == (PIPELINE - {"kafka"}) | CLUSTER
    assert left_over(of_demo(place).settings) == []


@pytest.mark.parametrize("words", [("up",), ("demo", "--for", "1")])
def test_another_number_of_brokers_is_refused_with_the_fix(place: Tapeline, words: tuple[str, ...]) -> None:
    code, error, _ = place.run(*words, "--brokers", "2", "--json").refusal
    assert (code, error["problem"]) == (2, "--brokers is 2")
    assert error["fix"] == "1 or 3: of two or four, one more could not be spared"
    assert not (place.root / "data").exists()


def test_an_unknown_fault_is_named_with_the_nearest(place: Tapeline) -> None:
    code, error, _ = place.run("demo", "--faults", "gap,kil", "--json").refusal
    assert (code, error["problem"]) == (2, "there is no fault 'kil'")


def test_the_demo_empties_no_folder_that_is_not_its_own(place: Tapeline) -> None:
    precious = place.root / "data-demo" / "precious"
    precious.parent.mkdir()
    precious.touch()
    code, error, _ = place.run("demo", "--for", "1", "--json").refusal
    assert (code, error["problem"]) == (2, f"{precious.parent} was not made by Tapeline")
    assert precious.exists()


def of_demo(tapeline: Tapeline) -> Tapeline:
    """Return the place of the demo."""
    return Tapeline(Path(tapeline.root), {"TAPELINE_DATA__DIR": str(tapeline.root / "data-demo")})
