"""The note beside a committed offset: which range was about to be written; pure, and nothing is guessed from it."""

from __future__ import annotations

import msgspec

from sinks.batching import Range
from tapeline.errors import Misconfigured


class _Note(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Kafka keeps up to 4,096 bytes of it."""

    pending: tuple[int, int]
    since_us: int


def note(wanted: Range | None) -> str:
    """Return the text to commit; empty when nothing is pending."""
    if wanted is None:
        return ""
    return msgspec.json.encode(_Note(pending=(wanted.first, wanted.last), since_us=wanted.since_us)).decode()


def read(text: str, *, where: str) -> Range | None:
    """Return the range that a note names; Misconfigured when it is not one of ours, for guessing would double rows."""
    if not text:
        return None
    try:
        found = msgspec.json.decode(text, type=_Note)
    except msgspec.DecodeError as error:
        raise Misconfigured(
            f"the committed offset of {where} carries a note that this sink cannot read ({text[:200]!r}: {error})",
            fix="run the version of the sink that wrote it once more, or give this sink a group of its own (--group)",
        ) from None
    first, last = found.pending
    if not 0 <= first <= last:
        raise Misconfigured(
            f"the committed offset of {where} notes the impossible range [{first}, {last}]",
            fix="reset that offset with the broker's own tools",
        )
    return Range(first, last, found.since_us)
