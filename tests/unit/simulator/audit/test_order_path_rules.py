"""Rules of the order path: what both sides tell alike balances in whatever order, one digit away does not."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from simulator.audit.exact import ZERO, plus, signed, times
from simulator.audit.order_rows import FillRow, PositionRow
from simulator.journal import Mid
from tests.unit.simulator.audit.traded import BTC, BUY, ENTER, Traded, at, filled, nothing_traded, of_orders, order

D = Decimal
amounts = st.integers(1, 10**6).map(lambda lots: D(lots).scaleb(-4))
prices = st.integers(1, 10**8).map(lambda ticks: D(ticks).scaleb(-2))
fees = st.integers(0, 10**9).map(lambda units: D(units).scaleb(-8))
Deal = tuple[bool, str, Decimal, Decimal, Decimal, int]
"""on spot, side, quantity, price, fee, milliseconds."""
deals = st.lists(
    st.tuples(st.booleans(), st.sampled_from(["buy", "sell"]), amounts, prices, fees, st.integers(0, 5_000)),
    max_size=8,
)


def told_alike(made: Sequence[Deal]) -> Traded:
    """Return a run of orders that each were filled at once, as journals and Postgres both have it."""
    run = nothing_traded()
    run.intents = [ENTER] if made else []
    held: dict[bool, PositionRow] = {}
    for number, (on_spot, side, quantity, price, fee, ms) in enumerate(sorted(made, key=lambda deal: deal[-1])):
        name, seconds, journal = f"c{number}", 1 + ms / 1_000, run.spot if on_spot else run.futures
        coin = "BTC" if on_spot and side == "buy" else "USDT"
        in_quote = times(fee, price) if coin == "BTC" else fee
        value = times(price, quantity)
        done = {"side": side, "filled": str(quantity), "value": str(value), "quantity": str(quantity)}
        journal += [
            order(name, "new", seconds, side=side, quantity=str(quantity)),
            filled(name, f"t{number}", seconds, side=side, price=str(price), quantity=str(quantity), fee=str(fee),
                   fee_asset=coin),
            order(name, "filled", seconds, **done),
        ]  # fmt: skip
        venue, market = ("bybit", "spot") if on_spot else ("binance", "futures")
        run.orders.append(
            msgspec.structs.replace(
                BUY, client_id=name, venue=venue, market=market, part=number, side=side, leg=None, quantity=quantity,
                filled=quantity, value=value, fees=in_quote,
            )
        )  # fmt: skip
        run.fills.append(
            FillRow(
                venue=venue, market=market, symbol=BTC, fill_id=f"t{number}:o-{name}", client_id=name, side=side,
                price=price, quantity=quantity, fee=fee, fee_coin=coin, fee_quote=in_quote,
            )
        )  # fmt: skip
        before = held.get(on_spot) or PositionRow(
            venue=venue, market=market, symbol=BTC, side="flat", quantity=ZERO, base_fees=ZERO, funding=ZERO
        )
        net = plus(_net(before), signed(side, quantity))
        held[on_spot] = msgspec.structs.replace(
            before, side="long" if net > 0 else "short" if net < 0 else "flat", quantity=abs(net),
            base_fees=plus(before.base_fees, fee if coin == "BTC" else ZERO),
        )  # fmt: skip
    run.positions = list(held.values())
    for journal in (run.spot, run.futures):
        journal.append(Mid(at_us=at(9), symbol=BTC, price="64000.25"))
    return run


@given(made=deals)
def test_what_both_sides_tell_alike_has_the_same_profit_and_no_problem_but_time(made: Sequence[Deal]) -> None:
    run = told_alike(made)
    path, problems = run.audit()
    assert (path.pnl.error, path.pnl.ours) == ("0", path.pnl.simulator)
    assert (path.orders.sent, path.orders.filled) == (len(made), len(made))
    assert [one for one in problems if one not in of_orders(problems, "BTC/USDT: ")] == []


@given(made=deals, data=st.data())
def test_the_order_of_rows_and_of_journals_does_not_matter(made: Sequence[Deal], data: st.DataObject) -> None:
    run = told_alike(made)
    wanted = run.audit()
    run.orders = data.draw(st.permutations(run.orders))
    run.fills = data.draw(st.permutations(run.fills))
    run.positions = data.draw(st.permutations(run.positions))
    if data.draw(st.booleans()):
        run.spot, run.futures = run.futures, run.spot
    assert run.audit() == wanted


@given(made=deals.filter(bool), data=st.data())
def test_a_fee_that_is_one_digit_away_is_an_error_of_that_digit(made: Sequence[Deal], data: st.DataObject) -> None:
    run = told_alike(made)
    number = data.draw(st.integers(0, len(made) - 1))
    off = D("1e-18")
    row = run.fills[number]
    run.fills[number] = msgspec.structs.replace(row, fee_quote=plus(row.fee_quote, off))
    path, problems = run.audit()
    assert path.pnl.error == "-0.000000000000000001"
    assert len(of_orders(problems, f"fill {row.fill_id} at")) == 1


def _net(row: PositionRow) -> Decimal:
    return -row.quantity if row.side == "short" else row.quantity
