"""X-14: real keys sign only where live trading is on, and no key goes to a network that it is not of."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from executor.keys import Given, keys_for
from tapeline.errors import Misconfigured
from tapeline.venues.orders import Keys

GIVEN = Given(key=SecretStr("key"), secret=SecretStr("secret"), passphrase=SecretStr("phrase"))
REAL = Keys(key="key", secret="secret", passphrase="phrase")
MADE_UP = Keys(key="made", secret="up")


def test_the_venue_s_own_keys_are_for_its_networks() -> None:
    assert keys_for("okx", "main", live=True, given=GIVEN, simulated=MADE_UP) == REAL
    assert keys_for("okx", "test", live=False, given=GIVEN, simulated=MADE_UP) == REAL
    two = Given(key=SecretStr("key"), secret=SecretStr("secret"))
    assert keys_for("okx", "test", live=False, given=two, simulated=None) == Keys(key="key", secret="secret")


def test_the_simulator_gets_the_keys_that_it_made_up_alone() -> None:
    assert keys_for("okx", "simulated", live=True, given=GIVEN, simulated=MADE_UP) == MADE_UP
    with pytest.raises(Misconfigured, match="no keys of a simulated okx"):
        keys_for("okx", "simulated", live=True, given=GIVEN, simulated=None)


def test_without_live_trading_no_key_leaves_for_the_main_network() -> None:
    with pytest.raises(Misconfigured, match="live trading at okx is off"):
        keys_for("okx", "main", live=False, given=GIVEN, simulated=MADE_UP)


@pytest.mark.parametrize("given", [Given(), Given(key=SecretStr("key")), Given(secret=SecretStr("secret"))])
def test_missing_keys_are_named_by_their_variables(given: Given) -> None:
    with pytest.raises(Misconfigured, match="TAPELINE_KEYS__OKX_KEY and TAPELINE_KEYS__OKX_SECRET"):
        keys_for("okx", "test", live=True, given=given, simulated=MADE_UP)
