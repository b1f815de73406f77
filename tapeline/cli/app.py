"""The command `tapeline`: names, options and help of every command, and where an error becomes an exit code.

A command's body stands in a module of its own and is imported when the command is called, so that `--help` and shell
completion answer at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from tapeline.cli import app_market, app_tasks, app_trading
from tapeline.cli.failure import INTERRUPTED, OK, Failure, explain
from tapeline.cli.options import BrokerCount, Count, Json, Store, TopicName
from tapeline.cli.render import Output, ReaderGone
from tapeline.errors import TapelineError

HELP = """Market data and trading pipeline on Kafka: up starts it, status and doctor tell how it does, down stops it.

Every command takes --json: standard output is then exactly one JSON object (one per line for topics tail, logs, book,
spreads and status --watch). Exit codes: 0 done, 1 failed or crashed, 2 wrong settings or usage, 3 a service is away.
"""

app = typer.Typer(name="tapeline", help=HELP, no_args_is_help=True, rich_markup_mode="rich", add_completion=True)
topics = typer.Typer(help="Topics of the catalogue: list, describe, read decoded.", no_args_is_help=True)
groups = typer.Typer(help="Consumer groups: how far behind they are.", no_args_is_help=True)
dlq = typer.Typer(help="Dead letters: what could not be processed, and sending it again.", no_args_is_help=True)
settings_app = typer.Typer(help="Settings: keys, meaning, values now.", no_args_is_help=True)
migrate = typer.Typer(help="Database migrations of Postgres and ClickHouse.", no_args_is_help=True)
for _name, _group in (
    ("topics", topics), ("groups", groups), ("dlq", dlq), ("settings", settings_app), ("migrate", migrate),
    ("tasks", app_tasks.app),
):  # fmt: skip
    app.add_typer(_group, name=_name)
# Without a name their commands stand among ours.
app.add_typer(app_market.app)
app.add_typer(app_trading.app)


@app.command()
def up(
    *,
    foreground: Annotated[bool, typer.Option("--foreground", help="Stay until Ctrl-C, then stop everything.")] = False,
    brokers: BrokerCount = None,
    json: Json = False,
) -> int:
    """Start what settings do not name elsewhere: Kafka, schema registry, Postgres, ClickHouse."""
    from tapeline.cli import services

    return services.up(Output(as_json=json), foreground=foreground, brokers=brokers)


@app.command()
def down(*, json: Json = False) -> int:
    """Stop everything that up started; data stays."""
    from tapeline.cli import services

    return services.down(Output(as_json=json))


@app.command()
def prepare(*, json: Json = False) -> int:
    """Make topics, schemas and tables in the services that run; `up` does so by itself, in containers this does."""
    from tapeline.cli import prepare as body

    return body.prepare(Output(as_json=json))


@app.command()
def status(
    *, watch: Annotated[bool, typer.Option("--watch", "-w", help="Refresh until Ctrl-C.")] = False, json: Json = False
) -> int:
    """Show addresses and processes; exit code 0 also when stopped."""
    from tapeline.cli.status import status as show

    return show(Output(as_json=json), watch=watch)


@app.command()
def doctor(
    *,
    venues: Annotated[
        bool, typer.Option("--venues", help="Check the exchanges instead: do they speak as we know it?")
    ] = False,
    venue: Annotated[str | None, typer.Option("--venue", help="Only this exchange; else those recorded.")] = None,
    market: Annotated[str | None, typer.Option("--market", help="Only spot, or only futures.")] = None,
    within: Annotated[float, typer.Option("--within", min=1, help="Seconds that the streams are given.")] = 15.0,
    json: Json = False,
) -> int:
    """Check everything that can be wrong, each with its fix; exit code 1 when a check fails."""
    from tapeline.cli.doctor import doctor as examine
    from tapeline.cli.venues_where import Asked

    asked = Asked(venue=venue, market=market) if venues else None
    return examine(Output(as_json=json), asked, within_s=within)


@app.command()
def demo(
    *,
    for_s: Annotated[float | None, typer.Option("--for", min=0, help="Seconds; without it until Ctrl-C.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same market.")] = 0,
    faults: Annotated[str, typer.Option("--faults", help="Comma separated, e.g. gap,cut,kill; or all.")] = "",
    venues: Annotated[str | None, typer.Option("--venues", help="Comma separated, or all; binance,bybit.")] = None,
    brokers: BrokerCount = None,
    headless: Annotated[bool, typer.Option("--headless", help="No live screen, only the result.")] = False,
    json: Json = False,
) -> int:
    """Run the whole pipeline on simulated exchanges, show it, audit it, stop it; exit 1 when it does not balance."""
    from tapeline.cli.demo.command import demo as run
    from tapeline.cli.demo.plan import Wish, chosen

    acts, kills = chosen(faults)
    wish = Wish(for_s=for_s, seed=seed, faults=acts, kills=kills, headless=headless, venues=venues, brokers=brokers)
    return run(Output(as_json=json), wish)


@app.command()
def sim(
    *,
    venue: Annotated[str, typer.Option("--venue", help="binance, bybit or all.")] = "all",
    market: Annotated[str, typer.Option("--market", help="spot, futures or all.")] = "all",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Of the first exchange, others follow; 0: free ones.")
    ] = 0,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same market.")] = 0,
    faults: Annotated[str, typer.Option("--faults", help="Comma separated, e.g. gap,cut,stall; or all.")] = "",
    symbols: Annotated[int, typer.Option("--symbols", help="How many are listed, at most 24.")] = 20,
    journal: Annotated[Path | None, typer.Option("--journal", help="Folder for what the markets did.")] = None,
    json: Json = False,
) -> int:
    """Serve fake exchanges on loopback that speak the real protocols, until Ctrl-C; one line each when ready."""
    from tapeline.cli.sim import sim as serve

    return serve(
        Output(as_json=json),
        venue=venue,
        market=market,
        port=port,
        seed=seed,
        chosen=faults,
        symbols=symbols,
        journal=journal,
    )


@app.command()
def logs(
    name: Annotated[str | None, typer.Argument(help="Only this process, e.g. kafka.")] = None,
    *,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on with what is written from now on.")] = False,
    count: Annotated[
        int | None, typer.Option("-n", "--count", min=0, help="How many of the newest; 50, all with --trace.")
    ] = None,
    level: Annotated[str | None, typer.Option("--level", help="debug, info, warn or error, and all above.")] = None,
    trace: Annotated[str | None, typer.Option("--trace", help="Only entries of this trace id.")] = None,
    json: Json = False,
) -> int:
    """Show the logs of all processes in the order of time."""
    from tapeline.cli.log_lines import Wanted
    from tapeline.cli.logs import logs as show

    wanted = Wanted(name=name, level=level, trace=trace)
    return show(Output(as_json=json), wanted, follow=follow, count=count)


@app.command()
def version(*, json: Json = False) -> int:
    """Show the versions of Tapeline and its main parts."""
    from tapeline.cli.version import version as show

    return show(Output(as_json=json))


@topics.command("ls")
def topics_ls(*, json: Json = False) -> int:
    """List all topics with records, size and retention."""
    from tapeline.cli import topics as body

    return body.ls(Output(as_json=json))


@topics.command("describe")
def topics_describe(topic: TopicName, *, json: Json = False) -> int:
    """Show one topic: fields of its record, partitions, settings, who writes and reads it."""
    from tapeline.cli import topics as body

    return body.describe(Output(as_json=json), name=topic)


@topics.command("acls")
def topics_acls(
    *,
    apply: Annotated[bool, typer.Option("--apply", help="Change the broker; else only show.")] = False,
    json: Json = False,
) -> int:
    """Show what differs between the broker's rules and the catalogue's owners and readers; --apply makes them the same.

    Only rules of the users tapeline-producers, tapeline-processors, .. are looked at. Users whose password stands in
    users.* (environment or .env.admin) are made as well.
    """
    from tapeline.cli import acls

    return acls.acls(Output(as_json=json), apply=apply)


@topics.command("tail")
def topics_tail(
    topic: TopicName,
    *,
    filters: Annotated[
        list[str] | None, typer.Option("--filter", help="field=value or field~text; all must hold.")
    ] = None,
    count: Count = None,
    start: Annotated[
        str | None, typer.Option("--from", help="beginning, end, a UTC time (2026-01-31T12:00), or an age (10m, 2h).")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait for records that do not exist yet.")] = True,
    json: Json = False,
) -> int:
    """Show a topic's records, decoded.

    Without -n and --from: what arrives from now on, until Ctrl-C. With -n N: the newest N that exist, then new ones
    until N are shown. With --from: from there on, the first N with -n N. --no-wait stops at the end of what exists.
    """
    from tapeline.cli import tail
    from tapeline.cli.tail_plan import Plan

    plan = Plan(topic=topic, filters=tuple(filters or ()), count=count, start=start, wait=wait)
    return tail.tail(Output(as_json=json), plan)


@groups.command("lag")
def groups_lag(
    group: Annotated[str | None, typer.Argument(help="One group, with its partitions; without it all.")] = None,
    *,
    json: Json = False,
) -> int:
    """Show how many records each consumer group has not processed yet."""
    from tapeline.cli import groups as body

    return body.lag(Output(as_json=json), group=group)


@dlq.command("ls")
def dlq_ls(*, count: Count = None, json: Json = False) -> int:
    """List dead letters, the newest last."""
    from tapeline.cli import dlq as body

    return body.ls(Output(as_json=json), count=count)


@dlq.command("show")
def dlq_show(
    letter: Annotated[str, typer.Argument(metavar="ID", help="As dlq ls shows it.")], *, json: Json = False
) -> int:
    """Show one dead letter: reason, origin, and the record as far as it can be read."""
    from tapeline.cli import dlq as body

    return body.show(Output(as_json=json), letter=letter)


@dlq.command("replay")
def dlq_replay(
    letters: Annotated[list[str] | None, typer.Argument(metavar="ID...", help="As dlq ls shows them.")] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="All that were not replayed yet.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Also those that were replayed already.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: Json = False,
) -> int:
    """Send dead letters to their topic of origin again, bytes and key unchanged."""
    from tapeline.cli import dlq as body

    return body.replay(Output(as_json=json), letters=tuple(letters or ()), every=every, yes=yes, again=again)


@settings_app.command("ls")
def settings_ls(*, json: Json = False) -> int:
    """List all keys with their values and meaning."""
    from tapeline.cli import settings_view

    return settings_view.ls(Output(as_json=json))


@settings_app.command("show")
def settings_show(
    key: Annotated[str, typer.Argument(help="A key (kafka.bootstrap) or a section (kafka).")], *, json: Json = False
) -> int:
    """Show one key, or all of a section."""
    from tapeline.cli import settings_view

    return settings_view.show(Output(as_json=json), name=key)


@migrate.command("status")
def migrate_status(*, store: Store = "both", json: Json = False) -> int:
    """Show how each migration stands."""
    from tapeline.cli import migrate as body

    return body.status(Output(as_json=json), store=store)


@migrate.command("up")
def migrate_up(
    *, store: Store = "both", to: Annotated[int | None, typer.Option("--to", min=0)] = None, json: Json = False
) -> int:
    """Apply what is pending."""
    from tapeline.cli import migrate as body

    return body.run(Output(as_json=json), store=store, to=to)


@migrate.command("down")
def migrate_down(
    *,
    to: Annotated[int, typer.Option("--to", min=0, help="The number to go back to; 0 takes all back.")],
    store: Store = "both",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: Json = False,
) -> int:
    """Take migrations back; what they made is dropped with its data."""
    from tapeline.cli import migrate as body

    return body.down(Output(as_json=json), store=store, to=to, yes=yes)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code after telling what went wrong, if anything did."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        answer = app(args=words, prog_name="tapeline", standalone_mode=False)
    except ReaderGone:
        # The interpreter's own flush at exit must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last line of defence: one sentence, an exit code
        failure = explain(error, log=_written(error))
        _tell(Output(as_json="--json" in words), failure)
        return failure.exit_code
    if answer == INTERRUPTED:  # typer turns Ctrl-C into this number without a word
        _tell(Output(as_json="--json" in words), explain(KeyboardInterrupt(), log=None))
    return answer if isinstance(answer, int) else OK


def _tell(out: Output, failure: Failure) -> None:
    if failure.problem:  # typer has shown the help already when the message is empty
        out.fail(failure)


def _written(error: BaseException) -> str | None:
    """Write the traceback into the log and return the file, or None when that cannot be done or is not worth it."""
    if isinstance(error, KeyboardInterrupt | typer.TyperException | typer.Abort):
        return None
    from tapeline.cli.crash import write

    try:
        return write(error)
    except (TapelineError, OSError):
        return None


if __name__ == "__main__":
    sys.exit(main())
