"""How long the supervisor waits for each child at a stop: the one that closes positions has as long as that takes."""

from __future__ import annotations

from executor import composing
from executor.__main__ import LAST_ANSWERS_S
from infra.embedded.supervisor import patience_s
from tapeline.runtime.settings import Settings


def test_x_04_the_executor_is_not_killed_while_it_closes_what_is_held_and_all_is_over_in_30_s() -> None:
    terms = composing.terms(Settings())
    longest_s = terms.stop_s + terms.flush_s + LAST_ANSWERS_S + terms.renew_every_s
    assert longest_s < patience_s("executor") < 30
    assert patience_s("sinks") == patience_s("kafka") == 12
