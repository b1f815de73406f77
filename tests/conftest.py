"""What every test run shares: backends, Hypothesis profiles, and the rule that no process outlives the tests."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.support.left_behind import left_behind, mark_this_run

# Fixtures that start real services, for every test that asks for one by name.
pytest_plugins = ("tests.support.running",)

BACKENDS = ("embedded", "docker", "external")

# The same examples on every run in CI, so that a red run is red again; new ones each time at the desk.
settings.register_profile(
    "ci", derandomize=True, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("dev", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("nightly", deadline=None, max_examples=500, suppress_health_check=[HealthCheck.too_slow])


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add where the services of a test come from, and whether the long tests run."""
    group = parser.getgroup("tapeline")
    group.addoption(
        "--backend",
        choices=BACKENDS,
        default="embedded",
        help="where Kafka, Postgres and ClickHouse come from: started here, by Docker, or named in settings",
    )
    group.addoption("--nightly", action="store_true", help="also run the tests that take long")
    group.addoption("--nightly-for", type=float, default=1_800, help="seconds of random kills (30 minutes)")
    group.addoption("--nightly-seed", type=int, default=1, help="seed of the nightly markets and faults")
    group.addoption("--nightly-mode", default=None, help="break the network in this way only")
    group.addoption("--seeds", type=int, default=None, help="stories of tests/simulation (60, CI 300, nightly 1000)")
    group.addoption("--messages", type=int, default=1_000, help="book messages of each run of tests/integrity")
    group.addoption("--integrity-seed", type=int, default=1, help="seed of the markets and faults of tests/integrity")
    group.addoption("--seed-base", type=int, default=0, help="the first story's seed")


def pytest_configure(config: pytest.Config) -> None:
    """Mark what this run starts; load the Hypothesis profile HYPOTHESIS_PROFILE, else `ci` where CI is set."""
    mark_this_run()
    # A shell that runs us in the background ignores Ctrl-C for us, and every process that we start would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    nightly = bool(config.getoption("--nightly"))
    chosen = os.environ.get("HYPOTHESIS_PROFILE") or ("nightly" if nightly else "ci" if os.environ.get("CI") else "dev")
    settings.load_profile(chosen)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip, with the reason, what does not belong to this run."""
    backend = str(config.getoption("--backend"))
    for item in items:
        wanted = next(item.iter_markers("backend"), None)
        if wanted is not None and backend not in wanted.args:
            reason = f"needs --backend={' or '.join(wanted.args)}, this run has {backend}"
            item.add_marker(pytest.mark.skip(reason=reason))
        if item.get_closest_marker("nightly") is not None and not config.getoption("--nightly"):
            item.add_marker(pytest.mark.skip(reason="long; runs with --nightly (make nightly)"))


@pytest.fixture(scope="session")
def backend(request: pytest.FixtureRequest) -> str:
    """Return where this run takes its services from."""
    return str(request.config.getoption("--backend"))


@pytest.fixture(scope="session")
def seeds(request: pytest.FixtureRequest) -> range:
    """Return the seeds of the stories that tests/simulation tells."""
    asked = request.config.getoption("--seeds")
    usual = 1_000 if request.config.getoption("--nightly") else 300 if os.environ.get("CI") else 60
    many = usual if asked is None else int(asked)
    first = int(request.config.getoption("--seed-base"))
    return range(first, first + many)


@pytest.fixture(scope="session", autouse=True)
def _no_process_is_left() -> Iterator[None]:
    """Fail the run when a process that the tests started, directly or not, still lives at its end."""
    yield
    told = left_behind(within_s=5)
    assert not told, "these processes were left behind:\n" + "\n".join(told)
