"""The node's process: `python -m simulator.dex --port 8545`; one JSON line with its address when it is ready."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import msgspec

from simulator.dex import world
from simulator.dex.node import Node
from simulator.dex.serving import LOOPBACK, grow, serving
from tapeline.runtime import clock, lifecycle
from tapeline.runtime.lifecycle import Lifecycle


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the process and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m simulator.dex", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same traders")
    parser.add_argument("--block-s", type=float, default=2.0, help="seconds from block to block")
    wanted = parser.parse_args(arguments)

    async def body(life: Lifecycle) -> None:
        node = Node(world.genesis(clock.now_us() // 1_000_000))
        port = await life.start("node", serving(node, wanted.port))
        _ = life.spawn("chain", grow(node, block_s=wanted.block_s, seed=wanted.seed))
        line = {"venue": "uniswap", "market": "spot", "address": f"{LOOPBACK}:{port}"}
        _ = sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
        _ = sys.stdout.flush()
        await life.stopping()

    return lifecycle.run(body, service="simulator")


if __name__ == "__main__":
    sys.exit(main())
