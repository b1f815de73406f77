"""Profit in its parts: the net is exact cash flow, the entry price only parts it."""

from __future__ import annotations

from decimal import Decimal

from tapeline.domain import pnl
from tapeline.domain.pnl import Flow, Result

D = Decimal

LONG = Flow(bought=D(3), bought_value=D(300), sold=D(1), sold_value=D(110), fees=D("0.41"))


def test_an_open_quantity_is_worth_the_mid_and_its_entry_parts_the_profit() -> None:
    found = pnl.result(LONG, funding=D("-0.5"), mid=D(105), entry=D(100))
    assert found == Result(realized=D(10), unrealized=D(10), fees=D("0.41"), funding=D("-0.5"))
    assert found.net == D("19.09")


def test_the_net_does_not_know_the_entry_price() -> None:
    nets = {pnl.result(LONG, funding=D(0), mid=D(105), entry=entry).net for entry in (None, D(1), D("99.999"))}
    assert nets == {D("19.59")}


def test_what_is_flat_needs_no_price() -> None:
    flat = Flow(bought=D(1), bought_value=D(100), sold=D(1), sold_value=D(90), fees=D(1))
    found = pnl.result(flat, funding=D(2), mid=None, entry=None)
    assert (found, found.net) == (Result(realized=D(-10), unrealized=D(0), fees=D(1), funding=D(2)), D(-9))


def test_what_is_open_without_a_price_has_no_net() -> None:
    found = pnl.result(LONG, funding=D(0), mid=None, entry=D(100))
    assert (found.realized, found.unrealized, found.net) == (D(10), None, None)


def test_a_short_earns_when_the_price_falls() -> None:
    short = Flow(sold=D(2), sold_value=D(200), fees=D("0.2"))
    found = pnl.result(short, funding=D(0), mid=D(90), entry=D(100))
    assert (found.realized, found.unrealized, found.net) == (D(0), D(20), D("19.8"))


def test_a_total_is_exact_and_as_unknown_as_its_parts() -> None:
    known = pnl.result(LONG, funding=D(0), mid=D(105), entry=D(100))
    unknown = pnl.result(LONG, funding=D(1), mid=None, entry=D(100))
    assert pnl.total((known, known)) == Result(realized=D(20), unrealized=D(20), fees=D("0.82"), funding=D(0))
    assert pnl.total((known, unknown)) == Result(realized=D(20), unrealized=None, fees=D("0.82"), funding=D(1))
    assert pnl.total(()) == Result(realized=D(0), unrealized=D(0), fees=D(0), funding=D(0))


def test_the_net_keeps_every_digit_of_fees_that_have_more_than_a_default_context_holds() -> None:
    fees = D("1000000000.0000000000000000001")
    found = Result(realized=D("-999999999999.99"), unrealized=D(0), fees=fees, funding=D(2))
    assert found.net == D("-1000999999997.9900000000000000001")
