"""A socket that brings a recording's frames at a rate, one at a time: `python -m benchmarks.peers.replaying FILE RATE`.

It says its address on standard output, serves who comes one after the other, and closes after the last frame. Between
two frames it spins: the loop's own timers are too coarse to let each frame have a wake-up of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from benchmarks.peers.driving import Message, read

HOST = "127.0.0.1"


async def main(frames: Sequence[Message], rate: float) -> None:
    """Serve until this process is killed."""

    async def replay(socket: ServerConnection) -> None:
        began_s = time.monotonic()
        with contextlib.suppress(ConnectionClosed):
            for turn, frame in enumerate(frames):
                while time.monotonic() < began_s + turn / rate:  # noqa: ASYNC110 - it is told to nobody
                    await asyncio.sleep(0)
                await socket.send(frame)

    async with serve(replay, HOST, 0, compression=None) as server:
        (socket,) = server.sockets
        sys.stdout.write(f"ws://{HOST}:{socket.getsockname()[1]}\n")
        sys.stdout.flush()
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(read(Path(sys.argv[1]).read_text("utf-8")).frames, float(sys.argv[2])))
