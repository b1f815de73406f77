"""Ports that are taken, held and given back."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from infra.embedded import ports
from infra.embedded.ports import HOST, Ports
from tapeline.errors import Misconfigured


def listener(port: int = 0) -> socket.socket:
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((HOST, port))
    made.listen()
    return made


def test_free_ports_differ_and_stay_below_those_of_outgoing_connections() -> None:
    with Ports() as taken:
        found = [taken.take(0, "") for _ in range(20)]
    assert len(set(found)) == 20
    assert all(15_000 <= port < 32_768 for port in found)


def test_no_port_is_given_twice() -> None:
    """A port that its service does not listen on yet is not free for another, in this run or in one beside it."""
    with Ports(begin=20_000) as first, Ports(begin=20_000) as second:
        found = [taken.take(0, "") for taken in (first, first, second, first)]
    assert found == sorted(set(found))


def test_a_held_port_can_be_served_again_and_again() -> None:
    with Ports() as taken:
        port = taken.take(0, "")
        for _ in range(3):
            with listener(port), socket.create_connection((HOST, port), timeout=5) as client:
                assert client.getpeername() == (HOST, port)


def test_a_taken_port_is_one_sentence() -> None:
    with listener() as other, Ports() as taken:
        port = other.getsockname()[1]
        with pytest.raises(Misconfigured) as caught:
            taken.take(port, "embedded.kafka_port")
    assert caught.value.problem.startswith(f"port {port} of setting embedded.kafka_port is taken by ")
    assert caught.value.fix == "stop it, or set embedded.kafka_port to another port (0 takes a free one)"


@pytest.mark.parametrize(("held_by", "who"), [(None, "another process"), ("java (process 12)", "java (process 12)")])
def test_the_sentence_names_who_holds_it_where_that_is_known(held_by: str | None, who: str) -> None:
    assert str(ports.taken(9092, "embedded.kafka_port", held_by)) == (
        f"port 9092 of setting embedded.kafka_port is taken by {who}: stop it, or set embedded.kafka_port to another "
        "port (0 takes a free one)"
    )


@pytest.mark.parametrize(
    ("text", "first"), [("32768\t60999\n", 32_768), ("20000 60999", 20_000), ("1024 65535", 32_768), ("x", 32_768)]
)
def test_where_outgoing_ports_begin(tmp_path: Path, text: str, first: int) -> None:
    file = tmp_path / "range"
    file.write_text(text, "ascii")
    assert (ports.lowest_outgoing(file), ports.lowest_outgoing(tmp_path / "none")) == (first, 32_768)
