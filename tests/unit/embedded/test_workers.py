"""The pipeline's processes as children: none unless asked for, the simulator only where exchanges are simulated."""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

from infra.embedded import workers
from infra.embedded.ports import Ports
from infra.embedded.workers import WorkerPorts
from simulator import places
from tapeline.runtime.settings import Data, Embedded, Kafka, Monitor, Server, Settings, Simulation, Strategies, Venues
from tapeline.venues.registry import HOSTED

PLACES = ("binance:spot", "binance:futures", "bybit:spot", "bybit:futures")
PIPELINE = Embedded(pipeline=True)
SIMULATED = Venues(network="simulated")


def test_which_workers_there_are_is_said_by_settings() -> None:
    assert workers.names(Settings()) == ()
    assert workers.names(Settings(embedded=PIPELINE)) == ("producers", "processors", "sinks", "gateway")
    assert workers.names(Settings(embedded=PIPELINE, venues=SIMULATED)) == (
        "simulator", "producers", "processors", "sinks", "gateway",
    )  # fmt: skip


def test_on_another_ones_broker_strategies_are_a_process_of_their_own(tmp_path: Path) -> None:
    trading = Strategies(run=({"name": "a", "strategy": "two-leg"},))
    ours = Settings(embedded=PIPELINE, strategies=trading)
    theirs = Settings(embedded=PIPELINE, strategies=trading, kafka=Kafka(bootstrap="a:1"))
    assert workers.names(ours) == ("producers", "processors", "executor", "sinks", "gateway")
    assert workers.names(theirs) == ("producers", "processors", "strategies", "executor", "sinks", "gateway")
    found = {}
    for settings in (ours, theirs):
        with Ports() as ports:
            chosen = workers.choose(settings, ports)
        for name in set(workers.names(settings)) & {"processors", "strategies"}:
            spec = workers.spec(name, settings, chosen, environ={}, output=tmp_path / "out")
            found[settings is ours, name] = spec.command[2:]
    assert found == {
        (True, "processors"): ("processors", "spreads", "strategies"),
        (False, "processors"): ("processors", "spreads"),
        (False, "strategies"): ("processors", "strategies"),
    }


def test_each_worker_that_has_to_do_with_postgres_has_a_login_in_its_role() -> None:
    found = workers.logins(
        Settings(embedded=PIPELINE, strategies=Strategies(run=({"name": "a", "strategy": "two-leg"},)))
    )
    assert {name: (one.name, one.role) for name, one in found.items()} == {
        "producers": ("tapeline_up_producers", "tapeline_producer"),
        "executor": ("tapeline_up_executor", "tapeline_executor"),
        "sinks": ("tapeline_up_sinks", "tapeline_sink"),
        "gateway": ("tapeline_up_gateway", "tapeline_gateway"),
    }
    assert len({one.password for one in found.values()}) == len(found)
    assert not any(one.password in repr(one) for one in found.values())


def test_each_worker_and_each_simulated_market_has_a_port_of_its_own() -> None:
    with Ports() as ports:
        assert workers.choose(Settings(), ports) == WorkerPorts()
        chosen = workers.choose(Settings(embedded=PIPELINE, venues=SIMULATED, server=Server(port=0)), ports)
    assert tuple(chosen.venues) == PLACES
    assert tuple(chosen.metrics) == ("producers", "processors", "sinks", "gateway")
    taken = [chosen.gateway, *chosen.venues.values(), *chosen.metrics.values()]
    assert len(set(taken)) == len(taken)


def test_all_has_the_venues_of_a_chain_where_they_are_simulated() -> None:
    everything = Settings(monitor=Monitor(venues="all"))
    assert not {"uniswap:spot", "1inch:spot"} & set(workers.places(everything))
    assert workers.places(everything.model_copy(update={"venues": SIMULATED}))[-2:] == ("uniswap:spot", "1inch:spot")


def test_a_worker_is_started_by_the_command_that_a_person_would_give(tmp_path: Path) -> None:
    found = Settings(
        data=Data(dir=tmp_path),
        simulation=Simulation(seed=5, symbols=7, faults="gap,cut", rate=0.5),
        embedded=PIPELINE,
        venues=SIMULATED,
    )
    ports = WorkerPorts(
        gateway=1,
        venues=dict(zip(PLACES, (11, 12, 13, 14), strict=True)),
        metrics={"producers": 21, "processors": 22, "sinks": 23, "gateway": 24},
    )
    commands = {
        name: workers.spec(name, found, ports, environ={}, output=tmp_path / "out").command
        for name in workers.names(found)
    }
    assert {name: command[1:] for name, command in commands.items()} == {
        "simulator": (
            "-m", "simulator", "--venue", "binance,bybit", "--ports", "11,12,13,14", "--seed", "5", "--symbols", "7",
            "--rate", "0.5",
            "--faults", "gap,cut", "--journal", str(tmp_path / "journal"),
        ),
        "producers": ("-m", "producers"),
        "processors": ("-m", "processors", "spreads"),
        "sinks": ("-m", "sinks", "clickhouse", "postgres"),
        "gateway": ("-m", "gateway"),
    }  # fmt: skip
    assert {command[0] for command in commands.values()} == {sys.executable}


def test_what_records_or_shows_gives_way_to_what_decides_and_trades(tmp_path: Path) -> None:
    trading = Strategies(run=({"name": "a", "strategy": "two-leg"},))
    found = Settings(embedded=PIPELINE, venues=SIMULATED, strategies=trading)
    with Ports() as ports:
        chosen = workers.choose(found, ports)
    specs = [workers.spec(name, found, chosen, environ={}, output=tmp_path / "out") for name in workers.names(found)]
    assert {one.name for one in specs if one.yields} == {"sinks", "gateway"}
    assert {one.name for one in specs if not one.yields} == {"simulator", "producers", "processors", "executor"}


def test_each_simulated_market_listens_where_the_others_look_for_it(tmp_path: Path) -> None:
    everything = Settings(
        data=Data(dir=tmp_path), embedded=PIPELINE, venues=SIMULATED, monitor=Monitor(venues=",".join(HOSTED))
    )
    with Ports() as ports:
        chosen = workers.choose(everything, ports)
    command = workers.spec("simulator", everything, chosen, environ={}, output=tmp_path / "out").command
    given = dict(pairwise(command))
    served = [str(place) for place in places.choose(given["--venue"], places.ALL)]
    listening = zip(served, map(int, given["--ports"].split(",")), strict=True)
    assert dict(listening) == chosen.venues
