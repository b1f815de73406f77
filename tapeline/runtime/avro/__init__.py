"""Our own Avro: functions made from the schemas, which write and read records and refuse all else."""

from __future__ import annotations

from tapeline.runtime.avro.generated import Read, Write, reader, writer
from tapeline.runtime.avro.shape import Record, shape

__all__ = ["Read", "Record", "Write", "reader", "shape", "writer"]
