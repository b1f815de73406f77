"""The catalogue: complete, consistent with the record files, and turned into Kafka's settings correctly."""

from __future__ import annotations

import pytest

from schemas import avro_files
from schemas.topics import DAY_MS, GIGABYTE, TOPICS, WORKERS, Topic, by_name

NAMES = [
    "md.trade",
    "md.book",
    "md.delta",
    "md.gap",
    "md.funding",
    "ref.instrument",
    "clock",
    "signal.spread",
    "signal.imbalance",
    "signal.candle",
    "signal.trend",
    "order.intent",
    "order.event",
    "position",
    "account",
    "pair",
    "portfolio",
    "control",
    "heartbeat",
    "alert",
    "audit",
    "dlq",
]

SAMPLE = Topic(
    name="sample",
    record="tapeline.Trade",
    key="instrument",
    owner=("producers",),
    readers=("sinks",),
    partitions="symbol",
    retention_ms=DAY_MS,
    retention_bytes=2 * GIGABYTE,
    about="A sample.",
)


def test_every_topic_of_the_design_stands_once_in_the_order_data_flows() -> None:
    assert [topic.name for topic in TOPICS] == NAMES


def test_every_topic_has_a_record_file_and_every_record_file_a_topic() -> None:
    assert sorted(topic.record for topic in TOPICS) == list(avro_files.names())


def test_topics_about_symbols_share_one_partition_rule() -> None:
    fixed = {topic.name: topic.partitions for topic in TOPICS if topic.partitions != "symbol"}
    assert fixed == dict.fromkeys(("account", "control", "heartbeat", "alert", "audit", "dlq"), 1)


def test_a_topic_about_symbols_has_the_installations_partitions_and_the_others_their_own() -> None:
    assert [by_name(name).partition_count(12) for name in ("md.book", "order.intent", "audit")] == [12, 12, 1]


def test_the_record_of_a_symbol_topic_has_a_symbol_and_that_of_the_clock_its_partition() -> None:
    fields = {
        topic.name: {field["name"] for field in avro_files.load(topic.record)["fields"]}
        for topic in TOPICS
        if topic.partitions == "symbol"
    }
    assert {name for name, names in fields.items() if "symbol" not in names} == {"clock"}
    assert "partition" in fields["clock"]


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_every_topic_has_owners_readers_and_one_sentence(topic: Topic) -> None:
    assert topic.owner
    assert topic.readers
    assert topic.about.endswith(".")
    assert len(topic.about) > 20
    assert topic.subject == f"{topic.name}-value"


@pytest.mark.parametrize("name", ["md.trade", "md.book", "md.delta", "md.gap", "md.funding"])
def test_market_data_is_kept_a_day_or_two_gigabytes(name: str) -> None:
    topic = by_name(name)
    assert (topic.cleanup, topic.retention_ms, topic.retention_bytes) == ("delete", DAY_MS, 2 * GIGABYTE)


@pytest.mark.parametrize("name", ["order.intent", "order.event", "audit", "dlq"])
def test_orders_audit_and_dead_letters_are_kept_for_ever(name: str) -> None:
    config = by_name(name).config(partitions=4, replication=1)
    assert (config["cleanup.policy"], config["retention.ms"], config["retention.bytes"]) == ("delete", "-1", "-1")


def test_current_state_is_compacted() -> None:
    compacted = {topic.name for topic in TOPICS if topic.cleanup == "compact"}
    assert compacted == {"ref.instrument", "position", "account", "pair", "portfolio", "control", "heartbeat"}


def test_only_the_executor_reads_intents_and_only_it_writes_what_became_of_them() -> None:
    assert by_name("order.intent").readers == ("executor",)
    written = {topic.name for topic in TOPICS if topic.owner == ("executor",)}
    assert written == {"order.event", "position", "account", "pair", "portfolio"}


def test_every_worker_sends_heartbeats_and_alerts_and_may_set_records_aside() -> None:
    for name in ("heartbeat", "alert", "dlq"):
        assert set(WORKERS) <= set(by_name(name).owner)


def test_records_carry_a_trace_from_the_intent_on_and_market_data_and_signals_none() -> None:
    traced = {topic.name for topic in TOPICS if topic.traced}
    assert traced == {"order.intent", "order.event", "position", "pair", "portfolio", "audit"}


def test_config_divides_the_topics_bytes_among_its_partitions() -> None:
    assert SAMPLE.config(partitions=4, replication=1) == {
        "cleanup.policy": "delete",
        "compression.type": "zstd",
        "max.message.bytes": "1048576",
        "message.timestamp.type": "CreateTime",
        "min.insync.replicas": "1",
        "unclean.leader.election.enable": "false",
        "retention.ms": "86400000",
        "retention.bytes": str(GIGABYTE // 2),
        "segment.ms": "10800000",
        "segment.bytes": str(GIGABYTE // 16),
    }


@pytest.mark.parametrize(("replication", "least"), [(1, "1"), (2, "1"), (3, "2"), (5, "2")])
def test_two_copies_must_be_written_where_there_are_three(replication: int, least: str) -> None:
    assert SAMPLE.config(partitions=4, replication=replication)["min.insync.replicas"] == least


def test_segments_are_never_smaller_than_sixteen_megabytes() -> None:
    assert SAMPLE.config(partitions=1000, replication=1)["segment.bytes"] == str(16 * 1024 * 1024)


def test_a_compacted_topic_closes_its_segments_and_keeps_changes_as_long_as_it_says() -> None:
    config = by_name("position").config(partitions=4, replication=1)
    assert (config["cleanup.policy"], config["segment.ms"]) == ("compact", "3600000")
    assert config["min.compaction.lag.ms"] == str(DAY_MS)
    assert "retention.ms" not in config


def test_a_dead_letter_may_hold_the_largest_record_of_any_other_topic() -> None:
    others = [topic.record_bytes for topic in TOPICS if topic.name != "dlq"]
    assert by_name("dlq").record_bytes >= max(others) + 1024 * 1024


def test_a_topic_is_found_by_its_name() -> None:
    assert [by_name(name).name for name in NAMES] == NAMES


def test_a_wrong_name_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(LookupError, match=r"there is no topic 'md\.boook'; did you mean 'md\.book'\?"):
        by_name("md.boook")


def test_a_name_like_none_of_ours_is_answered_with_all_of_them() -> None:
    with pytest.raises(LookupError, match=r"there is no topic 'zzz'; the topics are md\.trade, md\.book, "):
        by_name("zzz")
