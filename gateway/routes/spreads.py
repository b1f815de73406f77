"""`GET /spreads/{pair}`: the newest spread of each two instruments of a symbol."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter, Depends, HTTPException

from gateway import access, answers
from gateway.desk import Desk
from gateway.naming import Unknown
from gateway.views import SpreadView
from tapeline.runtime import clock


def router(desk: Desk) -> APIRouter:
    """Return the route."""
    made = APIRouter(tags=["market"], dependencies=[Depends(access.required(desk.token))])

    @made.get("/spreads/{pair:path}", responses=answers.NOT_FOUND | answers.NOT_READ)
    async def spreads(pair: str) -> tuple[SpreadView, ...]:
        """Return a symbol's spreads; the pair may be spelt `BTC-USDT`, `BTCUSDT` or `BTC/USDT`."""
        answers.opened(desk)
        found = desk.state.find_spreads(pair, clock.now_us())
        if isinstance(found, Unknown):
            raise HTTPException(HTTPStatus.NOT_FOUND, found.sentence)
        return found

    return made
