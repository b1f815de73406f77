"""A worker as a process of its own, to be killed: each book in, one spread out that names it, in our own Lifecycle."""

from __future__ import annotations

import sys

from processors import running
from processors.agent import Agent, Output
from tapeline.domain.events import Book
from tapeline.runtime import lifecycle
from tapeline.runtime.endpoints import resolve


def echo(state: list[str], book: Book) -> tuple[Output, ...]:
    """Return one spread that has the book's sequence in its id."""
    del state
    leg = {"venue": book.venue, "market": book.market, "epoch": book.epoch, "sequence": book.sequence, "price": 1.0}
    value = {
        "signal_id": f"{book.symbol}@{book.sequence}",
        "symbol": book.symbol,
        "quantity": 1.0,
        **{f"{side}_{name}": part for side in ("buy", "sell") for name, part in leg.items()},
        "gross": 0.0,
        "fees": 0.0,
        "net": 0.0,
        "first_received_us": book.first_received_us,
        "received_us": book.received_us,
        "published_us": book.published_us,
    }
    return (Output("signal.spread", book.symbol, value),)


ECHO: Agent[list[str]] = Agent(
    name="echo", reads=("md.book",), writes=("signal.spread",), fresh=list, decide=echo, warm_up_s=1.0
)


async def main(life: lifecycle.Lifecycle) -> None:
    """Run the worker of the group that the command line names until stopped."""
    await running.start(life, resolve(life.settings), sys.argv[1], (ECHO,))
    await life.stopping()


if __name__ == "__main__":
    raise SystemExit(lifecycle.run(main, service="echo"))
