"""An explanation is whole: each part value for value, the books held against the evidence, the unknown said."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from tapeline.cli import explain_hops, explain_story
from tapeline.cli.explain_parts import BookPart, Missing
from tapeline.cli.render import to_json
from tapeline.cli.trading_orders import order_row
from tapeline.domain.order_records import ClosePosition, Command, ExitPair, Flatten, PlaceOrder
from tapeline.runtime.trading_story import Story
from tests.unit.cli.explained import AT_US, AUDITS, BOUGHT, BUY, INTENT, ORDER, OTHER, RESERVED, ROW, SELL, SOLD, STORY
from tests.unit.cli.explained import entry as audited
from tests.unit.cli.explained import text as kept

D = Decimal


def altered(**changes: object) -> Story:
    return msgspec.structs.replace(STORY, **changes)


def test_the_json_of_an_explanation_value_for_value() -> None:
    lost = Missing(part="book x", problem="gone")
    found = msgspec.json.decode(to_json(explain_story.told(STORY, (BOUGHT, SOLD), (lost,))))
    parts = {name: found.pop(name) for name in ("order", "orders", "events", "books", "hops")}
    assert parts["order"] == msgspec.to_builtins(order_row(ORDER))
    assert parts["orders"] == [msgspec.to_builtins(order_row(one)) for one in (ORDER, OTHER)]
    assert found == {
        "fills": [
            {
                "fill_id": "f1", "time": "2026-09-21T14:13:20.006000Z", "filled_us": AT_US + 6_000, "side": "buy",
                "quantity": "2", "price": "100", "fee": "0.2", "fee_currency": "USDT", "fee_quote": "0.2",
                "liquidity": "taker", "cause": "order",
            }
        ],
        "verdict": {
            "verdict": "approved", "status": "APPROVED", "code": None, "reason": None, "taken_us": AT_US + 2_500,
            "settled_us": None,
            "reservation": {
                "moment": "now", "orders": 2, "pairs": 1,
                "claims": [{"venue": "bybit", "market": "futures", "exposure": "200.4", "margin": "100.2"}],
            },
        },
        "intent": {
            "intent_id": "i1", "account": "main", "strategy": "two-leg", "symbol": "BTC/USDT", "slot": 0, "round": 4,
            "kind": "EnterPair", "command": msgspec.to_builtins(INTENT.command), "reason": INTENT.reason,
            "evidence": INTENT.evidence, "memory": {"version": 1, "kind": "Peak", "body": '{"peak":1}'},
            "cause": ["md.book/2/10", "md.book/2/11", "portfolio/2/3"], "actor": "two-leg", "decided_us": AT_US,
            "expires_us": AT_US + 1_000_000,
        },
        "spread": {
            "buy": "bybit futures", "sell": "okx futures", "quantity": 2.0, "buy_price": 100.0, "sell_price": 101.25,
            "buy_limit": "100.2", "sell_limit": "101.1", "gross": 101.25 / 100.0 - 1,
            "fees": 101.25 / 100.0 - 1 - 0.0075, "net": 0.0075,
        },
        "pair": {
            "pair_id": "two-leg:BTC/USDT", "round": 4, "state": "ENTERING", "part": 1, "parts": 1, "entry_net": None,
            "realized": "-0.2", "unrealized": "0", "reason": "one leg was refused",
        },
        "trace_id": "t1",
        "missing": [{"part": "book x", "problem": "gone"}],
    }  # fmt: skip
    assert [(one["instrument"], one["price_at_size"], one["confirmed"]) for one in parts["books"]] == [
        (BUY, 100.0, True), (SELL, 101.25, True),
    ]  # fmt: skip


def test_the_events_are_the_audit_of_order_and_intent() -> None:
    steps = explain_story.told(STORY, (), ()).events
    assert [(one.sequence, one.of, one.action, one.status, one.filled, one.error) for one in steps] == [
        (3, "intent", "INTENT_APPROVE", None, None, None),
        (4, "order", "ORDER_PLACE", "PENDING", "0", None),
        (6, "order", "ORDER_FILL", "FILLED", "2", None),
        (9, "intent", "INTENT_SETTLE", None, None, "x"),
    ]
    assert (steps[0].time, steps[0].actor) == ("2026-09-21T14:13:20.003000Z", "two-leg")


def test_e25_each_hop_has_its_time_and_its_distance() -> None:
    found = explain_story.told(STORY, (BOUGHT, SOLD), ()).hops
    assert [(one.hop, one.clock, None if one.at_us is None else one.at_us - AT_US, one.after_us) for one in found] == [
        ("venue", "venue", -8_000, None),
        ("received", "producer", -3_000, 5_000),
        ("published", "producer", -1_000, 2_000),
        ("decided", "newest record", 0, 1_000),
        ("taken", "database", 2_500, 2_500),
        ("sent", "executor", 3_000, 500),
        ("answered", "executor", 7_000, 4_000),
        ("first fill", "venue", 6_000, -1_000),
        ("last fill", "venue", 6_000, 0),
    ]


def test_a_hop_without_a_time_stands_there_and_the_next_counts_from_the_one_before() -> None:
    unsent = altered(order=msgspec.structs.replace(ORDER, sent_us=None), fills=())
    found = {one.hop: (one.time, one.after_us) for one in explain_hops.hops(unsent, ())}
    assert found["venue"] == found["published"] == found["sent"] == found["first fill"] == (None, None)
    assert (found["decided"], found["answered"]) == (
        ("2026-09-21T14:13:20.000000Z", 3_000), ("2026-09-21T14:13:20.007000Z", 4_500),
    )  # fmt: skip


def test_the_tick_is_the_book_with_the_oldest_receipt_of_the_intent() -> None:
    assert explain_hops.cause((SOLD, BOUGHT), AT_US - 3_000) == BOUGHT
    later = msgspec.structs.replace(SOLD, received_us=AT_US)
    assert explain_hops.cause((later, BOUGHT), None) == later
    assert explain_hops.cause((), AT_US) is None


@pytest.mark.parametrize(
    ("book", "told"),
    [
        (BOUGHT, (100.0, True)),
        (msgspec.structs.replace(BOUGHT, asks=((100.0, 1.0), (100.5, 1.0))), (100.25, False)),
        (msgspec.structs.replace(BOUGHT, asks=((100.0, 1.0),)), (None, False)),
        (msgspec.structs.replace(BOUGHT, instrument="htx:spot:BTC/USDT"), (None, None)),
    ],
)
def test_a_book_is_held_against_the_price_that_was_decided_on(book: BookPart, told: tuple[object, object]) -> None:
    found = explain_story.judge(book, INTENT)
    assert (found.price_at_size, found.confirmed) == told


def test_what_was_reserved_is_known_after_the_settlement_too() -> None:
    settled = altered(intent=msgspec.structs.replace(ROW, status="SETTLED", reservation=None, settled_us=AT_US))
    verdict = explain_story.told(settled, (), ()).verdict
    assert verdict.reservation is not None
    assert (verdict.verdict, verdict.status, verdict.reservation.moment) == ("approved", "SETTLED", "at settlement")
    assert verdict.reservation.orders == RESERVED.orders


def test_a_refused_intent_has_its_code_and_reserves_nothing() -> None:
    row = msgspec.structs.replace(ROW, status="REFUSED", reservation=None, code="max_exposure", reason="too much")
    refusal = (audited(3, "INTENT_REFUSE", ("intent", "i1"), new_value=kept(INTENT)),)
    found = explain_story.told(altered(intent=row, audits=refusal), (), ())
    assert (found.verdict.verdict, found.verdict.code, found.verdict.reason, found.verdict.reservation) == (
        "refused", "max_exposure", "too much", None,
    )  # fmt: skip
    assert found.intent.cause == ("md.book/2/10", "md.book/2/11", "portfolio/2/3")


def test_an_intent_without_orders_has_spread_books_and_the_hops_there_are() -> None:
    row = msgspec.structs.replace(ROW, status="REFUSED", reservation=None, code="max_exposure", reason="too much")
    refusal = (audited(3, "INTENT_REFUSE", ("intent", "i1"), new_value=kept(INTENT)),)
    alone = altered(order=None, orders=(), fills=(), pair=None, intent=row, audits=refusal)
    found, whole = explain_story.told(alone, (BOUGHT, SOLD), ()), explain_story.told(STORY, (BOUGHT, SOLD), ())
    assert (found.order, found.orders, found.fills, found.trace_id) == (None, (), (), row.trace_id)
    assert (found.spread, found.books, found.intent) == (whole.spread, whole.books, whole.intent)
    assert found.hops[:5] == whole.hops[:5]
    assert {(one.at_us, one.after_us) for one in found.hops[5:]} == {(None, None)}
    assert explain_story.instruments(alone, INTENT) == (BUY, SELL)
    assert explain_story.instruments(alone, None) == ()


def test_of_an_intent_the_hops_are_those_of_its_first_order() -> None:
    later = msgspec.structs.replace(ORDER, client_order_id="z", sent_us=AT_US + 9_000, answered_us=None)
    found = {one.hop: one.at_us for one in explain_hops.hops(altered(order=None, orders=(later, ORDER)), ())}
    assert (found["sent"], found["answered"]) == (AT_US + 3_000, AT_US + 7_000)


def test_without_the_audit_the_rest_is_still_told() -> None:
    found = explain_story.told(altered(audits=AUDITS[1:]), (BOUGHT,), ())
    assert (found.intent.command, found.intent.cause, found.spread) == (None, (), None)
    assert found.intent.evidence == {"net": 0.0075}
    assert [one.part for one in found.missing] == ["intent"]
    assert found.books == (BOUGHT,)


PLACE = PlaceOrder(
    venue="okx", market="spot", side="buy", order_type="limit", time_in_force="GTC", quantity=D(1), price=D(1)
)


@pytest.mark.parametrize(
    ("command", "names"),
    [
        (INTENT.command, (BUY, SELL)),
        (ExitPair(pair_id="p", round=4, parts=1), (BUY, SELL)),
        (PLACE, ("okx:spot:BTC/USDT",)),
        (ClosePosition(venue="okx", market="futures"), (SELL,)),
        (Flatten(), (BUY,)),
    ],
)
def test_the_instruments_of_a_decision_are_those_of_its_command(command: Command, names: tuple[str, ...]) -> None:
    assert explain_story.instruments(STORY, msgspec.structs.replace(INTENT, command=command)) == names


def test_of_an_unknown_intent_the_order_itself_names_the_instrument() -> None:
    assert explain_story.instruments(STORY, None) == (BUY,)
