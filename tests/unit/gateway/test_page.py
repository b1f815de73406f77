"""X-19: what docs/gateway.md shows is what the gateway says: each example is made here and compared whole."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from gateway import app, frames, interest, naming, serving
from gateway.client import EVENTS_MOST, Event, Owed
from gateway.desk import Desk
from gateway.frames import Shown
from gateway.hub import Hub
from gateway.interest import Interest, Mistake
from gateway.routes import status
from gateway.routes.health import HealthView
from gateway.routes.version import VersionView
from gateway.session import READ_WITHIN_S
from gateway.state import State
from tapeline.runtime.health import Health
from tests.unit.gateway.samples import NOW_US, SYMBOL, alert, beat, book, gap, plain_view, spread

PAGE: Final = (Path(__file__).parents[3] / "docs" / "gateway.md").read_text("utf-8")
EXAMPLE: Final = re.compile(r"<!-- example (\w+) -->\n```json\n(.*?)```", re.DOTALL)
STARTED_US: Final = NOW_US - 9_000_000_000


def told(event: Event) -> Any:  # noqa: ANN401 - JSON
    return json.loads(event.frame)


def desk(state: State) -> Desk:
    health = Health("gateway", started_us=STARTED_US)
    health._began_s -= 9_000  # noqa: SLF001 - it has run for so long
    return Desk(health=health, state=state, hub=Hub(state), token="x")


def rest() -> dict[str, Any]:
    """Return what the routes of the page answer."""
    state, one, other = State(), book(), book(venue="okx")
    state.take_spread(spread(one, other))
    for of in (one, other):
        state.take_book(of, NOW_US)
    counted = State()
    for of in (one, book(venue="okx", state="stale")):
        counted.take_book(of, NOW_US)
    counted.take_heartbeat(beat(), NOW_US)
    missing = state.find("bibyt", "spot", SYMBOL, depth=1, now_us=NOW_US)
    assert isinstance(missing, naming.Unknown)
    return {
        "health": HealthView(
            service="gateway",
            state="waiting",
            started_us=1_790_000_000_000_000,
            uptime_s=1.5,
            waiting_for={"Kafka": "no answer within 2 s"},
            parts=("telemetry", "server"),
        ),
        "version": VersionView(version="0.1.0", python_version="3.11.7", timestamp="2026-09-21T14:13:21.000000Z"),
        "status": status.view(desk(counted), NOW_US),
        "orderbook": state.find("bybit", "futures", SYMBOL, depth=20, now_us=NOW_US),
        "unknown": {"detail": missing.sentence},
        "spreads": state.find_spreads(SYMBOL, NOW_US),
    }


def live() -> dict[str, Any]:
    """Return the frames of the page."""
    state = State()
    state.take_heartbeat(beat(), NOW_US)
    asked = interest.read(json.dumps(example("request")), Interest(), [])
    assert isinstance(asked, Interest)
    wrong = interest.read('{"subscribe": ["boks"]}', Interest(), [])
    assert isinstance(wrong, Mistake)
    deal = Shown(spread(book(), book(venue="okx")), "valid")
    made: Mapping[str, Event] = {
        "initial_state": frames.initial_state(state, Interest(), NOW_US),
        "book": frames.update(Owed(Shown(book(), "valid"), 4), 1, NOW_US),
        "spread": frames.update(Owed(deal, 0), 1, NOW_US),
        "gap": frames.gap(gap(), NOW_US),
        "alert": frames.alert(alert(), NOW_US),
        "heartbeat": frames.heartbeat(beat(), NOW_US),
        "subscribed": frames.subscribed(asked, NOW_US),
        "error": frames.mistake(wrong.sentence, NOW_US),
        "bus_lost": frames.bus_lost(NOW_US),
        "bus_back": frames.bus_back(NOW_US),
    }
    return {name: told(event) for name, event in made.items()}


def example(name: str) -> Any:  # noqa: ANN401 - JSON
    return json.loads(dict(EXAMPLE.findall(PAGE))[name])


def test_each_example_is_what_the_gateway_says() -> None:
    made = {name: plain_view(view) for name, view in rest().items()} | live()
    shown = {name: json.loads(text) for name, text in EXAMPLE.findall(PAGE)}
    assert shown == made | {"request": shown["request"]}
    assert len(shown) == len(EXAMPLE.findall(PAGE)) == PAGE.count("```json")


def test_each_type_of_frame_and_each_route_is_shown() -> None:
    assert {frame["type"] for frame in live().values()} == set(frames.TYPES)
    paths = {route.split("?")[0] for route in re.findall(r"^### `GET (.+)`$", PAGE, re.MULTILINE)}
    assert paths == set(app.build(desk(State())).openapi()["paths"])


def test_the_numbers_of_the_page_are_those_of_the_code() -> None:
    for told_so in (
        f"at most {EVENTS_MOST} events",
        f"for {READ_WITHIN_S:g} seconds",
        f"1 to {interest.DEPTH_MOST} levels",
        f"depth={interest.DEPTH}`",
        f"more than {serving.LONGEST_MESSAGE // 1024} KiB",
        f"pings every {serving.PING_EVERY_S:g} s",
    ):
        assert told_so in PAGE
    assert msgspec.json.encode({"gateway": serving.address("127.0.0.1", 8080)}).decode() in PAGE
