"""X-10, C-03: a frame that differs is counted, kept and told once, and was used; a broken one is one letter."""

from __future__ import annotations

import msgspec

from producers.alarm import CODE, Alarm
from producers.broken import TOPIC, BrokenFrames
from producers.outbox import Entry
from producers.places import Place
from schemas.topics import TOPICS
from tapeline.domain.events import Alert, DeadLetter, Severity
from tapeline.errors import InvalidMessage
from tapeline.runtime import metrics
from tapeline.runtime.codec import Codec
from tapeline.runtime.lifecycle import background
from tapeline.venues.drift import FIXES
from tests.support.eventually import eventually

PLACE = Place("bingx", "futures")
CODEC = Codec({topic.subject: number for number, topic in enumerate(TOPICS, start=1)})
DATA: dict[str, object] = {"e": "markPriceUpdate", "E": 1, "s": "BTC-USDT", "p": "1"}
Told = tuple[Severity, str, str, str | None]


class Hearing:
    """An alarm, what it kept and whom it told."""

    def __init__(self) -> None:
        self.kept: list[Entry] = []
        self.told: list[Told] = []
        frames = BrokenFrames(PLACE, CODEC, process="producers-test")
        self.alarm = Alarm(PLACE, frames, keep=self.kept.append, tell=self._tell)

    async def _tell(self, code: str, sentence: str, fix: str | None, *, severity: Severity = "critical") -> Alert:
        self.told.append((severity, code, sentence, fix))
        return Alert(
            alert_id="1", severity=severity, code=code, message=sentence, context={}, process="p", host="h", at_us=1
        )

    def letters(self) -> list[tuple[bytes | None, str, str | None]]:
        """Return the frame, the reason and the field of each letter."""
        found = [CODEC.decode(TOPIC, entry.value) for entry in self.kept]
        return [(one.value, one.error, one.field) for one in found if isinstance(one, DeadLetter)]


def frame(**more: object) -> bytes:
    """Return a frame whose data carries more, or None for less."""
    data = {name: value for name, value in (DATA | more).items() if value is not None}
    return msgspec.json.encode({"code": 0, "dataType": "BTC-USDT@markPrice", "data": data})


def counted(channel: str, kind: str) -> float:
    labels = {"venue": PLACE.venue, "market": PLACE.market, "channel": channel, "kind": kind}
    return metrics.registry().get_sample_value("tapeline_protocol_drift_total", labels) or 0.0


async def test_a_field_that_nobody_knows_is_told_and_kept_once_and_counted_each_time() -> None:
    at, before = Hearing(), counted("funding", "unknown")
    async with background("alarm", at.alarm.run()):
        for made in (frame(), frame(x=1), frame(x=2), frame(x=1, y=1)):
            at.alarm.look(made)
        await eventually(lambda: len(at.told) == 2)
    fix = FIXES["unknown"]
    assert at.told == [
        ("warning", CODE, "bingx:futures funding: nobody knows data.x", fix),
        ("warning", CODE, "bingx:futures funding: nobody knows data.y", fix),
    ]
    assert at.letters() == [
        (frame(x=1), "nobody knows data.x; its data was used", "data.x"),
        (frame(x=1, y=1), "nobody knows data.y; its data was used", "data.y"),
    ]
    assert counted("funding", "unknown") == before + 4


async def test_a_broken_frame_is_one_letter_and_what_is_missing_in_it_is_told() -> None:
    at, gone = Hearing(), frame(p=None)
    async with background("alarm", at.alarm.run()):
        at.alarm.broken(gone, InvalidMessage("no p", field="data"))
        await eventually(lambda: len(at.told) == 1)
    assert at.told == [("critical", CODE, "bingx:futures other: data.p is needed and away", FIXES["missing"])]
    assert at.letters() == [(gone, "no p", "data")]


async def test_an_address_that_is_gone_is_told_once_and_nothing_is_kept() -> None:
    at = Hearing()
    async with background("alarm", at.alarm.run()):
        at.alarm.gone("https://x answers HTTP 410")
        at.alarm.gone("https://x answers HTTP 410")
        at.alarm.gone("wss://x closes each connection at once")
        await eventually(lambda: len(at.told) == 2)
    assert at.told == [
        ("critical", CODE, "bingx:futures other: https://x answers HTTP 410", FIXES["endpoint"]),
        ("critical", CODE, "bingx:futures other: wss://x closes each connection at once", FIXES["endpoint"]),
    ]
    assert at.letters() == []
