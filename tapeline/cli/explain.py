"""`tapeline explain`: from an order back to the books that caused it, and on to its fills; what is lost is said."""

from __future__ import annotations

import asyncio
import difflib
import logging
from collections.abc import Sequence
from functools import partial

from tapeline.cli import explain_books, explain_story, explain_view
from tapeline.cli.explain_books import Found
from tapeline.cli.explain_parts import Explanation
from tapeline.cli.failure import OK
from tapeline.cli.market_symbols import Missing as Absent
from tapeline.cli.reaching import services
from tapeline.cli.render import Output
from tapeline.errors import Misconfigured
from tapeline.runtime import trading_story
from tapeline.runtime.endpoints import Endpoints
from tapeline.runtime.single_transaction import transaction
from tapeline.runtime.trading_story import Named, Story


def explain(out: Output, *, order: str) -> int:
    """Show why an order was sent and what became of it; exit code 1 when there is no such order."""
    # What the library logs of a broker that is gone would be written between the lines; we say it ourselves.
    logging.getLogger("aiokafka").addHandler(logging.NullHandler())
    try:
        found = asyncio.run(_explained(services(), order.strip()))
    except Absent as missing:
        out.fail(missing.failure)
        return missing.failure.exit_code
    out.show(found, partial(explain_view.view, found))
    return OK


async def _explained(known: Endpoints, text: str) -> Explanation:
    story = await _story(known, text)
    intent = explain_story.wanted(story)
    found = Found()
    if intent is not None:
        found = await explain_books.find(known, intent, explain_story.instruments(story, intent))
    return explain_story.told(story, found.books, found.missing)


async def _story(known: Endpoints, text: str) -> Story:
    async with transaction(known.postgres) as session:
        meant = await trading_story.named(session, text) if text else ()
        if not meant:
            raise absent(text, await trading_story.newest(session))
        return await trading_story.story(session, chosen(text, meant))


def chosen(text: str, found: Sequence[Named]) -> str:
    """Return the client id of the one order that is meant; raise Misconfigured naming all when it may be several."""
    if len(found) == 1:
        return found[0].client_order_id
    listed = ", ".join(f"{one.client_order_id} ({one.venue} {one.market} {one.symbol})" for one in found)
    raise Misconfigured(f"{text!r} may be {listed}", fix="write more of the id, or our own client id")


def absent(text: str, newest: Sequence[Named]) -> Absent:
    """Say that there is no such order, naming the nearest id among the newest orders."""
    ids = {name for one in newest for name in (one.client_order_id, one.exchange_order_id) if name}
    near = difflib.get_close_matches(text, sorted(ids), n=1, cutoff=0.0)
    fix = f"did you mean {near[0]!r}?" if near else "there are none yet; see `tapeline orders`"
    return Absent(f"there is no order {text!r}", fix=fix)
