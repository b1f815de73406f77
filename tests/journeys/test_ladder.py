"""`tapeline book` in front of a person: a screen that answers to keys, outlives the broker, and needs a terminal."""

from __future__ import annotations

import contextlib
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from schemas.topics import by_name
from tapeline.domain.events import Book, Gap
from tapeline.runtime import clock, endpoints
from tapeline.runtime.codec import Codec
from tapeline.runtime.kafka import Publisher
from tests.journeys.command import Tapeline
from tests.journeys.conftest import Up
from tests.support.eventually import eventually
from tests.unit.cli import laddered


class Terminal:
    """A command on a terminal with keys: what it has shown since it was asked last."""

    def __init__(self, process: subprocess.Popen[str], ours: int) -> None:
        self.process = process
        self._ours = ours
        self._seen = ""

    def shows(self, *words: str) -> bool:
        """Tell whether all these texts have come since the last key; what is drawn anew counts again."""
        with contextlib.suppress(BlockingIOError, OSError):
            while found := os.read(self._ours, 65_536):
                self._seen += found.decode("utf-8", "replace")
        return all(word in self._seen for word in words)

    def press(self, key: str) -> None:
        """Press a key; what was shown before counts no more."""
        self._seen = ""
        os.write(self._ours, key.encode())


@contextmanager
def on_terminal(tapeline: Tapeline, *words: str) -> Iterator[Terminal]:
    ours, theirs = pty.openpty()
    os.set_blocking(ours, False)
    with subprocess.Popen(
        [str(Path(sys.executable).with_name("tapeline")), *words],
        cwd=tapeline.root,
        env={**tapeline.environment, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "40"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        text=True,
    ) as process:
        os.close(theirs)
        try:
            yield Terminal(process, ours)
        finally:
            process.kill()
            os.close(ours)


async def publish(tapeline: Tapeline, topic: str, value: Book | Gap) -> None:
    known = endpoints.resolve(tapeline.settings)
    assert known.run is not None
    async with Publisher(known.kafka, client_id="journey") as publisher:
        data = Codec(known.run.schema_ids).encode(by_name(topic), value)
        await publisher.publish(topic, value.key, data)


def book(symbol: str, **changes: object) -> Book:
    now_us = clock.now_us()
    fresh = {
        "received_us": now_us,
        "first_received_us": now_us,
        "venue_us": now_us,
        "published_us": now_us + 90_000_000,
    }
    return msgspec.structs.replace(laddered.PLAIN, symbol=symbol, **(fresh | changes))


async def test_d_02_books_are_shown_and_keys_change_what_is_shown(up: Up) -> None:
    symbol = "APT/USDT"
    await publish(up.tapeline, "md.book", book(symbol))
    await publish(up.tapeline, "md.book", book(symbol, venue="bybit", market="futures", bid_prices=(101.0, 100.9)))
    with on_terminal(up.tapeline, "book", "aptusdt", "--depth", "3") as screen:
        await eventually(lambda: screen.shows("2 books, 0 stale", "crossed by 0.5", "bybit futures"), within_s=30)
        screen.press("m")
        await eventually(lambda: screen.shows("1 book, 0 stale", "spot"), within_s=10)
        screen.press("+")
        await eventually(lambda: screen.shows("4 levels"), within_s=10)
        screen.press("q")
        await eventually(lambda: screen.process.poll() is not None, within_s=20)
    assert screen.process.returncode == 0


async def test_a_symbol_that_nobody_lists_is_one_sentence_with_its_fix(up: Up) -> None:
    await publish(up.tapeline, "md.book", book("APT/USDT"))
    with on_terminal(up.tapeline, "book", "APX/USDT") as screen:
        await eventually(lambda: screen.process.poll() is not None, within_s=30)
        assert screen.shows("no symbol 'APX/USDT' is known here: did you mean 'APT/USDT'?")
    assert screen.process.returncode == 1


@pytest.mark.timeout(300)
async def test_x_05_a_broker_that_goes_away_is_said_and_one_that_comes_back_is_read(stopped: Tapeline) -> None:
    symbol = "SUI/USDT"
    assert stopped.run("up").code == 0
    await publish(stopped, "md.book", book(symbol))
    with on_terminal(stopped, "book", symbol) as screen:
        await eventually(lambda: screen.shows("1 book, 0 stale", "0 gaps"), within_s=30)
        assert stopped.run("down").code == 0
        await eventually(lambda: screen.shows("away since", "trying again"), within_s=30)
        assert screen.process.poll() is None
        # It comes back elsewhere: ports are chosen anew.
        assert stopped.run("up").code == 0
        await publish(stopped, "md.gap", laddered.gap("binance", symbol=symbol, published_us=clock.now_us()))
        await publish(stopped, "md.book", book(symbol, sequence=8, bid_prices=(100.375, 100.0)))
        await eventually(lambda: screen.shows("100.375", "1 gap"), within_s=60)
        screen.press("q")
        await eventually(lambda: screen.process.poll() is not None, within_s=20)
        assert stopped.run("down").code == 0
    assert screen.process.returncode == 0
