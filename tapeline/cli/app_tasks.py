"""The commands about tasks: names, options and help; bodies are imported when a command is called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tapeline.cli.options import Json
from tapeline.cli.render import Output

if TYPE_CHECKING:
    from tapeline.domain.tasks import Table

app = typer.Typer(help="What is to be recorded and traded, where monitor.tasks is on.", no_args_is_help=True)

PairText = Annotated[str, typer.Argument(metavar="PAIR", help="venue:market:symbol, e.g. bybit:spot:BTC/USDT.")]
Traded = Annotated[bool, typer.Option("--trade", help="In the table trade instead of monitoring.")]
Depth = Annotated[
    int | None, typer.Option("--depth", min=0, help="Levels a side of the published book, 0 all; 20 at first.")
]
Priority = Annotated[int | None, typer.Option("--priority", help="Higher is recorded first; 0 at first.")]
Enabled = Annotated[bool | None, typer.Option("--enabled/--disabled", help="Whether it counts; it does at first.")]
Strategy = Annotated[str | None, typer.Option("--strategy", help="Which strategy trades it; only with --trade.")]
Parameters = Annotated[str | None, typer.Option("--params", help="Its parameters as JSON; only with --trade.")]


@app.command("ls")
def ls(*, json: Json = False) -> int:
    """List all tasks, the most important first, and which daemon records each."""
    from tapeline.cli import tasks as body

    return body.ls(Output(as_json=json))


@app.command("add")
def add(
    pair: PairText,
    *,
    trade: Traded = False,
    depth: Depth = None,
    priority: Priority = None,
    enabled: Enabled = None,
    strategy: Strategy = None,
    params: Parameters = None,
    json: Json = False,
) -> int:
    """Record a pair from now on."""
    from tapeline.cli import tasks as body

    table = _table(trade=trade)
    wanted = body.changes(
        table=table, depth=depth, priority=priority, enabled=enabled, strategy=strategy, parameters=params
    )
    return body.add(Output(as_json=json), table, body.pair_of(pair), wanted)


@app.command("set")
def change(
    pair: PairText,
    *,
    trade: Traded = False,
    depth: Depth = None,
    priority: Priority = None,
    enabled: Enabled = None,
    strategy: Strategy = None,
    params: Parameters = None,
    json: Json = False,
) -> int:
    """Change what is named of a pair's tasks in one table; the rest stays."""
    from tapeline.cli import tasks as body

    table = _table(trade=trade)
    wanted = body.changes(
        table=table, depth=depth, priority=priority, enabled=enabled, strategy=strategy, parameters=params
    )
    return body.change(Output(as_json=json), table, body.pair_of(pair), wanted)


@app.command("rm")
def remove(pair: PairText, *, trade: Traded = False, json: Json = False) -> int:
    """Take a pair's tasks out of one table."""
    from tapeline.cli import tasks as body

    return body.remove(Output(as_json=json), _table(trade=trade), body.pair_of(pair))


def _table(*, trade: bool) -> Table:
    return "trade" if trade else "monitoring"
