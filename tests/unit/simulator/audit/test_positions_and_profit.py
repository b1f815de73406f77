"""Positions, profit and wallets: three sums of the same fills, each seen to be wrong once; exact to the last digit."""

from __future__ import annotations

from decimal import Decimal, Inexact

import msgspec
import pytest

from simulator.audit.exact import ZERO, signed, text, times
from simulator.audit.profit import Profit
from simulator.journal import Balances, Funded, Holding, Mid
from tests.unit.simulator.audit.traded import (
    BOUGHT,
    HONEST,
    LONG,
    SHORT,
    Traded,
    filled,
    halt,
    of_orders,
    order,
    traded,
)

D = Decimal


def test_a_position_that_differs_is_said() -> None:
    run = traded()
    run.positions = [msgspec.structs.replace(LONG, quantity=D("0.00999")), SHORT]
    assert of_orders(run.problems, "position") == [
        "position bybit:spot:BTC/USDT: its open quantity is 0.00999 in Postgres and 0.01 by the venue's fills"
    ]
    run.positions = [LONG, msgspec.structs.replace(SHORT, side="long")]
    assert of_orders(run.problems, "position") == [
        "position binance:futures:BTC/USDT: its open quantity is 0.01 in Postgres and -0.01 by the venue's fills"
    ]
    run.positions = [SHORT]
    assert len(of_orders(run.problems, "position bybit:spot")) == 2


def test_fees_in_base_coin_count_by_themselves_and_over_all_lives() -> None:
    run = traded()
    over = msgspec.structs.replace(LONG, side="flat", quantity=ZERO, base_fees=D("0.000004"))
    run.positions = [over, msgspec.structs.replace(LONG, base_fees=D("0.000006")), SHORT]
    assert run.audit() == (HONEST, ())
    run.positions = [LONG, over, SHORT]
    assert run.problems == (
        "position bybit:spot:BTC/USDT: its fees in base coin is 0.000014 in Postgres and 0.00001 by the venue's fills",
    )


# 641 - 640 of cash, 0.64 (0.00001 BTC at 64000) and 0.2564 of fees, 0.05 of funding, 640.50 - 640.60 still open.
def test_profit_is_cash_less_fees_plus_funding_plus_what_is_open_at_the_last_price() -> None:
    run = traded()
    assert run.audit()[0].pnl == Profit(ours="0.0536", simulator="0.0536", error="0")


def test_profit_that_differs_is_said() -> None:
    run = traded()
    run.positions = [LONG, msgspec.structs.replace(SHORT, funding=ZERO)]
    path, problems = run.audit()
    assert path.pnl == Profit(ours="0.0036", simulator="0.0536", error="-0.05")
    assert problems == ("profit: it is 0.0036 by Postgres and 0.0536 by the journals",)
    run = traded()
    run.fills[0] = msgspec.structs.replace(BOUGHT, fee_quote=D("0.640000000000000001"))
    path, problems = run.audit()
    assert path.pnl.error == "-0.000000000000000001"


def test_what_is_open_without_a_price_is_said() -> None:
    run = traded()
    run.without(Mid)
    path, problems = run.audit()
    assert path.pnl.error == "0"
    assert problems == tuple(
        f"position {where}:BTC/USDT: no price of it stands in the journal, it counts nothing"
        for where in ("binance:futures", "bybit:spot")
    )


@pytest.mark.parametrize(
    ("totals", "told"),
    [
        ({"USDT": "99360", "BTC": "1.01"}, "wallet BTC is 1.01 in the journal and 1.00999"),
        ({"USDT": "99361", "BTC": "1.00999"}, "wallet USDT is 99361 in the journal and 99360"),
        ({"USDT": "99360", "BTC": "1.00999", "BNB": "2"}, "wallet BNB is 2 in the journal and 0"),
    ],
)
def test_a_spot_wallet_that_its_fills_do_not_explain_is_said(totals: dict[str, str], told: str) -> None:
    run = traded()
    run.spot = [halt(9, totals) if _is_halt(one) else one for one in run.spot]
    assert run.problems == (f"the simulated bybit:spot contradicts itself: its {told} by the fills there",)


def test_a_futures_wallet_and_position_that_fills_and_funding_do_not_explain_are_said() -> None:
    run = traded()
    held = Holding("BTC/USDT", "-0.02", "64100")
    run.futures = [halt(9, {"USDT": "99999.75"}, held) if _is_halt(one) else one for one in run.futures]
    of = "the simulated binance:futures contradicts itself: its"
    assert run.problems == (
        f"{of} wallet USDT is 99999.75 in the journal and 99999.7936 by the fills there",
        f"{of} position BTC/USDT is -0.02 in the journal and -0.01 by the fills there",
    )


def closed(realized: str) -> Traded:
    """Return the futures side closed at 64000, which earned 1 USDT."""
    run = traded()
    run.futures = [one for one in run.futures if not (_is_halt(one) or isinstance(one, Funded))]
    run.futures += [
        order("back", "new", 3), filled("back", "t3", 3, fee="0.256", fee_asset="USDT", realized=realized),
        order("back", "filled", 3, filled="0.0100", value="640"),
        halt(9, {"USDT": str(D("100000") - D("0.2564") - D("0.256") + D(realized))}),
    ]  # fmt: skip
    return run


def test_a_flat_position_has_earned_what_its_fills_brought_in() -> None:
    about = "the simulated binance:futures contradicts itself:"
    assert of_orders(closed("1").problems, about) == []
    told = f"{about} its profit of BTC/USDT is 1.5 in the journal and 1 by the fills there"
    assert of_orders(closed("1.5").problems, about) == [told]


def test_a_market_that_was_not_halted_has_no_wallet_to_check() -> None:
    run = traded()
    run.futures = [one for one in run.futures if not _is_halt(one)]
    assert run.audit() == (HONEST, ())


def test_numbers_are_exact_and_their_text_is_the_same_for_equal_ones() -> None:
    assert times(D("64000.000000000000000001"), D("0.123456789012345678")) == D(
        "7901.234496790123392000123456789012345678"
    )
    assert [text(D(one)) for one in ("0E-18", "-0.0", "1E+3", "0.010", "-2.50")] == ["0", "0", "1000", "0.01", "-2.5"]
    assert (signed("buy", D(2)), signed("sell", D(2))) == (D(2), D(-2))
    with pytest.raises(Inexact):
        times(D("1." + "0" * 299 + "1"), D("1." + "0" * 299 + "1"))


def _is_halt(record: object) -> bool:
    return isinstance(record, Balances) and record.moment == "halt"
