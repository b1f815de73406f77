"""What several updates of a perpetual's funding come to: venues tell it in parts, and some only what changed."""

from __future__ import annotations

import msgspec

from tapeline.venues.contract import FundingUpdate


def merged(before: FundingUpdate | None, update: FundingUpdate) -> FundingUpdate:
    """Return the whole picture after an update that may name only what changed."""
    if before is None or update.whole:
        return update
    names = ("rate", "mark_price", "index_price", "next_us", "interval_us")
    kept = {name: getattr(before, name) for name in names if getattr(update, name) is None}
    exact = {name: text for name, text in (before.exact or {}).items() if name in kept} | (update.exact or {})
    return msgspec.structs.replace(update, whole=before.whole, exact=exact or None, **kept)
