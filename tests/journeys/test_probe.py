"""`tapeline venues --probe` where nothing runs: exchanges of its own, all of them seen, none left behind."""

from __future__ import annotations

import psutil

from tapeline.venues import registry
from tests.journeys.command import Tapeline


def test_c_03_every_market_works_in_one_probe_and_nothing_is_left(stopped: Tapeline) -> None:
    here = str(stopped.root)
    answer = stopped.run("venues", "--json", "--probe", "--within", "40")
    said = {(one["venue"], one["market"]): (one["network"], one["ok"], one["error"]) for one in answer.value["venues"]}
    markets = [(venue.id, market) for venue in registry.VENUES.values() for market in venue.feeds]
    assert said == dict.fromkeys(markets, ("simulated", True, None)), answer
    assert (answer.code, answer.stderr) == (0, "")
    assert [one.info["cmdline"] for one in psutil.process_iter(["cmdline", "cwd"]) if one.info["cwd"] == here] == []


def test_a_market_that_is_named_is_the_only_one(stopped: Tapeline) -> None:
    answer = stopped.run("venues", "--json", "--probe", "--venue", "okx", "--market", "spot")
    assert [(one["venue"], one["market"], one["ok"]) for one in answer.value["venues"]] == [("okx", "spot", True)]
    assert answer.code == 0
