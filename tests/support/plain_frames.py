"""What one recorded frame says, read a second time by the fact sheets alone: JSON, decimals and dicts, no code of ours.

A note is {"kind": "trade", native, price, quantity, side} or {"kind": "snapshot" | "delta", native, bids, asks, ..}:
`u` is the last change in it, `U` the first, `pu` the last before it, each only where the venue says so.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

Note = dict[str, Any]
Json = Mapping[str, Any]
Level = tuple[str, str]


def parsed(data: bytes) -> Any:  # noqa: ANN401 - JSON is anything
    """Return a frame's JSON, inflated where it is gzip; None for a ping in words."""
    text = zlib.decompress(data, 16 + zlib.MAX_WBITS) if data[:2] == b"\x1f\x8b" else data
    return None if text.strip().lower() in {b"ping", b"pong"} else json.loads(text, parse_float=Decimal)


def levels(listed: Any) -> list[Level]:  # noqa: ANN401 - lists, objects, or one object of all prices
    """Return price and quantity of each level as text."""
    if isinstance(listed, Mapping):
        return [(str(price), str(quantity)) for price, quantity in listed.items()]
    pairs = ((one["p"], one["s"]) if isinstance(one, Mapping) else (one[0], one[1]) for one in listed or ())
    return [(str(price), str(quantity)) for price, quantity in pairs]


def trade(native: str, price: object, quantity: object, side: object) -> Note:
    """Return a trade; the side is the taker's."""
    taker = str(side).lower()
    assert taker in {"buy", "sell"}, side
    return {
        "kind": "trade",
        "native": native,
        "price": Decimal(str(price)),
        "quantity": abs(Decimal(str(quantity))),
        "side": taker,
    }


def snapshot(native: str, bids: object, asks: object, u: object = None, **more: object) -> Note:
    """Return a whole book."""
    last = None if u is None else int(str(u))
    return {"kind": "snapshot", "native": native, "bids": levels(bids), "asks": levels(asks), "u": last, **more}


def delta(native: str, bids: object, asks: object, **numbers: object) -> Note:
    """Return changed levels, with what the venue numbers."""
    known = {name: number if name == "check" else int(str(number)) for name, number in numbers.items()}
    return {"kind": "delta", "native": native, "bids": levels(bids), "asks": levels(asks), **known}


def maker(is_buyer: object) -> str:
    """Return the taker's side where the venue says whether the buyer was the maker."""
    return "sell" if str(is_buyer).lower() == "true" else "buy"


def binance(frame: Json, _: str) -> Iterable[Note]:
    """Read spot and futures; a stream of a few levels carries them all in each push."""
    stream, body = str(frame.get("stream", "")), frame.get("data", frame)
    native = body.get("s") or stream.partition("@")[0].upper()
    if re.search(r"@depth(5|10|20)(@|$)", stream):
        bids, asks = body.get("bids", body.get("b")), body.get("asks", body.get("a"))
        yield snapshot(native, bids, asks, body.get("lastUpdateId", body.get("u")))
    elif body.get("e") == "depthUpdate":
        yield delta(native, body["b"], body["a"], **{name: body[name] for name in ("U", "u", "pu") if name in body})
    elif body.get("e") in {"trade", "aggTrade"} and body.get("X", "MARKET") == "MARKET":
        yield trade(native, body["p"], body["q"], maker(body["m"]))


def bybit(frame: Json, _: str) -> Iterable[Note]:
    """Read v5: a book that counts from 1 is a new one."""
    topic, data = str(frame.get("topic", "")), frame.get("data")
    if data is None or isinstance(data, str):
        return
    if topic.startswith("orderbook."):
        whole = frame["type"] == "snapshot" or data["u"] == 1
        if whole:
            yield snapshot(data["s"], data["b"], data["a"], data["u"])
        else:
            yield delta(data["s"], data["b"], data["a"], U=data["u"], u=data["u"])
    elif topic.startswith("publicTrade."):
        yield from (trade(one["s"], one["p"], one["v"], one["S"]) for one in data)


def okx(frame: Json, _: str) -> Iterable[Note]:
    """Read v5: what goes before a snapshot is -1, and a channel of five levels sends nothing else."""
    arg = frame.get("arg", {})
    channel, native = str(arg.get("channel", "")), arg.get("instId")
    for one in frame.get("data", ()):
        if channel in {"trades", "trades-all"}:
            yield trade(one["instId"], one["px"], one["sz"], one["side"])
        elif channel in {"books5", "books", "books-l2-tbt", "books50-l2-tbt"}:
            if frame.get("action") == "snapshot" or channel == "books5" or one.get("prevSeqId") == -1:
                yield snapshot(native, one["bids"], one["asks"], one.get("seqId"))
            else:
                yield delta(native, one["bids"], one["asks"], pu=one["prevSeqId"], u=one["seqId"])


def kucoin(frame: Json, _: str) -> Iterable[Note]:
    """Read the classic sockets and the unified ones."""
    kind = str(frame.get("T", ""))
    if kind:
        yield from _kucoin_unified(kind.partition(".")[0], frame, frame["d"])
        return
    topic, _, native = str(frame.get("topic", "")).partition(":")
    data = frame.get("data", {})
    if topic == "/market/level2":
        # A price of 0 only fills the numbering.
        sides = {side: [one for one in data["changes"][side] if Decimal(one[0])] for side in ("bids", "asks")}
        yield delta(native, sides["bids"], sides["asks"], U=data["sequenceStart"], u=data["sequenceEnd"])
    elif topic == "/contractMarket/level2":
        price, side, lots = data["change"].split(",")
        bids, asks = ([(price, lots)], []) if side == "buy" else ([], [(price, lots)])
        yield delta(native, bids, asks, U=data["sequence"], u=data["sequence"])
    elif re.fullmatch(r"/(spotMarket|contractMarket)/level2Depth(5|50)", topic):
        yield snapshot(native, data["bids"], data["asks"])
    elif topic in {"/market/match", "/contractMarket/execution"}:
        yield trade(data["symbol"], data["price"], data["size"], data["side"])


def _kucoin_unified(kind: str, frame: Json, data: Json) -> Iterable[Note]:
    if kind == "trade":
        yield trade(data["s"], data["p"], data["q"], data["S"])
    elif kind == "obu" and (frame["t"] == "snapshot" or frame["dp"] in {"1", "5", "50"}):
        yield snapshot(data["s"], data["b"], data["a"], data["C"])
    elif kind == "obu":
        yield delta(data["s"], data["b"], data["a"], U=data["O"], u=data["C"])


def gateio(frame: Json, _: str) -> Iterable[Note]:
    """Read v4: futures give signed contracts, and trades of their own house are none."""
    market, _, channel = str(frame.get("channel", "")).partition(".")
    held = frame.get("result")
    if frame.get("event") not in {"update", "all"} or not held:
        return
    if channel == "trades":
        for one in held if isinstance(held, list) else [held]:
            if not one.get("is_internal"):
                native, quantity = one.get("currency_pair", one.get("contract")), one.get("amount", one.get("size"))
                signed = "buy" if Decimal(str(quantity)) > 0 else "sell"
                yield trade(native, one["price"], quantity, one.get("side", signed) if market == "spot" else signed)
    elif channel in {"order_book_update", "obu"}:
        native = held["s"][3:].rpartition(".")[0] if channel == "obu" else held["s"]
        if held.get("full"):
            yield snapshot(native, held.get("b"), held.get("a"), held["u"])
        else:
            yield delta(native, held.get("b"), held.get("a"), U=held["U"], u=held["u"])
    elif channel == "order_book":
        number = held.get("lastUpdateId", held.get("id"))
        yield snapshot(held.get("s", held.get("contract")), held["bids"], held["asks"], number)


def htx(frame: Json, _: str) -> Iterable[Note]:
    """Read the market sockets, whose frames are gzip on the wire."""
    _, native, *rest = [*str(frame.get("ch", frame.get("rep", ""))).split("."), "", ""]
    kind, tick = ".".join(rest).strip("."), frame.get("tick", frame.get("data", {}))
    if kind == "trade.detail":
        for one in tick["data"]:
            yield trade(native, one["price"], str(one["amount"]), one["direction"])
    elif kind.startswith(("depth.step", "mbp.refresh.")) or (kind.startswith("mbp.") and "rep" in frame):
        yield snapshot(native, tick["bids"], tick["asks"], tick.get("seqNum", tick.get("version")))
    elif kind.startswith("mbp."):
        yield delta(native, tick.get("bids"), tick.get("asks"), pu=tick["prevSeqNum"], u=tick["seqNum"])
    elif kind.endswith(".high_freq") and tick["event"] == "snapshot":
        yield snapshot(native, tick["bids"], tick["asks"], tick["version"])
    elif kind.endswith(".high_freq"):
        yield delta(native, tick["bids"], tick["asks"], U=tick["version"], u=tick["version"])


def bingx(frame: Json, _: str) -> Iterable[Note]:
    """Read both markets; numbers that leave some out prove nothing."""
    native, _, kind = str(frame.get("dataType", "")).partition("@")
    data: Any = frame.get("data")
    if kind == "trade":
        for one in data if isinstance(data, list) else [data]:
            yield trade(native, one["p"], one["q"], maker(one["m"]))
    elif kind == "incrDepth":
        read = snapshot if data["action"] == "all" else delta
        yield read(native, data["bids"], data["asks"], u=data["lastUpdateId"])
    elif re.match(r"depth[0-9]+", kind):
        yield snapshot(native, data["bids"], data["asks"])


def bitget(frame: Json, _: str) -> Iterable[Note]:
    """Read both generations: one says channel and instId, the other topic and symbol."""
    arg = frame.get("arg", {})
    kind, native = arg.get("channel", arg.get("topic")), arg.get("instId", arg.get("symbol"))
    for one in frame.get("data", ()):
        bids, asks = one.get("bids", one.get("b")), one.get("asks", one.get("a"))
        if kind in {"trade", "publicTrade"}:
            quantity, side = one.get("size", one.get("v")), one.get("side", one.get("S"))
            yield trade(native, one.get("price", one.get("p")), quantity, side)
        elif kind in {"books1", "books5", "books15", "books50"} or (kind == "books" and frame["action"] == "snapshot"):
            yield snapshot(native, bids, asks, one.get("seq"))
        elif kind == "books":
            yield delta(native, bids, asks, U=one["pseq"], pu=one["pseq"], u=one["seq"])


def coinex(frame: Json, _: str) -> Iterable[Note]:
    """Read v2: nothing is numbered, each push has a checksum of the book that it leaves."""
    data = frame.get("data", {})
    if frame.get("method") == "deals.update":
        yield from (trade(data["market"], one["price"], one["amount"], one["side"]) for one in data["deal_list"])
    elif frame.get("method") == "depth.update":
        depth = data["depth"]
        read = snapshot if data["is_full"] else delta
        yield read(data["market"], depth["bids"], depth["asks"], check=depth["checksum"])


def mexc(frame: Json, market: str) -> Iterable[Note]:
    """Read futures; spot is binary, and no such frame was recorded."""
    channel, native, data = frame.get("channel"), str(frame.get("symbol", "")), frame.get("data")
    if market == "spot" or not isinstance(data, list | dict):
        return
    if channel == "push.deal":
        for one in data if isinstance(data, list) else [data]:
            yield trade(native, one["p"], one["v"], {1: "buy", 2: "sell"}[one["T"]])
    elif channel in {"push.depth", "push.depth.full"} and isinstance(data, dict):
        if channel == "push.depth":
            begins, ends = data.get("begin", data["version"]), data.get("end", data["version"])
            yield delta(native, data["bids"], data["asks"], U=begins, u=ends)
        else:
            yield snapshot(native, data["bids"], data["asks"], data["version"])


READERS = {
    "binance": binance,
    "bybit": bybit,
    "okx": okx,
    "kucoin": kucoin,
    "gateio": gateio,
    "htx": htx,
    "bingx": bingx,
    "bitget": bitget,
    "coinex": coinex,
    "mexc": mexc,
}
