"""The frames that all peers get: made ones, and recorded ones where there are any, with the right book after each.

The made market walks: its price moves by a tick or two, levels that it passes are deleted, others change. So a change
that is lost leaves a level that should be gone, as on a real venue. `Truth` is a second, plain reading of the same.
"""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import frames
from benchmarks.peers.driving import SHOWN, Message, Recording, Top

LEVELS = 1_000
MOVED = 12
"""Levels a side that change beside those the price passes."""
BASE, QUOTE = "BTC", "USDT"
NATIVE = BASE + QUOTE
MARKETS = (("binance", "spot"), ("binance", "futures"), ("bybit", "spot"), ("bybit", "futures"))
RECORDED = (
    ("binance", "spot", "spot.book-20240808btc"),
    ("binance", "futures", "futures.book-20240808btc"),
)
_FIRST = 7_000_000_000
_AT_MS = 1_700_000_000_000
_STEP_MS = 100
_PER_ID = 3
"""Ids that a made frame spans, as a venue's do."""
Sides = dict[str, dict[str, str]]


class Stretch(NamedTuple):
    """A recording and what its book says after each frame."""

    name: str
    recording: Recording
    tops: list[Top]


class Truth:
    """A book as texts by price, with no rule at all: only for frames that are known to be whole."""

    def __init__(self, bids: Mapping[str, str], asks: Mapping[str, str]) -> None:
        """Take the book of the start."""
        self.sides: Sides = {"b": dict(bids), "a": dict(asks)}

    def change(self, changes: Mapping[str, Any]) -> None:
        """Set each price to its quantity; nothing deletes."""
        for name, held in self.sides.items():
            for price, quantity in changes[name]:
                if float(quantity):
                    held[price] = quantity
                else:
                    held.pop(price, None)

    def levels(self, count: int) -> tuple[list[list[str]], list[list[str]]]:
        """Return the best levels of both sides, best first."""
        return tuple(  # type: ignore[return-value]  # two of them
            [
                [price, self.sides[name][price]]
                for price in sorted(self.sides[name], key=float, reverse=name == "b")[:count]
            ]
            for name in ("b", "a")
        )

    def top(self) -> Top:
        """Return the top as numbers."""
        bids, asks = self.levels(SHOWN)
        return [(float(p), float(q)) for p, q in bids], [(float(p), float(q)) for p, q in asks]


def made(venue: str, market: str, count: int) -> Stretch:
    """Return frames as `make bench` makes them: 30 levels each, nearly half of them deletions."""
    start = next(frames.frames(venue, frames.START, whole=True)).decode()
    plain = [
        one.decode()
        for one in islice(frames.frames(venue, frames.START, market="spot" if market == "spot" else "futures"), count)
    ]
    recording = Recording(venue, market, NATIVE, BASE, QUOTE, start, plain, [], *_ways(venue))
    return Stretch(f"{venue} {market}, {frames.CHANGES} levels", recording, _tops(recording))


def walked(venue: str, market: str, count: int, seed: int = 7) -> Stretch:
    """Return the frames of a walking market, with the venue's own whole book after each."""
    chance = random.Random(seed)  # noqa: S311 - a market, no secret
    truth, middle = (
        Truth(*({_price(600_000 + side * (at + 1)): "1.5" for at in range(LEVELS)} for side in (-1, 1))),
        600_000,
    )
    start = _whole(venue, market, truth, 0)
    texts, wholes, tops = [], [], []
    for number in range(1, count + 1):
        changes, middle = _step(chance, truth, middle)
        truth.change(changes)
        texts.append(_frame(venue, market, changes, number))
        wholes.append(_whole(venue, market, truth, number))
        tops.append(truth.top())
    recording = Recording(venue, market, NATIVE, BASE, QUOTE, start, texts, wholes, *_ways(venue))
    return Stretch(f"{venue} {market}, walking", recording, tops)


def recorded(folder: Path) -> Iterator[Stretch]:
    """Yield the recorded stretches of Binance's BTC/USDT that are in a folder of captures."""
    for venue, market, name in RECORDED:
        parts = [folder / venue / f"{name}.jsonl", *sorted((folder / venue).glob(f"{name}-p[0-9].jsonl"))]
        lines = [json.loads(line) for part in parts if part.exists() for line in part.read_text("utf-8").splitlines()]
        if not lines:
            continue
        lines.sort(key=lambda line: line["recv_us"])
        start = next(line["frame"] for line in lines if line["channel"] != "book_delta")
        last = json.loads(start)["lastUpdateId"]
        deltas = [line["frame"] for line in lines if line["channel"] == "book_delta"]
        later = [text for text in deltas if json.loads(text)["data"]["u"] > last]
        recording = Recording(venue, market, NATIVE, BASE, QUOTE, start, later, [], *_ways(venue))
        yield Stretch(f"{venue} {market}, recorded", recording, _tops(recording))


def captures() -> Path | None:
    """Return the folder of recorded frames beside the project or beside its main checkout, if there is one."""
    here = Path(__file__).resolve().parent
    asked = ("git", "rev-parse", "--path-format=absolute", "--git-common-dir")
    done = subprocess.run(asked, cwd=here, capture_output=True, text=True, check=False)
    begins = [here, *([Path(done.stdout.strip())] if done.returncode == 0 else [])]
    folders = (parent / "shared" / "captures" for begin in begins for parent in begin.parents)
    return next((folder for folder in folders if folder.is_dir()), None)


def _ways(venue: str) -> tuple[str, list[Message]]:
    """Return where the venue's books come from, and what a subscription is answered with."""
    return ("rest", ['{"result":null,"id":1}']) if venue == "binance" else ("stream", [])


def _tops(recording: Recording) -> list[Top]:
    found = json.loads(recording.start)
    held = found if recording.over_rest else found["data"]
    names = ("bids", "asks") if recording.over_rest else ("b", "a")
    truth, tops = Truth(*(dict(map(tuple, held[name])) for name in names)), []
    for text in recording.frames:
        truth.change(json.loads(text)["data"])
        tops.append(truth.top())
    return tops


def _step(chance: random.Random, truth: Truth, middle: int) -> tuple[dict[str, list[list[str]]], int]:
    """Move the middle, delete what it passes, bring levels where it was, change some others."""
    moved = chance.choice((-2, -1, 0, 1, 2))
    changes: Sides = {"b": {}, "a": {}}
    for at in range(abs(moved) + 1):
        passed = _price(middle + at * (1 if moved > 0 else -1))
        ahead, behind = ("a", "b") if moved > 0 else ("b", "a")
        if moved and passed in truth.sides[ahead]:
            changes[ahead][passed] = "0"
        if moved and at < abs(moved):
            changes[behind][passed] = f"{chance.randint(1, 9_999) / 1_000}"
    middle += moved
    for side, name in ((-1, "b"), (1, "a")):
        for _ in range(MOVED):
            price = _price(middle + side * chance.randint(1, 60))
            changes[name].setdefault(price, "0" if chance.random() < 0.3 else f"{chance.randint(1, 9_999) / 1_000}")  # noqa: PLR2004 - some
    return {name: [list(level) for level in side.items()] for name, side in changes.items()}, middle


def _price(ticks: int) -> str:
    return f"{ticks / 10:.1f}"


def _frame(venue: str, market: str, changes: Mapping[str, Any], number: int) -> str:
    at_ms = _AT_MS + number * _STEP_MS
    if venue == "bybit":
        data = {"s": NATIVE, **changes, "u": _FIRST + number, "seq": _FIRST * 2 + number}
        return json.dumps(
            {"topic": f"orderbook.1000.{NATIVE}", "type": "delta", "ts": at_ms, "data": data, "cts": at_ms}
        )
    last = _FIRST + number * _PER_ID
    event = {"e": "depthUpdate", "E": at_ms, "s": NATIVE, "U": last - _PER_ID + 1, "u": last, **changes}
    if market == "futures":
        event |= {"T": at_ms, "pu": last - _PER_ID}
    return json.dumps({"stream": f"{NATIVE.lower()}@depth@100ms", "data": event})


def _whole(venue: str, market: str, truth: Truth, number: int) -> str:
    bids, asks = truth.levels(LEVELS)
    at_ms = _AT_MS + number * _STEP_MS
    if venue == "bybit":
        data = {"s": NATIVE, "b": bids, "a": asks, "u": _FIRST + number, "seq": _FIRST * 2 + number}
        told = {"topic": f"orderbook.1000.{NATIVE}", "type": "snapshot", "ts": at_ms, "data": data, "cts": at_ms}
        return json.dumps(told)
    times = {"E": at_ms, "T": at_ms} if market == "futures" else {}
    return json.dumps({"lastUpdateId": _FIRST + number * _PER_ID, **times, "bids": bids, "asks": asks})
