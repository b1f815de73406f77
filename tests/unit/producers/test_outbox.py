"""DESIGN 5, under load: one book per instrument in flight, the newest wins; changes are kept in order or shed aloud."""

from __future__ import annotations

from producers.outbox import Batch, Books, Buffer, Due, Entry, Span

BTC = "bybit:spot:BTC/USDT"
ETH = "bybit:spot:ETH/USDT"


def span(number: int, instrument: str = BTC) -> Span:
    return Span(
        instrument=instrument,
        channel="book",
        epoch=1,
        to_epoch=1,
        from_id=str(number - 1),
        to_id=str(number),
        start_us=number * 10,
        end_us=number * 10 + 5,
    )


def entry(number: int, instrument: str = BTC) -> Entry:
    return Entry(instrument.encode(), str(number).encode(), span(number, instrument))


def values(batches: list[Batch]) -> list[list[int]]:
    return [[int(one.value) for one in batch.entries] for batch in batches]


def test_a_book_goes_out_once_and_the_next_only_after_it() -> None:
    books = Books()
    books.changed(BTC, 100)
    books.changed(ETH, 101)
    assert books.take() == [Due(BTC, 0, 100), Due(ETH, 0, 101)]
    books.changed(BTC, 102)
    assert books.take() == []
    books.done(BTC)
    assert books.take() == [Due(BTC, 0, 102)]


def test_while_one_is_in_flight_the_newest_wins_and_the_others_are_counted() -> None:
    books = Books()
    for received_us in (100, 101, 102, 103):
        books.changed(BTC, received_us)
        books.take()
    books.done(BTC)
    assert books.take() == [Due(BTC, 2, 101)]
    assert books.conflated == 2


def test_a_book_that_failed_is_due_again_with_its_oldest_news() -> None:
    books = Books()
    books.changed(BTC, 100)
    books.take()
    books.failed(BTC)
    assert books.take() == [Due(BTC, 0, 100)]
    books.changed(BTC, 101)
    books.failed(BTC)
    assert books.take() == [Due(BTC, 1, 100)]
    books.done(BTC)
    assert books.idle


def test_a_book_that_is_only_sent_again_ages_no_news() -> None:
    # It stood for 20 s, and what came then is no tick of 20 s ago.
    books = Books()
    books.changed(BTC, None)
    books.changed(BTC, 20_000_100)
    assert books.take() == [Due(BTC, 1, 20_000_100)]
    books.changed(BTC, 20_000_200)
    books.done(BTC)
    books.changed(BTC, None)
    assert books.take() == [Due(BTC, 1, 20_000_200)]


def test_a_book_sent_again_that_failed_leaves_the_news_their_own_receipt() -> None:
    books = Books()
    books.changed(BTC, None)
    assert books.take() == [Due(BTC, 0, None)]
    books.changed(BTC, 20_000_100)
    books.failed(BTC)
    assert books.take() == [Due(BTC, 1, 20_000_100)]


def test_records_go_out_in_order_one_batch_per_partition() -> None:
    buffer = Buffer(100)
    for number in range(4):
        buffer.put("md.delta", number % 2, entry(number))
    first = buffer.take()
    assert values(first) == [[0, 2], [1, 3]]
    buffer.put("md.delta", 0, entry(4))
    assert buffer.take() == []
    buffer.done(first[0])
    assert values(buffer.take()) == [[4]]


def test_a_batch_that_failed_goes_out_again_before_what_came_after() -> None:
    buffer = Buffer(100)
    buffer.put("md.delta", 0, entry(0))
    (batch,) = buffer.take()
    buffer.put("md.delta", 0, entry(1))
    buffer.failed(batch)
    assert values(buffer.take()) == [[0, 1]]


def test_a_gap_is_stored_before_what_comes_behind_it_and_after_what_comes_before() -> None:
    """Killed in between, its successor would begin at the newest change, or at the gap, and never know of the hole.

    With several brokers the one topic may be taken while the other waits for a new leader.
    """
    buffer = Buffer(100)
    buffer.put("md.delta", 0, entry(1))
    buffer.put("md.trade", 0, entry(2))
    for number in (3, 4):
        buffer.put("md.gap", 0, Entry(b"k", str(number).encode()))
    buffer.put("md.delta", 0, entry(5))
    buffer.put("md.gap", 0, Entry(b"k", b"6"))
    buffer.put("md.gap", 1, Entry(b"k", b"7"))
    change, trade, elsewhere = buffer.take()
    assert values([change, trade, elsewhere]) == [[1], [2], [7]]
    buffer.done(trade)
    assert buffer.take() == []
    buffer.failed(change)
    (change,) = buffer.take()
    assert values([change]) == [[1]]
    buffer.done(change)
    (gaps,) = buffer.take()
    assert values([gaps]) == [[3, 4]]
    buffer.failed(gaps)
    (gaps,) = buffer.take()
    buffer.done(gaps)
    (change,) = buffer.take()
    assert values([change]) == [[5]]
    buffer.done(change)
    assert values(buffer.take()) == [[6]]


def test_what_was_shed_is_said_where_it_is_missing_before_anything_behind_it() -> None:
    buffer = Buffer(2)
    for number in (1, 2):
        buffer.put("md.delta", 0, entry(number))
    (flying,) = buffer.take()
    buffer.put("md.delta", 0, entry(3))
    buffer.put("md.trade", 0, Entry(b"k", b"4"))
    buffer.failed(flying)
    buffer.put("md.delta", 0, entry(5))
    # 3 was shed while 1 and 2 were on their way, 1 when they had failed: 2 and 5 wait until both are said.
    assert (values(buffer.take()), buffer.is_held_up) == ([[4]], False)
    ((number, told),) = buffer.settle()
    assert (number, told.from_id, told.to_id) == (1, "0", "3")
    buffer.put("md.gap", 0, Entry(b"k", b"6"), number=number)
    (gap,) = buffer.take()
    assert values([gap]) == [[6]]
    buffer.done(gap)
    assert values(buffer.take()) == [[2, 5]]


def test_a_full_buffer_sheds_the_oldest_and_tells_the_span_once() -> None:
    buffer = Buffer(3)
    for number in range(1, 8):
        buffer.put("md.delta", 0, entry(number))
    whole = Span(instrument=BTC, channel="book", epoch=1, to_epoch=1, from_id="0", to_id="4", start_us=10, end_us=45)
    assert buffer.settle() == [(1, whole)]
    assert (buffer.settle(), buffer.shed) == ([], 4)
    assert values(buffer.take()) == [[5, 6, 7]]


def test_the_oldest_of_all_partitions_is_shed() -> None:
    buffer = Buffer(2)
    buffer.put("md.delta", 1, entry(1, ETH))
    buffer.put("md.delta", 0, entry(1))
    buffer.put("md.delta", 0, entry(2))
    assert buffer.settle() == [(1, span(1, ETH))]


def test_what_is_on_its_way_is_not_shed_but_counts() -> None:
    buffer = Buffer(2)
    buffer.put("md.delta", 0, entry(1))
    buffer.put("md.delta", 0, entry(2))
    (batch,) = buffer.take()
    buffer.put("md.delta", 0, entry(3))
    assert buffer.settle() == [(3, span(3))]
    buffer.failed(batch)
    buffer.put("md.delta", 0, entry(4))
    assert buffer.settle() == [(1, span(1))]
    assert values(buffer.take()) == [[2, 4]]


def test_a_record_without_a_span_is_never_shed() -> None:
    buffer = Buffer(1)
    buffer.put("md.gap", 0, Entry(b"k", b"0"))
    for number in range(1, 4):
        buffer.put("md.delta", 0, entry(number))
    assert [number for number, _ in buffer.settle()] == [2]
    assert values(buffer.take()) == [[0]]


def test_what_failed_and_is_shed_after_younger_records_widens_the_span_to_its_beginning() -> None:
    buffer = Buffer(1)
    buffer.put("md.delta", 0, entry(1))
    (batch,) = buffer.take()
    buffer.put("md.delta", 0, entry(2))
    buffer.failed(batch)
    buffer.put("md.delta", 0, entry(3))
    ((_, told),) = buffer.settle()
    assert (told.from_id, told.to_id, told.start_us, told.end_us) == ("0", "2", 10, 25)


def test_c_14_what_waits_flies_or_was_shed_of_an_instrument_is_held() -> None:
    buffer, books = Buffer(1), Books()
    assert not buffer.holds(BTC)
    buffer.put("md.trade", 0, entry(1))
    assert (buffer.holds(BTC), buffer.holds("bybit:spot:OTHER/USDT")) == (True, False)
    (batch,) = buffer.take()
    assert buffer.holds(BTC)
    buffer.done(batch)
    assert not buffer.holds(BTC)
    books.changed(BTC, 1)
    assert books.holds(BTC)
    books.take()
    assert books.holds(BTC)
    books.done(BTC)
    assert not books.holds(BTC)


def test_c_14_what_was_shed_of_an_instrument_is_held_until_it_is_said() -> None:
    buffer = Buffer(1)
    for number in (1, 2):
        buffer.put("md.trade", 0, entry(number, "ETH" if number == 2 else BTC))
    assert (buffer.shed, buffer.holds(BTC)) == (1, True)
    buffer.settle()
    assert not buffer.holds(BTC)
