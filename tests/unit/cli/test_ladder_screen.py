"""The ladder's screen without a terminal: what stands on it, what each key does, and what is drawn of a stale venue."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from tapeline.cli.ladder import Trouble
from tapeline.cli.ladder_screen import Ladder
from tapeline.cli.market_books import Books
from tapeline.cli.market_plan import Plan
from tests.support.eventually import eventually
from tests.unit.cli.laddered import DEAR, MISSING, NOW_US, PLAIN, PLAN, SYMBOL, Still, book, books, gap, twenty

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from textual.pilot import Pilot

KEYS = " q Quit  + Deeper  - Flatter  p Pause  s Sort  m Market"


@asynccontextmanager
async def opened(
    found: Books, *, reader: Still | None = None, plan: Plan = PLAN, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[Pilot[None]]:
    app = Ladder(found, reader or Still(), plan, missing=MISSING, now=lambda: NOW_US)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield pilot


def seen(pilot: Pilot[None]) -> list[str]:
    """Return what stands on the screen, line by line; the scroll bar's column is left out."""
    columns = pilot.app.size.width - 1
    return [strip.text[:columns].rstrip() for strip in pilot.app.screen._compositor.render_strips()]  # noqa: SLF001 - the screen as it is drawn


def backgrounds(pilot: Pilot[None], text: str) -> set[str]:
    """Return the backgrounds of the pieces in which a text stands."""
    strips = pilot.app.screen._compositor.render_strips()  # noqa: SLF001 - as above
    return {str(piece.style and piece.style.bgcolor) for strip in strips for piece in strip if text in piece.text}


async def test_two_venues_on_a_narrow_screen_value_for_value() -> None:
    async with opened(books(PLAIN, DEAR), plan=Plan(text=SYMBOL, depth=2)) as pilot:
        assert seen(pilot) == [
            "BTC/USDT  best bid 101.0 at bybit futures  best ask 100.5 at binance spot",
            "✕ crossed by 0.5 (49.63 bps before fees): buy at binance spot, sell at bybit fu",
            "2 books, 0 stale · all markets · by name · 2 levels",
            "",
            "● binance spot     0 gaps  ● bybit futures    0 gaps",
            "valid                      valid",
            "venue 0.1s recv 0.1s       venue - recv 0.1s",
            "",
            "★✕100.50       4.0 ██████    101.5          4 ██████",
            "  spread 0.25 24.91 bps      spread 0.5 49.38 bps",
            "  bids  47% ━━━━━━━━━━━━━    bids  20% ━━━━━━━━━━━━━",
            "  100.25       1.0 █▌      ★✕101.0          1 █▌",
            "  100.00       2.5 ███▊",
            *[""] * 10,
            KEYS,
        ]


async def test_levels_order_and_market_follow_their_keys() -> None:
    async with opened(books(PLAIN, DEAR), plan=Plan(text=SYMBOL, depth=2)) as pilot:
        told = []
        for key in ("minus", "plus", "equals_sign", "s", "s", "m", "m", "m"):
            await pilot.press(key)
            told.append((seen(pilot)[2], seen(pilot)[4].split("gaps")[0].strip()))
        assert told == [
            ("2 books, 0 stale · all markets · by name · 1 level", "● binance spot     0"),
            ("2 books, 0 stale · all markets · by name · 2 levels", "● binance spot     0"),
            ("2 books, 0 stale · all markets · by name · 3 levels", "● binance spot     0"),
            ("2 books, 0 stale · all markets · by bid · 3 levels", "● bybit futures    0"),
            ("2 books, 0 stale · all markets · by ask · 3 levels", "● binance spot     0"),
            ("1 book, 0 stale · spot · by ask · 3 levels", "● binance spot     0"),
            ("1 book, 0 stale · futures · by ask · 3 levels", "● bybit futures    0"),
            ("2 books, 0 stale · all markets · by ask · 3 levels", "● binance spot     0"),
        ]


async def test_a_pause_holds_the_books_and_its_end_shows_those_of_now() -> None:
    found = books(PLAIN)
    async with opened(found) as pilot:
        await pilot.press("p")
        found.take(book(sequence=8, bid_prices=(100.3, 100.0)))
        await pilot.press("plus")
        held = seen(pilot)
        await pilot.press("p")
        later = seen(pilot)
    assert [one[0][:24] for one in (held, later)] == ["BTC/USDT  best bid 100.2", "BTC/USDT  best bid 100.3"]
    assert held[2].endswith("8 levels  paused at 14:13:30")
    assert later[2].endswith("8 levels")


async def test_ten_venues_on_two_markets_are_reached_by_scrolling() -> None:
    async with opened(twenty()) as pilot:
        assert seen(pilot)[2] == "20 books, 0 stale · all markets · by name · 7 levels"
        first = seen(pilot)
        await pilot.press("end")
        # The scroll glides: until it stands.
        await eventually(lambda: any("okx spot" in one for one in seen(pilot)), within_s=10)
    assert first[4].count("●") == 3
    assert not any("okx spot" in one for one in first)


async def test_a_stale_venue_is_shaded_and_its_neighbour_is_not() -> None:
    async with opened(books(PLAIN, book(venue="htx", state="stale"), gap("htx"))) as pilot:
        assert seen(pilot)[5] == "valid                      stale 14:13:29 sequence"
        stale, valid = backgrounds(pilot, "stale 14:13:29"), backgrounds(pilot, "valid  ")
    assert len(stale) == len(valid) == 1
    assert stale != valid


async def test_a_broker_that_is_away_is_said_and_the_books_stay() -> None:
    reader = Still()
    async with opened(books(PLAIN), reader=reader, size=(120, 24)) as pilot:
        before = seen(pilot)
        reader.trouble = Trouble(since_us=NOW_US, reason="no broker answers")
        await pilot.press("s")
        away = seen(pilot)
    assert away[2:4] == [
        "1 book, 0 stale · all markets · by bid · 7 levels",
        "away since 14:13:30, trying again: no broker answers",
    ]
    assert away[5:-2] == before[4:-3]


async def test_without_any_book_the_screen_says_what_it_waits_for() -> None:
    async with opened(books(), size=(120, 24)) as pilot:
        assert seen(pilot)[4] == f"{MISSING}; waiting for it"


@pytest.mark.parametrize("key", ["q", "ctrl+c"])
async def test_a_person_leaves_by_a_key(key: str) -> None:
    async with opened(books(PLAIN)) as pilot:
        await pilot.press(key)
        await eventually(lambda: not pilot.app.is_running, within_s=10)
    assert pilot.app.return_code == 0


async def test_it_ends_by_itself_when_it_is_told_for_how_long() -> None:
    async with opened(books(PLAIN), plan=Plan(text=SYMBOL, for_s=0.0)) as pilot:
        await eventually(lambda: not pilot.app.is_running, within_s=10)
    assert pilot.app.return_code == 0
