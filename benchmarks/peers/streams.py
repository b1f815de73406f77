"""An agent's input on one real broker: ours, Quix Streams and stock Faust on the same topic, each a process of its own.

What `make bench` says of stock Faust and a bare loop inside one process stays there; this is whole processes in turns,
each in its own environment, so that memory can be told and the peer's own client is the one that is measured.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from itertools import repeat
from pathlib import Path
from typing import Any

import msgspec

from benchmarks import services
from benchmarks.codec import book
from benchmarks.peers import environments
from benchmarks.peers.asking import OURS, started
from schemas import avro_files
from schemas.topics import by_name
from tapeline.runtime import entropy
from tapeline.runtime.codec import Codec
from tapeline.runtime.endpoints import KafkaEndpoint
from tapeline.runtime.kafka import Outgoing, Publisher, admin

PEERS = ("quixstreams", "faust")
ROUNDS = 2
PARTITIONS = 4
RECORDS = 60_000
COUNTS: Mapping[str, int] = {OURS: RECORDS, "quixstreams": RECORDS, "faust": 12_000}
COUNTS_OUT: Mapping[str, int] = {OURS: RECORDS, "quixstreams": RECORDS // 2, "faust": 6_000}
_WITHIN_S = 60.0
WORKS = ("consume, trivial body", "consume, decode, produce each")


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """What one program made of one topic: medians over its rounds."""

    what: str
    peer: str
    cpu_us: float
    a_second: int
    mb: int
    messages: int


class Streams(msgspec.Struct, frozen=True, kw_only=True):
    """All programs on the topic, with versions, and why a peer is missing."""

    rows: list[Stream]
    versions: dict[str, dict[str, str]]
    missing: dict[str, str]


def run(wanted: Sequence[str]) -> Streams:
    """Start a broker of its own, measure, stop it."""
    names, missing = _environments(wanted)
    with services.started() as found, tempfile.TemporaryDirectory() as folder:
        kafka = found.endpoints.kafka
        topic, out = asyncio.run(_filled(kafka))
        told = _turns({OURS: Path(sys.executable), **names}, kafka, (topic, out), folder, missing)
    versions = {name: answers[0]["versions"] for (_, name), answers in told.items()}
    rows = [_summed(what, name, answers) for (what, name), answers in told.items()]
    return Streams(rows=rows, versions=versions, missing=missing)


def _turns(
    ways: Mapping[str, Path], kafka: KafkaEndpoint, topics: tuple[str, str], folder: str, missing: dict[str, str]
) -> dict[tuple[str, str], list[Any]]:
    """Let all take turns; one that fails takes no more. The first turn of all warms the broker and the files."""
    told: dict[tuple[str, str], list[Any]] = {}
    for turn in range(ROUNDS + 1):
        for what in WORKS:
            produces = what == WORKS[1]
            for name in ways:
                if name in missing:
                    continue
                out = topics[1] if produces else ""
                asked = _asked(kafka, topics[0], out, (COUNTS_OUT if produces else COUNTS)[name], folder)
                try:
                    answer = _answered(name, ways[name], asked)
                except environments.Missing as error:
                    missing[name] = str(error)
                    continue
                if turn:
                    told.setdefault((what, name), []).append(answer)
    return told


async def _filled(kafka: KafkaEndpoint) -> tuple[str, str]:
    topic = by_name("md.book")
    record = Codec({topic.subject: 1}).encode(topic, book())
    names = f"benchmark.{entropy.new_id()}", f"benchmark.{entropy.new_id()}"
    async with admin(kafka) as cluster, Publisher(kafka, client_id="benchmark") as publisher:
        for name in names:
            await cluster.create(name, partitions=PARTITIONS, replication=1, config={})
        for partition in range(PARTITIONS):
            records = repeat(Outgoing(b"bybit:spot:BTC/USDT", record), RECORDS // PARTITIONS)
            await publisher.publish_many(names[0], partition, records)
    return names


def _asked(kafka: KafkaEndpoint, topic: str, out: str, count: int, folder: str) -> str:
    group = f"benchmark-{entropy.new_id()}"
    schema = json.loads(avro_files.text(by_name("md.book").record))
    asked = {"bootstrap": kafka.bootstrap, "topic": topic, "group": group, "messages": count, "out": out}
    return json.dumps({**asked, "schema": schema, "folder": str(Path(folder) / group)})


def _answered(name: str, python: Path, asked: str) -> Any:  # noqa: ANN401 - an answer is plain JSON
    module = "benchmarks.peers.our_agent" if name == OURS else f"benchmarks.peers.{name}.drive"
    with started(python, module, asked) as process:
        watch = threading.Timer(_WITHIN_S, process.kill)
        watch.start()
        line = process.stdout.readline() if process.stdout is not None else ""
        watch.cancel()
        if not line:
            raise environments.Missing(f"it ended with code {process.wait()} before all messages were done")
        return json.loads(line)


def _summed(what: str, name: str, answers: list[Any]) -> Stream:
    def median(field: str) -> float:
        return statistics.median(float(answer[field]) for answer in answers)

    return Stream(
        what=what,
        peer=name,
        cpu_us=round(median("cpu_us"), 2),
        a_second=round(median("a_second") / 100) * 100,
        mb=round(median("mb")),
        messages=(COUNTS_OUT if what == WORKS[1] else COUNTS)[name] * len(answers),
    )


def _environments(wanted: Sequence[str]) -> tuple[dict[str, Path], dict[str, str]]:
    found, missing = {}, {}
    for name in wanted:
        try:
            found[name] = environments.python_of(name)
        except environments.Missing as error:
            missing[name] = str(error)
    return found, missing
