"""Where the gateway listens: what cannot be listened at is one sentence with the setting to change."""

from __future__ import annotations

import re
import socket

import pytest

from gateway import serving
from tapeline.errors import Misconfigured


def test_a_taken_port_names_its_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        with pytest.raises(Misconfigured) as refused:
            serving.listen("127.0.0.1", port)
    assert str(refused.value) == (
        f"port {port} of setting server.port is taken: stop what listens there, or set server.port to another port "
        "(0 takes a free one)"
    )


@pytest.mark.parametrize("host", ["192.0.2.1", "a..b"])
def test_a_host_that_is_not_ours_names_its_setting(host: str) -> None:
    with pytest.raises(
        Misconfigured, match=rf"server.host '{re.escape(host)}' is no address to listen at \(.+\): set it to an"
    ):
        serving.listen(host, 0)


def test_a_free_port_is_found() -> None:
    with serving.listen("127.0.0.1", 0) as one, serving.listen("127.0.0.1", 0) as other:
        assert one.getsockname() != other.getsockname()


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8080"),
        ("0.0.0.0", "http://127.0.0.1:8080"),  # noqa: S104 - only a value
        ("192.168.1.7", "http://192.168.1.7:8080"),
        ("::", "http://[::1]:8080"),
        ("::1", "http://[::1]:8080"),
    ],
)
def test_the_address_is_one_that_this_machine_reaches(host: str, url: str) -> None:
    assert serving.address(host, 8080) == url
