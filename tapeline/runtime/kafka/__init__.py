"""One interface to Kafka: publish, read, administer; nothing else in Tapeline imports a Kafka client."""

from __future__ import annotations

from tapeline.runtime.kafka.access import Access, access
from tapeline.runtime.kafka.admin import Admin, Commit, GroupMember, TopicState, admin
from tapeline.runtime.kafka.publisher import Publisher
from tapeline.runtime.kafka.reader import Reader
from tapeline.runtime.kafka.records import FromTime, Outgoing, Partition, Record, Start, Stored

__all__ = [
    "Access",
    "Admin",
    "Commit",
    "FromTime",
    "GroupMember",
    "Outgoing",
    "Partition",
    "Publisher",
    "Reader",
    "Record",
    "Start",
    "Stored",
    "TopicState",
    "access",
    "admin",
]
