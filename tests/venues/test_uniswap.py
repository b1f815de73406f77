"""Uniswap V3: the contract's numbers to the last unit, books of steps between ticks, and questions that lead on."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import msgspec
import pytest

from tapeline.errors import InvalidMessage, Misconfigured, Unavailable, VenueRefused
from tapeline.venues.contract import Want
from tapeline.venues.uniswap import SPOT, ladder, questions, wire
from tapeline.venues.uniswap.ladder import State, Step
from tapeline.venues.uniswap.pools import POOLS, SYMBOLS, Pool
from tapeline.venues.uniswap.ticks import Q96, amount0, amount1, root_at, tick_at, with_fee
from tests.venues.expected_uniswap import BLOCK, POOL
from tests.venues.recorded import own

NOW_US = 1_700_000_000_000_005
POOL_OF = SYMBOLS["ETH/USDC"]
FRAMES = {line.channel: line for line in own("uniswap", "spot")}
WORKED = State(
    root=root_at(196256),
    tick=196256,
    liquidity=20 * 10**18,
    nets={196240: 5 * 10**18, 196250: 3 * 10**18, 196260: -4 * 10**18, 196270: -6 * 10**18},
)


@pytest.mark.parametrize(
    ("tick", "root"),
    [
        (-887272, 4295128739),
        (-1, 79224201403219477170569942574),
        (0, 79228162514264337593543950336),
        (1, 79232123823359799118286999568),
        (60, 79466191966197645195421774833),
        (193380, 1252745881367063598872886888302399),
        (195000, 1358435673239453248152483143175383),
        (196260, 1446765894353319399313939355477631),
        (200000, 1744244129640337381386292603617838),
        (887272, 1461446703485210103287273052203988822378723970342),
    ],
)
def test_a_tick_has_the_root_of_the_contract(tick: int, root: int) -> None:
    assert root_at(tick) == root
    assert tick_at(root) == tick


def test_a_root_lies_in_the_tick_below_it() -> None:
    assert tick_at(1350174849792634181862360983626536) == 194878
    assert tick_at(root_at(196260) - 1) == 196259


@pytest.mark.parametrize("tick", [-887273, 887273])
def test_beyond_the_last_tick_there_is_no_price(tick: int) -> None:
    with pytest.raises(ValueError, match=str(tick)):
        root_at(tick)


@pytest.mark.parametrize("root", [4295128738, 1461446703485210103287273052203988822378723970343])
def test_beyond_the_last_root_there_is_no_tick(root: int) -> None:
    with pytest.raises(ValueError, match=str(root)):
        tick_at(root)


def test_a_whole_step_takes_what_the_contract_takes() -> None:
    low = root_at(-60)
    assert amount0(10**18, low, Q96, up=True) == 3004354062741926
    assert with_fee(3004354062741926, 3000) == 3004354062741926 + 9040182736436
    assert amount1(10**18, low, Q96, up=False) == 2995354955910780


def test_the_worked_book_is_the_one_of_the_sheet() -> None:
    bids, asks = ladder.sides(POOL_OF, WORKED, 3)
    assert [one.units for one in bids] == [73068590700314961798, 146188337086961547181, 91413403672375433198]
    assert [one.units for one in asks] == [109520702606450551004, 155092283507170115864, 109422183969763702877]
    # The sheet divides amounts that are rounded to a millionth of a dollar.
    prices = [float(one.price) for one in (*bids, *asks)]
    assert prices == pytest.approx(
        [2998.004607348, 2995.906843324, 2992.912583570, 3002.505664538, 3004.908509942, 3007.914771021], rel=1e-11
    )


def mirrored(pool: Pool) -> Pool:
    """Return the pool with its tokens' addresses exchanged: the same market, the other way round in the contract."""
    base = msgspec.structs.replace(pool.base, address=pool.quote.address)
    return msgspec.structs.replace(
        pool, base=base, quote=msgspec.structs.replace(pool.quote, address=pool.base.address)
    )


def test_a_pool_whose_base_comes_first_has_the_same_book() -> None:
    turned = mirrored(POOL_OF)
    assert turned.base_is_token0
    mirror = State(
        root=root_at(-196256),
        tick=-196256,
        liquidity=WORKED.liquidity,
        nets={-tick: -net for tick, net in WORKED.nets.items()},
    )
    for ours, theirs in zip(ladder.sides(POOL_OF, WORKED, 3), ladder.sides(turned, mirror, 3), strict=True):
        for one, other in zip(ours, theirs, strict=True):
            assert abs(one.price / other.price - 1) < Fraction(1, 10**20)
            assert abs(one.units - other.units) < 10**6


def test_a_price_that_stands_at_a_tick_from_above_has_no_step_of_no_width() -> None:
    # After the last swap went down through 196250 the contract's tick is one below it.
    at = msgspec.structs.replace(WORKED, root=root_at(196250), tick=196249, liquidity=17 * 10**18)
    assert list(ladder.upwards(at, 10, 1)) == [Step(root_at(196250), root_at(196260), 20 * 10**18)]
    assert list(ladder.downwards(at, 10, 1)) == [Step(root_at(196240), root_at(196250), 17 * 10**18)]


def test_steps_without_liquidity_are_no_levels_and_the_next_ones_are() -> None:
    nets = {0: -(10**18), 60: 10**18, 120: -(10**18)}
    at = State(root=root_at(-30), tick=-30, liquidity=10**18, nets=nets)
    assert [one.liquidity for one in ladder.upwards(at, 60, 4)] == [10**18, 0, 10**18, 0]
    _, asks = ladder.sides(SYMBOLS["WBTC/USDC"], at, 4)
    assert len(asks) == 2


def test_the_ladder_ends_where_ticks_end() -> None:
    high = State(root=root_at(887200), tick=887200, liquidity=1, nets={})
    assert len(list(ladder.upwards(high, 60, 200))) == 1
    low = State(root=root_at(-887200), tick=-887200, liquidity=1, nets={})
    assert len(list(ladder.downwards(low, 60, 200))) == 1


@pytest.mark.parametrize(("tick", "spacing", "word"), [(196256, 10, 76), (-196256, 10, -77), (-1, 60, -1), (0, 60, 0)])
def test_a_tick_lies_in_the_word_of_the_contract(tick: int, spacing: int, word: int) -> None:
    pool = msgspec.structs.replace(POOL_OF, spacing=spacing)
    assert questions.around(pool, tick) == (word - 1, word, word + 1)


def test_every_ladder_fits_into_three_words() -> None:
    assert ladder.STEPS < 1 << questions.BITS


def test_signed_words_are_extended() -> None:
    assert wire.call("f30dba93", -60) == "0xf30dba93" + "f" * 62 + "c4"
    assert wire.call("5339c296", 76) == "0x5339c296" + "0" * 62 + "4c"
    assert wire.signed(int("f" * 62 + "c4", 16)) == -60


def test_x_12_books_and_trades_of_pools_are_one_subscription() -> None:
    wants = [Want(channel=channel, native=native) for native in POOLS for channel in ("book", "trade")]
    (ask,) = SPOT.subscribe(wants, 7)
    assert (ask.socket, ask.request_id, ask.wants) == ("public", 7, tuple(wants))
    assert msgspec.json.decode(ask.frame) == {
        "jsonrpc": "2.0",
        "id": 7,
        "method": "eth_subscribe",
        "params": [
            "logs",
            {
                "address": list(POOLS),
                "topics": [
                    [
                        "0xc42079f94a6350d7e6235f29174924f928cc2ac818eb64fed8004e115fbcca67",
                        "0x7a53080ba414158be7ec69b987b5fb7d07dee101fe85488f0853ae16239d0bde",
                        "0x0c396cd989a39f4459b5fa1aed6a9a8dcdbc45908acfd67e028cd568da98982c",
                    ]
                ],
            },
        ],
    }


def test_a_book_is_asked_for_by_the_newest_block() -> None:
    (ask,) = SPOT.subscribe([Want(channel="snapshot", native=POOL)], 9)
    assert msgspec.json.decode(ask.frame) == {
        "jsonrpc": "2.0",
        "id": f"head 9 {POOL}",
        "method": "eth_getBlockByNumber",
        "params": ["latest", False],
    }


@pytest.mark.parametrize(
    ("channel", "old", "new", "field"),
    [
        ("notice", '"blockHash":"0xab', '"blockHash":"0xzz', "result.blockHash"),
        ("notice", '"logIndex":"0x3a"', '"logIndex":58', "result.logIndex"),
        ("removed", '"blockNumber":"0x14f1a2b"', '"blockNumber":"0xffffffffffffffff"', "blockNumber"),
        ("head", '"timestamp":"0x6553f0fe"', '"timestamp":"soon"', "timestamp"),
        ("head", f'"head 7 {POOL}"', '"tail 7"', "id"),
        ("head", f'"head 7 {POOL}"', f'"block 7 {POOL} {BLOCK}"', "id"),
        ("block", f'"number":"0x14f1a2b","hash":"{BLOCK}"', f'"number":"0x14f1a2b","hash":"0x{"cd" * 32}"', "hash"),
        ("block", '"timestamp":"0x6553f0fe"', '"timestamp":"0xfffffffffff"', "timestamp"),
        ("block", f'"slot0 0 {POOL}', f'"slot1 0 {POOL}', "id"),
        ("block", f'"slot0 0 {POOL}', f'"liquidity 0 {POOL}', "id"),
        ("block", f'"slot0 0 {POOL}', f'"slot0 0 0x{"00" * 20}', "id"),
        ("block", f'"slot0 0 {POOL}', f'"slot0 -1 {POOL}', "id"),
        ("block_of_a_wish", f"{1446480543999060876112667855988856:064x}", f"{5:064x}", "slot0"),
        ("block_of_a_wish", "01158e460913d00000", "0", "liquidity"),
        ("block_of_a_wish", f"{20 * 10**18:064x}", "f" * 64, "liquidity"),
        ("book", f'76","result":"0x{32:064x}', f'76","result":"0x{33:064x}', "ticks"),
        ("book", f"{6:064x}", f"{7:064x}", "ticks"),
        ("book", f"{196280:064x}", f"{196281:064x}", "ticks"),
        ("book", f"{196280:064x}", f"{96280:064x}", "ticks"),
        ("book", ' 77"', ' 76"', "id"),
        ("book", ' 77"', ' 79"', "id"),
    ],
)
def test_a_wrong_field_is_an_invalid_message_that_names_it(channel: str, old: str, new: str, field: str) -> None:
    frame = FRAMES[channel].frame
    assert old in frame
    with pytest.raises(InvalidMessage) as caught:
        SPOT.decode(frame.replace(old, new, 1).encode(), NOW_US)
    assert caught.value.field == field


@pytest.mark.parametrize(
    "change", [lambda log: log | {"data": "0x" + "00" * 160}, lambda log: log | {"address": "0x" + "99" * 20}]
)
def test_swaps_of_nothing_are_no_trades_and_those_of_others_are_refused(
    change: Callable[[dict[str, object]], dict[str, object]],
) -> None:
    plain = msgspec.json.decode(FRAMES["block"].frame)
    (logs,) = [one for one in plain if one["id"].startswith("logs")]
    logs["result"] = [change(logs["result"][-1])]
    frame = msgspec.json.encode(plain)
    if logs["result"][0]["address"] == POOL:
        assert len(SPOT.decode(frame, NOW_US)) == 1
    else:
        with pytest.raises(InvalidMessage, match="of another pool"):
            SPOT.decode(frame, NOW_US)


def test_a_swap_that_takes_both_tokens_is_refused() -> None:
    both = "0x" + f"{5:064x}" * 5
    plain = msgspec.json.decode(FRAMES["block"].frame)
    (logs,) = [one for one in plain if one["id"].startswith("logs")]
    logs["result"][0]["data"] = both
    with pytest.raises(InvalidMessage, match="takes one token"):
        SPOT.decode(msgspec.json.encode(plain), NOW_US)


def test_answers_come_in_any_order() -> None:
    for channel in ("block", "book"):
        plain = msgspec.json.decode(FRAMES[channel].frame)
        turned = msgspec.json.encode(plain[::-1])
        assert SPOT.decode(turned, NOW_US) == SPOT.decode(FRAMES[channel].data, NOW_US)


def test_a_node_of_another_chain_is_refused() -> None:
    body = FRAMES["rest_instruments"].frame.replace('"0x1"', '"0xa"', 1).encode()
    with pytest.raises(InvalidMessage, match="another chain than 1") as caught:
        SPOT.read_instruments(body, NOW_US)
    assert caught.value.field == "chain"
    with pytest.raises(InvalidMessage, match="does not say its chain"):
        SPOT.read_instruments(b"[]", NOW_US)


def test_what_only_the_socket_tells_is_refused_over_http() -> None:
    with pytest.raises(Misconfigured, match="has no books over HTTP"):
        SPOT.book_request(POOL, 20)
    with pytest.raises(Misconfigured, match="has no list of recent trades"):
        SPOT.trades_request(POOL)
    with pytest.raises(Misconfigured, match="has no funding: ask for futures"):
        SPOT.funding_request(POOL)


BUSY = b'[{"id":1,"result":"0x"},{"id":2,"error":{"code":-32005,"message":"limit"}}]'


@pytest.mark.parametrize(
    ("status", "headers", "body", "kind", "wait"),
    [
        (200, {}, b'[{"id":1,"result":"0x"}]', None, None),
        (200, {}, b'[{"id":1,"error":{"code":-32000,"message":"execution reverted"}}]', None, None),
        (200, {}, BUSY, Unavailable, 1),
        (200, {}, b'{"id":null,"error":{"code":-32600,"message":"batches are off"}}', VenueRefused, None),
        (429, {"Retry-After": "7"}, b"", Unavailable, 7),
        (503, {}, b"<html>", Unavailable, None),
        (401, {}, b"no key", VenueRefused, None),
    ],
)
def test_x_05_a_node_s_refusal(
    status: int, headers: dict[str, str], body: bytes, kind: type | None, wait: float | None
) -> None:
    found = SPOT.refusal(status, headers, body)
    assert (type(found) if found else None) == kind
    assert getattr(found, "retry_after_s", None) == wait
