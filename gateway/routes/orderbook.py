"""`GET /orderbook/{exchange}/{pair}`: the newest book of one instrument, said to be stale when it is (C-20, K3)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query

from gateway import access, answers
from gateway.desk import Desk
from gateway.interest import DEPTH, DEPTH_MOST
from gateway.naming import Unknown
from gateway.views import BookView
from tapeline.domain.events import Market
from tapeline.runtime import clock


def router(desk: Desk) -> APIRouter:
    """Return the route."""
    made = APIRouter(tags=["market"], dependencies=[Depends(access.required(desk.token))])

    @made.get("/orderbook/{exchange}/{pair:path}", responses=answers.NOT_FOUND | answers.NOT_READ)
    async def orderbook(
        exchange: str,
        pair: str,
        market: Market = "spot",
        depth: Annotated[int, Query(ge=1, le=DEPTH_MOST)] = DEPTH,
    ) -> BookView:
        """Return a book; the pair may be spelt `BTC-USDT`, `BTCUSDT` or `BTC/USDT`."""
        answers.opened(desk)
        found = desk.state.find(exchange, market, pair, depth=depth, now_us=clock.now_us())
        if isinstance(found, Unknown):
            raise HTTPException(HTTPStatus.NOT_FOUND, found.sentence)
        return found

    return made
