"""Causes read from real journals: whatever a fault kept from a client lies in a cause, and nothing else has one."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.audit.causes import REPAIR_US, Cause, Causes, causes_of
from simulator.audit.market import Kind, fold
from simulator.faults import Wish
from simulator.journal import AnyRecord, Delta, FaultEnded, FaultHit, Subscribed, Trade
from tests.support.stage import Client, Stage, heard, plain, stage, subscribed
from tests.unit.simulator.audit.run import BOOK, OF, at, message, played_run

PLACES = [(venue, market) for venue in ("binance", "bybit") for market in ("spot", "futures")]
SYMBOL = "ETH/USDT"
everywhere = pytest.mark.parametrize(("venue", "market"), PLACES)


def strike(scene: Stage, name: str, *, symbol: str | None = None, kind: str | None = None) -> None:
    """Let a fault begin, which must find a target."""
    assert scene.exchange.striker.strike(Wish(name, symbol, kind))


def causes_in(scene: Stage) -> Causes:
    """Return the causes that stand in the journal as it is now."""
    return causes_of(fold(scene.records()), ())


def kind_of(record: Delta | Trade) -> Kind:
    """Return the kind of channel of a message."""
    return "book" if isinstance(record, Delta) else "trade"


def unheard(scene: Stage, *clients: Client) -> list[Delta | Trade]:
    """Return what was emitted since the first subscription and came to no client, or not in its order."""
    came = {repr(one) for client in clients for one in heard(client.take())}
    moved = {(one.symbol, one.channel, name) for one in scene.of(FaultHit) if one.action == "moved" for name in one.ids}
    records: list[AnyRecord] = scene.records()
    first = next(number for number, one in enumerate(records) if isinstance(one, Subscribed))
    return [
        one
        for one in records[first:]
        if isinstance(one, Delta | Trade) and one.channel != "aggTrade"
        if repr(plain(one)) not in came or (one.symbol, one.channel, name_of(one)) in moved
    ]


def name_of(record: Delta | Trade) -> str:
    """Return the id of a message as the journal's hits have it."""
    return str(record.sequence) if isinstance(record, Delta) else record.id


@everywhere
@pytest.mark.parametrize("name", ["gap", "reorder", "corrupt"])
@pytest.mark.parametrize("kind", ["book", "trade"])
def test_single_messages_are_the_cause_where_they_were_made(
    venue: str, market: str, name: str, kind: Kind, tmp_path: Path
) -> None:
    with stage(venue, market, tmp_path) as scene:
        client = subscribed(scene)
        scene.play(1)
        strike(scene, name, symbol=SYMBOL, kind=kind)
        while not scene.of(FaultEnded):
            scene.play(2)
        missing, found = unheard(scene, client), causes_in(scene)
        hits = scene.of(FaultHit)
        assert {(one.symbol, kind_of(one)) for one in missing} == {(SYMBOL, kind)}
        assert found.own == {(SYMBOL, kind): [Cause(name, missing[0].at_us, hits[-1].at_us)]}
        assert (found.everywhere, found.prolonging) == ([], [])


@everywhere
@pytest.mark.parametrize("name", ["duplicate", "slow", "429"])
def test_what_loses_nothing_is_no_cause(venue: str, market: str, name: str, tmp_path: Path) -> None:
    with stage(venue, market, tmp_path) as scene:
        client = subscribed(scene)
        scene.play(1)
        strike(scene, name, symbol=SYMBOL if name == "duplicate" else None)
        began_us = scene.now_us
        scene.play(5)
        found = causes_in(scene)
        assert unheard(scene, client) == []
        assert found.own == {}
        assert [(one.name, one.begin_us) for one in found.prolonging] == (
            [] if name == "duplicate" else [(name, began_us)]
        )
        assert all(one.end_us is not None and one.end_us < scene.now_us for one in found.prolonging)


@everywhere
@pytest.mark.parametrize("name", ["cut", "stall"])
def test_a_connection_that_is_gone_is_the_cause_until_its_streams_are_subscribed_again(
    venue: str, market: str, name: str, tmp_path: Path
) -> None:
    with stage(venue, market, tmp_path) as scene:
        first = subscribed(scene)
        scene.play(1)
        strike(scene, name)
        began_us = scene.now_us
        scene.play(3)
        if name == "stall":
            scene.exchange.disconnect(first.connection, scene.now_us)
        scene.play(1)
        assert all(one.end_us is None for found in causes_in(scene).own.values() for one in found)
        again_us = scene.now_us
        second = subscribed(scene)
        scene.play(2)
        symbols = [one.instrument.symbol for one in scene.exchange.market.listings]
        wanted = {(symbol, kind): [Cause(name, began_us, again_us)] for symbol in symbols for kind in ("book", "trade")}
        assert causes_in(scene).own == wanted
        missing = unheard(scene, first, second)
        assert len(missing) > 50
        assert all(began_us <= one.at_us <= again_us for one in missing)


def stalled_until_it_subscribes_again(scene: Stage, first: Client, began_us: int) -> None:
    """Subscribe anew, and see that the stall is the cause of all that neither client heard, until then."""
    second = subscribed(scene)
    again_us = scene.now_us
    scene.play(2)
    assert {cause for found in causes_in(scene).own.values() for cause in found} == {Cause("stall", began_us, again_us)}
    assert all(began_us <= one.at_us <= again_us for one in unheard(scene, first, second))


@everywhere
def test_a_stall_to_its_end_takes_the_connection_along(venue: str, market: str, tmp_path: Path) -> None:
    with stage(venue, market, tmp_path) as scene:
        first = subscribed(scene)
        scene.play(1)
        strike(scene, "stall")
        began_us = scene.now_us
        scene.play(16)
        assert first.line.aborted
        stalled_until_it_subscribes_again(scene, first, began_us)


@everywhere
def test_a_stall_that_is_calmed_ends_there(venue: str, market: str, tmp_path: Path) -> None:
    with stage(venue, market, tmp_path) as scene:
        client = subscribed(scene)
        scene.play(1)
        strike(scene, "stall")
        began_us = scene.now_us
        scene.play(2)
        scene.exchange.calm(scene.now_us)
        calm_us = scene.now_us
        scene.play(3)
        assert {cause for found in causes_in(scene).own.values() for cause in found} == {
            Cause("stall", began_us, calm_us)
        }
        assert all(began_us <= one.at_us <= calm_us for one in unheard(scene, client))


@everywhere
def test_a_calmed_stall_that_took_a_request_takes_the_connection_along(venue: str, market: str, tmp_path: Path) -> None:
    with stage(venue, market, tmp_path) as scene:
        first = subscribed(scene)
        scene.play(1)
        strike(scene, "stall")
        began_us = scene.now_us
        scene.play(1)
        first.say({"method": "LIST_SUBSCRIPTIONS", "id": 7} if venue == "binance" else {"op": "ping", "req_id": "7"})
        scene.play(1)
        scene.exchange.calm(scene.now_us)
        assert first.line.aborted
        scene.play(1)
        stalled_until_it_subscribes_again(scene, first, began_us)


@everywhere
def test_a_silent_symbol_is_the_cause_until_it_is_resubscribed(venue: str, market: str, tmp_path: Path) -> None:
    with stage(venue, market, tmp_path) as scene:
        client = subscribed(scene)
        scene.play(1)
        strike(scene, "stall-symbol", symbol=SYMBOL)
        began_us = scene.now_us
        scene.play(4)
        again_us = scene.now_us
        if venue == "binance":
            for method in ("UNSUBSCRIBE", "SUBSCRIBE"):
                client.say({"method": method, "params": ["ethusdt@depth@100ms"], "id": 7})
        else:
            for op in ("unsubscribe", "subscribe"):
                client.say({"op": op, "args": ["orderbook.50.ETHUSDT"]})
        scene.play(3)
        cause = Cause("stall-symbol", began_us, again_us)
        assert causes_in(scene).own == {(SYMBOL, "book"): [cause], (SYMBOL, "trade"): [cause]}
        missing = unheard(scene, client)
        assert {one.symbol for one in missing} == {SYMBOL}
        assert all(began_us <= one.at_us <= again_us for one in missing)


@everywhere
def test_what_a_slow_connection_held_back_goes_with_it(venue: str, market: str, tmp_path: Path) -> None:
    with stage(venue, market, tmp_path) as scene:
        first = subscribed(scene)
        scene.play(1)
        strike(scene, "slow")
        scene.play(1)
        strike(scene, "cut")
        began_us = scene.now_us
        scene.play(1)
        second = subscribed(scene)
        scene.play(1)
        missing, found = unheard(scene, first, second), causes_in(scene)
        assert min(one.at_us for one in missing) < began_us
        assert all(found.of(one.symbol, kind_of(one), one.at_us, one.at_us) for one in missing)


def test_causes_are_those_that_overlap() -> None:
    inside, before, after, on = Cause("a", 10, 20), Cause("b", 1, 4), Cause("c", 31, 40), Cause("d", 25, None)
    found = Causes(own={("X", "book"): [inside, before, after], ("X", "trade"): [on]}, everywhere=[], prolonging=[])
    assert found.of("X", "book", 5, 30) == [inside]
    assert found.of("X", "book", 4, 31) == [inside, before, after]
    assert found.of("X", "book", 5, None) == [inside, after]
    assert found.of("X", "funding", 5, 30) == [inside, on]
    assert found.of("X", "trade", 90, 95) == [on]
    assert found.of("Y", "book", 0, None) == []


def test_prolonging_times_follow_one_another() -> None:
    later, sooner = Cause("429", 12 + 2 * REPAIR_US, 14 + 3 * REPAIR_US), Cause("slow", 11, 12 + REPAIR_US)
    found = Causes(own={}, everywhere=[], prolonging=[later, sooner])
    assert found.until_us(Cause("cut", 5, 10)) == 14 + 4 * REPAIR_US
    assert found.until_us(Cause("cut", 5, None)) is None
    apart = Causes(own={}, everywhere=[], prolonging=[Cause("429", 13 + 2 * REPAIR_US, 14 + 3 * REPAIR_US), sooner])
    assert apart.until_us(Cause("cut", 5, 10)) == 12 + 2 * REPAIR_US
    open_end = Causes(own={}, everywhere=[], prolonging=[Cause("429", 11, None)])
    assert open_end.until_us(Cause("cut", 5, 10)) is None


def test_a_message_of_a_channel_that_nobody_reads_is_no_cause() -> None:
    run = played_run()
    run.fault("gap", 3.5, 4, hits=[(4, "dropped", "104")], channel="orderbook.200")
    run.fault("gap", 3.5, 4, hits=[(4, "dropped", "104")], channel=BOOK)
    assert causes_of(fold(run.records), ()).own == {
        (OF.symbol, "book"): [Cause("gap", message(4).at_us, at(4))],
    }
