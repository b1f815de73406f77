"""The catalogue of tables that the Postgres sink fills: a topic is read when its table stands here."""

from __future__ import annotations

from typing import Final

from sinks.histories.accounts import ACCOUNTS
from sinks.histories.fills import FILLS
from sinks.histories.history import History

HISTORIES: Final[tuple[History, ...]] = (FILLS, ACCOUNTS)

BY_TOPIC: Final = {history.topic: history for history in HISTORIES}
