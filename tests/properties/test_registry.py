"""In every interleaving of writers, deletions and mishaps of Kafka: one state for all readers, ids for ever."""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import Any, get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from infra.embedded.registry.answers import Answer
from infra.embedded.registry.canonical import canonical
from infra.embedded.registry.log import Registry
from infra.embedded.registry.records import Entry
from infra.embedded.registry.requests import (
    ConfigBody,
    DeleteSubject,
    DeleteVersion,
    ModeBody,
    Register,
    Request,
    SchemaBody,
    SetConfig,
    SetMode,
)
from infra.embedded.registry.state import State
from tests.support.schema_log import FakeLog, Mishap

SUBJECTS = st.sampled_from(["s", "t"])
FIELDS = st.lists(st.sampled_from("abc"), unique=True, max_size=3)


@st.composite
def schemas(draw: st.DrawFn) -> str:
    fields: list[dict[str, Any]] = [
        {"name": name, "type": draw(st.sampled_from(["int", "long"]))} for name in draw(FIELDS)
    ]
    for field in fields:
        if draw(st.booleans()):
            field["default"] = 0
    return json.dumps({"type": "record", "name": "A", "fields": fields}, indent=draw(st.sampled_from([None, 1])))


REQUESTS: st.SearchStrategy[Request] = st.one_of(
    st.builds(Register, subject=SUBJECTS, body=st.builds(SchemaBody, schema=schemas()), normalize=st.booleans()),
    st.builds(Register, subject=SUBJECTS, body=st.builds(SchemaBody, schema=schemas())),
    st.builds(DeleteSubject, subject=SUBJECTS, permanent=st.booleans()),
    st.builds(DeleteVersion, subject=SUBJECTS, version=st.sampled_from(["1", "2", "latest"]), permanent=st.booleans()),
    st.builds(
        SetConfig,
        subject=st.none() | SUBJECTS,
        body=st.builds(ConfigBody, compatibility=st.sampled_from(["NONE", "BACKWARD", "FULL_TRANSITIVE"])),
    ),
    st.builds(
        SetMode,
        subject=st.none() | SUBJECTS,
        body=st.builds(ModeBody, mode=st.sampled_from(["READWRITE", "READWRITE", "READONLY"])),
    ),
)
MISHAPS = st.sampled_from(["none", "none", *get_args(Mishap)[1:4]])


async def _opened(log: FakeLog, name: str) -> Registry:
    counter = itertools.count()
    registry = Registry(lambda: f"{name}{next(counter)}")
    await registry.follow(log)
    return registry


async def _replayed(entries: list[Entry]) -> State:
    registry = Registry(lambda: "never")
    await registry.follow(_Gapped(entries))
    return registry.state


class _Gapped(FakeLog):
    """A log after compaction: some offsets are gone, its end stays where it was."""

    def __init__(self, entries: list[Entry]) -> None:
        super().__init__()
        self.entries = entries

    async def end(self) -> int:
        return self.entries[-1].offset + 1 if self.entries else 0

    async def read(self, start: int) -> list[Entry]:
        return [entry for entry in self.entries if entry.offset >= start][:2]


async def _play(rounds: list[list[tuple[int, Request]]], mishaps: list[Mishap]) -> None:
    log = FakeLog(mishaps)
    registries = [await _opened(log, name) for name in "abc"]
    texts: dict[int, str] = {}
    for together in rounds:
        found = await asyncio.gather(*(registries[who].answer(request) for who, request in together))
        for (_, request), answer in zip(together, found, strict=True):
            _remember(texts, request, answer)
    assert all([await registry.watch() for registry in registries])
    states = [registry.state for registry in registries]
    assert states[1:] == states[:1] * 2
    assert await _replayed(log.entries) == states[0]
    assert await _replayed(log.compacted()) == states[0]
    known = states[0].texts
    assert {schema_id: known[schema_id] for schema_id in texts} == texts
    assert sorted(known) == list(range(1, len(known) + 1))
    assert len(set(known.values())) == len(known)


def _remember(texts: dict[int, str], request: Request, answer: Answer) -> None:
    """An id that was answered stands for its schema ever after."""
    if isinstance(request, Register) and answer.status == 200:
        text = canonical(request.body.schema or "", normalize=request.normalize)
        held = texts.setdefault(answer.body["id"], text)
        assert canonical(held, normalize=True) == canonical(text, normalize=True)


@settings(max_examples=150, deadline=None)
@given(
    rounds=st.lists(st.lists(st.tuples(st.integers(0, 2), REQUESTS), min_size=1, max_size=4), min_size=1, max_size=10),
    mishaps=st.lists(MISHAPS, max_size=20),
)
def test_any_interleaving_replays_to_one_state_and_ids_never_change(
    rounds: list[list[tuple[int, Request]]], mishaps: list[Mishap]
) -> None:
    asyncio.run(_play(rounds, mishaps))


@given(schemas())
def test_a_spelling_is_its_own_spelling(text: str) -> None:
    once = canonical(text)
    assert (canonical(once), json.loads(once)) == (once, json.loads(text))
    full = canonical(text, normalize=True)
    assert canonical(full, normalize=True) == full
