"""`tapeline book`: the books of one symbol on all venues and markets side by side, live.

In front of a person it is a screen that answers to keys; with --once or --json, or without a terminal, one that prints.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from tapeline.cli import market_book_view, market_live
from tapeline.cli.failure import OK
from tapeline.cli.market_books import Books
from tapeline.cli.market_live import Item
from tapeline.cli.market_plan import Plan
from tapeline.cli.market_reading import Take
from tapeline.cli.market_symbols import Missing
from tapeline.cli.reaching import services
from tapeline.cli.render import Output
from tapeline.cli.view import View
from tapeline.runtime import clock


class Panel:
    """The live view of one symbol's books."""

    def __init__(self, symbol: str, plan: Plan) -> None:
        """Begin with no books."""
        self._books = Books(symbol, plan)
        self._plan = plan
        self.newest: dict[str, Take] = {"md.book": self._books.take}
        self.coming: dict[str, Take] = {"md.gap": self._books.take}

    def items(self, now_us: int) -> Sequence[Item]:
        """Return how each instrument stands."""
        found = self._books.standings(now_us)
        return tuple(Item(one.book.key, one.row, partial(market_book_view.text, one)) for one in found)

    def view(self, now_us: int, columns: int) -> View:
        """Lay out the moment for a person."""
        books = self._books
        return market_book_view.view(books.symbol, books.best(now_us), books.standings(now_us), columns=columns)

    def missing(self) -> Missing:
        """Say that there is no book, and what to do."""
        return Missing(
            f"no book of {self._books.symbol}{self._plan.part} has been published",
            fix="see with `tapeline status` whether its producer runs",
        )


def book(out: Output, plan: Plan) -> int:
    """Show the books until the plan is met or a person has seen enough."""
    return _on_screen(out, plan) if out.has_keys and not plan.once else market_live.run(out, plan, Panel)


def _on_screen(out: Output, plan: Plan) -> int:
    # Textual costs as much as all the rest: only the screen pays it.
    from tapeline.cli.ladder_reading import reading_of
    from tapeline.cli.ladder_screen import Ladder

    market_live.silence()
    try:
        symbol, _ = asyncio.run(market_live.meant(plan, services()))
    except KeyboardInterrupt:
        return OK
    except Missing as missing:
        out.fail(missing.failure)
        return missing.failure.exit_code
    books = Books(symbol, plan)
    screen = Ladder(books, reading_of(books, clock.now_us()), plan, missing=Panel(symbol, plan).missing())
    screen.run()
    return screen.return_code or OK
