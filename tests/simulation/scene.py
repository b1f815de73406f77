"""One executor that lives in a calm world, and one order that it is asked for: the begin of a written story."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

from executor.terms import Terms
from tapeline.domain.order_records import OrderIntent, PlaceOrder
from tests.simulation.actors import ACCOUNT
from tests.simulation.body import Body
from tests.simulation.world import TERMS, World


@asynccontextmanager
async def living(world: World, terms: Terms = TERMS) -> AsyncIterator[Body]:
    """Let one executor live; it has its lease and has reconciled when this is entered."""
    body = Body("a", world.database, world.topic, world.markets, world.known, terms, world.leases)
    life = asyncio.get_running_loop().create_task(body.live())
    try:
        await world.clock.sleep(1.0)
        yield body
    finally:
        life.cancel()
        _ = await asyncio.gather(life, return_exceptions=True)


def intent(world: World, name: str, *, slot: int = 0) -> OrderIntent:
    """Return the wish for an order that rests, good for a minute."""
    now_us = world.clock.now_us()
    command = PlaceOrder(
        venue="alpha",
        market="futures",
        side="buy",
        order_type="limit",
        time_in_force="GTC",
        quantity=Decimal(5),
        price=Decimal(20),
    )
    return OrderIntent(
        intent_id=name,
        strategy="s",
        account=ACCOUNT,
        symbol="SOL/USDT",
        slot=slot,
        round=0,
        command=command,
        cause=(),
        reason="to rest",
        evidence={},
        decided_us=now_us,
        expires_us=now_us + 60_000_000,
        published_us=now_us,
    )
