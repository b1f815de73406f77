"""DESIGN 5, trades: once by id, holes said at once, filled over REST as far as it remembers."""

from __future__ import annotations

import msgspec
import pytest

from producers.effects import Effects, Emit, Fetch
from producers.trades import TradeFeed, TradeTail
from tapeline.domain.events import Gap, OfInstrument, Trade
from tapeline.venues.contract import PublicTrade, TradeProtocol

OF = OfInstrument(venue="bybit", market="spot", symbol="BTC/USDT")
S = 1_000_000
ASK = Fetch("trades")
NUMBERED = TradeProtocol(ids="consecutive", recent=5)
UNORDERED = TradeProtocol(ids="unordered", recent=5)


def trade(number: int) -> PublicTrade:
    return PublicTrade(
        native="BTCUSDT",
        trade_id=str(number),
        sequence=number,
        price=1.0,
        quantity=2.0,
        side="buy",
        venue_us=number * S,
        received_us=number * S + 1,
    )


def trades(first: int, last: int) -> tuple[PublicTrade, ...]:
    return tuple(trade(number) for number in range(first, last + 1))


def told(effects: Effects) -> list[object]:
    """Return the effects with records cut to what tells them apart."""
    shown: list[object] = []
    for effect in effects:
        record = effect.record if isinstance(effect, Emit) else None
        if isinstance(record, Gap):
            end_s = None if record.end_us is None else record.end_us // S
            shown.append((record.cause, record.from_id, record.to_id, record.start_us // S, end_s, record.backfilled))
        elif isinstance(record, Trade):
            shown.append(("back" if record.backfilled else "live", int(record.trade_id)))
        else:
            shown.append(effect)
    return shown


def live(protocol: TradeProtocol) -> TradeFeed:
    """Return a feed that is connected at 0 and has seen trades 1 to 3."""
    feed = TradeFeed(OF, protocol)
    feed.connected(1, 0)
    for one in trades(1, 3):
        feed.trade(one, 3 * S)
    return feed


def test_a_trade_is_published_once() -> None:
    feed = live(UNORDERED)
    assert feed.trade(trade(3), 4 * S) == []
    effects = feed.trade(trade(4), 4 * S)
    assert effects == [
        Emit(
            Trade(
                venue="bybit",
                market="spot",
                symbol="BTC/USDT",
                epoch=1,
                trade_id="4",
                sequence=4,
                price=1.0,
                quantity=2.0,
                side="buy",
                venue_us=4 * S,
                received_us=4 * S + 1,
                published_us=4 * S,
            )
        )
    ]


def test_a_jump_of_numbers_is_a_gap_at_once_that_rest_fills() -> None:
    feed = live(NUMBERED)
    assert told(feed.trade(trade(6), 6 * S)) == [("sequence", "3", None, 3, None, False), ASK, ("live", 6)]
    assert told(feed.recent(trades(3, 7), 7 * S)) == [
        ("back", 4),
        ("back", 5),
        ("back", 7),
        ("sequence", "3", "7", 3, 7, True),
    ]
    assert feed.trade(trade(7), 8 * S) == []
    assert told(feed.trade(trade(8), 8 * S)) == [("live", 8)]


def test_what_rest_does_not_remember_stays_a_gap_up_to_what_it_does() -> None:
    feed = live(NUMBERED)
    feed.trade(trade(20), 20 * S)
    assert told(feed.recent(trades(16, 20), 21 * S))[-1] == ("sequence", "3", "16", 3, 16, False)


def test_after_a_cut_what_was_missed_is_fetched() -> None:
    feed = live(UNORDERED)
    assert told(feed.lost("disconnect", "cut", 4 * S)) == [("disconnect", None, None, 1, None, False)]
    assert feed.tick(5 * S) == []
    assert feed.connected(2, 6 * S) == [ASK]
    assert told(feed.trade(trade(7), 7 * S)) == [("live", 7)]
    assert told(feed.recent(trades(3, 7), 8 * S)) == [
        *[("back", number) for number in (4, 5, 6)],
        ("disconnect", None, None, 1, 7, True),
    ]


def test_an_answer_that_reaches_no_known_trade_leaves_a_gap() -> None:
    feed = live(UNORDERED)
    feed.lost("disconnect", "cut", 4 * S)
    feed.connected(2, 20 * S)
    assert told(feed.recent(trades(10, 14), 20 * S)) == [
        *[("back", number) for number in range(10, 15)],
        ("disconnect", None, None, 1, 10, False),
    ]


def test_unordered_trades_are_compared_at_once_and_then_every_ten_seconds() -> None:
    feed = TradeFeed(OF, UNORDERED)
    assert feed.connected(1, 0) == [ASK]
    assert feed.recent((), S) == []
    for one in trades(1, 3):
        feed.trade(one, 3 * S)
    assert (feed.tick(11 * S - 1), feed.tick(11 * S), feed.tick(12 * S)) == ([], [ASK], [])
    assert feed.recent(trades(1, 3), 12 * S) == []
    assert (feed.tick(22 * S - 1), feed.tick(22 * S)) == ([], [ASK])


def test_a_trade_that_the_stream_left_out_is_found_and_one_on_its_way_is_not_missed() -> None:
    feed = live(UNORDERED)
    feed.trade(trade(5), 5 * S)
    assert feed.recent((*trades(1, 3), trade(5), trade(6)), 10 * S) == []
    feed.trade(trade(9), 9 * S)
    assert told(feed.recent(trades(5, 9), 20 * S)) == [
        ("silence", None, None, 4, None, False),
        *[("back", number) for number in (6, 7, 8)],
        ("silence", None, None, 4, 9, True),
    ]


def test_numbered_trades_need_no_comparison() -> None:
    feed = live(NUMBERED)
    assert feed.tick(1_000 * S) == []


def test_a_request_that_failed_is_made_again_and_given_up_after_a_minute() -> None:
    feed = live(NUMBERED)
    feed.trade(trade(6), 6 * S)
    assert (feed.failed(6 * S, 5.0), feed.tick(11 * S - 1), feed.tick(11 * S)) == ([], [], [ASK])
    assert told(feed.failed(66 * S)) == [("sequence", "3", None, 3, 66, False)]
    assert feed.tick(1_000 * S) == []


def test_a_request_without_any_answer_is_made_again() -> None:
    feed = live(NUMBERED)
    feed.trade(trade(6), 6 * S)
    assert (feed.tick(20 * S), feed.tick(21 * S)) == ([], [ASK])


def test_a_dead_predecessors_hole_is_said_first_and_filled() -> None:
    feed = TradeFeed(OF, UNORDERED, tail=TradeTail(1, "3", 3, 3 * S, ("2",)))
    assert told(feed.connected(9, 9 * S)) == [("restart", None, None, 3, None, False), ASK]
    assert told(feed.recent(trades(2, 5), 10 * S)) == [("back", 4), ("back", 5), ("restart", None, None, 3, 5, True)]


def test_what_was_before_our_first_trade_is_not_ours() -> None:
    feed = TradeFeed(OF, UNORDERED)
    assert feed.connected(1, 0) == [ASK]
    assert feed.recent(trades(1, 5), 10 * S) == []
    assert told(feed.trade(trade(6), 11 * S)) == [("live", 6)]


def test_the_next_number_after_a_cut_proves_that_nothing_is_missing() -> None:
    feed = live(NUMBERED)
    assert told(feed.lost("disconnect", "cut", 4 * S)) == [("disconnect", "3", None, 3, None, False)]
    assert (feed.connected(2, 5 * S), feed.tick(7 * S - 1)) == ([], [])
    assert told(feed.trade(trade(4), 6 * S)) == [("disconnect", "3", "3", 3, 4, True), ("live", 4)]
    assert feed.tick(1_000 * S) == []


def test_another_number_after_a_cut_is_asked_about_at_once_and_silence_after_two_seconds() -> None:
    feed = live(NUMBERED)
    feed.lost("disconnect", "cut", 4 * S)
    feed.connected(2, 5 * S)
    assert told(feed.trade(trade(6), 6 * S)) == [ASK, ("live", 6)]
    assert told(feed.trade(trade(7), 7 * S)) == [("live", 7)]
    assert told(feed.recent(trades(3, 7), 7 * S)) == [
        ("back", 4),
        ("back", 5),
        ("disconnect", "3", "7", 3, 7, True),
    ]
    silent = live(NUMBERED)
    silent.lost("disconnect", "cut", 4 * S)
    silent.connected(2, 5 * S)
    assert silent.tick(7 * S) == [ASK]


@pytest.mark.parametrize("protocol", [UNORDERED, NUMBERED])
def test_a_stream_that_was_lost_before_its_first_trade_has_a_hole_from_its_beginning(protocol: TradeProtocol) -> None:
    feed = TradeFeed(OF, protocol)
    feed.connected(1, 2 * S)
    assert told(feed.lost("disconnect", "cut", 5 * S)) == [("disconnect", None, None, 2, None, False)]
    assert told(feed.connected(2, 6 * S)) == [ASK]
    assert told(feed.recent(trades(1, 4), 6 * S)) == [
        *[("back", number) for number in (2, 3, 4)],
        ("disconnect", None, "4" if protocol is NUMBERED else None, 2, 4, True),
    ]


def test_a_predecessor_that_saw_no_trade_leaves_the_hole_since_its_stream_began() -> None:
    feed = TradeFeed(OF, NUMBERED, tail=TradeTail(2 * S, None, None, 2 * S, ()))
    assert told(feed.connected(9 * S, 9 * S)) == [("restart", None, None, 2, None, False), ASK]
    assert told(feed.recent(trades(1, 3), 10 * S)) == [("back", 2), ("back", 3), ("restart", None, "3", 2, 3, True)]


def test_an_answer_after_the_connection_was_lost_says_nothing() -> None:
    feed = live(UNORDERED)
    feed.tick(10 * S)
    feed.lost("disconnect", None, 11 * S)
    assert feed.recent(trades(1, 5), 11 * S) == []


def test_a_venue_without_ids_is_never_asked_and_a_cut_stays_a_gap_up_to_the_next_trade() -> None:
    feed = live(TradeProtocol(ids="none", recent=5))
    assert [feed.tick(at * S) for at in (4, 14, 60)] == [[], [], []]
    assert told(feed.lost("disconnect", "cut", 60 * S)) == [("disconnect", None, None, 3, None, False)]
    assert feed.connected(2, 61 * S) == []
    # What the stream repeats from before the cut is known, and proves nothing.
    assert told([*feed.trade(trade(2), 61 * S), *feed.trade(trade(3), 61 * S)]) == []
    assert told(feed.trade(trade(8), 61 * S)) == [("disconnect", None, None, 3, 8, False), ("live", 8)]
    assert told(feed.trade(trade(9), 61 * S)) == [("live", 9)]


def test_what_the_venue_takes_back_is_a_hole_up_to_the_next_trade_where_nothing_can_be_compared() -> None:
    feed = live(TradeProtocol(ids="none", recent=0))
    assert told(feed.suspected("venue", "a block left", 2 * S, 4 * S)) == [("venue", None, None, 2, None, False)]
    assert told(feed.suspected("venue", "another one", 1 * S, 4 * S)) == []
    assert told(feed.trade(trade(5), 5 * S)) == [("venue", None, None, 2, 5, False), ("live", 5)]


def test_what_the_venue_takes_back_is_fetched_again_where_it_can_be() -> None:
    feed = live(UNORDERED)
    feed.recent(trades(1, 3), 3 * S)
    gap, asked = told(feed.suspected("venue", "a block left", 2 * S, 4 * S))
    assert (gap, asked) == (("venue", None, None, 2, None, False), ASK)


def test_nothing_is_taken_back_before_a_stream_began() -> None:
    assert TradeFeed(OF, UNORDERED).suspected("venue", "a block left", 0, S) == []


def test_the_first_trade_of_a_stream_shows_what_is_missing_before_it() -> None:
    """A stream that is mute from its beginning on must not lose in silence what was dealt meanwhile."""
    feed = TradeFeed(OF, NUMBERED)
    assert feed.connected(1, 10 * S) == [ASK]
    # What was before is not ours to tell, only where it ended.
    assert feed.recent(trades(8, 10), 10 * S) == []
    assert feed.tick(100 * S) == []
    assert told(feed.trade(trade(13), 13 * S)) == [("sequence", "10", None, 10, None, False), ASK, ("live", 13)]
    assert told(feed.recent(trades(9, 13), 14 * S)) == [
        ("back", 11), ("back", 12), ("sequence", "10", "13", 10, 13, True),
    ]  # fmt: skip


def test_what_was_dealt_since_there_was_nothing_is_owed_by_the_stream() -> None:
    feed = TradeFeed(OF, NUMBERED)
    assert feed.connected(1, 0) == [ASK]
    assert feed.recent((), S) == []
    assert feed.tick(100 * S) == [ASK]
    # The stream is mute: 99 to 101 never came over it.
    assert feed.recent(trades(99, 101), 101 * S) == []
    assert told(feed.trade(trade(102), 102 * S)) == [("sequence", "98", None, 0, None, False), ASK, ("live", 102)]
    assert told(feed.recent(trades(99, 102), 103 * S)) == [
        ("back", 99), ("back", 100), ("back", 101), ("sequence", "98", "102", 0, 102, True),
    ]  # fmt: skip


def test_a_gap_is_of_numbers_where_ids_are_others() -> None:
    feed = live(NUMBERED)
    feed.lost("disconnect", None, 4 * S)
    feed.connected(2, 5 * S)
    feed.tick(30 * S)
    named = tuple(msgspec.structs.replace(one, trade_id=f"9{one.trade_id}") for one in trades(4, 6))
    assert told(feed.recent(named, 31 * S))[-1] == ("disconnect", "3", "6", 3, 6, True)


def test_a_stream_that_was_found_silent_is_doubted_since_its_last_proof() -> None:
    feed = TradeFeed(OF, NUMBERED)
    assert feed.connected(1, 10 * S) == [ASK]
    assert feed.recent((), 10 * S) == []
    # Nothing was ever heard: all since the beginning may be missing.
    assert told(feed.beside_silence(30 * S)) == [
        ("silence", None, None, 10, None, False), ASK,
    ]  # fmt: skip
    assert told(feed.recent(trades(12, 13), 31 * S)) == [
        ("back", 12), ("back", 13), ("silence", None, "13", 10, 13, True),
    ]  # fmt: skip
    # From now on numbers show it.
    assert feed.beside_silence(40 * S) == []
