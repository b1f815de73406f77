"""A record counts only where it was decided for, no two share a key, and what others wrote stops the registry."""

from __future__ import annotations

import pytest

from infra.embedded.registry.records import (
    AnyFact,
    ConfigSet,
    Entry,
    ModeSet,
    Read,
    SchemaRegistered,
    SubjectDeleted,
    VersionDeleted,
    decode,
    encode,
)
from tapeline.errors import Misconfigured

FACTS: tuple[AnyFact, ...] = (
    SchemaRegistered(subject="s", version=1, id=1, schema='"int"'),
    VersionDeleted(subject="s", version=1, permanent=False),
    SubjectDeleted(subject="s", permanent=True),
    ConfigSet(subject=None, compatibility="FULL", normalize=True),
    ConfigSet(subject="s", compatibility=None),
    ModeSet(subject=None, mode="READONLY"),
)


@pytest.mark.parametrize("fact", FACTS)
def test_a_fact_comes_back_as_it_was_written(fact: AnyFact) -> None:
    key, value = encode(fact, seq=7, attempt="x")
    assert decode(Entry(offset=7, key=key, value=value)) == Read(fact=fact, attempt="x", counts=True)


@pytest.mark.parametrize("offset", [6, 8])
def test_a_record_elsewhere_than_decided_for_counts_nothing(offset: int) -> None:
    key, value = encode(FACTS[0], seq=7, attempt="x")
    assert decode(Entry(offset=offset, key=key, value=value)).counts is False


def test_keys_differ_by_attempt_so_that_compaction_keeps_the_winner() -> None:
    keys = {encode(fact, seq=seq, attempt=attempt)[0] for fact in FACTS[:1] for seq in (1, 2) for attempt in "ab"}
    assert len(keys) == 4


def test_the_key_reads_as_the_topic_of_a_registry_does() -> None:
    key, value = encode(FACTS[0], seq=7, attempt="x")
    assert key == b'{"keytype":"SCHEMA","subject":"s","magic":2,"seq":7,"attempt":"x"}'
    assert value == b'{"keytype":"SCHEMA","subject":"s","version":1,"id":1,"schema":"\\"int\\""}'


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        (b'{"keytype":"NOOP","magic":0}', None, "Object missing required field `subject`"),
        (b'{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}', b"{}", "Object missing required field `seq`"),
        (None, b"{}", "Input data was truncated"),
        (
            b'{"keytype":"SCHEMA","subject":"s","magic":3,"seq":0,"attempt":"x"}',
            encode(FACTS[0], seq=0, attempt="x")[1],
            "its layout is 3, ours 2",
        ),
    ],
)
def test_what_another_registry_wrote_stops_this_one(key: bytes | None, value: bytes | None, reason: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        decode(Entry(offset=0, key=key, value=value))
    assert str(refused.value) == (
        f"record 0 of the topic of schemas was not written by this registry ({reason}): set registry.url to the "
        "registry that owns the topic, or update Tapeline when it was a newer one of ours"
    )
