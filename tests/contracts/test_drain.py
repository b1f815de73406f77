"""The end of a demo on a Postgres that takes connections and never answers: it gives up, and says so in words."""

from __future__ import annotations

import asyncio
import re

import pytest

from tapeline.cli.demo.drain import stop_trading
from tapeline.errors import Unavailable
from tapeline.runtime.endpoints import PostgresEndpoint


async def test_a_postgres_that_does_not_take_the_halt_is_told_in_words() -> None:
    over = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del reader
        await over.wait()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        endpoint = PostgresEndpoint(host="127.0.0.1", port=port, user="tapeline", name="tapeline")
        with pytest.raises(Unavailable, match=re.escape("Postgres did not take the wish to halt within 0 s")):
            await stop_trading(endpoint, within_s=0)
        over.set()
