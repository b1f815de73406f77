"""What is asked of a service, byte by byte."""

from __future__ import annotations

import struct

from infra.embedded import probes


def test_kafka_is_asked_for_its_brokers_and_no_topic() -> None:
    assert probes.metadata_request() == (
        b"\x00\x03"  # Metadata
        b"\x00\x01"  # version 1
        b"\x00\x00\x00\x00"  # the number of this question
        b"\x00\x08tapeline"
        b"\x00\x00\x00\x00"  # no topic
    )


def test_the_brokers_of_an_answer_are_counted() -> None:
    assert [probes.brokers_in(struct.pack(">ii", 0, count)) for count in (0, 1, 3)] == [0, 1, 3]


def test_postgres_is_asked_to_begin_a_session() -> None:
    assert probes.startup_message("tapeline", "ct") == (
        b"\x00\x00\x00\x23\x00\x03\x00\x00user\x00tapeline\x00database\x00ct\x00\x00"
    )


def test_the_sentence_of_a_refusal_is_found() -> None:
    body = b"SFATAL\x00C57P03\x00Mthe database system is starting up\x00\x00"
    assert (probes.refusal(body), probes.refusal(b"")) == (
        "the database system is starting up",
        "it answered something else than expected",
    )
