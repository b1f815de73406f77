"""An explanation on the screen: every part under its title, what is missing said, nothing shown that is not there."""

from __future__ import annotations

import msgspec

from tapeline.cli import explain_story, explain_view
from tapeline.cli.explain_parts import Explanation, Missing
from tapeline.cli.view import Grid, Line, View
from tests.unit.cli.explained import AUDITS, BOUGHT, ORDER, ROW, SOLD, STORY

LOST = Missing(part="book md.book/2/9", problem="Kafka does not keep it any more (the oldest is 10)")


def said(view: View) -> list[str]:
    """Return a view as lines of text; a table's cells are parted by bars."""
    found: list[str] = []
    for block in view:
        if isinstance(block, Line):
            found.append("".join(cell.text for cell in block.cells).rstrip())
        else:
            assert isinstance(block, Grid)
            found.append("|".join(block.columns))
            found += ["|".join(cell.text for cell in row) for row in block.rows] or [block.empty]
    return found


def shown(found: Explanation) -> list[str]:
    return said(explain_view.view(found))


WHOLE = [
    "c-buy  FILLED",
    "  what        buy 2 BTC/USDT at bybit futures for 100.2, limit IOC",
    "  filled      2 of 2 for 100 on average, fees 0.2",
    "  venue's id  v-1",
    "",
    "answer",
    "  approved",
    "  reserved    now: bybit futures exposure 200.4 margin 100.2; 2 orders, 1 pairs",
    "",
    "intent",
    "  who         two-leg by two-leg, slot 0, round 4",
    "  wants       EnterPair",
    "  because     buying there and selling here earns",
    "  evidence    net 0.0075, buy_price 100.0, sell_price 101.25, quantity 2.0",
    '  memory      {"version":1,"kind":"Peak","body":"{\\"peak\\":1}"}',
    "  causes      md.book/2/10, md.book/2/11, portfolio/2/3",
    "  id          i1",
    "",
    "spread",
    "  net         +75.00 bps  gross +125.00, four fees 50.00",
    "  buy         2.0 at bybit futures for 100.0, at most 100.2",
    "  sell        2.0 at okx futures for 101.25, at least 101.1",
    "",
    "books that it was decided on",
    "  bybit:futures:BTC/USDT  valid, epoch 5, sequence 7  from kafka md.book/2/10  gives the decided price",
    "    bids 99.0 x 1.0",
    "    asks 100.0 x 3.0  100.5 x 1.0",
    "  okx:futures:BTC/USDT  valid, epoch 5, sequence 8  from kafka md.book/2/11  gives the decided price",
    "    bids 101.5 x 1.0  101.0 x 1.0  100.0 x 9.0",
    "    asks 102.0 x 1.0",
    "",
    "two-leg trade",
    "  pair        two-leg:BTC/USDT round 4, part 1 of 1",
    "  state       ENTERING: one leg was refused",
    "  profit      realized -0.2, unrealized 0",
    "",
    "orders of this intent",
    "|order|venue|side|part>|attempt>|quantity>|filled>|average>|status|reason",
    "→|c-buy|bybit futures|buy|1|1|2|2|100|FILLED|",
    " |c-sell|okx futures|sell|1|1|2|0|-|REJECTED|insufficient_funds: no margin",
    "",
    "what happened",
    "audit>|time|of|action|status|filled>|why",
    "3|2026-09-21 14:13:20.003|intent|INTENT_APPROVE|-|-|buying there and selling here earns",
    "4|2026-09-21 14:13:20.004|order|ORDER_PLACE|PENDING|0|buying there and selling here earns",
    "6|2026-09-21 14:13:20.006|order|ORDER_FILL|FILLED|2|",
    "9|2026-09-21 14:13:20.009|intent|INTENT_SETTLE|-|-|x: rejected",
    "",
    "fills",
    "time|side|quantity>|price>|fee>|as|id",
    "2026-09-21 14:13:20.006|buy|2|100|0.2 USDT|taker|f1",
    "",
    "the way in time",
    "hop|time|after>|clock",
    "venue|2026-09-21 14:13:19.992000|-|venue",
    "received|2026-09-21 14:13:19.997000|+5.000 ms|producer",
    "published|2026-09-21 14:13:19.999000|+2.000 ms|producer",
    "decided|2026-09-21 14:13:20.000000|+1.000 ms|newest record",
    "taken|2026-09-21 14:13:20.002500|+2.500 ms|database",
    "sent|2026-09-21 14:13:20.003000|+0.500 ms|executor",
    "answered|2026-09-21 14:13:20.007000|+4.000 ms|executor",
    "first fill|2026-09-21 14:13:20.006000|-1.000 ms|venue",
    "last fill|2026-09-21 14:13:20.006000|+0.000 ms|venue",
    "",
    "could not be read",
    "  book md.book/2/9: Kafka does not keep it any more (the oldest is 10)",
    "",
    "trace  t1   tapeline logs --trace t1",
]


def test_the_whole_view_line_by_line() -> None:
    assert shown(explain_story.told(STORY, (BOUGHT, SOLD), (LOST,))) == WHOLE


def test_an_intent_that_was_refused_is_shown_without_any_order() -> None:
    row = msgspec.structs.replace(ROW, reservation=None, status="REFUSED", code="max_exposure", reason="too much")
    alone = msgspec.structs.replace(STORY, order=None, orders=(), fills=(), pair=None, intent=row, audits=AUDITS[:1])
    lines = shown(explain_story.told(alone, (BOUGHT, SOLD), ()))
    assert lines[:6] == [
        "i1  REFUSED", "  what        EnterPair BTC/USDT", "", "answer", "  refused: max_exposure: too much",
        "  reserved    nothing is known",
    ]  # fmt: skip
    below = WHOLE[WHOLE.index("intent") : WHOLE.index("two-leg trade")]
    assert lines[7 : 7 + len(below)] == below
    assert "it has no order" in lines


def test_what_is_not_there_has_no_title() -> None:
    bare = msgspec.structs.replace(
        STORY,
        intent=msgspec.structs.replace(ROW, trace_id=None, reservation=None, status="REFUSED", code="x", reason="y"),
        order=msgspec.structs.replace(ORDER, trace_id=None, venue_order_id=None, price=None),
        audits=AUDITS[:1],
        fills=(),
        pair=None,
    )
    lines = shown(explain_story.told(bare, (), ()))
    titles = [line for line in lines if line and not line.startswith(" ") and "|" not in line]
    assert titles == [
        "c-buy  FILLED", "answer", "intent", "spread", "orders of this intent", "what happened", "fills",
        "nothing was filled", "the way in time",
    ]  # fmt: skip
    assert lines[1:4] == [
        "  what        buy 2 BTC/USDT at bybit futures at the market, limit IOC",
        "  filled      2 of 2 for 100 on average, fees 0.2",
        "  venue's id  no id is known",
    ]
    assert "  refused: x: y" in lines
    assert "  reserved    nothing is known" in lines


def test_a_settled_intent_says_how_it_ended() -> None:
    settled = msgspec.structs.replace(ROW, status="SETTLED", settled_us=5, reservation=None, reason="filled")
    lines = shown(explain_story.told(msgspec.structs.replace(STORY, intent=settled), (), ()))
    assert lines[6:8] == [
        "  approved, settled: filled",
        "  reserved    at settlement: bybit futures exposure 200.4 margin 100.2; 2 orders, 1 pairs",
    ]
