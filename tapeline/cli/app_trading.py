"""The commands about our own trading: names, options and help; bodies are imported when a command is called."""

from __future__ import annotations

from typing import Annotated

import typer

from tapeline.cli.options import Json
from tapeline.cli.render import Output

app = typer.Typer()

Reason = Annotated[str | None, typer.Option("--reason", help="Why; it stands in the audit.")]


@app.command()
def orders(
    *,
    open_only: Annotated[bool, typer.Option("--open", help="Only those that may still be dealt.")] = False,
    symbol: Annotated[str | None, typer.Option("--symbol", help="Only this pair: BTC/USDT, btcusdt.")] = None,
    strategy: Annotated[str | None, typer.Option("--strategy", help="Only this strategy's.")] = None,
    count: Annotated[int | None, typer.Option("-n", "--count", min=1, help="How many of the newest; 50.")] = None,
    json: Json = False,
) -> int:
    """Show our orders, the newest first."""
    from tapeline.cli import trading_orders as body

    wanted = body.wanted(open_only=open_only, symbol=symbol, strategy=strategy, count=count)
    return body.orders(Output(as_json=json), wanted)


@app.command()
def positions(
    *, closed: Annotated[bool, typer.Option("--all", help="Also those that have ended.")] = False, json: Json = False
) -> int:
    """Show what is held, at the newest prices."""
    from tapeline.cli import trading_positions as body

    return body.positions(Output(as_json=json), closed=closed)


@app.command()
def pnl(*, json: Json = False) -> int:
    """Show the profit of each strategy and symbol and in total, exact, from every fill."""
    from tapeline.cli import trading_pnl as body

    return body.show(Output(as_json=json))


@app.command()
def explain(
    name: Annotated[
        str, typer.Argument(metavar="ID", help="An order's id, ours or the venue's, or an intent's, or how it begins.")
    ],
    *,
    json: Json = False,
) -> int:
    """Show why an order was sent or an intent refused: intent, answer, books, orders, fills, each hop in time."""
    from tapeline.cli import explain as body

    return body.explain(Output(as_json=json), name=name)


@app.command()
def kill(*, reason: Reason = None, json: Json = False) -> int:
    """Stop all trading at once: nothing is opened, what rests is cancelled; it stands until resume or reduce."""
    from tapeline.cli import kill as body

    return body.kill(Output(as_json=json), reason=reason)


@app.command()
def reduce(*, reason: Reason = None, json: Json = False) -> int:
    """Let positions be closed and open nothing, also after a kill."""
    from tapeline.cli import kill as body

    return body.change(Output(as_json=json), "REDUCING", reason=reason)


@app.command()
def resume(*, reason: Reason = None, json: Json = False) -> int:
    """Let strategies open again, also after a kill."""
    from tapeline.cli import kill as body

    return body.change(Output(as_json=json), "RUNNING", reason=reason)
