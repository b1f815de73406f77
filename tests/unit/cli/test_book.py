"""The commands `book` and `spreads`: their help is instant, and what they say when there is nothing."""

from __future__ import annotations

import subprocess
import sys

import msgspec
import pytest

from tapeline.cli import book, spreads
from tapeline.cli.market_plan import Plan
from tapeline.domain.spread import Spread
from tests.unit.cli.test_market_book_view import CHEAP, NOW_US, SYMBOL
from tests.unit.cli.test_market_spreads import PAYS

AGENTS = "it takes two books of it (`tapeline book`) and the agents (`tapeline status`)"
PLAN = Plan(text=SYMBOL)
HEAVY = ("aiokafka", "fastavro", "textual", "msgspec", "structlog", "tapeline.venues", "tapeline.runtime", "schemas")


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom tapeline.cli.app import main\n"
        "codes = [main([command, '--help']) for command in ('book', 'spreads', 'venues', 'instruments', 'coverage')]\n"
        f"loaded = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "sys.exit(f'{codes} {loaded}' if any(codes) or loaded else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("panel", "sentence"),
    [
        (
            book.Panel(SYMBOL, Plan(text=SYMBOL, venue="okx")),
            "no book of BTC/USDT at okx has been published: see with `tapeline status` whether its producer runs",
        ),
        (
            spreads.Panel(SYMBOL, Plan(text=SYMBOL, market="spot")),
            f"no spread of BTC/USDT at spot has been computed: {AGENTS}",
        ),
    ],
)
def test_nothing_to_show_is_a_sentence_with_its_fix(panel: book.Panel | spreads.Panel, sentence: str) -> None:
    assert (panel.items(NOW_US), str(panel.missing())) == ((), sentence)


def test_what_comes_is_an_item_by_its_instrument_or_pair() -> None:
    books = book.Panel(SYMBOL, PLAN)
    books.newest["md.book"](CHEAP)
    assert sorted(books.coming) == ["md.gap"]
    assert [one.identity for one in books.items(NOW_US)] == ["binance:spot:BTC/USDT"]
    pairs = spreads.Panel(SYMBOL, PLAN)
    # The record has no Struct of its own at the codec: it comes as plain values.
    pairs.newest["signal.spread"](msgspec.structs.asdict(PAYS))
    assert [one.identity for one in pairs.items(NOW_US)] == ["binance:spot:BTC/USDT bybit:futures:BTC/USDT"]
    assert msgspec.convert(msgspec.structs.asdict(PAYS), Spread) == PAYS
