"""What a client of the stage reads at a venue that packs every message as gzip."""

from __future__ import annotations

import gzip
import json
from typing import Any

from tests.support.stage import TEXT, Client

BINARY = 2


def taken(client: Client) -> list[Any]:
    """Return what arrived since the last call: JSON values, and texts that are none as they are."""
    messages, client.line.messages = client.line.messages, []
    assert TEXT not in {opcode for opcode, _ in messages}
    return [_read(gzip.decompress(payload).decode()) for opcode, payload in messages if opcode == BINARY]


def _read(text: str) -> Any:  # noqa: ANN401 - JSON
    try:
        return json.loads(text)
    except ValueError:
        return text
