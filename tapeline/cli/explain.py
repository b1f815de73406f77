"""`tapeline explain`: from an order or intent back to its books, and on to its fills; what is lost is said."""

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
from tapeline.runtime.trading_story import Named, NamedIntent, Story


def explain(out: Output, *, name: str) -> int:
    """Show why an order was sent or an intent refused, and what became of it; exit code 1 when there is none such."""
    # What the library logs of a broker that is gone would be written between the lines; we say it ourselves.
    logging.getLogger("aiokafka").addHandler(logging.NullHandler())
    try:
        found = asyncio.run(_explained(services(), name.strip()))
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
        one = chosen(text, meant)
        if isinstance(one, Named):
            return await trading_story.story(session, one.client_order_id)
        return await trading_story.story_of_intent(session, one.intent_id)


def chosen(text: str, found: Sequence[Named | NamedIntent]) -> Named | NamedIntent:
    """Return the one that is meant; raise Misconfigured naming all when it may be several."""
    if len(found) == 1:
        return found[0]
    raise Misconfigured(
        f"{text!r} may be {', '.join(map(_said, found))}", fix="write more of the id, or our own client id"
    )


def absent(text: str, newest: Sequence[Named | NamedIntent]) -> Absent:
    """Say that there is no such order or intent, naming the nearest id among the newest."""
    ids = {name for one in newest for name in _ids(one) if name}
    near = difflib.get_close_matches(text, sorted(ids), n=1, cutoff=0.0)
    fix = f"did you mean {near[0]!r}?" if near else "there are none yet; see `tapeline orders`"
    return Absent(f"there is no order or intent {text!r}", fix=fix)


def _said(one: Named | NamedIntent) -> str:
    if isinstance(one, Named):
        return f"{one.client_order_id} ({one.venue} {one.market} {one.symbol})"
    return f"{one.intent_id} (intent {one.command} {one.symbol})"


def _ids(one: Named | NamedIntent) -> tuple[str | None, ...]:
    return (one.client_order_id, one.exchange_order_id) if isinstance(one, Named) else (one.intent_id,)
