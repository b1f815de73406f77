"""Frames of Bybit's private stream, samples of the docs and of the fact sheet, and what each must say."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from tapeline.venues.account import (
    Balance,
    BalanceUpdate,
    Fill,
    FundingPaid,
    FundingPayment,
    OrderUpdate,
    PositionUpdate,
    StreamAnswer,
    VenueOrder,
    VenuePosition,
)
from tapeline.venues.contract import Pong, Unexpected
from tapeline.venues.refusals import Reason, Refused
from tests.venues.trading_case import changed

NOT_SUBSCRIBED = b'{"success":false,"ret_msg":"Invalid topic: dcp","op":"subscribe","req_id":"9"}'
BYBIT_ORDER_FRAME = (
    b'{"id":"5923240c6880ab-c59f-420b-9adb-3639adc9dd90","topic":"order","creationTime":1672364262474,"data":['
    b'{"category":"linear","symbol":"BTCUSDT","orderId":"5cf98598-39a7-459e-97bf-76ca765ee020","orderLinkId":"cid-0001",'
    b'"side":"Sell","orderType":"Market","price":"72.5","qty":"1","timeInForce":"IOC","orderStatus":"Filled",'
    b'"leavesQty":"","cumExecQty":"1","cumExecValue":"75","avgPrice":"75","cumExecFee":"0.358635",'
    b'"rejectReason":"EC_NoError","cancelType":"UNKNOWN","reduceOnly":false,"positionIdx":0,'
    b'"createdTime":"1672364262444","updatedTime":"1672364262457"}]}'
)
BYBIT_EXECUTION_FRAME = (
    b'{"topic":"execution","id":"386825804_BTCUSDT_140612148849382","creationTime":1746270400355,"data":['
    b'{"category":"linear","symbol":"BTCUSDT","execFee":"26.3725275","execId":"0ab1bdf7-4219-438b-b30a-32ec863018f7",'
    b'"execPrice":"95900.1","execQty":"0.5","execType":"Trade","feeRate":"0.00055","leavesQty":"0",'
    b'"orderId":"9aac161b-8ed6-450d-9cab-c5cc67c21784","orderLinkId":"cid-0001","side":"Sell",'
    b'"execTime":"1746270400353","isMaker":false,"seq":140612148849382}]}'
)
BYBIT_DEAL = Fill(
    native="BTCUSDT",
    fill_id="0ab1bdf7-4219-438b-b30a-32ec863018f7:9aac161b-8ed6-450d-9cab-c5cc67c21784",
    venue_order_id="9aac161b-8ed6-450d-9cab-c5cc67c21784",
    client_id="cid-0001",
    side="sell",
    price=Decimal("95900.1"),
    quantity=Decimal("0.5"),
    fee=Decimal("26.3725275"),
    fee_currency=None,
    fee_in="quote",
    liquidity="taker",
    filled_us=1746270400353000,
)
POSITION_FRAME = (
    b'{"id":"1","topic":"position","creationTime":1697682317044,"data":[{"positionIdx":0,"tradeMode":0,"symbol":"BTCUSDT",'
    b'"side":"","size":"0","entryPrice":"0","leverage":"10","positionValue":"0","markPrice":"28184.5","liqPrice":"0",'
    b'"unrealisedPnl":"0","cumRealisedPnl":"-25.06579337","updatedTime":"1697682317038","category":"linear",'
    b'"seq":8327597863},{"positionIdx":2,"symbol":"BTCUSD","side":"Sell","size":"3","category":"inverse"}]}'
)
WALLET_FRAME = (
    b'{"id":"1","topic":"wallet","creationTime":1700034722104,"data":[{"accountIMRate":"0","totalEquity":"10262.9",'
    b'"totalAvailableBalance":"9556.6056555","coin":[{"coin":"BTC","equity":"0.00102964","usdValue":"36.7",'
    b'"walletBalance":"0.00102964","totalOrderIM":"","totalPositionIM":"","unrealisedPnl":"0","locked":"0"}],'
    b'"accountType":"UNIFIED"}]}'
)
WALLET = BalanceUpdate(
    balances=(
        Balance(
            currency="BTC",
            total=Decimal("0.00102964"),
            locked=Decimal(0),
            equity=Decimal("0.00102964"),
            unrealized=Decimal(0),
        ),
    ),
    available_usd=Decimal("9556.6056555"),
    venue_us=1700034722104000,
)


FRAMES: list[tuple[str, str, bytes, tuple[object, ...]]] = [
    (
        "bybit:futures",
        "logged in",
        b'{"success":true,"ret_msg":"","op":"auth","req_id":"7","conn_id":"c-p"}',
        (StreamAnswer(step="login", request_id=7),),
    ),
    (
        "bybit:futures",
        "not logged in",
        b'{"success":false,"ret_msg":"Params Error","op":"auth","conn_id":"c-p"}',
        (StreamAnswer(step="login", request_id=None, refused=Refused(reason=Reason.BAD_KEYS, text="Params Error")),),
    ),
    (
        "bybit:futures",
        "subscribed",
        b'{"success":true,"ret_msg":"","op":"subscribe","req_id":"8","conn_id":"c"}',
        (StreamAnswer(step="subscribe", request_id=8),),
    ),
    (
        "bybit:futures",
        "not subscribed",
        NOT_SUBSCRIBED,
        (
            StreamAnswer(
                step="subscribe", request_id=9, refused=Refused(reason=Reason.BAD_REQUEST, text="Invalid topic: dcp")
            ),
        ),
    ),
    (
        "bybit:futures",
        "pong",
        b'{"req_id":"3","op":"pong","args":["1675418560633"],"conn_id":"c-1b"}',
        (Pong(request_id=3),),
    ),
    ("bybit:futures", "unexpected topic", b'{"topic":"greeks","data":[]}', (Unexpected(kind="greeks"),)),
    (
        "bybit:futures",
        "filled",
        BYBIT_ORDER_FRAME,
        (
            OrderUpdate(
                order=VenueOrder(
                    native="BTCUSDT",
                    client_id="cid-0001",
                    venue_id="5cf98598-39a7-459e-97bf-76ca765ee020",
                    status="FILLED",
                    side="sell",
                    kind="market",
                    time_in_force="IOC",
                    price=Decimal("72.5"),
                    quantity=Decimal(1),
                    filled=Decimal(1),
                    average_price=Decimal(75),
                    updated_us=1672364262457000,
                )
            ),
        ),
    ),
    ("bybit:futures", "fill", BYBIT_EXECUTION_FRAME, (BYBIT_DEAL,)),
    (
        "bybit:futures",
        "deleveraged",
        changed(BYBIT_EXECUTION_FRAME, (b'"execType":"Trade"', b'"execType":"AdlTrade"')),
        (msgspec.structs.replace(BYBIT_DEAL, cause="deleveraging"),),
    ),
    (
        "bybit:futures",
        "funding is no fill",
        changed(BYBIT_EXECUTION_FRAME, (b'"Trade"', b'"Funding"')),
        (
            FundingPaid(
                payment=FundingPayment(
                    payment_id="0ab1bdf7-4219-438b-b30a-32ec863018f7",
                    native="BTCUSDT",
                    amount=Decimal("-26.3725275"),
                    currency=None,
                    paid_us=1746270400353000,
                )
            ),
        ),
    ),
    (
        "bybit:futures",
        "a deal that is none of ours",
        changed(BYBIT_EXECUTION_FRAME, (b'"Trade"', b'"MovePosition"')),
        (Unexpected(kind="execution of type MovePosition"),),
    ),
    (
        "bybit:futures",
        "positions, without those of another category",
        POSITION_FRAME,
        (
            PositionUpdate(
                positions=(
                    VenuePosition(
                        native="BTCUSDT",
                        quantity=Decimal(0),
                        mode="net",
                        mark_price=Decimal("28184.5"),
                        unrealized=Decimal(0),
                        leverage=Decimal(10),
                        updated_us=1697682317038000,
                    ),
                ),
                venue_us=1697682317044000,
            ),
        ),
    ),
    ("bybit:futures", "wallet", WALLET_FRAME, (WALLET,)),
    ("bybit:spot", "wallet", WALLET_FRAME, (WALLET,)),
    ("bybit:spot", "an order of another category", BYBIT_ORDER_FRAME, ()),
    ("bybit:spot", "a fill of another category", BYBIT_EXECUTION_FRAME, ()),
    (
        "bybit:spot",
        "a fill, its fee in what was received",
        changed(BYBIT_EXECUTION_FRAME, (b'"linear"', b'"spot"')),
        (BYBIT_DEAL,),
    ),
    (
        "bybit:spot",
        "a rebate, in what was given",
        changed(
            BYBIT_EXECUTION_FRAME,
            (b'"linear"', b'"spot"'),
            (b'"26.3725275"', b'"-0.001"'),
            (b'"isMaker":false', b'"isMaker":true'),
        ),
        (msgspec.structs.replace(BYBIT_DEAL, fee=Decimal("-0.001"), fee_in="base", liquidity="maker"),),
    ),
]
