"""The option --brokers: stronger than the setting, and refused where it would mean nothing."""

from __future__ import annotations

import pytest

from tapeline.cli.reaching import with_brokers
from tapeline.errors import Misconfigured
from tapeline.runtime.settings import Embedded, Kafka, Settings


def test_the_option_is_stronger_than_the_setting_and_leaves_the_others() -> None:
    found = Settings(embedded=Embedded(brokers=3, kafka_heap_mb=300))
    assert with_brokers(found, None) == found
    assert with_brokers(found, 1).embedded == Embedded(brokers=1, kafka_heap_mb=300)


@pytest.mark.parametrize(
    ("kafka", "count", "sentence"),
    [
        (Kafka(), 2, "--brokers is 2: 1 or 3: of two or four, one more could not be spared"),
        (
            Kafka(bootstrap="k:1"),
            3,
            "kafka.bootstrap names a broker, so none is started here: leave out --brokers, or unset kafka.bootstrap",
        ),
    ],
)
def test_what_cannot_be_is_refused(kafka: Kafka, count: int, sentence: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        with_brokers(Settings(kafka=kafka), count)
    assert str(caught.value) == sentence
