"""DESIGN 5, under load: whatever the broker does, every record is stored in order or inside a span that was told."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from producers.outbox import Batch, Books, Buffer, Entry, Span

deeds = st.lists(st.sampled_from(["put", "put", "put", "take", "done", "failed", "settle"]), max_size=120)


@given(deeds, st.integers(1, 6))
def test_every_change_is_stored_in_order_or_told_as_shed(todo: list[str], most: int) -> None:
    buffer = Buffer(most)
    flying: list[Batch] = []
    stored: list[int] = []
    told: list[tuple[int, int]] = []
    put = 0
    for deed in [*todo, "done", "take", "done", "settle"]:
        if deed == "put":
            put += 1
            text, before = str(put), str(put - 1)
            span = Span(
                instrument="i", channel="book", epoch=1, to_epoch=1, from_id=before, to_id=text, start_us=0, end_us=1
            )
            buffer.put("md.delta", 0, Entry(b"k", text.encode(), span))
        elif deed == "take":
            flying += buffer.take()
        elif deed == "settle":
            told += [(int(one.from_id or ""), int(one.to_id or "")) for one in buffer.settle()]
        elif flying:
            batch = flying.pop()
            if deed == "failed":
                buffer.failed(batch)
            else:
                stored += [int(entry.value) for entry in batch.entries]
                buffer.done(batch)
        assert len(buffer) <= max(most, sum(len(one.entries) for one in flying))
    assert stored == sorted(set(stored))
    missing = set(range(1, put + 1)) - set(stored)
    assert len(missing) == buffer.shed
    assert all(any(after < number <= to for after, to in told) for number in missing)


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
