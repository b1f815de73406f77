"""Commands about markets: what the venues say now, and what recorded frames said."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tapeline.cli.options import ForS, Json, Once, Symbol
from tapeline.cli.render import Output

app = typer.Typer()


@app.command()
def book(
    symbol: Symbol,
    *,
    venue: Annotated[str | None, typer.Option("--venue", help="Only this exchange.")] = None,
    market: Annotated[str | None, typer.Option("--market", help="Only spot, or only futures.")] = None,
    depth: Annotated[int, typer.Option("--depth", min=1, help="Levels of each side.")] = 10,
    for_s: ForS = None,
    once: Once = False,
    json: Json = False,
) -> int:
    """Show a symbol's books on all venues side by side: best price, ladders, age, gaps; live, until Ctrl-C."""
    from tapeline.cli import book as body
    from tapeline.cli import market_plan

    plan = market_plan.checked(symbol, venue=venue, market=market, depth=depth, for_s=for_s, once=once)
    return body.book(Output(as_json=json), plan)


@app.command()
def spreads(
    symbol: Symbol,
    *,
    venue: Annotated[str | None, typer.Option("--venue", help="Only pairs with a leg at this exchange.")] = None,
    market: Annotated[
        str | None, typer.Option("--market", help="Only pairs with both legs in spot, or futures.")
    ] = None,
    for_s: ForS = None,
    once: Once = False,
    json: Json = False,
) -> int:
    """Show what buying on one venue and selling on another would earn, best net first; live, until Ctrl-C."""
    from tapeline.cli import market_plan
    from tapeline.cli import spreads as body

    plan = market_plan.checked(symbol, venue=venue, market=market, for_s=for_s, once=once)
    return body.spreads(Output(as_json=json), plan)


@app.command()
def decode(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Recorded frames, one JSON object a line.")],
    *,
    instruments: Annotated[
        list[Path] | None, typer.Option("--instruments", help="The venue's own list, in the same form: symbols, base.")
    ] = None,
    values: Annotated[bool, typer.Option("--values", help="Also every normalized value.")] = False,
    json: Json = False,
) -> int:
    """Read recorded frames through the real decoders and books; one JSON object per stretch (a file with its parts)."""
    from tapeline.cli import decode as body

    del json  # it is what comes anyway
    return body.decode(Output(as_json=True), tuple(files), instruments=tuple(instruments or ()), values=values)
