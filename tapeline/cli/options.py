"""The options and arguments that several commands share, so that each reads the same everywhere."""

from __future__ import annotations

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
Count = Annotated[int | None, typer.Option("-n", "--count", min=1, help="How many, the newest; then stop.")]
Store = Annotated[str, typer.Option("--store", help="postgres, clickhouse or both.")]
Symbol = Annotated[str, typer.Argument(help="The pair: BTC/USDT, BTC-USDT, btcusdt.")]
ForS = Annotated[float | None, typer.Option("--for", min=0, help="Seconds; without it until Ctrl-C.")]
BrokerCount = Annotated[
    int | None, typer.Option("--brokers", help="So many Kafka brokers, 1 or 3; default: embedded.brokers.")
]
Once = Annotated[bool, typer.Option("--once", help="Show the newest that exists, and stop.")]


def _topic_names() -> list[str]:
    from schemas.topics import TOPICS

    return [topic.name for topic in TOPICS]


TopicName = Annotated[str, typer.Argument(help="A topic's name, e.g. md.trade.", autocompletion=_topic_names)]
