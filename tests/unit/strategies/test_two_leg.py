"""The two-leg strategy decides by its view alone: each way in and out, and each reason to stay (D-03..D-10, D-15)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tapeline.domain.account_records import Holding, Slot
from tapeline.domain.order_records import EnterPair, ExitPair, Place
from tapeline.strategies.contract import Decision, Intent, Sent
from tapeline.strategies.two_leg import TwoLegParameters, decide
from tests.unit.strategies.views import BOOKS, CHEAP, DEAR, NOW, RULES, SPOT, book, held, portfolio, rules, view

NET = 1_005.0 / 1_000.0 - 1 - 0.0004


def only(*names: str) -> dict[str, Any]:
    return {name: BOOKS[name] for name in names}


def kept(**changed: Any) -> str | None:  # noqa: ANN401 - any field of a view
    found = decide(view(**changed))
    assert found.intents == ()
    return found.kept


def test_it_enters_the_best_pair_that_pays_in_parts_that_both_take() -> None:
    # Steps 0.002 and 0.003 have 0.006 in common; 300 at 999 buy 0.300300.., in three parts 0.096 each.
    expected = Intent(
        slot=0,
        command=EnterPair(
            pair_id="two-leg-1:BTC/USDT",
            buy=Place(venue="binance", market="futures", limit_price=Decimal("1000.5")),
            sell=Place(venue="bybit", market="futures", limit_price=Decimal("1004.5")),
            quantity=Decimal("0.288"),
            parts=3,
            min_net=Decimal("0.0005"),
            target_profit=Decimal("0.0005"),
            stop_loss=Decimal(5),
            leverage=Decimal(1),
        ),
        reason="buying on binance:futures:BTC/USDT and selling on bybit:futures:BTC/USDT earns "
        f"{NET:.6f} net of four fees",
        evidence={"net": NET, "buy_price": 1_000.0, "sell_price": 1_005.0, "quantity": 0.288, "best_net": NET},
        inputs=(CHEAP, DEAR),
        ttl_us=1_000_000,
    )

    assert decide(view()) == Decision(intents=(expected,))


def test_it_buys_spot_and_sells_futures_where_that_is_the_better_pair() -> None:
    [intent] = decide(view(books=only(SPOT, DEAR))).intents

    assert isinstance(intent.command, EnterPair)
    assert (intent.command.buy.market, intent.command.sell.market) == ("spot", "futures")
    assert intent.inputs == (SPOT, DEAR)


def test_the_price_is_that_of_the_size_over_the_levels() -> None:
    thin = msgspec.structs.replace(BOOKS[CHEAP], ask_prices=(1_000.0, 1_002.0), ask_quantities=(0.144, 9.0))

    [intent] = decide(view(books={CHEAP: thin, DEAR: BOOKS[DEAR]})).intents

    assert isinstance(intent.command, EnterPair)
    assert intent.evidence["buy_price"] == pytest.approx(1_001.0)
    assert intent.command.buy.limit_price == Decimal("1002.5")


def test_spot_sells_only_what_is_held() -> None:
    dear = book("binance", "spot", 1_010.0, 1_011.0)
    books = {SPOT: dear, CHEAP: BOOKS[CHEAP]}
    parameters = TwoLegParameters(ways=("futures-spot",))
    coins = Holding(
        venue="binance", market="spot", side="long", quantity=Decimal(1), unrealized_pnl=Decimal(0), entry_price=None
    )

    assert kept(books=books) == "no spread reaches its threshold"
    assert kept(books=books, parameters=parameters) == f"{SPOT} sells only what is held, and 0.300 is not"
    [intent] = decide(view(books=books, parameters=parameters, portfolio=portfolio(positions=(coins,)))).intents
    assert isinstance(intent.command, EnterPair)
    assert intent.command.sell.market == "spot"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"desired": "HALTED"}, "its desired state is HALTED"),
        ({"desired": "REDUCING"}, "its desired state is REDUCING"),
        ({"portfolio": portfolio(pair_state="PAUSED")}, "its pair is PAUSED"),
        ({"portfolio": portfolio(pair_state="ENTERING")}, "its pair is ENTERING"),
        ({"portfolio": portfolio(pair_state="EXITING")}, "its pair is EXITING"),
        ({"portfolio": portfolio(pair_state="ERROR")}, "its pair is ERROR"),
        ({"portfolio": portfolio(slots=(Slot(slot=0, round=1, intent_id="x"),))}, "its slot is taken"),
        ({"used_rounds": {0: 0}}, "its slot is taken"),
        ({"portfolio": portfolio(at_us=NOW - 4_999_999)}, "it cools down"),
        ({"books": {}}, "no spread reaches its threshold"),
        ({"instruments": {}}, "no spread reaches its threshold"),
        ({"fees": {}}, "no spread reaches its threshold"),
        ({"now_us": NOW + 2_000_000}, "no spread reaches its threshold"),
        ({"parameters": TwoLegParameters(entry_net=Decimal("0.0047"))}, "no spread reaches its threshold"),
        (
            {"books": only(CHEAP, DEAR), "parameters": TwoLegParameters(notional=Decimal(4))},
            "4 buys 0, and the least that both take is 0.006",
        ),
        (
            {
                "books": only(CHEAP, DEAR),
                "instruments": RULES | {DEAR: rules("bybit", "futures", "1", status="halted")},
            },
            f"{DEAR} is halted",
        ),
        ({"books": only(CHEAP, DEAR), "parameters": TwoLegParameters(notional=Decimal(9_000))}, "a book holds less"),
    ],
)
def test_it_stays_out_and_says_why(changed: dict[str, Any], reason: str) -> None:
    assert (kept(**changed) or "").startswith(reason)


def test_it_stays_out_while_its_slot_waits_for_an_answer() -> None:
    sent = Sent(intent_id="x", slot=0, round=0, opening=True, remembers=False, expires_us=0)

    assert kept(unanswered=(sent,)) == "its slot is taken"


@pytest.mark.parametrize("name", [CHEAP, DEAR])
def test_it_never_enters_on_a_stale_book(name: str) -> None:
    stale = msgspec.structs.replace(BOOKS[name], state="stale")

    assert kept(books=only(CHEAP, DEAR) | {name: stale}) == "no spread reaches its threshold"


def test_a_spread_that_is_gone_at_size_is_no_spread() -> None:
    thin = msgspec.structs.replace(BOOKS[CHEAP], ask_prices=(1_000.0, 1_010.0), ask_quantities=(0.01, 9.0))

    assert kept(books={CHEAP: thin, DEAR: BOOKS[DEAR]}) == "no spread reaches its threshold at size"


# ---------------------------------------------------------------- out
def left(**changed: Any) -> Intent:  # noqa: ANN401 - any field of a view
    [intent] = decide(view(**({"portfolio": held()} | changed))).intents
    return intent


def prices(long: float, short: float, **changed: Any) -> dict[str, Any]:  # noqa: ANN401 - any field of a book
    return {
        CHEAP: book("binance", "futures", long, long + 1, **changed),
        DEAR: book("bybit", "futures", short - 1, short, **changed),
    }


def test_it_leaves_at_its_target_net_of_four_fees() -> None:
    # 0.3 * (1002 - 1000) + 0.3 * (1005 - 1001) less 0.0001 of all four values.
    earned = 0.3 * (2 - 0.0001 * 2_002) + 0.3 * (4 - 0.0001 * 2_006)
    intent = left(books=prices(1_002.0, 1_001.0))

    assert intent.command == ExitPair(pair_id="two-leg-1:BTC/USDT", round=4, parts=3)
    assert intent.evidence == {
        "earned": pytest.approx(earned),
        "fraction": pytest.approx(earned / (0.3 * 1_002.5)),
    }
    assert intent.reason.startswith("target: leaving earns")
    assert intent.inputs == (CHEAP, DEAR)


def test_it_holds_below_its_target_and_without_a_price() -> None:
    assert kept(portfolio=held(), books=prices(1_000.0, 1_005.0)) == "it holds"
    assert kept(portfolio=held(), books=only(DEAR)) == "a position has no price"
    assert kept(portfolio=held(positions=())) == "its pair is open and holds nothing"


def test_a_stop_loss_acts_also_on_the_last_prices_and_when_reducing() -> None:
    fresh = left(books=prices(980.0, 1_006.0), desired="REDUCING")
    stale = left(books=prices(980.0, 1_006.0, state="stale"))

    assert fresh.reason.startswith("stop loss: leaving at fresh prices loses 6.4")
    assert stale.reason.startswith("stop loss: leaving at the last prices loses 6.4")


def test_a_target_on_a_stale_book_is_no_reason_to_leave() -> None:
    assert kept(portfolio=held(), books=prices(1_002.0, 1_001.0, state="stale")) == "it holds"


def test_it_leaves_after_the_longest_hold() -> None:
    quiet = prices(1_000.0, 1_005.0)

    assert left(books=quiet, parameters=TwoLegParameters(max_hold_s=10)).reason == "held for 10 s"
    assert kept(portfolio=held(), books=quiet, parameters=TwoLegParameters(max_hold_s=11)) == "it holds"


def test_halted_it_does_not_even_leave() -> None:
    assert kept(portfolio=held(), books=prices(980.0, 1_006.0), desired="HALTED") == "its desired state is HALTED"


def test_a_book_that_is_too_short_to_leave_counts_with_its_last_price() -> None:
    short = prices(1_002.0, 1_001.0, bid_quantities=(0.1, 0.1))

    assert left(books=short).evidence["earned"] == pytest.approx(
        0.3 * (1 - 0.0001 * 2_001) + 0.3 * (4 - 0.0001 * 2_006)
    )


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"entry_net": Decimal("-0.1")}, "entry_net -0.1"),
        ({"slippage": Decimal("0.5")}, "slippage 0.5"),
        ({"notional": Decimal(0)}, "notional 0"),
        ({"leverage": Decimal("0.5")}, "leverage 0.5"),
        ({"part_net": Decimal("0.01")}, "part_net 0.01 is more than entry_net"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        TwoLegParameters(**wrong)
