"""`tapeline topics ls` and `describe`: the catalogue beside what the broker really has."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Literal

import msgspec

from schemas import avro_files
from schemas.topics import TOPICS, Topic, by_name
from tapeline.cli import avro_text
from tapeline.cli.failure import OK
from tapeline.cli.reaching import services
from tapeline.cli.render import Output
from tapeline.cli.view import Cell, Grid, Line, Style, View, length, line, row, size
from tapeline.errors import Misconfigured
from tapeline.runtime import topics_admin
from tapeline.runtime.endpoints import Endpoints
from tapeline.runtime.kafka import Partition, TopicState, admin
from tapeline.runtime.topics_admin import Copies

State = Literal["ok", "missing", "other partitions", "not ours"]
_STYLES: dict[State, Style] = {"ok": "good", "missing": "bad", "other partitions": "bad", "not ours": "dim"}


class TopicRow(msgspec.Struct, frozen=True, kw_only=True):
    """One topic in the list; what only the catalogue knows is null for a topic that is not ours."""

    name: str
    state: State
    record: str | None
    key: str | None
    owner: tuple[str, ...]
    readers: tuple[str, ...]
    partitions: int | None
    expected_partitions: int | None
    records: int | None
    copies: int | None
    under_replicated: int | None
    under_min: int | None
    cleanup: str | None
    retention_ms: int | None
    retention_bytes: int | None
    about: str | None


class PartitionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One partition as the broker has it."""

    partition: int
    leader: int | None
    replicas: tuple[int, ...]
    in_sync: tuple[int, ...]
    begin: int
    end: int


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """One topic in full: `differs` has the settings that are not as the catalogue wants them."""

    topic: TopicRow
    subject: str
    schema_id: int | None
    fields: tuple[avro_text.Field, ...]
    partitions: tuple[PartitionRow, ...]
    config: dict[str, str]
    differs: dict[str, str]


def named(name: str) -> Topic:
    """Return a topic of the catalogue; raise Misconfigured naming the nearest when there is none."""
    try:
        return by_name(name)
    except LookupError as error:
        problem, _, fix = str(error.args[0]).partition("; ")
        raise Misconfigured(problem, fix=fix or "see `tapeline topics ls`") from None


def topic_row(
    topic: Topic, state: TopicState | None, records: int | None, expected: int, copies: Copies | None = None
) -> TopicRow:
    """Set a topic of the catalogue beside what the broker has of it."""
    verdict: State = "missing" if state is None else "ok" if state.partitions == expected else "other partitions"
    return TopicRow(
        name=topic.name,
        state=verdict,
        record=topic.record,
        key=topic.key,
        owner=topic.owner,
        readers=topic.readers,
        partitions=None if state is None else state.partitions,
        expected_partitions=expected,
        records=records,
        copies=None if copies is None else copies.wanted,
        under_replicated=None if copies is None else copies.under_replicated,
        under_min=None if copies is None else copies.under_min,
        cleanup=topic.cleanup,
        retention_ms=topic.retention_ms,
        retention_bytes=topic.retention_bytes,
        about=topic.about,
    )


def foreign_row(state: TopicState, records: int, copies: Copies) -> TopicRow:
    """Describe a topic that is not in the catalogue (the registry's, a tool's)."""
    return TopicRow(
        name=state.name,
        state="not ours",
        record=None,
        key=None,
        owner=(),
        readers=(),
        partitions=state.partitions,
        expected_partitions=None,
        records=records,
        copies=copies.wanted,
        under_replicated=copies.under_replicated,
        under_min=copies.under_min,
        cleanup=None,
        retention_ms=None,
        retention_bytes=None,
        about=None,
    )


def ls(out: Output) -> int:
    """Show all topics of the catalogue, then those of others."""
    rows = asyncio.run(_list(services()))
    out.show({"topics": rows}, partial(_list_view, rows))
    return OK


async def _list(known: Endpoints) -> tuple[TopicRow, ...]:
    async with admin(known.kafka) as asked:
        found = await asked.topics()
        partitions = [Partition(name, number) for name, state in found.items() for number in range(state.partitions)]
        begins, ends = await asked.beginnings(partitions), await asked.ends(partitions)
        configs = await asked.config(found)
    counts = dict.fromkeys(found, 0)
    for partition, end in ends.items():
        counts[partition.topic] += end - begins.get(partition, end)
    kept = {name: topics_admin.copies(state, configs.get(name, {})) for name, state in found.items()}
    ours = {topic.name for topic in TOPICS}
    want = known.kafka.partitions
    return (
        *(
            topic_row(it, found.get(it.name), counts.get(it.name), it.partition_count(want), kept.get(it.name))
            for it in TOPICS
        ),
        *(foreign_row(found[name], counts[name], kept[name]) for name in sorted(found) if name not in ours),
    )


def _list_view(rows: tuple[TopicRow, ...]) -> View:
    columns = ("topic", "state", "record", "key", "partitions>", "copies", "records>", "kept", "written by", "read by")
    return (Grid(columns, tuple(_list_row(topic) for topic in rows)),)


def _list_row(topic: TopicRow) -> tuple[Cell, ...]:
    return row(
        Cell(topic.name, "name"),
        Cell(topic.state, _STYLES[topic.state]),
        None if topic.record is None else topic.record.removeprefix("tapeline."),
        topic.key,
        topic.partitions,
        copies_cell(topic),
        None if topic.records is None else f"{topic.records:,}",
        None if topic.cleanup is None else kept(topic),
        Cell(" ".join(topic.owner), "dim"),
        Cell(" ".join(topic.readers), "dim"),
    )


def copies_cell(topic: TopicRow) -> Cell:
    """Return how many copies there are of each partition, and of how many partitions some are missing."""
    if topic.copies is None:
        return Cell("")
    if topic.under_min:
        return Cell(f"{topic.copies}, too few of {topic.under_min}", "bad")
    return (
        Cell(f"{topic.copies}, missing of {topic.under_replicated}", "warn")
        if topic.under_replicated
        else Cell(f"{topic.copies}")
    )


def kept(topic: TopicRow) -> str:
    """Return how long records are kept: `24 h or 2 GB`, `newest per key`, `forever`."""
    if topic.cleanup == "compact":
        return "newest per key"
    most = "" if topic.retention_bytes is None else f" or {size(topic.retention_bytes)}"
    return f"{length(topic.retention_ms)}{most}"


def describe(out: Output, *, name: str) -> int:
    """Show one topic of the catalogue in full."""
    found = asyncio.run(_describe(services(), named(name)))
    out.show(found, partial(_description_view, found))
    return OK


async def _describe(known: Endpoints, topic: Topic) -> Description:
    async with admin(known.kafka) as asked:
        actual = await topics_admin.describe(asked, topic, replication=known.kafka.replication)
    state = actual.state
    parts = tuple(
        PartitionRow(
            partition=number,
            leader=state.leaders[number],
            replicas=state.replicas[number],
            in_sync=state.in_sync[number],
            begin=actual.beginnings[number],
            end=actual.ends[number],
        )
        for number in range(state.partitions)
    )
    expected = topic.partition_count(known.kafka.partitions)
    ours = topic.config(partitions=expected, replication=known.kafka.replication)
    return Description(
        topic=topic_row(
            topic,
            state,
            sum(part.end - part.begin for part in parts),
            expected,
            topics_admin.copies(state, actual.config),
        ),
        subject=topic.subject,
        schema_id=None if known.run is None else known.run.schema_ids.get(topic.subject),
        fields=avro_text.fields(avro_files.load(topic.record)),
        partitions=parts,
        config={key: actual.config[key] for key in ours if key in actual.config},
        differs={drift.key: drift.expected for drift in actual.drift},
    )


def _description_view(found: Description) -> View:
    topic = found.topic
    fields = tuple(row(Cell(it.name, "name"), it.type, Cell(it.doc, "dim")) for it in found.fields)
    parts = tuple(
        row(it.partition, it.leader, _in_step(it, topic), it.begin, it.end, f"{it.end - it.begin:,}")
        for it in found.partitions
    )
    config = tuple(
        row(Cell(key, "name"), value, Cell(f"the catalogue has {found.differs[key]}", "bad"))
        if key in found.differs
        else row(Cell(key, "name"), value, "")
        for key, value in found.config.items()
    )
    return (
        line(Cell(topic.name, "bold"), "  ", Cell(topic.state, _STYLES[topic.state])),
        line(Cell(topic.about or "", "dim")),
        line(),
        *_facts(found),
        line(),
        Grid(("field", "type", "meaning"), fields),
        line(),
        Grid(("partition>", "leader>", "copies in step", "begin>", "end>", "records>"), parts),
        line(),
        Grid(("setting", "value", ""), config),
    )


def _in_step(part: PartitionRow, topic: TopicRow) -> Cell:
    """Return the brokers whose copy is in step, of those that are to have one."""
    away = sorted(set(part.replicas) - set(part.in_sync))
    shown = " ".join(str(broker) for broker in sorted(part.in_sync))
    if not away:
        return Cell(shown)
    style: Style = "bad" if topic.under_min else "warn"
    return Cell(f"{shown or 'none'}, not {' '.join(str(broker) for broker in away)}", style)


def _facts(found: Description) -> tuple[Line, ...]:
    topic = found.topic
    facts = {
        "record": f"{topic.record} (subject {found.subject}, schema id {found.schema_id or 'unknown'})",
        "key": topic.key,
        "kept": kept(topic),
        "written by": ", ".join(topic.owner),
        "read by": ", ".join(topic.readers),
    }
    return tuple(line(Cell(f"{name:<11}", "dim"), str(value)) for name, value in facts.items())
