"""A second, naive reader of recorded stretches: made from the fact sheets of the venues, from no code of ours.

It gives what `tapeline decode` prints of a stretch, from dicts of decimals; a test compares the two as wholes.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Iterable, Mapping
from decimal import Decimal, localcontext
from typing import Any

from tests.support.plain_frames import READERS, Note, parsed
from tests.support.plain_rest import answer

Line = Mapping[str, Any]
Known = dict[tuple[str, str, str], tuple[str, Decimal]]
"""Venue, market and native name -> BASE/QUOTE, and what one contract is in base units."""
IN_CONTRACTS = {"okx", "kucoin", "gateio", "htx", "mexc"}
"""Venues whose futures count contracts."""


def notes(line: Line) -> list[Note]:
    """Return what one line says of trades and books."""
    data = base64.b64decode(line["frame"]) if line.get("encoding") else line["frame"].encode()
    body, url = parsed(data), str(line.get("url") or "")
    if body is None or line["channel"] == "instruments":
        return []
    if line["channel"].startswith("rest:") or (line["channel"] == "book_snapshot" and _is_answer(body, url)):
        return answer(line["venue"], url, body)
    return list(READERS[line["venue"]](body, line["market"])) if isinstance(body, Mapping) else []


def _is_answer(body: Mapping[str, Any], url: str) -> bool:
    """Tell an answer from a frame: archives of frames have an address too."""
    return url.startswith("https:") and not {"topic", "channel", "arg", "ch", "stream"} & set(body)


def market(line: Line, native: str) -> str:
    """Return which market it is of, where one socket serves two."""
    if line["market"] != "unified":
        return str(line["market"])
    futures = {"okx": r".+-SWAP", "kucoin": r"[A-Z0-9]+M"}.get(line["venue"], "")
    return "futures" if re.fullmatch(futures, native) else "spot"


def read(lines: Iterable[Line], known: Known | None = None) -> dict[str, object]:
    """Return what a stretch holds in the end."""
    with localcontext(prec=60):
        return _read(lines, known or {})


def _read(lines: Iterable[Line], known: Known) -> dict[str, object]:
    counts = dict.fromkeys(("frames", "trades", "deltas", "snapshots", "ignored"), 0)
    quantity = notional = Decimal(0)
    contracts = False
    books: dict[str, dict[str, Any]] = {}
    for line in lines:
        found = notes(line)
        counts["frames"] += 1
        counts["ignored"] += not found
        for note in found:
            where = market(line, note["native"])
            symbol, size = known.get((line["venue"], where, note["native"]), (note["native"], None))
            contracts |= where == "futures" and line["venue"] in IN_CONTRACTS and size is None
            book = books.setdefault(symbol, {"bids": {}, "asks": {}, "u": None, "valid": None, "gaps": 0, "kept": []})
            counts[note["kind"] + "s"] += 1
            if note["kind"] == "trade":
                quantity += note["quantity"] * (size or 1)
                notional += note["quantity"] * (size or 1) * note["price"]
            else:
                put(book, sized(note, size))
    best = {symbol: _best(book) for symbol, book in sorted(books.items())}
    top = next(iter(best.values()), _best({"valid": None, "gaps": 0}))
    return {
        **counts,
        "trade_quantity": plain(quantity),
        "trade_notional": plain(notional),
        "invalid": 0,
        "gaps": sum(book["gaps"] for book in books.values()),
        "unit": "contracts" if contracts else "base",
        **({name: one for name, one in top.items() if name != "gaps"} if len(best) < 2 else {}),
        "symbols": best,
    }


def sized(note: Note, size: Decimal | None) -> Note:
    """Return a change of a book in base units, where the size of a contract is known."""
    if size is None:
        return note
    sides = {name: [(price, str(Decimal(held) * size)) for price, held in note[name]] for name in ("bids", "asks")}
    return {**note, **sides}


def put(book: dict[str, Any], note: Note) -> None:
    """Bring one change into a book by the rule of its venue; a hole is counted once, and makes the book invalid."""
    if note["kind"] == "snapshot":
        if not note.get("rest"):
            book["kept"] = []
            _begin(book, note)
        elif not book["valid"]:
            _begin(book, note)
    elif not book["valid"]:
        book["kept"].append(note)
    elif fits(note, book["u"], fresh=book["fresh"]):
        _change(book, note)
    elif note["u"] > book["u"]:
        _lost(book, note)


def fits(note: Note, last: int | None, *, fresh: bool) -> bool:
    """Tell whether a delta goes on where a book ends; a snapshot may end inside the first one behind it."""
    if last is None or "u" not in note:
        return True
    if "pu" in note:
        return bool(note["pu"] == last or (fresh and "U" in note and note["U"] <= last <= note["u"]))
    if "U" not in note:
        return bool(note["u"] > last)
    return bool(note["U"] == last + 1 or (fresh and note["U"] <= last + 1 <= note["u"]))


def _begin(book: dict[str, Any], note: Note) -> None:
    sides: dict[str, Any] = {"bids": {}, "asks": {}, "u": note["u"], "fresh": True, "lost": False}
    _levels(sides, note)
    ends = note["u"]
    for kept in book["kept"]:
        if ends is not None and kept["u"] <= ends and not fits(kept, sides["u"], fresh=sides["fresh"]):
            continue
        if not fits(kept, sides["u"], fresh=sides["fresh"]):
            return
        _levels(sides, kept)
        sides |= {"u": kept.get("u"), "fresh": False}
    if _is_wrong(sides, note):
        if book["valid"]:
            book |= {"valid": False, "gaps": book["gaps"] + 1}
        return
    book |= {**sides, "valid": True, "kept": []}


def _change(book: dict[str, Any], note: Note) -> None:
    _levels(book, note)
    if _is_wrong(book, note):
        _lost(book, note)
    else:
        book |= {"u": note.get("u"), "fresh": False}


def _lost(book: dict[str, Any], note: Note) -> None:
    book |= {"valid": False, "gaps": book["gaps"] + 1, "kept": [note]}


def _levels(book: dict[str, Any], note: Note) -> None:
    for side in ("bids", "asks"):
        for price, quantity in note[side]:
            if Decimal(quantity):
                book[side][Decimal(price)] = (price, quantity)
            else:
                book[side].pop(Decimal(price), None)


def _is_wrong(book: dict[str, Any], note: Note) -> bool:
    """Tell a book whose sides meet, or whose checksum is another."""
    if book["bids"] and book["asks"] and max(book["bids"]) >= min(book["asks"]):
        return True
    if "check" not in note:
        return False
    ranked = [book["bids"][price] for price in sorted(book["bids"], reverse=True)]
    ranked += [book["asks"][price] for price in sorted(book["asks"])]
    text = ":".join(part for level in ranked for part in level)
    return zlib.crc32(text.encode()) != int(note["check"]) % 2**32


def _best(book: Mapping[str, Any]) -> dict[str, object]:
    best: dict[str, object] = {"best_bid": None, "best_ask": None, "valid": book["valid"], "gaps": book["gaps"]}
    if book["valid"] is None:
        return best
    for name, side, pick in (("best_bid", "bids", max), ("best_ask", "asks", min)):
        if book[side]:
            best[name] = [plain(Decimal(part)) for part in book[side][pick(book[side])]]
    return best


def plain(number: Decimal) -> str:
    """Return a decimal without an exponent and zeros at its end."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def instruments(lines: Iterable[Line]) -> Known:
    """Return the symbols and contract sizes of recorded lists of instruments."""
    found: Known = {}
    for line in lines:
        body = json.loads(line["frame"], parse_float=Decimal)
        rows = body if isinstance(body, list) else body.get("data", body.get("symbols"))
        for row in rows:
            native, symbol, size = _instrument(line["venue"], line["market"], row)
            if symbol:
                found[line["venue"], line["market"], native] = symbol, size
    return found


def _instrument(venue: str, where: str, row: Mapping[str, Any]) -> tuple[str, str, Decimal]:
    """Return native name, BASE/QUOTE (empty for what is no spot pair and no linear perpetual) and contract size."""
    size = Decimal(1)
    if venue == "binance":
        native, base, quote = row["symbol"], row["baseAsset"], row["quoteAsset"]
        if where == "futures" and (row["contractType"] != "PERPETUAL" or row["marginAsset"] != quote):
            return native, "", size
    elif venue == "okx":
        native, base, quote = row["instId"], row["baseCcy"], row["quoteCcy"]
        if where == "futures":
            base, quote = row["uly"].split("-")
            size = Decimal(row["ctVal"]) * Decimal(row["ctMult"])
            if row["ctType"] != "linear":
                return native, "", size
    elif venue == "kucoin":
        native, base, quote = row["symbol"], row["baseCurrency"], row["quoteCurrency"]
    elif venue == "gateio":
        native = row["id"] if where == "spot" else row["name"]
        base, quote = native.split("_")[:2]
        size = Decimal(1) if where == "spot" else Decimal(row["quanto_multiplier"])
    elif where == "spot":
        native, base, quote = row["symbol"], row["base-currency"].upper(), row["quote-currency"].upper()
    else:
        native, size = row["contract_code"], Decimal(str(row["contract_size"]))
        base, quote = native.split("-")[:2]
    return native, f"{base}/{quote}", size
