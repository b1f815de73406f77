"""`tapeline sim`: one line per exchange when ready, real answers, an orderly end, one sentence for what is wrong."""

from __future__ import annotations

import http.client
import json
import signal
import socket
from pathlib import Path

import pytest

from simulator import journal, places
from tests.journeys.command import Tapeline


def test_one_line_says_where_it_is_and_sigterm_ends_it_in_order(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    words = ("sim", "--venue", "bybit", "--market", "spot", "--seed", "7", "--symbols", "3", "--journal", str(folder))
    with Tapeline(tmp_path).started(*words, "--json") as sim:
        ready = sim.line()
        asked = http.client.HTTPConnection(ready["rest"].removeprefix("http://"), timeout=10)
        asked.request("GET", "/v5/market/time")
        assert json.load(asked.getresponse())["retCode"] == 0
        asked.close()
        end = sim.stop(signal.SIGTERM)
    port = int(ready["rest"].rpartition(":")[2])
    assert ready == {
        "venue": "bybit",
        "market": "spot",
        "rest": f"http://127.0.0.1:{port}",
        "ws": f"ws://127.0.0.1:{port}",
        "private_ws": f"ws://127.0.0.1:{port}",
        "key": ready["key"],
        "secret": ready["secret"],
        "passphrase": None,
    }
    assert len(ready["key"]) == len(ready["secret"]) == 64
    assert (end.code, end.stdout, end.stderr) == (0, "", "")
    records = list(journal.read(folder / "bybit-spot.jsonl"))
    assert (type(records[0]), type(records[-1])) == (journal.Opened, journal.Halted)


def test_one_process_serves_all(tmp_path: Path) -> None:
    exchanges = [(venue, market) for venue in places.FACES for market in places.MARKETS]
    all_places = [*exchanges, ("uniswap", "spot"), ("1inch", "spot")]
    with Tapeline(tmp_path).started("sim", "--symbols", "1", "--json") as sim:
        lines = [sim.line() for _ in all_places]
        end = sim.stop(signal.SIGINT)
    assert [(one["venue"], one["market"]) for one in lines] == all_places
    assert len({one["rest"] for one in lines}) == len(all_places)
    assert end.code == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--faults", "gap,stal"), "there is no fault 'stal': did you mean 'stall'"),
        (("--venue", "nyse"), f"there is no simulated venue 'nyse': choose {', '.join(places.VENUES)} or all"),
        (("--symbols", "99"), "--symbols 99 is out of range: give 1 to 24"),
    ],
)
def test_a_wrong_option_is_one_sentence_and_exit_code_2(words: tuple[str, ...], told: str, tmp_path: Path) -> None:
    code, error, sentence = Tapeline(tmp_path).run("sim", *words, "--json").refusal
    assert (code, error["kind"]) == (2, "misconfigured")
    assert sentence.startswith(told)


def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        words = ("sim", "--venue", "bybit", "--market", "spot", "--port", str(port), "--json")
        code, _, sentence = Tapeline(tmp_path).run(*words).refusal
    assert (code, sentence) == (
        2,
        f"port {port} of bybit:spot is taken: give another --port, or none for a free one",
    )
