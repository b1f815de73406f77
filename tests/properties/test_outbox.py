"""DESIGN 5, under load: whatever the broker does, every record is stored in order or inside a span that was told."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from producers.outbox import Batch, Books, Buffer, Entry, Span

deeds = st.lists(
    st.sampled_from(["put", "put", "put", "take", "done", "first", "failed", "settle", "hole"]), max_size=120
)


class Broker:
    """A buffer and what the broker has of it; what is missing before a stored change must stand in a stored gap."""

    def __init__(self, most: int) -> None:
        self.buffer = Buffer(most)
        self.most = most
        self.flying: list[Batch] = []
        self.stored: list[int] = []
        self.told: list[tuple[int, int]] = []
        self.put = 0
        self.lost = 0

    def change(self) -> None:
        self.put += 1
        text, before = str(self.put), str(self.put - 1)
        span = Span(
            instrument="i", channel="book", epoch=1, to_epoch=1, from_id=before, to_id=text, start_us=0, end_us=1
        )
        self.buffer.put("md.delta", 0, Entry(b"k", text.encode(), span))

    def hole(self) -> None:
        """Say of a change that it never came."""
        self.put += 1
        self.lost += 1
        self.buffer.put("md.gap", 0, Entry(b"k", f"{self.put - 1}-{self.put}".encode()))

    def settle(self) -> None:
        for number, span in self.buffer.settle():
            self.buffer.put("md.gap", 0, Entry(b"k", f"{span.from_id}-{span.to_id}".encode()), number=number)

    def take(self) -> None:
        self.flying += self.buffer.take()

    def done(self, *, newest: bool) -> None:
        if not self.flying:
            return
        batch = self.flying.pop(-1 if newest else 0)
        for entry in batch.entries:
            if batch.topic == "md.gap":
                after, _, to = entry.value.decode().partition("-")
                self.told.append((int(after), int(to)))
            else:
                self.stored.append(int(entry.value))
        self.buffer.done(batch)
        # Killed here, a successor begins at the newest change, or at the newest gap.
        self.nothing_is_silent(max([*self.stored, *(after + 1 for after, _ in self.told)], default=0))

    def failed(self) -> None:
        if self.flying:
            self.buffer.failed(self.flying.pop())

    def nothing_is_silent(self, until: int) -> None:
        missing = set(range(1, until)) - set(self.stored)
        assert all(any(after < number <= to for after, to in self.told) for number in missing), missing


@given(deeds, st.integers(1, 6))
def test_every_change_is_stored_in_order_or_was_told_as_shed_before_what_follows_it(todo: list[str], most: int) -> None:
    broker = Broker(most)
    act: dict[str, Callable[[], None]] = {
        "put": broker.change,
        "take": broker.take,
        "done": lambda: broker.done(newest=True),
        "first": lambda: broker.done(newest=False),
        "failed": broker.failed,
        "settle": broker.settle,
        "hole": broker.hole,
    }
    for deed in todo:
        act[deed]()
    for _ in range(2 * len(todo) + 4):
        for deed in ("settle", "take", "first"):
            act[deed]()
    assert broker.stored == sorted(set(broker.stored))
    assert (len(broker.buffer), len(set(range(1, broker.put + 1)) - set(broker.stored))) == (
        0,
        broker.buffer.shed + broker.lost,
    )
    broker.nothing_is_silent(broker.put + 1)


@given(st.lists(st.sampled_from(["changed", "changed", "again", "take", "done", "failed"]), max_size=60))
def test_the_newest_book_is_published_in_the_end_and_never_two_at_once(todo: list[str]) -> None:
    books = Books()
    state = published = 0
    flying: int | None = None
    for deed in [*todo, "done", "take", "done"]:
        if deed == "changed":
            state += 1
            books.changed("i", state)
        elif deed == "again":
            books.changed("i", None)
        elif deed == "take":
            for due in books.take():
                assert flying is None
                # Its tick is the oldest of what nobody has seen yet, and there is none where all has been seen.
                assert due.first_received_us == (published + 1 if state > published else None)
                flying = state
        elif flying is not None:
            if deed == "done":
                books.done("i")
                published = flying
            else:
                books.failed("i")
            flying = None
    assert published == state
    assert books.idle
