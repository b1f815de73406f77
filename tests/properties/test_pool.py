"""C-06, C-14, K6: after any changes the sockets carry exactly what is wanted, and nothing untouched was touched."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from producers.pool import Close, Open, Pool, Slot, Subscribe, Unsubscribe
from tapeline.venues.binance import FUTURES
from tapeline.venues.contract import Want

wishes = st.lists(
    st.dictionaries(st.integers(0, 11).map(lambda number: f"S{number}USDT"), st.sampled_from([20, 50])), max_size=8
)


@given(wishes)
def test_k6_sockets_carry_what_is_wanted_and_untouched_streams_stay(changes: list[dict[str, int]]) -> None:
    pool = Pool(FUTURES.facts, most_symbols=3)
    carried: dict[Slot, set[Want]] = {}
    before: dict[str, int] = {}
    for desired in changes:
        for step in pool.change(desired):
            if isinstance(step, Open):
                carried[step.slot] = set()
            elif isinstance(step, Close):
                assert carried.pop(step.slot) == set()
            elif isinstance(step, Subscribe):
                assert not carried[step.slot] & set(step.wants)
                assert all(before.get(want.native) != desired[want.native] for want in step.wants)
                carried[step.slot] |= set(step.wants)
            elif isinstance(step, Unsubscribe):
                assert set(step.wants) <= carried[step.slot]
                assert all(before[want.native] != desired.get(want.native) for want in step.wants)
                carried[step.slot] -= set(step.wants)
        wanted = {(channel, native) for native in desired for channel in FUTURES.facts.channels}
        assert sorted((want.channel, want.native) for wants in carried.values() for want in wants) == sorted(wanted)
        assert {
            want.native: want.depth for wants in carried.values() for want in wants if want.channel == "book"
        } == desired
        assert carried == {slot: set(pool.wants(slot)) for slot in pool.slots}
        assert all(len({want.native for want in wants}) <= 3 for wants in carried.values())
        before = desired
