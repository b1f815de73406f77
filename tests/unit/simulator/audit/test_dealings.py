"""What a market dealt, from its journal: orders with their fills, what was kept away, wallets, times of no answer."""

from __future__ import annotations

from decimal import Decimal

from simulator.audit.compare import listed
from simulator.audit.dealings import Away, Dealings, Dealt, Payment, Seen, dealings_of
from simulator.audit.market import fold
from simulator.faults import PRIVATE
from simulator.journal import AnyRecord, Balances, FaultHit, FaultStarted
from tests.unit.simulator.audit.traded import (
    BTC,
    FUTURES,
    SALE,
    SOLD_THERE,
    SPOT,
    at,
    filled,
    halt,
    opened,
    order,
    refused,
    traded,
)

D = Decimal


def test_a_market_is_folded_into_orders_fills_payments_and_wallets() -> None:
    found = fold(traded().futures)
    sold = Dealt(
        place=FUTURES, symbol=BTC, id="t2", order_id="o-sell", client_id="sell", side="sell", price=D(64100),
        quantity=D("0.01"), fee=D("0.2564"), fee_coin="USDT", at_us=at(1.2),
    )  # fmt: skip
    start = next(one for one in found.own if isinstance(one, Balances))
    end = next(one for one in found.own if isinstance(one, Balances) and one.moment == "halt")
    assert dealings_of(found) == Dealings(
        place=FUTURES,
        seen=(
            Seen(
                place=FUTURES, symbol=BTC, client_id="sell", order_id="o-sell", side="sell", status="filled",
                begin_us=at(1.2), ended_us=at(1.2), filled=D("0.01"), value=D(641), fills=(sold,),
            ),
        ),
        fills=(sold,),
        payments=(Payment(symbol=BTC, amount=D("0.05"), coin="USDT"),),
        realized={BTC: D(0)},
        start=start,
        halt=end,
        mids={BTC: D(64060)},
        halted_us=at(9),
        last_us=at(9),
    )  # fmt: skip
    assert (sold.fill_id, sold.fee_quote) == ("t2:o-sell", D("0.2564"))


def test_orders_that_were_refused_or_kept_away_and_the_times_without_an_answer_are_kept() -> None:
    run = traded()
    run.spot = [*opened(SPOT), refused("no", 1, "buy")]
    run.fault("ban", 2, 3, "kept", "kept too")
    run.fault("429", 4, None)
    run.fault("lost-answer", 5, 5)
    run.spot.append(
        FaultHit(
            at_us=at(5), fault_id=9, action="unanswered", connection=0, symbol=BTC, channel="order", ids=("taken",)
        )
    )
    found = dealings_of(fold(run.spot))
    assert found.seen == (
        Seen(
            place=SPOT, symbol=BTC, client_id="no", order_id="", side="buy", status="refused", begin_us=at(1),
            ended_us=at(1),
        ),
    )  # fmt: skip
    assert found.kept_away == ("kept", "kept too")
    assert found.shut == (
        Away(name="ban", begin_us=at(2), end_us=at(3), place=SPOT),
        Away(name="429", begin_us=at(4), end_us=None, place=SPOT),
    )
    assert (found.has_orders, found.end_us) == (True, at(1))
    assert dealings_of(fold(opened(SPOT))).has_orders is False


def test_an_order_that_was_dealt_after_its_end_says_so() -> None:
    late: list[AnyRecord] = [
        *opened(FUTURES), order("a", "new", 1, **SALE), order("a", "cancelled", 2), filled("a", "t", 3, **SOLD_THERE),
        order("a", "filled", 3, filled="0.0100", value="641"),
    ]  # fmt: skip
    (found,) = dealings_of(fold(late)).seen
    assert (found.late, found.status, found.ended_us, len(found.fills)) == (True, "filled", at(2), 1)


def test_faults_of_orders_are_counted_like_all_others() -> None:
    began: list[AnyRecord] = [
        FaultStarted(at_us=at(number), fault_id=number, fault=name) for number, name in enumerate((*PRIVATE, "ban"))
    ]
    wanted = {name: {SPOT: 1} for name in sorted(PRIVATE)}
    assert listed([fold([*opened(SPOT), *began])], []).faults == {**wanted, "ban": {SPOT: 2}}


def test_a_wallet_at_the_halt_is_the_last_one() -> None:
    last = halt(9, {"USDT": "1"})
    assert dealings_of(fold([*opened(SPOT), last])).halt == last
