"""Stored funding: each record counts once, and each row beyond that is a duplicate and a sentence."""

from __future__ import annotations

from simulator.audit import funding
from simulator.audit.findings import Findings
from simulator.audit.rows import FundingRow


def test_k4_records_count_once_and_what_repeats_them_is_told() -> None:
    findings = Findings()
    funding.take(
        [FundingRow("bybit", "futures", "A/USDT", 5, 5), FundingRow("okx", "futures", "A/USDT", 9, 7)], findings
    )
    assert (findings.funding, findings.duplicates) == (12, 2)
    assert findings.problems() == ("okx:futures:A/USDT funding: 2 of 9 rows repeat another one",)
