"""A node's JSON-RPC over a chain, without sockets: a text comes in, a text goes out; subscribers hear of each block."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from simulator.dex.chain import Block, Chain, words
from simulator.dex.curve import Curve

LENS = "0xbfd8137f7d1516d3ea5ca83523914859ec47f573"
PARSE, UNKNOWN, INVALID, FAILED, LIMIT = -32700, -32601, -32602, -32000, -32005

Tell = Callable[[str], None]


class NoResultError(Exception):
    """A call without a result, by its code and why."""

    def __init__(self, code: int, message: str) -> None:
        """Take what the answer says."""
        super().__init__(message)
        self.code = code


@dataclass(slots=True)
class Listener:
    """One connection: how it is told and how it is cut, and its subscriptions to events by id."""

    tell: Tell
    cut: Callable[[], None]
    subscriptions: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(slots=True)
class Node:
    """The node; `limited` is how many of the next calls it refuses for its limit, `calls` what it was asked."""

    chain: Chain
    chain_id: int = 1
    limited: int = 0
    calls: list[str] = field(default_factory=list)
    listeners: list[Listener] = field(default_factory=list)
    _subscribed: int = 0

    def listen(self, tell: Tell, cut: Callable[[], None]) -> Listener:
        """Take a connection."""
        listener = Listener(tell, cut)
        self.listeners.append(listener)
        return listener

    def hear(self, text: str, listener: Listener | None = None) -> str:
        """Answer one call or a batch of them."""
        try:
            asked = json.loads(text)
        except ValueError:
            return json.dumps(_refused(None, PARSE, "parse error"))
        if isinstance(asked, list):
            # In no order that the asker may count on.
            return json.dumps([self._answer(one, listener) for one in reversed(asked)])
        return json.dumps(self._answer(asked, listener))

    def tell(self, block: Block, *, removed: bool = False) -> None:
        """Tell subscribers of the events of a block that has come, or has left."""
        for listener in self.listeners:
            for name, wanted in listener.subscriptions.items():
                for log in _matching(block, wanted):
                    notice = {"subscription": name, "result": {**log, "removed": removed}}
                    listener.tell(json.dumps({"jsonrpc": "2.0", "method": "eth_subscription", "params": notice}))

    def _answer(self, call: dict[str, Any], listener: Listener | None) -> dict[str, Any]:
        name = call.get("id")
        self.calls.append(str(call.get("method")))
        if self.limited > 0:
            self.limited -= 1
            return _refused(name, LIMIT, "limit exceeded")
        try:
            return {"jsonrpc": "2.0", "id": name, "result": self._result(call["method"], call["params"], listener)}
        except NoResultError as error:
            return _refused(name, error.code, str(error))
        except (KeyError, ValueError, TypeError, IndexError):
            return _refused(name, INVALID, "invalid params")

    def _result(self, method: str, params: list[Any], listener: Listener | None) -> object:
        match method:
            case "eth_chainId":
                return hex(self.chain_id)
            case "eth_getBlockByNumber" if params[0] == "latest":
                return _head(self.chain.head)
            case "eth_getBlockByHash":
                block = self.chain.block(params[0]) or self.chain.orphans.get(params[0])
                return None if block is None else _head(block)
            case "eth_getLogs":
                return list(_matching(self._at(params[0]), params[0]))
            case "eth_call":
                return self._call(params[0]["to"].lower(), params[0]["data"], self._at(params[1]))
            case "eth_subscribe" if params[0] == "logs" and listener is not None:
                return self._subscribe(listener, params[1])
        raise NoResultError(UNKNOWN, f"the method {method} does not exist/is not available")

    def _subscribe(self, listener: Listener, wanted: dict[str, Any]) -> str:
        self._subscribed += 1
        listener.subscriptions[hex(self._subscribed)] = wanted
        return hex(self._subscribed)

    def _at(self, where: object) -> Block:
        """Return the block of a call: the newest one, or the one of a hash."""
        if where == "latest":
            return self.chain.head
        if not isinstance(where, dict):
            raise NoResultError(INVALID, "no such block parameter")
        block = self.chain.block(where["blockHash"])
        if block is None:
            raise NoResultError(FAILED, "hash is not currently canonical")
        return block

    def _call(self, to: str, data: str, block: Block) -> str:
        selector, body = data[2:10], data[10:]
        arguments = [int(body[at : at + 64], 16) for at in range(0, len(body), 64)]
        if to == LENS and selector == "351fb478":
            return _populated(block.states[f"0x{arguments[0]:040x}"], _signed(arguments[1]))
        decimals = {
            coin.address: coin.decimals for pool in self.chain.pools.values() for coin in (pool.token0, pool.token1)
        }
        if selector == "313ce567" and to in decimals:
            return words(decimals[to])
        pool = self.chain.pools.get(to)
        # Where no contract is, a call has no data and no error.
        return "0x" if pool is None else _told(pool.token0.address, pool.token1.address, block.states[to], selector)


def _told(token0: str, token1: str, curve: Curve, selector: str) -> str:
    match selector:
        case "3850c7bd":
            return words(curve.root, curve.tick, 0, 1, 1, 0, 1)
        case "1a686502":
            return words(curve.liquidity)
        case "0dfe1681":
            return words(int(token0, 16))
        case "d21220a7":
            return words(int(token1, 16))
        case "ddca3f43":
            return words(curve.fee)
        case "d0c93a7c":
            return words(curve.spacing)
        case _:
            raise NoResultError(FAILED, "execution reverted")


def _populated(curve: Curve, word: int) -> str:
    span = 256 * curve.spacing
    # The lens lists the highest tick first.
    ticks = [tick for tick in sorted(curve.net, reverse=True) if word * span <= tick < (word + 1) * span]
    return words(32, len(ticks), *(part for tick in ticks for part in (tick, curve.net[tick], curve.gross[tick])))


def _matching(block: Block, wanted: dict[str, Any]) -> Iterator[dict[str, object]]:
    addresses = wanted["address"]
    of = [one.lower() for one in ([addresses] if isinstance(addresses, str) else addresses)]
    for log in block.logs:
        topics: Any = log["topics"]
        if log["address"] in of and topics[0] in wanted["topics"][0]:
            yield log


def _head(block: Block) -> dict[str, object]:
    return {
        "number": hex(block.number),
        "hash": block.hash,
        "parentHash": block.parent,
        "timestamp": hex(block.time_s),
        "transactions": [],
    }


def _signed(word: int) -> int:
    return word - (1 << 256) if word >> 255 else word


def _refused(name: object, code: int, message: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": name, "error": {"code": code, "message": message}}
