"""When a spread is told: at once while its pair pays, else once a second the newest; what is never told is counted."""

from __future__ import annotations

import msgspec

from processors.spread_board import Board, size_for
from tapeline.domain.events import Book, Market
from tapeline.domain.spread import Fees, Spread, signal_id
from tests.support.records import BOOK

FEES: Fees = {("binance", "spot"): 0.001, ("binance", "futures"): 0.0005, ("bybit", "futures"): 0.00055}
BEGAN_US = 50_000_000
MS = 1_000


def book(venue: str, market: Market, bid: float, *, at_ms: int, sequence: int = 1, **changes: object) -> Book:
    """A book of one bid and an ask that is 0.1 dearer, as published so many milliseconds after the beginning."""
    found = Book(
        venue=venue,
        market=market,
        symbol="BTC/USDT",
        epoch=5,
        sequence=sequence,
        state="valid",
        depth=1,
        bid_prices=(bid,),
        bid_quantities=(50.0,),
        ask_prices=(bid + 0.1,),
        ask_quantities=(50.0,),
        first_received_us=BEGAN_US + at_ms * MS - 700,
        received_us=BEGAN_US + at_ms * MS - 500,
        published_us=BEGAN_US + at_ms * MS,
    )
    return msgspec.structs.replace(found, **changes)


def spot(bid: float, *, at_ms: int, sequence: int = 1, **changes: object) -> Book:
    return book("binance", "spot", bid, at_ms=at_ms, sequence=sequence, **changes)


def futures(bid: float, *, at_ms: int, sequence: int = 1, **changes: object) -> Book:
    return book("binance", "futures", bid, at_ms=at_ms, sequence=sequence, **changes)


def bybit(bid: float, *, at_ms: int, sequence: int = 1, **changes: object) -> Book:
    return book("bybit", "futures", bid, at_ms=at_ms, sequence=sequence, **changes)


def hand(board: Board, *books: Book) -> list[Spread]:
    """Hand books as one batch."""
    for one in books:
        board.take(one)
    return list(board.conclude())


def spread(bought: Book, sold: Book, *, cause: Book, at_ms: int) -> Spread:
    """The spread between two books of one level, as it is told at this time."""
    gross = sold.bid_prices[0] / bought.ask_prices[0] - 1
    fees = 2 * (FEES[bought.venue, bought.market] + FEES[sold.venue, sold.market])
    return Spread(
        signal_id=signal_id(bought, sold, 1.0),
        symbol="BTC/USDT",
        quantity=1.0,
        buy_venue=bought.venue,
        buy_market=bought.market,
        buy_epoch=bought.epoch,
        buy_sequence=bought.sequence,
        buy_price=bought.ask_prices[0],
        sell_venue=sold.venue,
        sell_market=sold.market,
        sell_epoch=sold.epoch,
        sell_sequence=sold.sequence,
        sell_price=sold.bid_prices[0],
        gross=gross,
        fees=fees,
        net=gross - fees,
        first_received_us=cause.first_received_us,
        received_us=max(bought.received_us, sold.received_us),
        published_us=BEGAN_US + at_ms * MS,
    )


def test_d_04_every_pair_with_a_new_book_is_told_once_in_its_better_direction() -> None:
    board = Board(FEES)
    first = (spot(500.0, at_ms=3), futures(501.0, at_ms=0))
    assert hand(board, *first) == [spread(*first, cause=first[1], at_ms=3)]

    third = bybit(502.0, at_ms=5)
    assert hand(board, third) == [
        spread(first[0], third, cause=third, at_ms=5),
        spread(first[1], third, cause=third, at_ms=5),
    ]
    assert board.conflated == 0


def test_a_pair_that_pays_is_told_at_every_change_and_when_it_pays_no_longer() -> None:
    board = Board(FEES)
    cheap = spot(500.0, at_ms=0)
    dear = [bybit(bid, at_ms=10 * n, sequence=n) for n, bid in enumerate((510.0, 511.0, 501.0, 500.9), 1)]

    told = [hand(board, cheap, dear[0]), *(hand(board, one) for one in dear[1:])]

    assert told == [
        [spread(cheap, dear[0], cause=cheap, at_ms=10)],
        [spread(cheap, dear[1], cause=dear[1], at_ms=20)],
        [spread(cheap, dear[2], cause=dear[2], at_ms=30)],
        [],
    ]
    assert [found[0].net > 0 for found in told[:3]] == [True, True, False]


def test_a_pair_that_begins_to_pay_does_not_rest() -> None:
    board = Board(FEES)
    cheap, near = spot(500.0, at_ms=0), bybit(500.0, at_ms=0)
    paying = bybit(510.0, at_ms=1, sequence=2)
    assert len(hand(board, cheap, near)) == 1

    assert hand(board, paying) == [spread(cheap, paying, cause=paying, at_ms=1)]


def test_while_a_pair_rests_the_newest_is_held_and_those_before_it_are_counted() -> None:
    board = Board(FEES)
    still = spot(500.0, at_ms=0)
    moves = [bybit(500.0 + n / 10, at_ms=300 * n, sequence=n + 1) for n in range(5)]
    assert len(hand(board, still, moves[0])) == 1

    held = [hand(board, one) for one in moves[1:4]]
    counted = board.conflated
    told = hand(board, moves[4])

    assert (held, counted) == ([[], [], []], 2)
    assert told == [spread(still, moves[4], cause=moves[4], at_ms=1_200)]
    assert board.conflated == 3


def test_what_is_held_is_told_a_quarter_second_after_its_rest_without_news() -> None:
    board = Board(FEES)
    still, moved = spot(500.0, at_ms=0), bybit(500.3, at_ms=900, sequence=2)
    hand(board, still, bybit(500.0, at_ms=0))
    assert hand(board, moved) == []

    before = hand(board, msgspec.structs.replace(still, published_us=BEGAN_US + 1_249 * MS))
    after = hand(board, msgspec.structs.replace(still, published_us=BEGAN_US + 1_250 * MS))

    assert before == []
    assert after == [spread(still, moved, cause=moved, at_ms=1_250)]
    assert board.conflated == 0
    assert hand(board, msgspec.structs.replace(still, published_us=BEGAN_US + 2_500 * MS)) == []


def test_a_pair_that_was_told_in_between_holds_up_no_other() -> None:
    board = Board(FEES)
    later = bybit(500.0, at_ms=500)
    moved = spot(500.1, at_ms=1_000, sequence=2)
    assert len(hand(board, spot(500.0, at_ms=0), futures(500.0, at_ms=0))) == 1
    assert len(hand(board, later)) == 2
    assert len(hand(board, moved)) == 1

    told = hand(board, msgspec.structs.replace(moved, published_us=BEGAN_US + 1_750 * MS))

    assert told == [spread(later, moved, cause=moved, at_ms=1_750)]


def test_the_same_prices_of_a_paying_pair_are_told_again_after_its_rest_and_not_before() -> None:
    board = Board(FEES)
    cheap = spot(500.0, at_ms=0)
    again = [bybit(510.0, at_ms=500 * n, sequence=n + 1) for n in range(3)]
    assert len(hand(board, cheap, again[0])) == 1

    assert hand(board, again[1]) == []
    assert hand(board, again[2]) == [spread(cheap, again[2], cause=again[2], at_ms=1_000)]


def test_d_02_a_stale_book_has_no_spread_and_what_was_held_of_it_is_counted() -> None:
    board = Board(FEES)
    still = spot(500.0, at_ms=0)
    hand(board, still, bybit(500.0, at_ms=0))
    assert hand(board, bybit(500.3, at_ms=900, sequence=2)) == []

    assert hand(board, bybit(500.3, at_ms=950, sequence=2, state="stale")) == []
    assert hand(board, msgspec.structs.replace(still, published_us=BEGAN_US + 1_250 * MS)) == []
    assert board.conflated == 1


def test_d_03_books_that_are_too_short_for_the_size_have_no_spread() -> None:
    short = spot(500.0, at_ms=0, bid_quantities=(0.5,), ask_quantities=(0.5,))

    assert hand(Board(FEES), short, futures(510.0, at_ms=0)) == []


def test_d_03_a_way_that_is_too_short_leaves_the_other() -> None:
    cheap = spot(500.0, at_ms=0, ask_quantities=(0.5,))
    dear = futures(510.0, at_ms=0)

    assert hand(Board(FEES), cheap, dear) == [spread(dear, cheap, cause=cheap, at_ms=0)]


def test_another_size_is_for_the_prices_of_all_books() -> None:
    board = Board(FEES)
    below = spot(999.0, at_ms=0)
    deep = futures(1_001.0, at_ms=0, bid_prices=(1_001.0, 1_000.0), bid_quantities=(0.5, 50.0))
    first = hand(board, below, deep)

    second = hand(board, bybit(1_000.9, at_ms=1))

    assert [(one.quantity, one.buy_price, one.sell_price) for one in first + second] == [
        (1.0, 999.1, 1_000.5),
        (0.1, 999.1, 1_000.9),
        (0.1, 1_001.0, 1_001.0),
    ]


def test_a_clock_that_jumps_back_holds_nothing_for_longer_than_a_rest() -> None:
    board = Board(FEES)
    hand(board, spot(500.0, at_ms=60_000), bybit(500.0, at_ms=60_000))

    cheap, moved = spot(500.0, at_ms=0, sequence=2), bybit(500.3, at_ms=0, sequence=2)
    assert hand(board, cheap, moved) == [spread(cheap, moved, cause=cheap, at_ms=0)]


def test_a_clock_that_is_ahead_makes_no_other_book_stale() -> None:
    board = Board(FEES)
    ahead, cheap = bybit(510.0, at_ms=60_000), spot(500.0, at_ms=0)
    assert hand(board, ahead) == []

    assert hand(board, cheap, ahead) == [spread(cheap, ahead, cause=cheap, at_ms=0)]


def test_a_book_that_holds_nothing_leaves_the_size_as_it_is() -> None:
    board = Board(FEES)
    empty = bybit(0.0, at_ms=1, bid_prices=(), bid_quantities=(), ask_prices=(), ask_quantities=())
    assert hand(board, empty) == []
    pair = (spot(500.0, at_ms=2), futures(501.0, at_ms=2))
    assert hand(board, msgspec.structs.replace(empty, sequence=2), *pair) == [spread(*pair, cause=pair[0], at_ms=2)]


def test_the_size_is_a_power_of_ten_worth_about_a_thousand() -> None:
    assert size_for(BOOK) == 0.01
    assert size_for(msgspec.structs.replace(BOOK, bid_prices=(0.00002,))) == 10_000_000
