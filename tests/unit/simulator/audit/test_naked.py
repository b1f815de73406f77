"""Time on one side: from the fill that opened it to the fill that closed it, apart from outages and beside them."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from simulator.audit.dealings import Dealings, Dealt
from simulator.audit.naked import Naked, stretches
from simulator.audit.outages import Outage
from simulator.journal import Filled
from tests.unit.simulator.audit.traded import (
    BTC,
    BUY,
    Traded,
    at,
    filled,
    nothing_traded,
    of_orders,
    told,
    traded,
)

SELL = {"side": "sell", "fee": "0.2564", "fee_asset": "USDT", "realized": "0"}


def dealt(*fills: tuple[float, str, str], ends: float | None = None) -> Traded:
    """Return a run with fills of the spot market (bought) or of futures (sold): seconds, quantity, price."""
    run = nothing_traded()
    for number, (seconds, quantity, price) in enumerate(fills):
        bought = not quantity.startswith("-")
        one = filled(
            f"n{number}", f"t{number}", seconds, quantity=quantity.lstrip("-"), price=price, **({} if bought else SELL)
        )
        (run.spot if bought else run.futures).append(one)
    if ends is not None:
        run.spot.append(filled("last", "tx", ends, quantity="0.0001", price="1"))
    return run


def naked(run: Traded) -> tuple[Naked, list[str]]:
    path, problems = run.audit()
    return path.naked, of_orders(problems, "BTC/USDT: ")


def test_a_stretch_goes_from_the_fill_that_opens_it_to_the_fill_that_closes_it() -> None:
    run = dealt((1, "0.01", "64000"), (1.5, "-0.004", "64000"), (2.25, "-0.006", "64000"), (5, "0.01", "64000"),
                (5.5, "-0.01", "64000"))  # fmt: skip
    assert naked(run) == (Naked(longest_s=1.25), [])


def test_what_is_worth_five_at_the_last_price_is_flat() -> None:
    run = dealt((1, "0.01", "64000"), (1.5, "-0.0099", "50000"), (9, "0.0001", "50000"), (10, "-0.0002", "50000"))
    assert naked(run) == (Naked(longest_s=1.0), [])
    small = dealt((1, "0.0001", "50000"), (9, "0.0001", "25000"))
    assert naked(small) == (Naked(), [])


def test_what_nothing_closed_lasts_to_the_end_of_the_run_and_too_long_is_said() -> None:
    run = traded()
    run.futures = [one for one in run.futures if not isinstance(one, Filled)]
    assert naked(run) == (
        Naked(longest_s=8.0),
        [f"BTC/USDT: 639.36 stood on one side from {told(1)} to {told(9)}, 8 s, at most 2 s are allowed"],
    )


def one_fill(place: str, seconds: float, side: str, quantity: str, fee: str = "0") -> Dealt:
    """Return a fill at 64000 with its fee in base coin."""
    return Dealt(
        place=place, symbol=BTC, id=f"{place}{seconds}", order_id="o", client_id="c", side=side, price=Decimal(64_000),
        quantity=Decimal(quantity), fee=Decimal(fee), fee_coin="BTC", at_us=at(seconds),
    )  # fmt: skip


def alone(*fills: Dealt) -> list[tuple[int, int]]:
    found = stretches([Dealings(place="all", fills=fills, last_us=at(9))], {})
    return [(one.begin_us, one.end_us) for one in found]


def test_rests_below_a_lot_at_two_places_are_no_leg_that_stands_alone() -> None:
    """A fee in what was bought leaves 0.00009 at each of two venues; together that were more than a lot, and dear."""
    first = (one_fill("binance:spot", 1, "buy", "0.01019", "0.0001"), one_fill("binance:spot", 2, "sell", "0.01"))
    second = (one_fill("bybit:spot", 5, "buy", "0.01019", "0.0001"), one_fill("bybit:spot", 6, "sell", "0.01"))
    assert alone(*first, *second) == [(at(1), at(2)), (at(5), at(6))]


def test_a_rest_below_a_lot_stands_against_a_lot_elsewhere() -> None:
    """0.00009 are left of what was bought, and a lot of 0.0001 is sold: together nothing."""
    bought = one_fill("bybit:spot", 1, "buy", "0.00109", "0.0001")
    sold = (one_fill("bybit:spot", 2, "sell", "0.0009"), one_fill("binance:futures", 3, "sell", "0.0001"))
    assert alone(bought, *sold) == [(at(1), at(2))]


@pytest.mark.parametrize(("lasts", "said"), [(2.0, 0), (2.001, 1)])
def test_two_seconds_are_allowed(lasts: float, said: int) -> None:
    found, problems = naked(dealt((1, "0.01", "64000"), (1 + lasts, "-0.01", "64000")))
    assert (found, len(problems)) == (Naked(longest_s=lasts), said)


@pytest.mark.parametrize(
    ("process", "action", "begin", "back", "beside"),
    [
        ("executor", "kill", 2.0, 3.0, True),
        ("postgres", "kill", 0.5, 1.0, True),
        ("executor", "pause", 6.0, 6.1, True),
        ("executor", "kill", 0.0, None, True),
        ("executor", "kill", 0.5, 0.9, False),
        ("executor", "kill", 6.1, 7.0, False),
        ("kafka", "kill", 2.0, 3.0, False),
    ],
)
def test_a_stretch_beside_an_outage_of_the_executor_or_of_postgres_counts_by_itself(
    process: str, action: str, begin: float, back: float | None, *, beside: bool
) -> None:
    run = dealt((1, "0.01", "64000"), (6, "-0.01", "64000"))
    run.outages = [
        msgspec.convert(
            {"process": process, "action": action, "at_us": at(begin), "back_us": None if back is None else at(back)},
            Outage,
        )
    ]
    found, problems = naked(run)
    assert found == (Naked(in_outage_s=5.0) if beside else Naked(longest_s=5.0))
    assert len(problems) == (not beside)


def test_beside_an_outage_ten_seconds_are_allowed() -> None:
    run = dealt((1, "0.01", "64000"), (11.5, "-0.01", "64000"))
    run.outages = [Outage(process="executor", action="kill", at_us=at(2), back_us=at(3))]
    run.fault("ban", 4, 6)
    why = ", beside ban, kill of executor"
    assert naked(run) == (
        Naked(in_outage_s=10.5),
        [f"BTC/USDT: 639.36 stood on one side from {told(1)} to {told(11.5)}, 10.5 s, at most 10 s are allowed{why}"],
    )


@pytest.mark.parametrize(("name", "beside"), [("ban", True), ("429", True), ("slow", False)])
def test_a_place_that_refuses_everything_is_an_outage(name: str, *, beside: bool) -> None:
    run = dealt((1, "0.01", "64000"), (2.5, "-0.01", "64000"))
    run.fault(name, 1.2, 2)
    assert naked(run)[0] == (Naked(in_outage_s=1.5) if beside else Naked(longest_s=1.5))


def test_a_place_counts_where_the_intent_has_an_order_though_no_fill() -> None:
    def only_futures() -> Traded:
        run = dealt((1, "-0.01", "64000"), (2.5, "-0.01", "64000"))
        run.futures.append(filled("n3", "t3", 3, quantity="0.0200"))
        run.fault("ban", 1.2, 2)
        return run

    run = only_futures()
    assert naked(run)[0] == Naked(longest_s=2.0)
    run.orders = [
        msgspec.structs.replace(BUY, client_id="n0", venue="binance", market="futures", side="sell", leg="sell"),
        msgspec.structs.replace(BUY, client_id="never dealt"),
    ]
    assert naked(run)[0] == Naked(in_outage_s=2.0)


def test_every_place_that_was_dealt_at_in_a_stretch_counts() -> None:
    run = dealt((1, "-0.01", "64000"), (1.8, "0.004", "64000"), (2.5, "0.004", "64000"))
    run.futures.append(filled("n3", "t3", 3, quantity="0.0020"))
    run.fault("ban", 1.2, 1.5)
    assert naked(run)[0] == Naked(in_outage_s=2.0)


def test_what_is_less_than_a_lot_after_fees_in_base_coin_is_flat() -> None:
    """Spot takes its fee in what was bought: the rest that is left cannot be sold, whatever it is worth."""
    run = nothing_traded()
    fee = {"fee": "0.0005", "fee_asset": "BTC"}
    run.spot.append(filled("b", "t1", 1, quantity="0.5", price="64000", **fee))
    run.futures.append(filled("s", "t2", 1.5, quantity="0.5", price="64000", **SELL))
    run.spot.append(filled("b2", "t3", 2, quantity="0.0005", price="64000", fee="0.00005", fee_asset="BTC"))
    # 0.00045 of 0.0005 arrived: less than a lot of 0.0001 is missing, worth 3.2 USDT; then a whole one more is there.
    assert naked(run)[0] == Naked(longest_s=1.0)
    run.spot.append(filled("b3", "t4", 5, quantity="0.0002", price="64000", fee="0", fee_asset="BTC"))
    run.futures.append(filled("s3", "t5", 6, quantity="0.0002", price="64000", **SELL))
    assert naked(run)[0] == Naked(longest_s=1.0)
