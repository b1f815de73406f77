"""Frames of Binance's private streams, samples of the docs and of the fact sheet, and what each must say."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from tapeline.venues.account import (
    Balance,
    BalanceUpdate,
    Fill,
    OrderUpdate,
    PositionUpdate,
    StreamAnswer,
    StreamEnding,
    VenueOrder,
    VenuePosition,
)
from tapeline.venues.contract import Unexpected
from tapeline.venues.refusals import Reason, Refused
from tests.venues.trading_case import changed

SPOT_NEW = (
    b'{"subscriptionId":0,"event":{"e":"executionReport","E":1499405658658,"s":"ETHBTC","c":"mUvoqJxFIILMdfAW5iGSOW",'
    b'"S":"BUY","o":"LIMIT","f":"GTC","q":"1.00000000","p":"0.10264410","P":"0.00000000","F":"0.00000000","g":-1,'
    b'"C":"","x":"NEW","X":"NEW","r":"NONE","i":4293153,"l":"0.00000000","z":"0.00000000","L":"0.00000000","n":"0",'
    b'"N":null,"T":1499405658657,"t":-1,"I":8641984,"w":true,"m":false,"M":false,"O":1499405658657,'
    b'"Z":"0.00000000","Y":"0.00000000","Q":"0.00000000","W":1499405658657,"V":"NONE"}}'
)
SPOT_ORDER = VenueOrder(
    native="ETHBTC",
    client_id="mUvoqJxFIILMdfAW5iGSOW",
    venue_id="4293153",
    status="PLACED",
    side="buy",
    kind="limit",
    time_in_force="GTC",
    price=Decimal("0.1026441"),
    quantity=Decimal(1),
    filled=Decimal(0),
    updated_us=1499405658657000,
)
SPOT_BALANCES = (
    b'{"subscriptionId":0,"event":{"e":"outboundAccountPosition","E":1564034571105,"u":1564034571073,"B":[{"a":"ETH",'
    b'"f":"10000.000000","l":"0.500000"}]}}'
)
SPOT_CHANGE = (
    b'{"subscriptionId":0,"event":{"e":"balanceUpdate","E":1573200697110,"a":"BTC","d":"100.00000000",'
    b'"T":1573200697068}}'
)
FUTURES_FILL = (
    b'{"e":"ORDER_TRADE_UPDATE","T":1568879465651,"E":1568879465651,"o":{"s":"BTCUSDT","c":"TEST","S":"BUY","o":"LIMIT",'
    b'"f":"GTC","q":"0.002","p":"7100.50","ap":"7100.50","x":"TRADE","X":"PARTIALLY_FILLED","i":8886774,"l":"0.001",'
    b'"z":"0.001","L":"7100.50","N":"USDT","n":"0.01000000","T":1568879465651,"t":12345678,"m":true,"R":false,'
    b'"ps":"BOTH","rp":"12.34"}}'
)
FUTURES_ORDER = VenueOrder(
    native="BTCUSDT",
    client_id="TEST",
    venue_id="8886774",
    status="PARTIALLY_FILLED",
    side="buy",
    kind="limit",
    time_in_force="GTC",
    price=Decimal("7100.5"),
    quantity=Decimal("0.002"),
    filled=Decimal("0.001"),
    average_price=Decimal("7100.5"),
    updated_us=1568879465651000,
)
FUTURES_DEAL = Fill(
    native="BTCUSDT",
    fill_id="12345678:8886774",
    venue_order_id="8886774",
    client_id="TEST",
    side="buy",
    price=Decimal("7100.5"),
    quantity=Decimal("0.001"),
    fee=Decimal("0.01"),
    fee_currency="USDT",
    liquidity="maker",
    filled_us=1568879465651000,
)
ACCOUNT_UPDATE = (
    b'{"stream":"123","data":{"e":"ACCOUNT_UPDATE","E":1564745798939,"T":1564745798938,"a":{"m":"ORDER","B":[{"a":"USDT",'
    b'"wb":"122624.12345678","cw":"100.12345678","bc":"50.12345678"}],"P":[{"s":"BTCUSDT","pa":"-20","ep":"6563.66500",'
    b'"bep":"6563.6","cr":"0","up":"2850.21200","mt":"isolated","iw":"13200.70726908","ps":"BOTH"},{"s":"ETHUSDT",'
    b'"pa":"0","ep":"0.00000","bep":"0","cr":"200","up":"0","mt":"isolated","iw":"0","ps":"LONG"}]}}}'
)
FRAMES: list[tuple[str, str, bytes, tuple[object, ...]]] = [
    (
        "binance:spot",
        "subscribed",
        b'{"id":"7","status":200,"result":{"subscriptionId":0}}',
        (StreamAnswer(step="subscribe", request_id=7),),
    ),
    (
        "binance:spot",
        "refused",
        b'{"id":"7","status":400,"error":{"code":-1022,"msg":"Signature is not valid."}}',
        (
            StreamAnswer(
                step="subscribe",
                request_id=7,
                refused=Refused(reason=Reason.BAD_SIGNATURE, code="-1022", text="Signature is not valid."),
            ),
        ),
    ),
    (
        "binance:spot",
        "refused without a reason",
        b'{"id":null,"status":500}',
        (
            StreamAnswer(
                step="subscribe", request_id=None, refused=Refused(reason=Reason.REJECTED, code="0", text="status 500")
            ),
        ),
    ),
    ("binance:spot", "placed", SPOT_NEW, (OrderUpdate(order=SPOT_ORDER),)),
    (
        "binance:spot",
        "cancelled: C names the order, c the cancel",
        changed(SPOT_NEW, (b'"C":""', b'"C":"ours"'), (b'"x":"NEW","X":"NEW"', b'"x":"CANCELED","X":"CANCELED"')),
        (OrderUpdate(order=msgspec.structs.replace(SPOT_ORDER, client_id="ours", status="CANCELLED")),),
    ),
    (
        "binance:spot",
        "rejected",
        changed(
            SPOT_NEW,
            (b'"r":"NONE"', b'"r":"WOULD_MATCH_IMMEDIATELY"'),
            (b'"x":"NEW","X":"NEW"', b'"x":"REJECTED","X":"REJECTED"'),
        ),
        (OrderUpdate(order=msgspec.structs.replace(SPOT_ORDER, status="REJECTED", reason=Reason.WOULD_TAKE)),),
    ),
    (
        "binance:spot",
        "filled: the fill stands before the order",
        changed(
            SPOT_NEW,
            (b'"x":"NEW","X":"NEW"', b'"x":"TRADE","X":"FILLED"'),
            (b'"l":"0.00000000"', b'"l":"0.4"'),
            (b'"z":"0.00000000"', b'"z":"1.0"'),
            (b'"L":"0.00000000"', b'"L":"0.1"'),
            (b'"n":"0"', b'"n":"0.0004"'),
            (b'"N":null', b'"N":"ETH"'),
            (b'"t":-1', b'"t":77'),
            (b'"Z":"0.00000000"', b'"Z":"0.102"'),
        ),
        (
            Fill(
                native="ETHBTC",
                fill_id="77:4293153",
                venue_order_id="4293153",
                client_id="mUvoqJxFIILMdfAW5iGSOW",
                side="buy",
                price=Decimal("0.1"),
                quantity=Decimal("0.4"),
                fee=Decimal("0.0004"),
                fee_currency="ETH",
                liquidity="taker",
                filled_us=1499405658657000,
            ),
            OrderUpdate(
                order=msgspec.structs.replace(
                    SPOT_ORDER, status="FILLED", filled=Decimal(1), average_price=Decimal("0.102")
                )
            ),
        ),
    ),
    (
        "binance:spot",
        "balances",
        SPOT_BALANCES,
        (
            BalanceUpdate(
                balances=(
                    Balance(currency="ETH", total=Decimal("10000.5"), available=Decimal(10000), locked=Decimal("0.5")),
                ),
                venue_us=1564034571073000,
            ),
        ),
    ),
    ("binance:spot", "a change of a balance repeats the balances", SPOT_CHANGE, ()),
    (
        "binance:spot",
        "terminated",
        b'{"subscriptionId":0,"event":{"e":"eventStreamTerminated","E":1728973001334}}',
        (StreamEnding(reason="eventStreamTerminated"),),
    ),
    (
        "binance:spot",
        "closing",
        b'{"event":{"e":"serverShutdown","E":1770123456789}}',
        (StreamEnding(reason="serverShutdown"),),
    ),
    (
        "binance:spot",
        "unexpected",
        b'{"subscriptionId":0,"event":{"e":"listStatus","E":1564035303637,"s":"ETHBTC"}}',
        (Unexpected(kind="listStatus"),),
    ),
    ("binance:futures", "filled in part", FUTURES_FILL, (FUTURES_DEAL, OrderUpdate(order=FUTURES_ORDER))),
    (
        "binance:futures",
        "the same in an envelope",
        b'{"stream":"key","data":' + FUTURES_FILL + b"}",
        (FUTURES_DEAL, OrderUpdate(order=FUTURES_ORDER)),
    ),
    (
        "binance:futures",
        "liquidated",
        changed(
            FUTURES_FILL,
            (b'"c":"TEST"', b'"c":"autoclose-1"'),
            (b'"x":"TRADE"', b'"x":"CALCULATED"'),
            (b'"R":false', b'"R":true'),
        ),
        (
            msgspec.structs.replace(FUTURES_DEAL, client_id="autoclose-1", cause="liquidation"),
            OrderUpdate(order=msgspec.structs.replace(FUTURES_ORDER, client_id="autoclose-1", reduce_only=True)),
        ),
    ),
    (
        "binance:futures",
        "deleveraged",
        changed(FUTURES_FILL, (b'"c":"TEST"', b'"c":"adl_autoclose"')),
        (
            msgspec.structs.replace(FUTURES_DEAL, client_id="adl_autoclose", cause="deleveraging"),
            OrderUpdate(order=msgspec.structs.replace(FUTURES_ORDER, client_id="adl_autoclose")),
        ),
    ),
    (
        "binance:futures",
        "expired against ourselves",
        changed(FUTURES_FILL, (b'"x":"TRADE","X":"PARTIALLY_FILLED"', b'"x":"EXPIRED","X":"EXPIRED_IN_MATCH"')),
        (OrderUpdate(order=msgspec.structs.replace(FUTURES_ORDER, status="EXPIRED", reason=Reason.SELF_TRADE)),),
    ),
    (
        "binance:futures",
        "account",
        ACCOUNT_UPDATE,
        (
            BalanceUpdate(
                balances=(Balance(currency="USDT", total=Decimal("122624.12345678")),), venue_us=1564745798938000
            ),
            PositionUpdate(
                positions=(
                    VenuePosition(
                        native="BTCUSDT",
                        quantity=Decimal(-20),
                        mode="net",
                        entry_price=Decimal("6563.665"),
                        unrealized=Decimal("2850.212"),
                        updated_us=1564745798938000,
                    ),
                    VenuePosition(
                        native="ETHUSDT",
                        quantity=Decimal(0),
                        mode="long",
                        unrealized=Decimal(0),
                        updated_us=1564745798938000,
                    ),
                ),
                venue_us=1564745798938000,
            ),
        ),
    ),
    (
        "binance:futures",
        "an account of which nothing changed",
        b'{"e":"ACCOUNT_UPDATE","E":1,"T":1,"a":{"m":"MARGIN_TYPE_CHANGE"}}',
        (),
    ),
    (
        "binance:futures",
        "the key has expired",
        b'{"e":"listenKeyExpired","E":1736996475556,"listenKey":"WsCMN0"}',
        (StreamEnding(reason="listenKeyExpired"),),
    ),
    ("binance:futures", "a short fill repeats the long one", b'{"e":"TRADE_LITE","E":1721895408092,"s":"BTCUSDT"}', ()),
    ("binance:futures", "unexpected", b'{"e":"MARGIN_CALL","E":1587727187525}', (Unexpected(kind="MARGIN_CALL"),)),
    ("binance:futures", "nothing", b"{}", (Unexpected(kind="no event name and no status"),)),
]
