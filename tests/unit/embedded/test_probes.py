"""What is asked of a service, byte by byte."""

from __future__ import annotations

from infra.embedded import probes


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
