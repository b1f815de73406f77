"""K15, E-12: a client id follows from what it is for, is legal at the venue, and no other attempt has it."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapeline.venues.binance import trading as binance
from tapeline.venues.bybit import trading as bybit
from tapeline.venues.calls import OrderRequest
from tapeline.venues.orders import ClientIds, Keys, SignedRequest, client_id, is_ours, legal, window_ms

# Some venues take digits alone, some little more than a short word: the rules must bear them too.
DIGITS = ClientIds(pattern=r"[1-9][0-9]{0,17}|0", longest=18, alphabet="123456789", unique="for_ever")
SHORT = ClientIds(pattern=r"[a-z0-9]{1,20}", longest=20, unique="for_ever")
RULES = [binance.SPOT.facts.client_ids, binance.FUTURES.facts.client_ids, bybit.SPOT.facts.client_ids, DIGITS, SHORT]
ATTEMPTS = st.tuples(
    st.text(max_size=10), st.text(max_size=40), st.text(max_size=5), st.integers(0, 99), st.integers(0, 99)
)


def made(rules: ClientIds, attempt: tuple[str, str, str, int, int]) -> str:
    account, intent_id, leg, part, number = attempt
    return client_id(rules, account=account, intent_id=intent_id, leg=leg, part=part, attempt=number)


@given(st.sampled_from(RULES), ATTEMPTS)
def test_k15_the_same_attempt_has_the_same_legal_id(rules: ClientIds, attempt: tuple[str, str, str, int, int]) -> None:
    found = made(rules, attempt)
    assert found == made(rules, attempt)
    assert re.fullmatch(rules.pattern, found)
    assert len(found) <= rules.longest
    assert legal(rules, found)
    assert is_ours(rules, found)


@given(st.sampled_from(RULES), st.lists(ATTEMPTS, unique=True, max_size=20))
def test_k15_distinct_attempts_have_distinct_ids(
    rules: ClientIds, attempts: list[tuple[str, str, str, int, int]]
) -> None:
    assert len({made(rules, attempt) for attempt in attempts}) == len(attempts)


def test_k15_the_id_of_an_attempt_stays_what_it_was() -> None:
    # A later version that makes another id would send a second order for the same attempt.
    attempt = ("main", "0b2e5c4e-8a1d-5f7c-9d60-2f4a1c8b7e21", "buy", 1, 1)
    assert [made(rules, attempt) for rules in RULES] == IDS


IDS = [
    "tl7eocbnsjbiyfuoks7luv7ztwhe",
    "tl7eocbnsjbiyfuoks7luv7ztwhe",
    "tl7eocbnsjbiyfuoks7luv7ztwhe",
    "942156635893874659",
    "tl7eocbnsjbiyfuoks7l",
]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("a", "b", "", 1, 1), ("ab", "", "", 1, 1)),
        (("a", "b", "1", 1, 1), ("a", "b1", "", 1, 1)),
        (("a", "b", "", 1, 11), ("a", "b", "", 11, 1)),
    ],
)
def test_parts_of_an_id_do_not_run_into_each_other(
    one: tuple[str, str, str, int, int], other: tuple[str, str, str, int, int]
) -> None:
    assert made(RULES[0], one) != made(RULES[0], other)


@pytest.mark.parametrize("found", [None, "", "web_1", "x-1", "tl", "tl" + "a" * 25, "tl" + "a" * 27, "tl" + "A" * 26])
def test_k1_an_id_of_somebody_else_is_not_ours(found: str | None) -> None:
    assert not is_ours(RULES[0], found)
    assert is_ours(RULES[0], "tl" + "a" * 26)


def test_a_window_is_never_longer_than_asked_or_known() -> None:
    facts = binance.SPOT.facts
    assert [window_ms(facts, asked) for asked in (1, 60_000, 60_001)] == [1, 60_000, 60_000]
    with pytest.raises(ValueError, match="expired"):
        window_ms(facts, 0)


def test_a_target_is_path_and_query() -> None:
    request = SignedRequest(method="GET", path="/a", query="b=1", headers={}, bucket="rest_account", cost=1)
    bare = SignedRequest(method="GET", path="/a", headers={}, bucket="rest_account", cost=1)
    assert (request.target, bare.target) == ("/a?b=1", "/a")


def test_keys_are_equal_by_what_they_hold_and_cannot_be_changed() -> None:
    keys = Keys(key="a", secret="b")
    assert keys == Keys(key="a", secret="b")
    assert keys != Keys(key="a", secret="c")
    with pytest.raises(AttributeError):
        keys.secret = "c"  # type: ignore[misc]  # that it is refused is the point


@pytest.mark.parametrize(
    ("kind", "quantity", "price", "in_force", "told"),
    [
        ("limit", "0", "1", "GTC", "above zero"),
        ("limit", "-1", "1", "GTC", "above zero"),
        ("limit", "NaN", "1", "GTC", "above zero"),
        ("limit", "Infinity", "1", "GTC", "above zero"),
        ("limit", "1", "0", "GTC", "above zero"),
        ("limit", "1", None, "GTC", "a price belongs"),
        ("post_only", "1", None, "GTC", "a price belongs"),
        ("market", "1", "1", "GTC", "a price belongs"),
        ("post_only", "1", "1", "IOC", "rests"),
    ],
)
def test_an_order_that_means_nothing_is_an_error_of_ours(
    kind: str, quantity: str, price: str | None, in_force: str, told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        OrderRequest(
            client_id="a",
            native="BTCUSDT",
            side="buy",
            kind=kind,  # type: ignore[arg-type]  # one of the kinds, from the table above
            quantity=Decimal(quantity),
            price=None if price is None else Decimal(price),
            time_in_force=in_force,  # type: ignore[arg-type]  # as kind
        )
