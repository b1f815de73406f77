"""Orders and fills of the venues against Postgres: what stands twice, on one side alone, open or differently (E-14)."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from simulator.audit.order_path import OrderPath
from tests.unit.simulator.audit.traded import (
    BOUGHT,
    BUY,
    HONEST,
    MS,
    SELL,
    at,
    filled,
    nothing_traded,
    of_orders,
    order,
    refused,
    traded,
)

D = Decimal
NO = {"filled": D(0), "value": D(0), "fees": D(0)}
AGAIN = msgspec.structs.replace(BUY, client_id="again", attempt=2, quantity=D("0.01"), **NO)


def test_an_honest_trade_is_balanced() -> None:
    assert traded().audit() == (HONEST, ())


def test_a_run_in_which_nobody_traded_is_balanced() -> None:
    assert nothing_traded().audit() == (OrderPath(), ())


# what stands twice
def test_a_client_id_that_reached_the_venues_twice_is_a_duplicate() -> None:
    run = traded()
    run.futures.append(refused("sell", 2))
    assert run.problems == (
        "order sell: it reached the venues 2 times (binance:futures filled, binance:futures refused)",
    )
    found, wanted = run.counts(duplicate=1)
    assert found == wanted


def test_an_attempt_that_stands_twice_is_a_duplicate() -> None:
    run = traded()
    run.spot.append(order("twin", "new", 2))
    run.spot.append(order("twin", "expired", 2))
    run.orders.append(msgspec.structs.replace(BUY, client_id="twin", status="EXPIRED", **NO))
    assert run.problems == ("order twin, attempt 1 at part 1 of buy of enter: attempt 1, order buy, stands beside it",)
    found, wanted = run.counts(duplicate=1, sent=3)
    assert found == wanted


def test_a_fill_that_stands_twice_is_a_duplicate() -> None:
    run = traded()
    run.fills.append(BOUGHT)
    assert run.problems[:1] == ("fill t1:o-buy at bybit:spot:BTC/USDT: it stands 2 times in Postgres",)
    found, wanted = run.counts(duplicate=1)
    assert found == wanted


def test_an_attempt_beside_one_that_is_open_is_a_duplicate() -> None:
    run = traded()
    run.spot += [order("again", "new", 0.5, force="GTC"), order("again", "cancelled", 1.1)]
    run.change_order("buy", attempt=2)
    run.orders.append(msgspec.structs.replace(AGAIN, attempt=1, status="CANCELLED"))
    assert run.problems == ("order buy, attempt 2 at part 1 of buy of enter: attempt 1, order again, was still open",)
    found, wanted = run.counts(duplicate=1, sent=3)
    assert found == wanted


def test_an_attempt_at_what_was_dealt_already_is_a_duplicate() -> None:
    run = traded()
    run.spot.append(refused("again", 2, "buy"))
    run.orders.append(msgspec.structs.replace(AGAIN, status="REJECTED"))
    assert run.problems == ("order again, attempt 2 at part 1 of buy of enter: all 0.01 of the part had been dealt",)
    found, wanted = run.counts(duplicate=1, sent=3)
    assert found == wanted


def test_attempts_that_were_dealt_more_than_their_part_are_duplicates() -> None:
    run = traded()
    run.spot += [order("again", "new", 0.5, force="GTC"), order("again", "cancelled", 0.8)]
    run.spot += [filled("again", "t9", 1.5), order("again", "filled", 1.5, filled="0.0100", value="640")]
    run.change_order("buy", attempt=2)
    run.orders.append(msgspec.structs.replace(BUY, client_id="again", status="CANCELLED"))
    run.fills.append(msgspec.structs.replace(BOUGHT, fill_id="t9:o-again", client_id="again"))
    assert of_orders(run.problems, "order", "fill") == [
        "order buy, attempt 2 at part 1 of buy of enter: all attempts together were dealt 0.02, the part is 0.01"
    ]
    found, wanted = run.counts(duplicate=1, sent=3, filled=3)
    assert found == wanted


def test_an_attempt_after_a_definite_no_is_none_and_a_leg_may_be_made_smaller_again() -> None:
    run = traded()
    run.spot.append(refused("first", 0.5, "buy"))
    run.change_order("buy", attempt=2)
    run.orders.append(msgspec.structs.replace(AGAIN, client_id="first", attempt=1, status="REJECTED"))
    closes = [("close", 1, 2.0), ("close2", 2, 3.0)]
    for name, attempt, second in closes:
        run.spot += [
            order(name, "new", second, side="sell"), filled(name, f"t-{name}", second, side="sell", fee_asset="USDT"),
            order(name, "filled", second, side="sell", filled="0.0100", value="640"),
        ]  # fmt: skip
        run.orders.append(
            msgspec.structs.replace(BUY, client_id=name, side="sell", closing=True, attempt=attempt, fees=D("0.00001"))
        )
        run.fills.append(
            msgspec.structs.replace(
                BOUGHT, fill_id=f"t-{name}:o-{name}", client_id=name, side="sell", fee_coin="USDT",
                fee_quote=D("0.00001"),
            )
        )  # fmt: skip
    assert of_orders(run.problems, "order", "fill") == []
    found, wanted = run.counts(sent=5, filled=4)
    assert found == wanted


# what one side alone has
def test_an_order_that_postgres_does_not_have_is_an_orphan() -> None:
    run = traded()
    run.futures.append(refused("stray", 2))
    run.fault("ban", 2, 3, "kept")
    assert run.problems == (
        "order kept: it was sent to a venue that kept it away and is not in Postgres",
        "order stray: it was sent to binance:futures and is not in Postgres",
    )
    found, wanted = run.counts(sent=4, orphan=2)
    assert found == wanted


def test_a_fill_that_one_side_alone_has_is_an_orphan() -> None:
    run = traded()
    run.fills[0] = msgspec.structs.replace(BOUGHT, fill_id="t7:o-buy")
    assert run.problems == (
        "fill t1:o-buy at bybit:spot:BTC/USDT of order buy: it was dealt at the venue and is not in Postgres",
        "fill t7:o-buy at bybit:spot:BTC/USDT of order buy: it is in Postgres and was never dealt",
    )
    found, wanted = run.counts(orphan=2)
    assert found == wanted


# what is not known to be over
@pytest.mark.parametrize(
    ("status", "there", "told"),
    [
        ("UNKNOWN", "filled", "UNKNOWN in Postgres and filled"),
        ("UNKNOWN", "new", "UNKNOWN in Postgres and new"),
        ("PARTIALLY_FILLED", "filled", "PARTIALLY_FILLED in Postgres and filled"),
        ("CANCELLED", "partially_filled", "CANCELLED in Postgres and partially_filled"),
    ],
)
def test_an_order_that_is_open_on_one_side_alone_or_unknown_is_left_over(status: str, there: str, told: str) -> None:
    run = traded()
    run.change_order("buy", status=status)
    run.spot.append(order("buy", there, 2, filled="0.0100", value="640"))
    assert run.problems == (f"order buy at bybit:spot:BTC/USDT: its status is {told} at the venue",)
    found, wanted = run.counts(unknown_open=1)
    assert found == wanted


def test_an_order_that_waits_to_be_sent_is_left_over() -> None:
    run = traded()
    run.orders.append(msgspec.structs.replace(SELL, client_id="waits", part=2, status="PENDING", sent_us=None, **NO))
    told = "order waits at binance:futures:BTC/USDT: its status is PENDING in Postgres and not there at the venue"
    assert run.problems == (told,)
    found, wanted = run.counts(unknown_open=1)
    assert found == wanted


def test_an_order_that_was_made_after_the_halt_is_beyond_the_run_unless_the_market_took_it() -> None:
    run = traded()
    after = msgspec.structs.replace(AGAIN, client_id="after", part=2, status="UNKNOWN", created_us=at(9) + 1)
    run.orders.append(after)
    run.intents.append(msgspec.structs.replace(run.intents[0], intent_id="old", first_received_us=at(9)))
    run.orders.append(msgspec.structs.replace(after, client_id="other", intent_id="old", sent_us=at(40)))
    run.spot.append(refused("other", 10, "buy"))
    path, problems = run.audit()
    assert (path.tick_to_order, path.orders.unknown_open, problems) == (HONEST.tick_to_order, 0, ())
    run.spot += [order("after", "new", 9.5), order("after", "expired", 9.5)]
    told = "order after at bybit:spot:BTC/USDT: its status is UNKNOWN in Postgres and expired at the venue"
    assert run.problems == (told,)


# what differs
@pytest.mark.parametrize(
    ("there", "here", "balanced"),
    [
        ("expired", "EXPIRED", True),
        ("expired", "CANCELLED", True),
        ("cancelled", "CANCELLED", True),
        ("cancelled", "EXPIRED", False),
        ("expired", "REJECTED", False),
        ("expired", "FILLED", False),
    ],
)
def test_an_end_has_the_name_that_the_venue_may_give_it(there: str, here: str, *, balanced: bool) -> None:
    run = traded()
    run.spot += [order("other", "new", 2), order("other", there, 2)]
    run.orders.append(msgspec.structs.replace(AGAIN, client_id="other", part=2, status=here))
    told = f"order other at bybit:spot:BTC/USDT: its status is {here} in Postgres and {there} at the venue"
    assert list(run.problems) == ([] if balanced else [told])


def test_what_was_dealt_after_its_end_stays_ended() -> None:
    run = traded()
    run.spot.insert(3, order("buy", "cancelled", 1))
    run.change_order("buy", status="CANCELLED")
    assert run.audit() == (HONEST, ())
    run.change_order("buy", status="REJECTED")
    told = "order buy at bybit:spot:BTC/USDT: its status is REJECTED in Postgres and filled at the venue"
    assert run.problems == (told,)


def test_an_order_that_never_arrived_was_refused() -> None:
    run = traded()
    run.fault("ban", 2, 3, "kept")
    run.orders.append(msgspec.structs.replace(AGAIN, client_id="kept", part=2, status="REJECTED"))
    assert list(run.problems) == []
    run.change_order("kept", status="EXPIRED")
    told = "order kept at bybit:spot:BTC/USDT: its status is EXPIRED in Postgres and not there at the venue"
    assert run.problems == (told,)


def test_each_amount_of_an_order_that_differs_is_said() -> None:
    run = traded()
    run.change_order("buy", filled=D("0.009"), value=D(576), fees=D("0.65"), side="sell")
    of = "order buy at bybit:spot:BTC/USDT: "
    assert run.problems == (
        f"{of}it is sell bybit:spot:BTC/USDT in Postgres and buy bybit:spot:BTC/USDT at the venue",
        f"{of}its filled quantity is 0.009 in Postgres and 0.01 at the venue",
        f"{of}its filled value is 576 in Postgres and 640 at the venue",
        f"{of}its fee in quote is 0.65 in Postgres and 0.64 at the venue",
    )


def test_each_field_of_a_fill_that_differs_is_said() -> None:
    run = traded()
    run.fills[0] = msgspec.structs.replace(
        BOUGHT, client_id="sell", side="sell", price=D(1), quantity=D(2), fee=D("0.00001"), fee_coin="USDT",
        fee_quote=D("0.00001"),
    )  # fmt: skip
    of = "fill t1:o-buy at bybit:spot:BTC/USDT of order buy: its"
    assert of_orders(run.problems, "fill") == [
        f"{of} order is sell in Postgres and buy at the venue",
        f"{of} side is sell in Postgres and buy at the venue",
        f"{of} price is 1 in Postgres and 64000 at the venue",
        f"{of} quantity is 2 in Postgres and 0.01 at the venue",
        f"{of} fee is 0.00001 USDT in Postgres and 0.00001 BTC at the venue",
        f"{of} fee in quote is 0.00001 in Postgres and 0.64 at the venue",
    ]


def test_an_order_that_was_sent_after_its_time_is_told_whatever_the_measure_of_its_tick_says() -> None:
    run = traded()
    run.change_order("buy", expires_us=at(1) - 2 * MS)
    assert list(run.problems) == []
    run.change_order("buy", expires_us=at(1) - 4 * MS)
    assert run.problems == ("order buy at bybit:spot:BTC/USDT: it was sent 2 ms after its time was over",)


def test_the_time_from_tick_to_order_is_that_of_the_first_orders_of_openings() -> None:
    run = traded()
    later = msgspec.structs.replace(BUY, client_id="later", part=2, status="REJECTED", sent_us=at(5), **NO)
    run.orders.append(later)
    run.intents.append(msgspec.structs.replace(run.intents[0], intent_id="leave", opening=False))
    run.intents.append(msgspec.structs.replace(run.intents[0], intent_id="by hand", first_received_us=None))
    run.orders += [msgspec.structs.replace(later, client_id=name, intent_id=name) for name in ("leave", "by hand")]
    run.orders.append(msgspec.structs.replace(later, client_id="rolled back", part=1, closing=True))
    path, _ = run.audit()
    assert (path.intents, path.tick_to_order) == (3, HONEST.tick_to_order)
