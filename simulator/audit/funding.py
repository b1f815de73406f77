"""The stored funding: how many records, and which are there twice; what a market told of it, no journal has."""

from __future__ import annotations

from collections.abc import Iterable

from simulator.audit.findings import Findings
from simulator.audit.rows import FundingRow


def take(rows: Iterable[FundingRow], findings: Findings) -> None:
    """Count the records of each perpetual once; what stands there more often is a duplicate."""
    for row in rows:
        findings.funding += row.records
        doubled = row.rows - row.records
        if doubled:
            findings.duplicates += doubled
            findings.say("doubled", f"{row.instrument} funding: {doubled} of {row.rows} rows repeat another one")
