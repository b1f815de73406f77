"""What one client is owed: whatever the interleaving, the newest at last, what was left out counted, within bounds."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from gateway.client import REST_S, Client, Event, Owed
from gateway.interest import Interest, Kind

MOST = 4


class One(NamedTuple):
    """A numbered update of a key; its symbol is its key."""

    kind: Kind
    key: str
    number: int

    @property
    def symbol(self) -> str:
        """Return the symbol."""
        return self.key


def book(key: str, number: int) -> One:
    return One("book", key, number)


def drained(client: Client[One], now_s: float) -> list[tuple[One, int] | str]:
    """Return all that is due now."""
    found: list[tuple[One, int] | str] = []
    while (due := client.next(now_s)) is not None:
        found.append((due.update, due.skipped) if isinstance(due, Owed) else due.frame)
    return found


def test_the_newest_takes_the_place_of_those_before_it_and_they_are_counted() -> None:
    client: Client[One] = Client()
    for number in range(3):
        client.offer(book("A", number))
    client.offer(book("B", 7), skipped=5)
    client.offer(book("B", 8), skipped=2)
    assert len(client) == 2
    assert drained(client, 0.0) == [(book("A", 2), 2), (book("B", 8), 8)]
    assert (len(client), client.wait_s(0.0)) == (0, None)


def test_what_was_sent_rests_and_what_was_not_goes_at_once() -> None:
    client: Client[One] = Client()
    client.offer(book("A", 1))
    assert drained(client, 10.0) == [(book("A", 1), 0)]
    client.offer(book("A", 2))
    client.offer(book("B", 1))
    assert drained(client, 10.01) == [(book("B", 1), 0)]
    assert round(client.wait_s(10.01) or 0.0, 6) == 0.04
    assert drained(client, 10.049) == []
    assert drained(client, 10.05) == [(book("A", 2), 0)]


def test_a_book_and_a_spread_of_one_name_are_two_things() -> None:
    client: Client[One] = Client()
    client.offer(One("book", "A", 1))
    client.offer(One("spread", "A", 2))
    assert drained(client, 0.0) == [(One("book", "A", 1), 0), (One("spread", "A", 2), 0)]


def test_events_are_kept_in_order_and_overtake_books() -> None:
    client: Client[One] = Client()
    client.offer(book("A", 1))
    for frame in ("first", "second"):
        client.tell(Event("alert", frame))
    assert client.wait_s(0.0) == 0.0
    assert drained(client, 0.0) == ["first", "second", (book("A", 1), 0)]


def test_one_event_too_many_gives_the_client_up_and_lets_everything_go() -> None:
    client: Client[One] = Client(most=2)
    client.offer(book("A", 1))
    for frame in ("1", "2"):
        client.tell(Event("alert", frame))
    assert (client.over, len(client)) == (False, 3)
    client.tell(Event("alert", "3"))
    client.offer(book("A", 2))
    client.tell(Event("alert", "4"))
    assert (client.over, len(client), drained(client, 9.0), client.wait_s(9.0)) == (True, 0, [], None)


def test_narrowing_lets_go_what_is_left_out_and_owes_the_newest_of_the_rest() -> None:
    client: Client[One] = Client()
    for key in ("A", "B"):
        client.offer(book(key, 1))
    client.offer(book("B", 2))
    interest = Interest(kinds=frozenset({"book"}), symbols=frozenset({"B", "C"}))
    client.narrow(interest, [book("A", 1), book("B", 2), book("C", 3)])
    client.offer(book("A", 9))
    assert drained(client, 0.0) == [(book("B", 2), 1), (book("C", 3), 0)]
    client.offer(book("B", 3))
    client.narrow(Interest(kinds=frozenset()), [])
    assert (drained(client, 9.0), client.wait_s(9.0)) == ([], None)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("offer"), st.sampled_from("ABC"), st.integers(0, 3)),
        st.tuples(st.just("next"), st.integers(1, 3), st.just(0)),
        st.tuples(st.just("time"), st.integers(0, 80), st.just(0)),
        st.tuples(st.just("event"), st.just(0), st.just(0)),
    ),
    max_size=60,
)


@given(STEPS)
def test_whatever_the_interleaving_the_last_frame_of_a_key_is_the_newest(
    steps: list[tuple[str, str | int, int]],
) -> None:
    client: Client[One] = Client(most=MOST)
    newest: dict[str, int] = {}
    offered: Counter[str] = Counter()
    told: Counter[str] = Counter()
    times: defaultdict[str, list[float]] = defaultdict(list)
    last: dict[str, int] = {}
    now_s = 100.0

    def take(count: int) -> None:
        for _ in range(count):
            due = client.next(now_s)
            if isinstance(due, Owed):
                key = due.update.key
                told[key] += due.skipped + 1
                last[key] = due.update.number
                times[key].append(now_s)

    for number, (what, one, skipped) in enumerate(steps):
        if what == "offer":
            client.offer(book(str(one), number), skipped)
            newest[str(one)] = number
            offered[str(one)] += skipped + 1
        elif what == "next":
            take(int(one))
        elif what == "time":
            now_s += int(one) / 1_000
        else:
            client.tell(Event("alert", str(number)))
        assert len(client) <= len(newest) + MOST
        if client.over:
            assert len(client) == 0
            return
        wait_s = client.wait_s(now_s)
        assert (wait_s is None) == (len(client) == 0)
    now_s += REST_S
    take(len(newest) + MOST)
    # A client that has drained everything was shown the newest of each, and what it was not shown was counted.
    assert (last, told, len(client)) == (newest, offered, 0)
    for sent in times.values():
        assert all(later >= earlier + REST_S for earlier, later in pairwise(sent))
