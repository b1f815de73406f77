"""The audit of faults on streams: no book of ours is wrong, and what a book without the gap rule hands out is found."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from benchmarks.peers import holes, ours, recording
from benchmarks.peers.driving import Delivery, Recording
from tapeline.domain.book import BookDelta, BookKeeper

MARKETS = [pytest.param(*place, id=" ".join(place)) for place in recording.MARKETS]


class Here:
    """Our side without a process of its own."""

    name = ""

    def __init__(self, recorded: Recording) -> None:
        self._recorded = recorded

    def ask(self, do: str, *_files: object, **asked: Any) -> Any:  # noqa: ANN401 - as a process would
        assert do == "meet"
        seen = asyncio.run(ours.Ours().meet(self._recorded, [Delivery(*one) for one in asked["deliveries"]]))
        return {"seen": [[[_plain(top) for top in one.books], one.said] for one in seen]}


def _plain(top: Any) -> list[list[list[float]]]:  # noqa: ANN401 - what JSON makes of it
    return [[list(level) for level in side] for side in top]


def met(venue: str, market: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, holes.Met]:
    monkeypatch.setattr(holes, "PLACES", (6, 20))
    stretch = recording.walked(venue, market, holes.FRAMES)
    return {one.fault: one for one in holes.met(Here(stretch.recording), stretch, None)}


@pytest.mark.parametrize(("venue", "market"), MARKETS)
def test_after_no_fault_is_a_book_of_ours_wrong(venue: str, market: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = met(venue, market, monkeypatch)
    assert {fault: (one.wrong, one.crossed, one.longest) for fault, one in found.items()} == dict.fromkeys(
        holes.FAULTS, (0, 0, 0)
    )
    assert all(one.books > 0 for one in found.values())
    assert [fault for fault, one in found.items() if one.noticed] == [
        "a frame is lost",
        "two frames are swapped",
        "a frame is cut in half",
        "a price is NaN",
    ]


def test_a_book_without_the_gap_rule_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    ruled: Callable[[BookKeeper, BookDelta], object] = BookKeeper.delta

    def unruled(keeper: BookKeeper, delta: BookDelta) -> object:
        last = keeper.sequence
        return ruled(keeper, delta) if keeper.state != "valid" or last is None else keeper._apply(delta, last)  # noqa: SLF001 - the rule is what is left out

    monkeypatch.setattr(BookKeeper, "delta", unruled)
    found = met("bybit", "spot", monkeypatch)
    assert {fault for fault, one in found.items() if one.wrong} == set(holes.FAULTS) - {"a frame comes twice"}
