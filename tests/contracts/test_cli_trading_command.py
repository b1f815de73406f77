"""The commands of trading from outside, on real services: what a person types, and what a program reads."""

from __future__ import annotations

from typing import Any

import pytest

from tapeline.domain.changes import Place
from tapeline.runtime.settings import Settings
from tests.contracts.test_cli_trading import Own, own
from tests.journeys.command import Tapeline
from tests.support.store_steps import leased, never, take, whole_trade
from tests.support.trader_values import fill, intent

__all__ = ["own"]


@pytest.fixture
def tapeline(own: Own, tapeline_settings: Settings) -> Tapeline:
    """Return the command with a database of the test's own."""
    return Tapeline(tapeline_settings.data.dir.parent, {"TAPELINE_DATABASE__NAME": own.endpoint.name})


def picked(row: dict[str, Any], *names: str) -> list[Any]:
    return [row[name] for name in names]


async def test_orders_positions_and_profit_after_a_trade(own: Own, tapeline: Tapeline) -> None:
    await whole_trade(own.bench.store)
    assert [
        picked(row, "client_order_id", "status", "filled", "average_price", "code")
        for row in tapeline.json("orders", "--symbol", "btcusdt")["orders"]
    ] == [["b", "REJECTED", "0", None, "never_arrived"], ["a", "FILLED", "1", "100.6", None]]
    assert tapeline.json("orders", "--open") == {"orders": []}

    (held,) = tapeline.json("positions")["positions"]
    assert picked(held, "side", "quantity", "entry_price", "realized", "mark_price", "unrealized") == [
        "long", "1", "100.6", "-0.1006", None, None,
    ]  # fmt: skip
    found = tapeline.json("pnl")
    assert picked(found["total"], "fills", "realized", "fees", "net") == [2, "0", "0.1006", None]
    assert found["problem"] == "no valid book of bybit:futures:BTC/USDT"

    alone = tapeline.with_settings(TAPELINE_KAFKA__BOOTSTRAP="127.0.0.1:1").json("positions")
    assert "Kafka at 127.0.0.1:1 (kafka.bootstrap) does not answer" in alone["problem"]
    assert alone["positions"] == [held]

    lease = await leased(own.bench.store)
    assert await own.bench.store.filled(lease, fill("f3", "b", "1", "110", "sell"), base="BTC")
    assert tapeline.json("positions") == {"positions": [], "problem": None}
    (ended,) = tapeline.json("positions", "--all")["positions"]
    assert picked(ended, "status", "realized", "unrealized") == ["CLOSED", "9.1894", "0"]
    assert tapeline.json("pnl")["total"]["net"] == "9.1894"


async def test_an_order_is_explained_and_an_unknown_one_names_the_nearest(own: Own, tapeline: Tapeline) -> None:
    await whole_trade(own.bench.store)
    found = tapeline.json("explain", "v1")
    assert picked(found["order"], "client_order_id", "intent_id") == ["a", intent().intent_id]
    assert picked(found, "trace_id", "books", "missing", "spread") == ["t1", [], [], None]
    assert found["intent"]["evidence"] == {"spread": 0.25}
    shown = tapeline.run("explain", "a")
    assert (shown.code, shown.stderr) == (0, "")
    assert shown.stdout.startswith("a  FILLED\n  what        buy 1 BTC/USDT at bybit futures for 100, limit GTC\n")

    lease, refused = await leased(own.bench.store), intent(round_=1)
    await take(own.bench.store, lease, refused, Place(partition=0, offset=9), never)
    found = tapeline.json("explain", refused.intent_id)
    assert picked(found["verdict"], "verdict", "code", "reason") == ["refused", "max_exposure", "too much"]
    assert picked(found, "order", "orders", "books") == [None, [], []]
    assert tapeline.run("explain", refused.intent_id).stdout.startswith(f"{refused.intent_id}  REFUSED\n")

    code, error, said = tapeline.run("explain", "v2", "--json").refusal
    assert (code, error["kind"], said) == (1, "missing", "there is no order or intent 'v2': did you mean 'v1'?")


async def test_a_kill_is_stored_and_stands_until_it_is_taken_back(own: Own, tapeline: Tapeline) -> None:
    await leased(own.bench.store)
    told = tapeline.json("kill", "--reason", "enough")
    assert [(way["way"], way["reached"], way["detail"]) for way in told["ways"]] == [
        ("signal", False, "the run file names no executor"),
        ("postgres", True, "HALTED is stored with its audit entry"),
    ]
    assert told["rows"] == [{"scope": "system", "target": "all", "desired": "HALTED", "version": 1, "reason": "enough"}]
    assert (await own.bench.store.state("main")).desired("grid-1") == "HALTED"
    assert tapeline.json("reduce")["rows"][0]["desired"] == "REDUCING"
    assert (await own.bench.store.state("main")).desired("grid-1") == "REDUCING"
    assert tapeline.json("resume")["rows"][0]["version"] == 3
    assert (await own.bench.store.state("main")).desired("grid-1") == "RUNNING"


async def test_a_database_that_is_away_is_exit_code_3(own: Own, tapeline: Tapeline) -> None:
    away = tapeline.with_settings(TAPELINE_DATABASE__HOST="127.0.0.1", TAPELINE_DATABASE__PORT="1")
    for words in (("orders",), ("positions",), ("pnl",), ("explain", "a"), ("resume",)):
        code, error, _ = away.run(*words, "--json").refusal
        assert (code, error["kind"]) == (3, "unavailable"), words
    code, error, _ = away.run("kill", "--json").refusal
    assert (code, error["kind"]) == (3, "unreached")
