"""The pipeline's processes as children: none unless asked for, the simulator only where exchanges are simulated."""

from __future__ import annotations

import sys
from pathlib import Path

from infra.embedded import workers
from infra.embedded.ports import Ports
from infra.embedded.workers import WorkerPorts
from tapeline.runtime.settings import Data, Embedded, Server, Settings, Simulation, Strategies, Venues

PLACES = ("binance:spot", "binance:futures", "bybit:spot", "bybit:futures")
PIPELINE = Embedded(pipeline=True)
SIMULATED = Venues(network="simulated")


def test_which_workers_there_are_is_said_by_settings() -> None:
    assert workers.names(Settings()) == ()
    assert workers.names(Settings(embedded=PIPELINE)) == ("producers", "processors", "sinks", "gateway")
    assert workers.names(Settings(embedded=PIPELINE, venues=SIMULATED)) == (
        "simulator", "producers", "processors", "sinks", "gateway",
    )  # fmt: skip


def test_each_worker_and_each_simulated_market_has_a_port_of_its_own() -> None:
    with Ports() as ports:
        assert workers.choose(Settings(), ports) == WorkerPorts()
        chosen = workers.choose(Settings(embedded=PIPELINE, venues=SIMULATED, server=Server(port=0)), ports)
    assert tuple(chosen.venues) == PLACES
    assert tuple(chosen.metrics) == ("producers", "processors", "sinks", "gateway")
    taken = [chosen.gateway, *chosen.venues.values(), *chosen.metrics.values()]
    assert len(set(taken)) == len(taken)


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
            "-m", "simulator", "--ports", "11,12,13,14", "--seed", "5", "--symbols", "7", "--rate", "0.5",
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
