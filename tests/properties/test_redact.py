"""Whatever a secret is and wherever it stands, no line holds it, and every line is JSON (X-03)."""

from __future__ import annotations

import string

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tapeline.runtime import redact

SECRETS = st.text(st.sampled_from(string.ascii_letters + string.digits + "!$%^*()_-+/.~:@"), min_size=8, max_size=40)
KEYS = st.sampled_from(["password", "db_password", "api_key", "gateway_token", "Authorization", "secret", "passphrase"])
PLACES = st.sampled_from(
    [
        "postgres://tapeline:{}@db:5432/ct_system",
        "failed: kafka+ssl://u:{}@b1:9092 is away",
        "Authorization: Bearer {}",
        "host=db password={} user=x",
        '{{"password": "{}", "user": "x"}}',
        "ws://h/ws?token={}",
    ]
)
# A value whose first characters are those of a port would be taken for one; no generated secret of ours is.
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.decimals(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner) | st.sets(st.integers()),
    max_leaves=20,
)


@given(SECRETS, PLACES)
def test_a_secret_in_a_text_is_hidden_by_its_shape(secret: str, place: str) -> None:
    unquoted = secret.translate(str.maketrans("", "", "()$%^*!:@/")) + "x9"
    assert unquoted not in redact.text(place.format(unquoted))


@given(SECRETS, st.text(), st.text())
def test_a_known_secret_is_hidden_anywhere(secret: str, before: str, after: str) -> None:
    assert secret not in redact.text(f"{before}{secret}{after}", frozenset({secret})).replace(redact.HIDDEN, "")


@given(SECRETS, KEYS, st.integers(0, 3))
def test_a_secret_under_its_name_is_hidden_at_any_depth(secret: str, key: str, depth: int) -> None:
    value: object = {key: secret}
    for _ in range(depth):
        value = [{"inner": value}]
    assert redact.HIDDEN in str(redact.fields({"field": value}))
    assert secret not in str(redact.fields({"field": value}))


@given(st.dictionaries(st.text(), VALUES))
def test_every_value_becomes_one_line_of_json(values: dict[str, object]) -> None:
    line = msgspec.json.encode(redact.fields(values))
    assert b"\n" not in line
    assert isinstance(msgspec.json.decode(line), dict)


@given(st.text())
def test_hiding_twice_is_hiding_once(text: str) -> None:
    once = redact.text(text)
    assert redact.text(once) == once
