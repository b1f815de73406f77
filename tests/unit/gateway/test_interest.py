"""What a client asks for: each field by itself, what is not named stays, and a mistake is one sentence."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import interest
from gateway.interest import KINDS, Interest, Mistake

KNOWN = ("BTC/USDT", "ETH/USDT")
LIKE = 'send an object like {"subscribe": ["book"], "symbols": ["BTC/USDT"], "depth": 5}'
NARROW = Interest(kinds=frozenset({"book", "gap"}), symbols=frozenset({"ETH/USDT"}), depth=7)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ('{"subscribe":["book","spread"]}', replace(NARROW, kinds=frozenset({"book", "spread"}))),
        ('{"subscribe":[]}', replace(NARROW, kinds=frozenset())),
        ('{"symbols":["BTCUSDT","doge-usdt"]}', replace(NARROW, symbols=frozenset({"BTC/USDT", "DOGE/USDT"}))),
        ('{"symbols":null}', replace(NARROW, symbols=None)),
        ('{"depth":1}', replace(NARROW, depth=1)),
        (b'{"symbols":[],"depth":1000}', replace(NARROW, symbols=frozenset(), depth=1000)),
    ],
)  # fmt: skip
def test_a_request_changes_what_it_names(asked: str | bytes, found: Interest) -> None:
    assert interest.read(asked, NARROW, KNOWN) == found


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("{", f"the message is no JSON: {LIKE}"),
        (b"\xff", f"the message is no JSON: {LIKE}"),
        ("[1]", f"the message is [1]: {LIKE}"),
        ("{}", f"the message is {{}}: {LIKE}"),
        ('{"symbol":[]}', "the field 'symbol' is not known: did you mean 'symbols'?"),
        ('{"x":1}', "the field 'x' is not known: use subscribe, symbols, depth"),
        ('{"subscribe":"book"}', "subscribe is 'book': give a list of book, spread, gap, alert, heartbeat"),
        ('{"subscribe":["book","boks"]}', "subscribe[1] is 'boks': did you mean 'book'?"),
        ('{"subscribe":[[]]}', "subscribe[0] is []: use one of book, spread, gap, alert, heartbeat"),
        ('{"symbols":"BTC/USDT"}', "symbols is 'BTC/USDT': give a list of at most 1000, or null for all"),
        ('{"symbols":["BTC/USDT","BTCUSDC"]}', "symbols[1] is 'BTCUSDC': did you mean 'BTC/USDT'?"),
        ('{"symbols":[5]}', "symbols[0] is 5: write it as 'BTC/USDT'"),
        ('{"depth":0}', "depth is 0: give a whole number from 1 to 1000"),
        ('{"depth":1001}', "depth is 1001: give a whole number from 1 to 1000"),
        ('{"depth":true}', "depth is True: give a whole number from 1 to 1000"),
        ('{"depth":2.5}', "depth is 2.5: give a whole number from 1 to 1000"),
    ],
)  # fmt: skip
def test_a_15_a_mistake_names_the_field_the_value_and_the_fix(asked: str | bytes, told: str) -> None:
    assert interest.read(asked, NARROW, KNOWN) == Mistake(told)


def test_too_many_symbols_are_refused() -> None:
    asked = '{"symbols":[' + ",".join(['"A/B"'] * 1_001) + "]}"
    told = "symbols is 1001 entries long: give a list of at most 1000, or null for all"
    assert interest.read(asked, NARROW, KNOWN) == Mistake(told)


@given(st.text(max_size=50) | st.binary(max_size=50))
def test_whatever_a_client_sends_is_a_request_or_a_mistake(said: str | bytes) -> None:
    assert isinstance(interest.read(said, NARROW, KNOWN), Interest | Mistake)


def test_alerts_and_heartbeats_belong_to_no_symbol() -> None:
    wanted = Interest(kinds=frozenset(KINDS) - {"gap"}, symbols=frozenset({"BTC/USDT"}))
    asked = [("book", "BTC/USDT"), ("book", "ETH/USDT"), ("gap", "BTC/USDT"), ("alert", None), ("heartbeat", None)]
    assert [wanted.wants(kind, symbol) for kind, symbol in asked] == [True, False, False, True, True]  # type: ignore[arg-type] # kinds as texts
