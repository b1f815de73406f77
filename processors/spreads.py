"""The spreads agent: the newest book of each instrument in, one spread per pair of a symbol's venues out, net of fees.

`faust -A processors.spreads worker -l info` runs it alone. What a spread is says `tapeline.domain.spread`, when it is
told `processors.spread_board`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final

from processors import commandline
from processors.agent import Agent, Output
from processors.spread_board import Board
from tapeline.domain.events import Book
from tapeline.domain.spread import Fees, Spread
from tapeline.runtime import metrics
from tapeline.venues.registry import VENUES

WARM_UP_S: Final = 2.0
"""A valid book is published again every second, and one older than this is stale."""

FEES: Final[Fees] = {
    (venue.id, market): float(feed.facts.taker_fee) for venue in VENUES.values() for market, feed in venue.feeds.items()
}
TRADED: Final[Fees] = {place: fee for place, fee in FEES.items() if VENUES[place[0]].is_traded}
"""Those of the markets in which a strategy may want something."""


def take(board: Board, book: Book) -> tuple[Output, ...]:
    """Take a book in; nothing follows before the batch is whole."""
    board.take(book)
    return ()


def conclude(board: Board) -> Iterator[Output]:
    """Return the spreads that are to be told now."""
    return (Output("signal.spread", one.key, one) for one in board.conclude())


def recall(board: Board) -> None:
    """Keep the news of a replayed batch for the first that counts: what was held when a worker died is told by it."""
    del board


def measure(board: Board, outputs: Sequence[Output]) -> None:
    """Bring what was told into the metrics, and how many spreads never were."""
    metrics.SPREADS_CONFLATED.inc(board.conflated)
    board.conflated = 0
    show(outputs)


def show(outputs: Sequence[Output]) -> None:
    """Show the newest spread of each pair of instruments."""
    for one in (output.value for output in outputs):
        if isinstance(one, Spread):
            buy, sell = f"{one.buy_venue}:{one.buy_market}", f"{one.sell_venue}:{one.sell_market}"
            metrics.SPREAD_NET.set(one.net, symbol=one.symbol, buy=buy, sell=sell)


SPREADS: Final = Agent(
    name="spreads",
    reads=("md.book",),
    writes=("signal.spread",),
    fresh=partial(Board, FEES),
    decide=take,
    conclude=conclude,
    recall=recall,
    newest=frozenset({"md.book"}),
    warm_up_s=WARM_UP_S,
    measure=measure,
)

__getattr__: Callable[[str], object] = commandline.app_of("spreads", lambda _: (SPREADS,))
"""Makes `app` when Faust's command asks for it, and not when this module is imported."""
