"""Where `tapeline venues --probe` connects to: given addresses, a simulator's lines, a run's, else the network's."""

from __future__ import annotations

import re
from pathlib import Path

import psutil
import pytest

from tapeline.cli import venues_own
from tapeline.cli.venues_where import Asked, Place, Target, places, targets
from tapeline.errors import Misconfigured
from tapeline.runtime import runfile
from tapeline.runtime.runfile import Addresses, ProcessRecord, RunFile, Secrets
from tapeline.venues.contract import Hosts

SPOT: Place = ("bybit", "spot")
FUTURES: Place = ("bybit", "futures")
HERE = Hosts(rest="http://127.0.0.1:7", ws="ws://127.0.0.1:7")


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TAPELINE_DATA__DIR", str(tmp_path / "data"))


def test_markets_are_those_asked_for() -> None:
    assert [(venue.id, market) for venue, market in places(Asked(venue="bybit"))] == [SPOT, FUTURES]
    assert [(venue.id, market) for venue, market in places(Asked(market="spot"))][:2] == [("binance", "spot"), SPOT]
    with pytest.raises(Misconfigured, match="unknown exchange: bibit: did you mean bybit"):
        places(Asked(venue="bibit"))
    with pytest.raises(Misconfigured, match="there is no market 'swap': use spot or futures"):
        places(Asked(market="swap"))


def test_addresses_that_are_given_are_those_of_one_market() -> None:
    asked = Asked(venue="bybit", market="spot", rest="http://127.0.0.1:7/", ws="ws://127.0.0.1:7")
    assert targets(asked, [SPOT]) == ({SPOT: Target("given", HERE)}, {})
    for wrong in (asked, Asked(rest="http://127.0.0.1:7")):
        with pytest.raises(Misconfigured, match="give both, with --venue and --market"):
            targets(wrong, [SPOT, FUTURES])


@pytest.mark.parametrize(
    "lines",
    [
        "bybit spot      http://127.0.0.1:7  ws://127.0.0.1:7\n",
        '{"venue":"bybit","market":"spot","rest":"http://127.0.0.1:7","ws":"ws://127.0.0.1:7","key":"k"}\n\n',
    ],
)
def test_the_lines_of_the_simulator_are_read_as_text_and_as_json(tmp_path: Path, lines: str) -> None:
    file = tmp_path / "sim.txt"
    file.write_text(lines, "utf-8")
    reason = f"{file} has no address of it"
    assert targets(Asked(sim=file), [SPOT, FUTURES]) == ({SPOT: Target("simulated", HERE)}, {FUTURES: reason})
    with pytest.raises(
        Misconfigured, match=f"no simulated bybit futures is known .{re.escape(reason)}.: start it with `tapeline demo`"
    ):
        targets(Asked(venue="bybit", market="futures", sim=file), [FUTURES])


def test_a_line_of_another_form_is_named(tmp_path: Path) -> None:
    file = tmp_path / "sim.txt"
    for line in ("ready", '{"venue": 1}', "bybit swap http://a ws://a"):
        file.write_text(line, "utf-8")
        with pytest.raises(Misconfigured, match=re.escape(repr(line))):
            targets(Asked(sim=file), [SPOT])
    with pytest.raises(Misconfigured, match="cannot be read"):
        targets(Asked(sim=tmp_path / "none"), [SPOT])


def test_without_a_run_it_is_the_network_of_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    mexc: Place = ("mexc", "spot")
    found, missing = targets(Asked(), [SPOT, mexc])
    assert (found[SPOT].network, found[SPOT].hosts.rest, missing) == ("main", "https://api.bybit.com", {})
    monkeypatch.setenv("TAPELINE_VENUES__NETWORK", "test")
    found, missing = targets(Asked(), [SPOT, mexc])
    assert (found[SPOT].hosts.rest, missing) == (
        "https://api-testnet.bybit.com", {mexc: "it has no test network: leave it out of monitor.venues"},
    )  # fmt: skip
    monkeypatch.setenv("TAPELINE_VENUES__NETWORK", "simulated")
    with pytest.raises(
        Misconfigured, match=r"no simulated venue is known \(no simulator of it runs\): start it with `tapeline demo`"
    ):
        targets(Asked(), [SPOT])


def test_a_run_on_simulators_is_meant_before_the_network(tmp_path: Path) -> None:
    write_run(tmp_path / "data", venues={"bybit:spot": "127.0.0.1:7"})
    simulated = {SPOT: Target("simulated", HERE)}
    assert targets(Asked(), [SPOT, FUTURES]) == (simulated, {FUTURES: "no simulator of it runs"})


def write_run(data: Path, venues: dict[str, str] | None = None) -> None:
    """Leave behind what a run of this process would."""
    data.mkdir()
    alive = psutil.Process()
    supervisor = ProcessRecord(name="tapeline", state="running", pid=alive.pid, created_s=alive.create_time())
    run = RunFile(
        version="0", data_dir=str(data), log_dir=str(data.parent), started_us=1, supervisor=supervisor,
        addresses=Addresses(venues=venues or {}),
        secrets=Secrets(postgres_password="", clickhouse_password="", gateway_token=""),
    )  # fmt: skip
    runfile.write(data, run)


def test_a_probe_starts_exchanges_only_where_nothing_else_is_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = "http://127.0.0.1:7"
    assert venues_own.wanted(Asked())
    assert not venues_own.wanted(Asked(rest=here, ws=here))
    assert not venues_own.wanted(Asked(sim=tmp_path / "sim.txt"))
    for network, own in (("main", False), ("test", False), ("simulated", True)):
        monkeypatch.setenv("TAPELINE_VENUES__NETWORK", network)
        assert venues_own.wanted(Asked()) is own
    monkeypatch.delenv("TAPELINE_VENUES__NETWORK")
    write_run(tmp_path / "data")
    assert not venues_own.wanted(Asked())


def test_own_exchanges_are_where_they_say() -> None:
    own = {SPOT: HERE}
    reason = "no simulator of it was started"
    assert targets(Asked(), [SPOT, FUTURES], own) == ({SPOT: Target("simulated", HERE)}, {FUTURES: reason})
