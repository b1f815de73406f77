"""Who is not given our frames: the table names markets that there are, and the page says it."""

from __future__ import annotations

from benchmarks.__main__ import Page
from benchmarks.measure import Result
from benchmarks.peers import books, budgets, page
from benchmarks.peers.apart import APART
from benchmarks.peers.books import TO, Books, Otherwise
from benchmarks.peers.page import Peers
from tapeline.venues import registry

WHAT = f"gateio spot, simulated: {TO['book']}"


def result(peer: str = "", peer_us: float | None = None, ratio: float | None = None) -> Result:
    return Result(what=WHAT, ours_us=10.0, peer=peer, peer_us=peer_us, ratio=ratio, calls=1_800)


def found(*results: Result, otherwise: list[Otherwise] | None = None) -> Books:
    return Books(
        results=list(results), latencies=[], memory=[], met=[], versions={}, missing={}, otherwise=otherwise or []
    )


def rows(run: Books) -> list[str]:
    return [line for line in page.text(Peers(machine="m", books=run)).splitlines() if "gateio" in line]


def test_only_markets_that_there_are_stand_apart_and_only_of_peers() -> None:
    places = {(venue, market) for venue in registry.HOSTED for market in registry.venue(venue).feeds}
    assert set(APART) <= set(books.PEERS)
    assert {place for apart in APART.values() for place in apart} <= places


def test_who_takes_part_and_is_not_given_our_frames_is_told_of_the_venues_asked_for() -> None:
    told = list(books.otherwise(["", "ccxt"], ["gateio", "okx"]))
    assert told == [
        Otherwise(
            peer="ccxt",
            market="gateio futures",
            why="reads futures.order_book_update, not futures.obu",
            measured=True,
        )
    ]


def test_a_peer_with_other_frames_is_marked_and_the_better_one_counts() -> None:
    other = Otherwise(peer="cryptofeed", market="gateio spot", why="reads another", measured=True)
    run = found(result("cryptofeed", 40.0, 4.0), result("ccxt", 50.0, 5.0), otherwise=[other])
    assert rows(run) == [
        f"| {WHAT} | 10 us | 40 us (4x, other frames) | 50 us (5x) | 4x | 1,800 |",
        "| cryptofeed | gateio spot | reads another; measured on those |",
    ]


def test_a_peer_that_cannot_is_a_row_in_words_and_we_stand_alone() -> None:
    why = "does not know the exchange"
    nobody = [Otherwise(peer=peer, market="gateio spot", why=why, measured=False) for peer in books.PEERS]
    assert rows(found(result(), otherwise=nobody)) == [
        f"| {WHAT} | 10 us | - | 1,800 |",
        f"| cryptofeed | gateio spot | {why}; not measured |",
        f"| ccxt.pro | gateio spot | {why}; not measured |",
    ]


def test_where_nobody_is_beside_us_no_budget_is_missed() -> None:
    run = Peers(machine="m", books=found(result("cryptofeed", 40.0, 4.0), result("ccxt", 50.0, 5.0), result()))
    (row,) = (one for one in budgets.rows(run, page_without_services()) if one.what == TO["book"])
    assert (row.reached, row.met) == ("4x to 5x", True)


def page_without_services() -> Page:
    return Page(machine="m", python="3", versions={}, results=[])
