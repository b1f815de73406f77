"""What routes that read the state answer when they cannot: one sentence under `detail`."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from fastapi import HTTPException

from gateway.desk import Desk

NOT_FOUND: Final[dict[int | str, dict[str, Any]]] = {
    HTTPStatus.NOT_FOUND: {"description": "There is no such thing; `detail` names the nearest one."}
}
NOT_READ: Final[dict[int | str, dict[str, Any]]] = {
    HTTPStatus.SERVICE_UNAVAILABLE: {"description": "The gateway has just started; try again in a second."}
}


def opened(desk: Desk) -> None:
    """Refuse for now while the topics have not been read yet: nothing is known, so nothing is unknown either."""
    if not desk.hub.is_open:
        raise HTTPException(
            HTTPStatus.SERVICE_UNAVAILABLE, "the topics are not read yet: try again", headers={"Retry-After": "1"}
        )
