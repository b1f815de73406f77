"""Our transport for Faust: whole fetched batches to agents, committed up to the end of the acknowledged prefix."""

from __future__ import annotations

from processors.transport.batch import Batch
from processors.transport.consumer import BatchConsumer
from processors.transport.driver import BatchTransport, credentials
from processors.transport.outstanding import Outstanding, Ticket

__all__ = ["Batch", "BatchConsumer", "BatchTransport", "Outstanding", "Ticket", "credentials"]
