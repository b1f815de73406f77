"""The ladder on a terminal: keys change the choice, a timer draws the moment; the only module that knows textual."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import ClassVar, Final, Protocol

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widgets import Footer, Static

from tapeline.cli import ladder, terminal
from tapeline.cli.ladder import Choice, Moment, Trouble
from tapeline.cli.market_books import Books
from tapeline.cli.market_plan import Plan
from tapeline.cli.market_symbols import Missing
from tapeline.cli.view import Line
from tapeline.runtime import clock

DRAW_S: Final = 0.25
"""Four times a second, however many books come."""
_SCROLLBAR: Final = 1
_LEAST_S: Final = 0.001
"""A timer of no seconds divides by them."""


class Reader(Protocol):
    """Who keeps the books fresh while the screen stands."""

    @property
    def trouble(self) -> Trouble | None:
        """Return why nothing comes."""

    @property
    def unread(self) -> Missing | None:
        """Return what to say of records that could not be decoded."""

    async def run(self) -> None:
        """Read until it is cancelled."""


class Cards(ScrollView, can_focus=True):
    """Lines that scroll; only those that are seen are drawn, however many there are."""

    def __init__(self) -> None:
        """Begin with nothing."""
        super().__init__(id="cards")
        self._lines: Sequence[Line] = ()

    def show(self, lines: Sequence[Line]) -> None:
        """Show these lines instead, scrolled as it was."""
        self._lines = lines
        width = max((sum(len(cell.text) for cell in one.cells) for one in lines), default=0)
        self.virtual_size = Size(width, len(lines))
        _ = self.refresh()

    def render_line(self, y: int) -> Strip:
        """Return the line that is seen at this height."""
        left, top = self.scroll_offset
        found = self._lines[top + y : top + y + 1]
        strip = Strip([piece for one in found for piece in terminal.pieces(one)])
        return strip.crop_extend(left, left + self.size.width, self.rich_style).apply_style(self.rich_style)


class Ladder(App[None]):
    """All books of a symbol side by side."""

    CSS = """
    #head { height: auto; padding: 0 0 1 0; text-wrap: nowrap; text-overflow: ellipsis; }
    #cards { height: 1fr; scrollbar-size: 1 1; }
    """
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,ctrl+c", "quit", "Quit", key_display="q", priority=True),
        Binding("plus,equals_sign", "more", "Deeper", key_display="+"),
        Binding("minus", "fewer", "Flatter", key_display="-"),
        Binding("p,space", "pause", "Pause", key_display="p"),
        Binding("s", "sort", "Sort", key_display="s"),
        Binding("m", "market", "Market", key_display="m"),
    ]

    def __init__(
        self, books: Books, reader: Reader, plan: Plan, *, missing: Missing, now: Callable[[], int] = clock.now_us
    ) -> None:
        """Show these books while the reader keeps them; `missing` is said as long as there is none."""
        super().__init__()
        self._books = books
        self._reader = reader
        self._plan = plan
        self._missing = missing
        self._now = now
        self._choice: Choice | None = None
        self._paused: Moment | None = None
        # Held, for the timer may fire once more while the screen is taken down.
        self._head = Static(id="head")
        self._cards = Cards()

    def compose(self) -> ComposeResult:
        """Make the parts: a head that stays, cards that scroll, the keys."""
        yield self._head
        yield self._cards
        yield Footer()

    def on_mount(self) -> None:
        """Begin to read and to draw."""
        self._choice = ladder.first_choice(self._plan.depth, self.size.height)
        _ = self.run_worker(self._reader.run())
        _ = self.set_interval(DRAW_S, self._draw)
        if self._plan.for_s is not None:
            _ = self.set_timer(max(self._plan.for_s, _LEAST_S), self.exit)
        self._draw()

    def on_resize(self) -> None:
        """Lay out anew for another width."""
        self._draw()

    def action_more(self) -> None:
        """Show more levels."""
        self._choose(Choice.more)

    def action_fewer(self) -> None:
        """Show fewer levels."""
        self._choose(Choice.fewer)

    def action_sort(self) -> None:
        """Sort by what comes next."""
        self._choose(Choice.next_order)

    def action_market(self) -> None:
        """Show the next market alone, or all."""
        self._choose(Choice.next_market)

    def action_pause(self) -> None:
        """Hold the books as they are, or go on with those of now; they are read all the while."""
        self._paused = Moment(books=self._books.copied(), now_us=self._now(), paused=True) if not self._paused else None
        self._draw()

    def _choose(self, change: Callable[[Choice], Choice]) -> None:
        if self._choice is not None:
            self._choice = change(self._choice)
            self._draw()

    def _draw(self) -> None:
        if self._choice is None:
            return
        moment = replace(
            self._paused or Moment(books=self._books, now_us=self._now()),
            trouble=self._reader.trouble,
            unread=str(self._reader.unread or ""),
            missing=str(self._missing),
        )
        shown = ladder.shown(moment, self._choice, self.size.width - _SCROLLBAR)
        self._head.update(terminal.paragraph(shown.head))
        self._cards.show(shown.body)
