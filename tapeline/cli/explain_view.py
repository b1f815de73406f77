"""An explanation laid out for a person, from the order up to its cause and down to its fills, then the way in time."""

from __future__ import annotations

from typing import Final

import msgspec

from tapeline.cli import trading_text
from tapeline.cli.explain_parts import BookPart, Explanation, Hop, PairPart, ReservationPart, SpreadPart
from tapeline.cli.market_spreads import in_bps
from tapeline.cli.trading_orders import OrderRow, said
from tapeline.cli.view import Block, Cell, Grid, Line, Style, View, line, row

LEVELS: Final = 3
"""So many levels of each side are shown; --json has all."""
_US_PER_MS: Final = 1_000


def view(found: Explanation) -> View:
    """Lay out the whole explanation."""
    return (
        *(_head(found) if found.order is None else _order(found.order)),
        *_part("answer", _verdict(found)),
        *_part("intent", _intent(found)),
        *_part("spread", () if found.spread is None else _spread(found.spread)),
        *_part("books that it was decided on", _books(found)),
        *_part("two-leg trade", () if found.pair is None else _pair(found.pair)),
        *_part("orders of this intent", (_orders(found),)),
        *_part("what happened", (_events(found),)),
        *_part("fills", (_fills(found),)),
        *_part("the way in time", (_hops(found.hops),)),
        *_part("could not be read", tuple(_warning(f"{one.part}: {one.problem}") for one in found.missing)),
        *_trace(found.trace_id),
    )


def _part(title: str, blocks: tuple[Block, ...]) -> View:
    return (line(), line(Cell(title, "bold")), *blocks) if blocks else ()


def _fact(name: str, *parts: str | Cell) -> Line:
    return line(Cell(f"  {name:<12}", "dim"), *parts)


def _warning(text: str) -> Line:
    return line(Cell(f"  {text}", "warn"))


def _order(own: OrderRow) -> View:
    what = f"{own.side} {own.quantity} {own.symbol} at {trading_text.place(own.venue, own.market)}"
    price = "at the market" if own.price is None else f"for {own.price}"
    average = "" if own.average_price is None else f" for {own.average_price} on average"
    return (
        line(Cell(own.client_order_id, "name"), "  ", Cell(own.status, trading_text.STATUSES[own.status])),
        _fact("what", f"{what} {price}, {own.type} {own.time_in_force}"),
        _fact("filled", f"{own.filled} of {own.quantity}{average}, fees {own.commission}"),
        _fact("venue's id", own.venue_order_id or Cell("no id is known", "dim")),
        *((_fact("reason", said(own.code, own.reason)),) if own.code or own.reason else ()),
    )


def _head(found: Explanation) -> View:
    want, status = found.intent, found.verdict.status
    style: Style = "bad" if status == "REFUSED" else "good"
    return (
        line(Cell(want.intent_id, "name"), "  ", Cell(status, style)),
        _fact("what", f"{want.kind} {want.symbol}"),
    )


def _verdict(found: Explanation) -> View:
    answer = found.verdict
    style: Style = "good" if answer.verdict == "approved" else "bad"
    why = said(answer.code, answer.reason)
    kept = answer.reservation
    return (
        line(
            "  ", Cell(answer.verdict, style), f"{', settled' if answer.settled_us else ''}{f': {why}' if why else ''}"
        ),
        _fact("reserved", Cell("nothing is known", "dim") if kept is None else _reserved(kept)),
    )


def _reserved(kept: ReservationPart) -> str:
    claims = ", ".join(
        f"{trading_text.place(one.venue, one.market)} exposure {one.exposure} margin {one.margin}"
        for one in kept.claims
    )
    return f"{kept.moment}: {claims or 'nothing'}; {kept.orders} orders, {kept.pairs} pairs"


def _intent(found: Explanation) -> View:
    want = found.intent
    evidence = ", ".join(f"{name} {value!r}" for name, value in want.evidence.items())
    memory = None if want.memory is None else msgspec.json.encode(want.memory).decode()
    return (
        _fact("who", Cell(want.strategy, "name"), f" by {want.actor}, slot {want.slot}, round {want.round}"),
        _fact("wants", want.kind),
        _fact("because", want.reason),
        _fact("evidence", evidence or Cell("none", "dim")),
        *((_fact("memory", memory),) if memory is not None else ()),
        _fact("causes", ", ".join(want.cause) or Cell("none: no record led to it", "dim")),
        _fact("id", want.intent_id),
    )


def _spread(found: SpreadPart) -> View:
    return (
        _fact("net", Cell(f"{in_bps(found.net):+.2f} bps", "good" if found.net > 0 else "bad"),
              f"  gross {in_bps(found.gross):+.2f}, four fees {in_bps(found.fees):.2f}"),
        _fact("buy", f"{found.quantity!r} at {found.buy} for {found.buy_price!r}, at most {found.buy_limit}"),
        _fact("sell", f"{found.quantity!r} at {found.sell} for {found.sell_price!r}, at least {found.sell_limit}"),
    )  # fmt: skip


def _books(found: Explanation) -> View:
    return tuple(block for book in found.books for block in _book(book))


def _book(book: BookPart) -> View:
    proof = {
        None: Cell("", "dim"),
        True: Cell("  gives the decided price", "good"),
        False: Cell("  does not give the decided price", "bad"),
    }
    return (
        line(
            "  ", Cell(book.instrument, "name"), f"  {book.state}, epoch {book.epoch}, sequence {book.sequence}",
            Cell(f"  from {book.source}{'' if book.place is None else f' {book.place}'}", "dim"), proof[book.confirmed],
        ),
        *(
            line(Cell(f"    {side} ", "dim"), "  ".join(f"{price!r} x {size!r}" for price, size in levels[:LEVELS]))
            for side, levels in (("bids", book.bids), ("asks", book.asks))
        ),
    )  # fmt: skip


def _pair(pair: PairPart) -> View:
    return (
        _fact("pair", Cell(pair.pair_id, "name"), f" round {pair.round}, part {pair.part} of {pair.parts}"),
        _fact("state", f"{pair.state}{'' if pair.reason is None else f': {pair.reason}'}"),
        _fact("profit", f"realized {pair.realized}, unrealized {pair.unrealized}"),
    )


def _orders(found: Explanation) -> Grid:
    columns = (
        "",
        "order",
        "venue",
        "side",
        "part>",
        "attempt>",
        "quantity>",
        "filled>",
        "average>",
        "status",
        "reason",
    )
    this = None if found.order is None else found.order.client_order_id
    return Grid(columns, tuple(_one_order(own, this) for own in found.orders), empty="it has no order")


def _one_order(own: OrderRow, this: str | None) -> tuple[Cell, ...]:
    return row(
        Cell("→" if own.client_order_id == this else " ", "good"),
        Cell(own.client_order_id, "name"),
        trading_text.place(own.venue, own.market),
        own.side,
        own.part,
        own.attempt,
        own.quantity,
        own.filled,
        own.average_price,
        Cell(own.status, trading_text.STATUSES[own.status]),
        said(own.code, own.reason),
    )


def _events(found: Explanation) -> Grid:
    rows = tuple(
        row(
            Cell(str(one.sequence), "dim"),
            trading_text.moment(one.at_us),
            one.of,
            one.action,
            one.status,
            one.filled,
            Cell(said(one.error, one.reason), "bad" if one.error else ""),
        )
        for one in found.events
    )
    return Grid(("audit>", "time", "of", "action", "status", "filled>", "why"), rows, empty="the audit has no entry")


def _fills(found: Explanation) -> Grid:
    rows = tuple(
        row(
            trading_text.moment(one.filled_us),
            one.side,
            one.quantity,
            one.price,
            f"{one.fee} {one.fee_currency}",
            one.liquidity,
            Cell(one.fill_id, "dim"),
        )
        for one in found.fills
    )
    return Grid(("time", "side", "quantity>", "price>", "fee>", "as", "id"), rows, empty="nothing was filled")


def _hops(hops: tuple[Hop, ...]) -> Grid:
    rows = tuple(
        row(
            one.hop,
            None if one.time is None else one.time.removesuffix("Z").replace("T", " "),
            None if one.after_us is None else f"{one.after_us / _US_PER_MS:+.3f} ms",
            Cell(one.clock, "dim"),
        )
        for one in hops
    )
    return Grid(("hop", "time", "after>", "clock"), rows)


def _trace(trace_id: str | None) -> View:
    if trace_id is None:
        return ()
    return (line(), line(Cell("trace  ", "dim"), trace_id, Cell(f"   tapeline logs --trace {trace_id}", "dim")))
