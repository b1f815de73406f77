"""`tapeline topics tail`: records as they are, decoded; one that cannot be decoded is shown with its reason.

The newest N records are found by reading back from the end of each partition in growing steps, so a filter that few
records meet costs a longer look back, at most LOOK_BACK records of each partition.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from functools import partial

import msgspec

from schemas import avro_files
from schemas.topics import TOPICS
from tapeline.cli import filters, tail_plan
from tapeline.cli.connecting import decoder_of
from tapeline.cli.decoding import Decoder, Shown
from tapeline.cli.filters import Condition
from tapeline.cli.reaching import services
from tapeline.cli.render import Output
from tapeline.cli.stream import until_stopped
from tapeline.cli.tail_plan import Plan, Where
from tapeline.cli.topics import named
from tapeline.cli.view import Cell, Line, line
from tapeline.errors import Misconfigured
from tapeline.runtime import clock
from tapeline.runtime.endpoints import Endpoints
from tapeline.runtime.kafka import Partition, Reader, admin

LOOK_BACK = 100_000
_GROWTH = 4
_LIST_HEAD = 3


def tail(out: Output, plan: Plan) -> int:
    """Show records until the plan is met or Ctrl-C."""
    conditions = filters.parse(plan.filters)
    topic = next((it for it in TOPICS if it.name == plan.topic), None)
    if topic is not None:
        known = {field["name"] for field in avro_files.load(topic.record)["fields"]}
        filters.check(conditions, known, topic.name)
    where = tail_plan.where(plan, clock.now_us())
    return until_stopped(_tail(out, plan, where, conditions, services()))


async def _tail(out: Output, plan: Plan, where: Where, conditions: Sequence[Condition], known: Endpoints) -> None:
    async with AsyncExitStack() as stack:
        if plan.topic not in {it.name for it in TOPICS}:
            await _exists(known, plan.topic)
        decoder = await decoder_of(known, stack)
        start = "end" if where == "newest" else where
        reader = await stack.enter_async_context(
            Reader.assigned(known.kafka, {plan.topic: start}, client_id="tapeline-cli")
        )
        left = plan.count
        async for shown in _records(reader, decoder, plan, where, conditions):
            out.item(shown, partial(text, shown))
            if left is not None:
                left -= 1
                if left == 0:
                    return


async def _exists(known: Endpoints, name: str) -> None:
    """Let topics of others be read; for a name that nobody has, the catalogue names the nearest."""
    async with admin(known.kafka) as asked:
        if name not in await asked.topics():
            named(name)
            raise Misconfigured(f"the topic {name} does not exist", fix="run `tapeline up`")


async def _records(
    reader: Reader, decoder: Decoder, plan: Plan, where: Where, conditions: Sequence[Condition]
) -> AsyncIterator[Shown]:
    """Yield the records that are wanted: those that exist, then, when waiting, those to come."""
    if where == "newest":
        for shown in await _newest(reader, decoder, plan.count or 0, conditions):
            yield shown
    elif not plan.wait:
        async for record in reader.until_end():
            shown = await decoder.shown(record)
            if _wanted(shown, conditions):
                yield shown
    while plan.wait:
        batches = await reader.batches()
        arrived = sorted(
            (record for batch in batches.values() for record in batch), key=lambda record: record.timestamp
        )
        for record in arrived:
            shown = await decoder.shown(record)
            if _wanted(shown, conditions):
                yield shown


async def _newest(reader: Reader, decoder: Decoder, count: int, conditions: Sequence[Condition]) -> list[Shown]:
    """Return the newest `count` records that are wanted, oldest first; reading goes on behind them."""
    ends = await reader.ends()
    begins = await _begins(reader)
    window = count
    while True:
        for partition, end in ends.items():
            await reader.seek(partition, max(begins[partition], end - window))
        found = [
            shown async for record in reader.until_end() if _wanted(shown := await decoder.shown(record), conditions)
        ]
        exhausted = all(end - window <= begins[partition] for partition, end in ends.items())
        if len(found) >= count or exhausted or window >= LOOK_BACK:
            found.sort(key=lambda shown: (shown.timestamp_us, shown.partition, shown.offset))
            return found[-count:]
        window *= _GROWTH


async def _begins(reader: Reader) -> dict[Partition, int]:
    begins: dict[Partition, int] = {}
    for partition in reader.assignment():
        await reader.seek(partition, "beginning")
        begins[partition] = await reader.position(partition)
    return begins


def _wanted(shown: Shown, conditions: Sequence[Condition]) -> bool:
    return filters.holds(conditions, shown.value or {}, shown.place)


def text(shown: Shown) -> Line:
    """Return a record as a line for a person: time, place, key, then its fields or why it has none."""
    head = (
        Cell(shown.time[:23].replace("T", " "), "dim"),
        Cell(f" {shown.partition}:{shown.offset} ", "dim"),
        Cell(f"{shown.key or '-'} ", "name"),
    )
    if shown.error is not None:
        first = f" (its {shown.error.size} bytes begin with {shown.error.head[:16]})"
        return line(*head, Cell(f"invalid: {shown.error.problem}", "bad"), Cell(first, "dim"))
    if shown.value is None:
        return line(*head, Cell("deleted", "warn"))
    fields: list[Cell] = []
    for name, value in shown.value.items():
        fields += [Cell(f" {name}=", "dim"), Cell(short(value))]
    return line(*head, *fields)


def short(value: object) -> str:
    """Return a value for one line: long lists by their first elements and their length."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and len(value) > _LIST_HEAD:
        return f"[{', '.join(short(one) for one in value[:_LIST_HEAD])}, .. {len(value)}]"
    if isinstance(value, list):
        return f"[{', '.join(short(one) for one in value)}]"
    return msgspec.json.encode(value).decode()
