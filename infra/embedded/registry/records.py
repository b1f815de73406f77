"""What stands in the log: one record per decision, which counts only at the offset for which it was decided.

That makes any number of writers safe: of those who decided for the same offset one is there, the others are nothing.
The key holds that offset (`seq`) and a name of this one attempt, so no two records share a key: compaction, which keeps
the last record of a key, can never put a losing record in the place of the winning one.
"""

from __future__ import annotations

from typing import Final

import msgspec

from infra.embedded.registry.compatibility import Level
from tapeline.errors import Misconfigured

TOPIC: Final = "_schemas"
PARTITION: Final = 0
MAGIC: Final = 2
"""Version of the key's layout; Confluent's own registry uses 0 and 1 and has no `seq`."""


class Fact(msgspec.Struct, frozen=True, kw_only=True, tag_field="keytype"):
    """Something that was decided; applying it never fails and never asks again."""


class SchemaRegistered(Fact, frozen=True, kw_only=True, tag="SCHEMA"):
    """A version of a subject came to be."""

    subject: str
    version: int
    id: int
    schema: str


class VersionDeleted(Fact, frozen=True, kw_only=True, tag="DELETE_VERSION"):
    """A version was hidden, or forgotten when permanent."""

    subject: str
    version: int
    permanent: bool


class SubjectDeleted(Fact, frozen=True, kw_only=True, tag="DELETE_SUBJECT"):
    """All versions of a subject were hidden, or forgotten when permanent."""

    subject: str
    permanent: bool


class ConfigSet(Fact, frozen=True, kw_only=True, tag="CONFIG"):
    """The rules of a subject changed (of all subjects: None); `compatibility` None takes them back."""

    subject: str | None
    compatibility: Level | None
    normalize: bool = False


class ModeSet(Fact, frozen=True, kw_only=True, tag="MODE"):
    """What may be done to a subject changed (to all: None); `mode` None takes it back."""

    subject: str | None
    mode: str | None


AnyFact = SchemaRegistered | VersionDeleted | SubjectDeleted | ConfigSet | ModeSet


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """The key of a record in the log."""

    keytype: str
    subject: str | None
    magic: int
    seq: int
    attempt: str


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A record as the log holds it."""

    offset: int
    key: bytes | None
    value: bytes | None


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """An entry understood: the fact, who tried to write it, and whether it counts."""

    fact: AnyFact
    attempt: str
    counts: bool


def encode(fact: AnyFact, *, seq: int, attempt: str) -> tuple[bytes, bytes]:
    """Return key and value of a fact that was decided with all records before offset `seq` known."""
    key = Key(keytype=str(fact.__struct_config__.tag), subject=fact.subject, magic=MAGIC, seq=seq, attempt=attempt)
    return msgspec.json.encode(key), msgspec.json.encode(fact)


def decode(entry: Entry) -> Read:
    """Understand an entry; raise Misconfigured when another kind of registry, or a newer one, has written it."""
    try:
        key = msgspec.json.decode(entry.key or b"", type=Key)
        fact: AnyFact = msgspec.json.decode(entry.value or b"", type=AnyFact)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _foreign(entry, str(error)) from error
    if key.magic != MAGIC:
        raise _foreign(entry, f"its layout is {key.magic}, ours {MAGIC}")
    return Read(fact=fact, attempt=key.attempt, counts=key.seq == entry.offset)


def _foreign(entry: Entry, reason: str) -> Misconfigured:
    return Misconfigured(
        f"record {entry.offset} of the topic of schemas was not written by this registry ({reason})",
        fix="set registry.url to the registry that owns the topic, or update Tapeline when it was a newer one of ours",
    )
