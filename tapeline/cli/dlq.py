"""`tapeline dlq`: list dead letters, look into one, send them to their topic again."""

from __future__ import annotations

import asyncio
import difflib
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import msgspec

from schemas.topics import by_name
from tapeline.cli.connecting import decoder_of
from tapeline.cli.decoding import Decoder, Invalid, invalid
from tapeline.cli.failure import OK
from tapeline.cli.reaching import services
from tapeline.cli.render import Output
from tapeline.cli.view import Cell, Grid, View, line, row, size
from tapeline.domain.events import DeadLetter
from tapeline.errors import InvalidMessage, Misconfigured, UnknownSchema
from tapeline.runtime import clock, dlq
from tapeline.runtime.endpoints import Endpoints
from tapeline.runtime.kafka import Publisher


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """One dead letter in the list; `id` names it in the other commands."""

    id: str
    topic: str
    partition: int
    offset: int
    at_us: int
    process: str
    error: str
    field: str | None
    schema_id: int | None
    key: str | None
    size: int
    replays: int
    replayed_us: int | None


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What a letter holds: the record as far as it can be read today."""

    letter: Letter
    headers: dict[str, str | None]
    record: str | None
    value: dict[str, Any] | None
    invalid: Invalid | None


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """Where the record of a letter stands now."""

    id: str
    topic: str
    partition: int
    offset: int


def ls(out: Output, *, count: int | None) -> int:
    """Show the letters, the newest last."""
    letters = asyncio.run(_list())
    shown = tuple(summary(letter) for letter in (letters if count is None else letters[-count:]))
    out.show({"letters": shown, "total": len(letters)}, partial(_list_view, shown))
    return OK


def show(out: Output, *, letter: str) -> int:
    """Show one letter."""
    found = asyncio.run(_content(letter))
    out.show(found, partial(_content_view, found))
    return OK


def replay(out: Output, *, letters: tuple[str, ...], every: bool, yes: bool, again: bool) -> int:
    """Publish the records of letters to where they came from; a letter is replayed once unless `again`."""
    if bool(letters) == every:
        raise Misconfigured("it is not said which letters to replay", fix="name their ids, or say --all")
    known = asyncio.run(_list())
    wanted = tuple(one for one in known if one.replayed_us is None) if every else chosen(known, letters)
    if every and not yes and wanted and not out.confirm(f"replay {len(wanted)} dead letters?"):
        raise Misconfigured(f"{len(wanted)} dead letters would be replayed", fix="say --yes to do it")
    done = asyncio.run(_replay(out, wanted, again=again))
    out.show({"replayed": done}, partial(_replayed_view, done))
    return OK


def chosen(known: tuple[DeadLetter, ...], ids: tuple[str, ...]) -> tuple[DeadLetter, ...]:
    """Return the letters of these ids, in that order; raise Misconfigured naming the nearest of an unknown one."""
    by_id = {letter.origin: letter for letter in known}
    for wanted in ids:
        if wanted not in by_id:
            near = difflib.get_close_matches(wanted, by_id, n=1, cutoff=0.0)
            fix = f"did you mean {near[0]!r}?" if near else "there are none; see `tapeline dlq ls`"
            raise Misconfigured(f"there is no dead letter {wanted!r}", fix=fix)
    return tuple(by_id[wanted] for wanted in dict.fromkeys(ids))


def summary(letter: DeadLetter) -> Letter:
    """Return what the list shows of a letter."""
    return Letter(
        id=letter.origin,
        topic=letter.origin_topic,
        partition=letter.origin_partition,
        offset=letter.origin_offset,
        at_us=letter.at_us,
        process=letter.process,
        error=letter.error,
        field=letter.field,
        schema_id=letter.schema_id,
        key=None if letter.key is None else _text(letter.key),
        size=len(letter.value or b""),
        replays=letter.replays,
        replayed_us=letter.replayed_us,
    )


async def _list() -> tuple[DeadLetter, ...]:
    known = services()
    async with AsyncExitStack() as stack:
        return await _letters(known, await decoder_of(known, stack))


async def _letters(known: Endpoints, decoder: Decoder) -> tuple[DeadLetter, ...]:
    """Read all letters, learning the schemas of older and newer versions on the way."""
    while True:
        try:
            return await dlq.letters(known.kafka, decoder.codec)
        except UnknownSchema as error:
            await decoder.learn(error.schema_id)


async def _content(wanted: str) -> Content:
    known = services()
    async with AsyncExitStack() as stack:
        decoder = await decoder_of(known, stack)
        (letter,) = chosen(await _letters(known, decoder), (wanted,))
        name, value, problem = None, None, None
        if letter.value is not None:
            try:
                name, value = await decoder.value(letter.value)
            except InvalidMessage as error:
                problem = invalid(letter.value, str(error))
    headers = {header.name: None if header.value is None else _text(header.value) for header in letter.headers}
    return Content(letter=summary(letter), headers=headers, record=name, value=value, invalid=problem)


async def _replay(out: Output, letters: tuple[DeadLetter, ...], *, again: bool) -> tuple[Replayed, ...]:
    known = services()
    done: list[Replayed] = []
    async with AsyncExitStack() as stack:
        decoder = await decoder_of(known, stack, writes=(by_name(dlq.TOPIC).subject,))
        publisher = await stack.enter_async_context(Publisher(known.kafka, client_id="tapeline-cli"))
        for letter in letters:
            stored = await dlq.replay(publisher, decoder.codec, letter, again=again)
            out.remark(f"replayed {letter.origin}")
            done.append(
                Replayed(id=letter.origin, topic=letter.origin_topic, partition=stored.partition, offset=stored.offset)
            )
    return tuple(done)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")


def _list_view(letters: tuple[Letter, ...]) -> View:
    rows = tuple(
        row(
            Cell(letter.id, "name"),
            _time(letter.at_us),
            letter.process,
            Cell(letter.error, "bad"),
            letter.key,
            size(letter.size),
            "" if letter.replayed_us is None else Cell(f"replayed {_time(letter.replayed_us)}", "good"),
        )
        for letter in letters
    )
    return (Grid(("id", "set aside", "by", "why", "key", "size>", ""), rows, empty="no dead letters"),)


def _content_view(found: Content) -> View:
    letter = found.letter
    facts = {
        "set aside": f"{_time(letter.at_us)} by {letter.process}",
        "why": letter.error,
        "field": letter.field,
        "key": letter.key,
        "schema id": letter.schema_id,
        "size": size(letter.size),
        "replays": letter.replays,
        "replayed": None if letter.replayed_us is None else _time(letter.replayed_us),
        **{f"header {name}": value for name, value in found.headers.items()},
        "record": found.record,
        "unreadable": None if found.invalid is None else f"{found.invalid.problem} (begins with {found.invalid.head})",
    }
    rows = tuple(row(Cell(name, "dim"), str(value)) for name, value in facts.items() if value is not None)
    fields = tuple(
        row(Cell(name, "name"), msgspec.json.encode(it).decode()) for name, it in (found.value or {}).items()
    )
    body = (line(), Grid(("field", "value"), fields)) if fields else ()
    return (line(Cell(letter.id, "bold")), Grid(("", ""), rows), *body)


def _replayed_view(done: tuple[Replayed, ...]) -> View:
    if not done:
        return (line("nothing to replay"),)
    return tuple(
        line(Cell("✓ ", "good"), Cell(one.id, "name"), f" is now {one.topic}/{one.partition}/{one.offset}")
        for one in done
    )


def _time(at_us: int) -> str:
    return clock.iso(at_us)[:19].replace("T", " ")
