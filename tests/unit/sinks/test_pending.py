"""A note says which range was pending, and one that is not understood stops the sink instead of doubling rows."""

from __future__ import annotations

import pytest

from sinks import pending
from sinks.batching import Range
from tapeline.errors import Misconfigured


def test_a_note_is_read_as_it_was_written() -> None:
    wanted = Range(2**62, 2**62 + 10_000, 1_790_000_000_000_000)
    text = pending.note(wanted)
    assert pending.read(text, where="md.trade/0") == wanted
    assert len(text) < 200
    assert (pending.note(None), pending.read("", where="md.trade/0")) == ("", None)


@pytest.mark.parametrize(
    "text", ["x", "{}", "null", '{"pending":[1,2],"since_us":0,"more":1}', '{"pending":[1],"since_us":0}']
)
def test_a_note_of_another_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(
        Misconfigured, match=r"committed offset of md\.trade/0 carries a note that this sink cannot read"
    ):
        pending.read(text, where="md.trade/0")


def test_an_impossible_range_is_refused() -> None:
    with pytest.raises(Misconfigured, match=r"notes the impossible range \[5, 4\]"):
        pending.read('{"pending":[5,4],"since_us":0}', where="md.trade/0")
