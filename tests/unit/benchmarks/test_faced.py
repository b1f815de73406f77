"""D-22: the frames that the simulated faces write for the peers: whoever reads them ends with the book behind them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from typing import Any

import pytest

from benchmarks.peers import driving, faced, ours
from benchmarks.peers.apart import APART
from benchmarks.peers.driving import SHOWN, Message, Recording, Side, Top, unpacked
from benchmarks.peers.faced import Channel
from tapeline.domain.events import Market
from tapeline.venues import registry

FRAMES = 30
MIDDLE = 14
PLACES = [(venue, market) for venue in registry.HOSTED for market in registry.venue(venue).feeds]
CHANNELS = [
    pytest.param(*place, apart.channel, id=f"{peer} {' '.join(place)}")
    for peer, places in APART.items()
    for place, apart in places.items()
    if apart.channel is not None
]


@pytest.mark.parametrize(("venue", "market"), PLACES)
def test_our_book_after_the_frames_is_the_one_behind_the_face(venue: str, market: Market) -> None:
    stretch = faced.faced(venue, market, FRAMES)
    assert len(stretch.recording.frames) == len(stretch.tops) == FRAMES
    assert ours_after(stretch.recording) == stretch.tops[-1]


@pytest.mark.parametrize(("venue", "market"), PLACES)
def test_whoever_begins_anew_with_the_whole_book_of_a_frame_goes_on_with_the_next(venue: str, market: Market) -> None:
    stretch = faced.faced(venue, market, FRAMES, wholes=True)
    held = stretch.recording
    assert len(held.wholes) == FRAMES
    # Over REST it may be some frames old; who has kept those goes on all the same.
    until = MIDDLE + 1
    anew = held._replace(start=held.wholes[MIDDLE], before=held.frames[:until], frames=held.frames[until:])
    assert ours_after(anew) == stretch.tops[-1]


@pytest.mark.parametrize(("venue", "market"), PLACES)
def test_a_recording_is_read_from_its_file_as_it_was(venue: str, market: Market) -> None:
    recording = faced.faced(venue, market, 2).recording
    read = driving.read(driving.written(recording))
    assert read == recording


@pytest.mark.parametrize(("venue", "market", "channel"), CHANNELS)
def test_another_channel_tells_the_same_book(venue: str, market: Market, channel: Channel) -> None:
    stretch = faced.faced_on(channel, venue, market, FRAMES, wholes=True)
    held = stretch.recording
    assert len(held.frames) == len(stretch.tops) == FRAMES
    assert plainly(held.start, (*held.before, *held.frames)) == stretch.tops[-1]
    assert plainly(held.wholes[MIDDLE], held.frames[MIDDLE + 1 :]) == stretch.tops[-1]


def test_the_steps_are_about_thirty_changes_of_which_a_good_third_delete() -> None:
    frames = faced.faced("bitget", "spot", 200).recording.frames
    quantities = [float(quantity) for one in frames for side in _sides(json.loads(one)) for _, quantity in side]
    assert len(quantities) / len(frames) == pytest.approx(30, abs=3)
    assert quantities.count(0.0) / len(quantities) == pytest.approx(0.35, abs=0.1)


def ours_after(recording: Recording) -> Top:
    """Return what our side of the benchmark ends with."""
    side = ours.Ours()
    take = asyncio.run(side.begin(recording, "book"))
    for one in recording.frames:
        take(one.encode() if isinstance(one, str) else one)
    return side.top()


def plainly(start: Message, frames: Iterable[Message]) -> Top:
    """Return the book by prices alone; a whole book among the frames takes the place of all before it."""
    books: list[dict[float, float]] = [{}, {}]
    first = json.loads(unpacked(start))
    for told in (first, *(json.loads(unpacked(one)) for one in frames)):
        for book, levels in zip(books, _sides(told), strict=True):
            if "depth100" in told.get("dataType", ""):
                book.clear()
            for price, quantity in levels:
                book[float(price)] = float(quantity)
    bids, asks = books
    return _best(bids, reverse=True), _best(asks, reverse=False)


def _best(book: dict[float, float], *, reverse: bool) -> Side:
    return sorted(((price, quantity) for price, quantity in book.items() if quantity), reverse=reverse)[:SHOWN]


def _sides(told: Any) -> list[list[tuple[str, str]]]:  # noqa: ANN401 - JSON
    """Return bids and asks, however the channel writes them."""
    held = told.get("result") or told.get("data") or told
    held = held[0] if isinstance(held, list) else held
    sides = (held.get(short, held.get(long, [])) for short, long in (("b", "bids"), ("a", "asks")))
    return [[(one["p"], one["s"]) if isinstance(one, dict) else (one[0], one[1]) for one in side] for side in sides]
