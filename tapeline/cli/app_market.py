"""Commands about markets: what works at the venues, what they say now, what was recorded of it."""

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


@app.command()
def venues(
    *,
    probe: Annotated[
        bool, typer.Option("--probe", help="Connect to each and see; exit 1 when something fails.")
    ] = False,
    venue: Annotated[str | None, typer.Option("--venue", help="Only this exchange.")] = None,
    market: Annotated[str | None, typer.Option("--market", help="Only spot, or only futures.")] = None,
    within: Annotated[float, typer.Option("--within", min=1, help="Seconds that the streams are given.")] = 15.0,
    rest: Annotated[str | None, typer.Option("--rest", help="Address of one market's REST, with --ws.")] = None,
    ws: Annotated[str | None, typer.Option("--ws", help="Address of one market's sockets.")] = None,
    sim: Annotated[Path | None, typer.Option("--sim", help="What `tapeline sim` printed: its addresses.")] = None,
    json: Json = False,
) -> int:
    """Show what works at which venue and market: trades, books and how they are checked, instruments, funding.

    --probe goes to the simulators of the demo that runs, else to the network that settings name (venues.network), else
    to simulated exchanges that it starts itself, and looks at BTC/USDT, or at the first that is listed.
    """
    from tapeline.cli import venues as body
    from tapeline.cli.venues_where import Asked

    asked = Asked(venue=venue, market=market, rest=rest, ws=ws, sim=sim)
    if probe:
        return body.probe(Output(as_json=json), asked, within_s=within)
    return body.venues(Output(as_json=json), asked)


@app.command()
def instruments(symbol: Symbol, *, json: Json = False) -> int:
    """Show a symbol's rules on all venues side by side: steps, least and most, fees, as the venues gave them last."""
    from tapeline.cli import instruments as body

    return body.instruments(Output(as_json=json), symbol)


@app.command()
def coverage(
    symbol: Symbol,
    start: Annotated[str, typer.Argument(metavar="FROM", help="A UTC time (2026-01-31T12:00), or an age (10m, 2h).")],
    end: Annotated[str, typer.Argument(metavar="TO", help="The same.")],
    *,
    json: Json = False,
) -> int:
    """Show whether all of a symbol was recorded in a time, and each hole with its cause; exit 1 when not."""
    from tapeline.cli import coverage as body

    return body.coverage(Output(as_json=json), symbol, start, end)
