"""X-21: each fault does to a connection exactly what the journal says, on every venue and market, and no more."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator import faults
from simulator.disturb import Swap
from simulator.faults import Wish
from simulator.journal import Closed, Delta, FaultEnded, FaultHit, FaultStarted, Served
from tests.support.stage import CLOSE, PING, PONG, Client, Stage, as_told, heard, stage, subscribed

PLACES = [(venue, market) for venue in ("binance", "bybit") for market in ("spot", "futures")]
SYMBOL = "ETH/USDT"

pytestmark = pytest.mark.parametrize(("venue", "market"), PLACES)


def strike(
    scene: Stage, name: str, *, symbol: str | None = SYMBOL, kind: str | None = None, count: int | None = None
) -> None:
    """Let a fault begin, which must find a target."""
    assert scene.exchange.striker.strike(Wish(name, symbol, kind, count))


def test_without_faults_a_client_hears_the_whole_journal(venue: str, market: str, tmp_path: Path) -> None:
    with stage(venue, market, tmp_path) as scene:
        client = subscribed(scene)
        scene.play(5)
        told = heard(client.take())
        assert told == as_told(scene.records())
        assert len(told) > 150


@pytest.mark.parametrize(
    ("name", "action", "hits"),
    [("gap", "dropped", 2), ("duplicate", "repeated", 1), ("reorder", "moved", 1), ("corrupt", "broken", 1)],
)
def test_a_fault_of_messages_hits_those_it_names_and_no_others(
    venue: str, market: str, name: str, action: str, hits: int, tmp_path: Path
) -> None:
    with stage(venue, market, tmp_path) as scene:
        client = subscribed(scene)
        scene.play(1)
        strike(scene, name, count=2 if name == "gap" else None)
        scene.play(3)
        messages = client.take()
        found = scene.of(FaultHit)
        assert [(one.action, one.symbol, one.connection) for one in found] == [(action, SYMBOL, 1)] * hits
        assert heard(messages) == as_told(scene.records())
        assert messages.count(None) == (1 if name == "corrupt" else 0)
        assert [one.reason for one in scene.of(FaultEnded)] == ["fired"]


@pytest.mark.parametrize("name", ["gap", "duplicate", "reorder", "corrupt"])
def test_a_script_may_aim_at_trades(venue: str, market: str, name: str, tmp_path: Path) -> None:
    with stage(venue, market, tmp_path) as scene:
        client = subscribed(scene)
        strike(scene, name, kind="trade", count=1)
        scene.play(8)
        assert {one.channel for one in scene.of(FaultHit)} <= {"trade", "publicTrade"}
        assert [one.reason for one in scene.of(FaultEnded)] == ["fired"]
        assert sorted(map(repr, heard(client.take()))) == sorted(map(repr, as_told(scene.records())))


def test_a_cut_is_the_end_without_a_close(venue: str, market: str, tmp_path: Path) -> None:
    with stage(venue, market, tmp_path) as scene:
        client = subscribed(scene)
        scene.play(1)
        strike(scene, "cut", symbol=None)
        assert (client.line.aborted, [one for one in client.line.messages if one[0] == CLOSE]) == (True, [])
        before = len(scene.of(Delta))
        scene.play(1)
        # The market goes on, and so does its journal.
        assert len(scene.of(Delta)) > before
        assert [one.reason for one in scene.of(Closed)] == ["fault cut"]


def test_what_was_said_before_a_cut_arrives(venue: str, market: str, tmp_path: Path) -> None:
    with stage(venue, market, tmp_path) as scene:
        client = subscribed(scene)
        scene.play(2)
        truth = as_told(scene.records())
        strike(scene, "cut", symbol=None)
        scene.play(2)
        assert heard(client.take()) == truth


def test_a_stalled_connection_says_nothing_not_even_pong_and_ends(venue: str, market: str, tmp_path: Path) -> None:
    with stage(venue, market, tmp_path) as scene:
        client = subscribed(scene)
        scene.play(1)
        client.take()
        strike(scene, "stall", symbol=None)
        client.ping(b"there?")
        client.say({"op": "ping"})
        scene.play(14)
        assert client.line.messages == []
        dropped = {(one.symbol, one.channel, name) for one in scene.of(FaultHit) for name in one.ids}
        (began,) = scene.of(FaultStarted)
        lost = {(one.symbol, one.channel, str(one.sequence)) for one in scene.of(Delta) if one.at_us > began.at_us}
        assert lost
        assert lost <= dropped
        scene.play(2)
        assert client.line.aborted
        assert [one.reason for one in scene.of(FaultEnded)] == ["its time is over"]


def test_a_client_that_gives_up_ends_a_stall(venue: str, market: str, tmp_path: Path) -> None:
    with stage(venue, market, tmp_path) as scene:
        client = subscribed(scene)
        strike(scene, "stall", symbol=None)
        scene.exchange.disconnect(client.connection, scene.now_us)
        assert [one.reason for one in scene.of(FaultEnded)] == ["connection ended: by the client"]


def test_a_silent_symbol_speaks_again_when_it_is_resubscribed(venue: str, market: str, tmp_path: Path) -> None:
    with stage(venue, market, tmp_path) as scene:
        client = subscribed(scene)
        scene.play(1)
        strike(scene, "stall-symbol")
        client.take()
        scene.play(5)
        spoken = heard(client.take())
        assert {one.symbol for one in spoken} == {"BTC/USDT", "SOL/USDT", "XRP/USDT", "BNB/USDT"}
        resubscribe(client, venue)
        scene.play(2)
        messages = client.take()
        assert SYMBOL in {one.symbol for one in heard(messages)}
        assert [one.reason for one in scene.of(FaultEnded)] == ["resubscribed"]
        assert {one.symbol for one in scene.of(FaultHit)} == {SYMBOL}


def test_rest_refuses_for_a_while(venue: str, market: str, tmp_path: Path) -> None:
    with stage(venue, market, tmp_path) as scene:
        path, query = book_request(venue, market)
        assert scene.rest(path, **query)[0] == 200
        strike(scene, "429", symbol=None)
        status, headers, body = scene.rest(path, **query)
        if venue == "binance":
            assert (status, headers["Retry-After"], body["code"]) == (429, "4", -1003)
        else:
            assert (status, headers["X-Bapi-Limit-Status"], body["retCode"]) == (200, "0", 10006)
        scene.play(3.1)
        status, _, body = scene.rest(path, **query)
        assert (status, body.get("retCode", 0), len(scene.of(Served)) >= 2) == (200, 0, True)


def test_a_slow_connection_is_late_and_loses_nothing(venue: str, market: str, tmp_path: Path) -> None:
    with stage(venue, market, tmp_path) as scene:
        client = subscribed(scene)
        scene.play(1)
        strike(scene, "slow", symbol=None)
        client.take()
        scene.play(0.2)
        assert client.take() == []
        assert scene.exchange.striker.rest_lag_s() == 0.8
        scene.play(4)
        assert len(client.take()) > 50
        assert scene.exchange.striker.rest_lag_s() == 0.0
    with stage(venue, market, tmp_path / "whole") as scene:
        client = subscribed(scene)
        strike(scene, "slow", symbol=None)
        scene.play(4)
        assert heard(client.take()) == as_told(scene.records())


def test_every_fault_fires_in_every_30_s_and_the_silent_symbol_within_3_s(
    venue: str, market: str, tmp_path: Path
) -> None:
    with stage(venue, market, tmp_path, faults=faults.PUBLIC) as scene:
        # A client as stubborn as ours: back at once after an end, it gives up a connection that is silent for 7 s.
        client, heard_us = subscribed(scene), scene.now_us

        def reconnect() -> None:
            nonlocal client, heard_us
            if client.line.messages:
                client.line.messages.clear()
                heard_us = scene.now_us
            if client.line.closed or scene.now_us - heard_us > 7_000_000:
                client.line.closed = True
                scene.exchange.disconnect(client.connection, scene.now_us)
                client, heard_us = subscribed(scene), scene.now_us

        scene.play(62, reconnect)
        began = scene.of(FaultStarted)
        start_us = scene.records()[0].at_us
        for half in (0, 30):
            window = [one.fault for one in began if half <= (one.at_us - start_us) / 1e6 < half + 32]
            assert set(window) == set(faults.PUBLIC)
        first = next(one for one in began if one.fault == "stall-symbol")
        assert (first.at_us - start_us) / 1e6 < 3
        assert scene.exchange.striker.counts.keys() == set(faults.PUBLIC)


def test_calm_ends_all_faults_and_the_client_can_see_what_it_missed(venue: str, market: str, tmp_path: Path) -> None:
    with stage(venue, market, tmp_path, faults=("gap",)) as scene:
        client = subscribed(scene)
        scene.play(1)
        strike(scene, "stall", symbol=None)
        scene.play(2)
        scene.exchange.calm(scene.now_us)
        client.take()
        client.ping(b"there?")
        assert (PONG, b"there?") in client.line.messages
        scene.play(20)
        assert {one.symbol for one in heard(client.take())} == {
            "BTC/USDT", "ETH/USDT", "SOL/USDT", "XRP/USDT", "BNB/USDT",
        }  # fmt: skip
        assert [one.fault for one in scene.of(FaultStarted)] == ["stall"]
        assert [one.reason for one in scene.of(FaultEnded)] == ["calmed"]


def test_who_subscribes_after_calm_starts_no_faults(venue: str, market: str, tmp_path: Path) -> None:
    with stage(venue, market, tmp_path, faults=("gap", "duplicate")) as scene:
        scene.exchange.calm(scene.now_us)
        subscribed(scene)
        scene.play(35)
        assert scene.of(FaultStarted) == []
        scene.exchange.striker.arm(scene.now_s)
        scene.play(20)
        assert {one.fault for one in scene.of(FaultStarted)} == {"gap", "duplicate"}


@pytest.mark.parametrize("how", ["calm", "end"])
def test_a_message_that_waits_to_change_places_is_not_lost_in_silence(
    venue: str, market: str, how: str, tmp_path: Path
) -> None:
    with stage(venue, market, tmp_path) as scene:
        client = subscribed(scene)
        strike(scene, "reorder")
        disturbance = client.connection.disturbances[0]
        assert isinstance(disturbance, Swap)
        while disturbance.held is None:
            scene.play(0.02)
        if how == "calm":
            scene.exchange.calm(scene.now_us)
        else:
            client.connection.ended = "the network"
            scene.exchange.disconnect(client.connection, scene.now_us)
        scene.play(0.02)
        hits = [one.action for one in scene.of(FaultHit)]
        assert hits == ([] if how == "calm" else ["dropped"])
        if how == "calm":
            assert sorted(map(repr, heard(client.take()))) == sorted(map(repr, as_told(scene.records())))


def test_at_the_halt_every_fault_ends(venue: str, market: str, tmp_path: Path) -> None:
    with stage(venue, market, tmp_path) as scene:
        client = subscribed(scene)
        for name in ("stall-symbol", "429", "slow"):
            strike(scene, name, symbol=SYMBOL if name == "stall-symbol" else None)
        scene.exchange.halt(scene.now_us)
        assert [one.reason for one in scene.of(FaultEnded)] == ["halted"] * 3
        client.take()
        scene.play(3)
        assert client.take() == []
        client.ping(b"there?")
        assert client.line.messages == [(PONG, b"there?")]
        assert PING not in {opcode for opcode, _ in client.line.messages}


def resubscribe(client: Client, venue: str) -> None:
    """Ask for ETH/USDT again, as a client does that found out."""
    if venue == "binance":
        for method in ("UNSUBSCRIBE", "SUBSCRIBE"):
            client.say({"method": method, "params": ["ethusdt@depth@100ms"], "id": 7})
    else:
        for op in ("unsubscribe", "subscribe"):
            client.say({"op": op, "args": ["orderbook.50.ETHUSDT"]})


def book_request(venue: str, market: str) -> tuple[str, dict[str, str]]:
    """Return how a book is asked for over REST."""
    if venue == "binance":
        return ("/api/v3/depth" if market == "spot" else "/fapi/v1/depth"), {"symbol": "ETHUSDT", "limit": "100"}
    category = "spot" if market == "spot" else "linear"
    return "/v5/market/orderbook", {"category": category, "symbol": "ETHUSDT", "limit": "50"}
