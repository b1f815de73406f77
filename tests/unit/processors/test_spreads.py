"""The spreads agent: only news is computed, stale books never, and the same books give the same ids."""

from __future__ import annotations

import msgspec

from processors.agent import Output
from processors.spread_board import Board
from processors.spreads import FEES, SPREADS, conclude, measure, recall, take
from tapeline.domain import spread
from tapeline.domain.events import Book
from tapeline.runtime import metrics
from tests.support.records import BOOK

CHEAP = msgspec.structs.replace(BOOK, venue="binance", market="spot", bid_prices=(63_000.0, 62_999.0), exact=None)
CHEAP = msgspec.structs.replace(CHEAP, ask_prices=(63_001.0, 63_002.0), ask_quantities=(5.0, 5.0))
DEAR = msgspec.structs.replace(BOOK, exact=None)


def told(*books: Book, board: Board | None = None) -> list[Output]:
    state = board or Board(FEES)
    for book in books:
        assert take(state, book) == ()
    return list(conclude(state))


def conflated() -> float:
    return metrics.registry().get_sample_value("tapeline_spreads_conflated_total") or 0.0


def of(output: Output) -> spread.Spread:
    assert isinstance(output.value, spread.Spread)
    return output.value


def test_two_venues_give_one_spread_in_the_better_direction_net_of_fees() -> None:
    [output] = told(CHEAP, DEAR)

    found = of(output)
    assert (output.topic, output.key) == ("signal.spread", "BTC/USDT")
    assert (found.buy_venue, found.sell_venue, found.quantity) == ("binance", "bybit", 0.01)
    assert (found.buy_price, found.sell_price) == (63_001.0, 64_000.1)
    assert found.net == found.gross - 2 * (0.001 + 0.00055)
    assert (found.buy_sequence, found.sell_sequence) == (CHEAP.sequence, DEAR.sequence)


def test_nothing_follows_from_a_book_that_is_no_news() -> None:
    board = Board(FEES)
    assert len(told(CHEAP, DEAR, board=board)) == 1

    assert told(msgspec.structs.replace(DEAR, published_us=DEAR.published_us + 1), board=board) == []
    assert told(msgspec.structs.replace(DEAR, epoch=DEAR.epoch - 1), board=board) == []


def test_a_stale_book_and_one_of_two_seconds_ago_have_no_spread() -> None:
    stale = msgspec.structs.replace(CHEAP, state="stale", sequence=CHEAP.sequence + 1)
    late = msgspec.structs.replace(DEAR, published_us=CHEAP.published_us + 2_000_001)

    assert told(stale, DEAR) == []
    assert told(CHEAP, late) == []


def test_the_same_books_give_the_same_ids() -> None:
    first, second = told(CHEAP, DEAR), told(CHEAP, DEAR)

    assert [of(one).signal_id for one in first] == [of(one).signal_id for one in second]


def test_only_the_newest_book_of_an_instrument_counts() -> None:
    newer = msgspec.structs.replace(CHEAP, sequence=CHEAP.sequence + 1)

    [output] = told(CHEAP, newer, DEAR)

    assert of(output).buy_sequence == newer.sequence
    assert SPREADS.newest == {"md.book"}


def test_what_was_replayed_is_told_by_the_first_batch_that_counts() -> None:
    board = SPREADS.fresh()
    for one in (CHEAP, DEAR):
        assert take(board, one) == ()
        recall(board)

    [output] = told(msgspec.structs.replace(CHEAP, published_us=CHEAP.published_us + 1), board=board)

    assert of(output) == msgspec.structs.replace(of(told(CHEAP, DEAR)[0]), published_us=CHEAP.published_us + 1)


def test_what_is_never_told_reaches_the_metrics_once() -> None:
    board = SPREADS.fresh()
    board.conflated = 3
    before = conflated()

    measure(board, told(CHEAP, DEAR))
    measure(board, ())

    assert conflated() == before + 3
