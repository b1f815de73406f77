"""The pure parts of the order path: a step of the order machine, a client id, a check of the limiter; CPU time alone.

Nobody else has these, so they stand without a peer, but for the client id beside a plain UUID of the same name.
`python -m benchmarks.order_figures` runs this alone.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from uuid import NAMESPACE_OID, uuid5

import msgspec

from benchmarks.measure import Result, compare
from tapeline.domain.machines.order import ORDER
from tapeline.runtime.limiter import Bucket, Limiter
from tapeline.venues.binance.trading import SPOT
from tapeline.venues.orders import client_id

CALLS = 2_000
TOKENS = 1_200
WINDOW_S = 60.0
_BUCKET = "orders"
_NAMED = ("main", "0b6f5b54-6b7d-5f0e-9f0c-8b2f6f1f0a11", ":binance:spot", 1, 1)


def run() -> list[Result]:
    """Return the figures."""
    placed = ORDER.begun().apply("placed", 1)
    return [
        *compare("order machine: one transition, with its history", lambda: placed.apply("filled", 2), {}, calls=CALLS),
        *compare("client id of an order", _ours, {"uuid5 of the same name": _plain}, calls=CALLS),
        *compare("limiter: a check that lets through", _checks(admits=True), {}, calls=CALLS),
        *compare("limiter: a check that refuses", _checks(admits=False), {}, calls=CALLS),
    ]


def _ours() -> str:
    account, intent_id, leg, part, attempt = _NAMED
    return client_id(SPOT.facts.client_ids, account=account, intent_id=intent_id, leg=leg, part=part, attempt=attempt)


def _plain() -> str:
    return str(uuid5(NAMESPACE_OID, msgspec.json.encode(_NAMED).decode()))


def _checks(*, admits: bool) -> Callable[[], object]:
    """Return a check of a bucket that is full of taken tokens; where it admits, one comes back before each check."""
    steps = itertools.count()
    pause_s = WINDOW_S / TOKENS if admits else 0.0
    limiter = Limiter({_BUCKET: Bucket(max_tokens=TOKENS, window_s=WINDOW_S)}, now_s=lambda: next(steps) * pause_s)
    for _ in range(TOKENS):
        _ = _now(limiter)

    def check() -> None:
        if _now(limiter) is not admits:
            raise AssertionError(limiter.get_all_status())

    return check


def _now(limiter: Limiter) -> bool:
    """Return what the limiter says at once: it never waits here, so no loop is needed."""
    asked = limiter.acquire(_BUCKET, 1, 0.0)
    try:
        asked.send(None)
    except StopIteration as answer:
        return bool(answer.value)
    raise AssertionError(asked)


if __name__ == "__main__":
    for one in run():
        sys.stdout.write(f"{one}\n")
