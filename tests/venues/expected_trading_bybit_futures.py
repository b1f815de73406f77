"""What our calls must become on Bybit's futures and what its documented answers mean, value by value."""

from __future__ import annotations

from decimal import Decimal

from tapeline.venues.account import Fill, FundingPayment, VenueOrder, VenuePosition
from tapeline.venues.calls import (
    Accepted,
    CancelAccepted,
    CancelAllRequest,
    CancelledAll,
    CancelRequest,
    DeadManRequest,
    DeadManSet,
    Fills,
    FillsQuery,
    FoundOrder,
    FundingPayments,
    FundingQuery,
    LeverageRequest,
    LeverageSet,
    NotFound,
    OpenOrders,
    OpenOrdersQuery,
    OrderQuery,
    OrderRequest,
    Positions,
    PositionsQuery,
)
from tapeline.venues.orders import SignedRequest
from tests.venues.expected_trading_bybit import BALANCES, CLOCK, EMPTY_PAGE, get, post, taken
from tests.venues.trading_case import AT_US, DAY_US, Case

FUTURES = (
    Case(
        name="a post-only order, byte for byte the one of the fact sheet",
        call=OrderRequest(
            client_id="cid-0001",
            native="BTCUSDT",
            side="buy",
            kind="post_only",
            quantity=Decimal("0.001"),
            price=Decimal(50000),
        ),
        request=SignedRequest(
            method="POST",
            path="/v5/order/create",
            body=b'{"category":"linear","symbol":"BTCUSDT","side":"Buy","orderType":"Limit","qty":"0.001",'
            b'"price":"50000","timeInForce":"PostOnly","orderLinkId":"cid-0001","reduceOnly":false,"positionIdx":0}',
            headers={
                "X-BAPI-API-KEY": "test-key",
                "X-BAPI-TIMESTAMP": "1700000000000",
                "X-BAPI-RECV-WINDOW": "5000",
                "X-BAPI-SIGN": "0816e136130b5fad008cc2d8a207c0276bf74f3c4a1366d0f5145d76c094ddf8",
                "Content-Type": "application/json",
            },
            bucket="rest_trade",
            cost=1,
        ),
        body=taken(b'{"orderId":"5cf98598-39a7-459e-97bf-76ca765ee020","orderLinkId":"cid-0001"}'),
        answer=Accepted(
            order=VenueOrder(
                native="BTCUSDT",
                client_id="cid-0001",
                venue_id="5cf98598-39a7-459e-97bf-76ca765ee020",
                status="PLACED",
                side="buy",
                kind="post_only",
                time_in_force="GTC",
                price=Decimal(50000),
                quantity=Decimal("0.001"),
                filled=Decimal(0),
                updated_us=1672211918471000,
            )
        ),
    ),
    Case(
        name="a market order that only reduces",
        call=OrderRequest(
            client_id="cid-0002",
            native="BTCUSDT",
            side="sell",
            kind="market",
            quantity=Decimal("0.5"),
            reduce_only=True,
        ),
        request=post(
            "/v5/order/create",
            b'{"category":"linear","symbol":"BTCUSDT","side":"Sell","orderType":"Market","qty":"0.5",'
            b'"orderLinkId":"cid-0002","reduceOnly":true,"positionIdx":0}',
            urgent=True,
        ),
        body=taken(b'{"orderId":"5cf98598","orderLinkId":"cid-0002"}'),
        answer=Accepted(
            order=VenueOrder(
                native="BTCUSDT",
                client_id="cid-0002",
                venue_id="5cf98598",
                status="PLACED",
                side="sell",
                kind="market",
                time_in_force="GTC",
                price=None,
                quantity=Decimal("0.5"),
                filled=Decimal(0),
                reduce_only=True,
                updated_us=1672211918471000,
            )
        ),
    ),
    Case(
        name="a cancel",
        call=CancelRequest(native="BTCPERP", client_id="linear-004"),
        request=post(
            "/v5/order/cancel", b'{"category":"linear","symbol":"BTCPERP","orderLinkId":"linear-004"}', urgent=True
        ),
        body=taken(b'{"orderId":"c6f055d9-7f21-4079-913d-e6523a9cfffa","orderLinkId":"linear-004"}'),
        answer=CancelAccepted(client_id="linear-004"),
    ),
    Case(
        name="cancel all",
        call=CancelAllRequest(native="BTCUSDT"),
        request=post("/v5/order/cancel-all", b'{"category":"linear","symbol":"BTCUSDT"}', urgent=True),
        body=taken(b'{"list":[],"success":"1"}'),
        answer=CancelledAll(),
    ),
    Case(
        name="an order that is no longer among the recent ones",
        call=OrderQuery(native="ETHUSDT", client_id="test-000005"),
        request=get("/v5/order/realtime", "category=linear&symbol=ETHUSDT&orderLinkId=test-000005", urgent=True),
        body=EMPTY_PAGE,
        answer=NotFound(then=OrderQuery(native="ETHUSDT", client_id="test-000005", place=1)),
    ),
    Case(
        name="an order without an average that has a value",
        call=OrderQuery(native="ETHUSDT", client_id="test-000005"),
        request=get("/v5/order/realtime", "category=linear&symbol=ETHUSDT&orderLinkId=test-000005", urgent=True),
        body=taken(
            b'{"list":[{"orderId":"fd4300ae","orderLinkId":"test-000005","symbol":"ETHUSDT","price":"1600.00",'
            b'"qty":"0.10","side":"Buy","isLeverage":"","positionIdx":0,"orderStatus":"PartiallyFilled",'
            b'"cancelType":"UNKNOWN","rejectReason":"EC_NoError","avgPrice":"","leavesQty":"0.06","cumExecQty":"0.04",'
            b'"cumExecValue":"64","cumExecFee":"0","timeInForce":"GTC","orderType":"Limit","stopOrderType":"UNKNOWN",'
            b'"reduceOnly":true,"closeOnTrigger":false,"createdTime":"1684738540559","updatedTime":"1684738540561"}],'
            b'"nextPageCursor":"","category":"linear"}'
        ),
        answer=FoundOrder(
            order=VenueOrder(
                native="ETHUSDT",
                client_id="test-000005",
                venue_id="fd4300ae",
                status="PARTIALLY_FILLED",
                side="buy",
                kind="limit",
                time_in_force="GTC",
                price=Decimal(1600),
                quantity=Decimal("0.1"),
                filled=Decimal("0.04"),
                average_price=Decimal(1600),
                reduce_only=True,
                updated_us=1684738540561000,
            )
        ),
    ),
    Case(
        name="open orders that settle in USDT, and how to go on",
        call=OpenOrdersQuery(),
        request=get("/v5/order/realtime", "category=linear&settleCoin=USDT&limit=50"),
        body=taken(
            b'{"list":[{"orderId":"fd4300ae","orderLinkId":"","symbol":"ETHUSDT","price":"1600.00","qty":"0.10",'
            b'"side":"Sell","positionIdx":0,"orderStatus":"Untriggered","cancelType":"UNKNOWN",'
            b'"rejectReason":"EC_NoError","avgPrice":"","leavesQty":"0.10","cumExecQty":"","cumExecValue":"",'
            b'"timeInForce":"GTC","orderType":"Limit","reduceOnly":false,"createdTime":"1684738540559",'
            b'"updatedTime":"1684738540561"}],"nextPageCursor":"page_args%3Dfd%26","category":"linear"}'
        ),
        answer=OpenOrders(
            orders=(
                VenueOrder(
                    native="ETHUSDT",
                    client_id=None,
                    venue_id="fd4300ae",
                    status="PLACED",
                    side="sell",
                    kind="limit",
                    time_in_force="GTC",
                    price=Decimal(1600),
                    quantity=Decimal("0.1"),
                    filled=Decimal(0),
                    updated_us=1684738540561000,
                ),
            ),
            then=OpenOrdersQuery(cursor="USDT|page_args%3Dfd%26"),
        ),
    ),
    Case(
        name="the last page of those is followed by what settles in USDC",
        call=OpenOrdersQuery(cursor="USDT|page_args%3Dfd%26"),
        request=get("/v5/order/realtime", "category=linear&settleCoin=USDT&limit=50&cursor=page_args%3Dfd%26"),
        body=EMPTY_PAGE,
        answer=OpenOrders(orders=(), then=OpenOrdersQuery(cursor="USDC")),
    ),
    Case(
        name="and that is the end",
        call=OpenOrdersQuery(cursor="USDC"),
        request=get("/v5/order/realtime", "category=linear&settleCoin=USDC&limit=50"),
        body=EMPTY_PAGE,
        answer=OpenOrders(orders=()),
    ),
    Case(
        name="open orders of an instrument",
        call=OpenOrdersQuery(native="BTCPERP"),
        request=get("/v5/order/realtime", "category=linear&symbol=BTCPERP&limit=50"),
        body=EMPTY_PAGE,
        answer=OpenOrders(orders=()),
    ),
    Case(
        name="fills, among them a liquidation and no funding",
        call=FillsQuery(native="ETHPERP", since_us=AT_US, until_us=AT_US + DAY_US),
        request=get(
            "/v5/execution/list",
            "category=linear&symbol=ETHPERP&startTime=1700000000000&endTime=1700086400001&limit=100",
        ),
        body=taken(
            b'{"nextPageCursor":"","category":"linear","list":[{"symbol":"ETHPERP","orderType":"UNKNOWN",'
            b'"orderLinkId":"","side":"Buy","orderId":"f1","execTime":"1672282722431","feeCurrency":"",'
            b'"isMaker":false,"execFee":"0.5","execId":"e3","execPrice":"1190.15","execType":"Funding","execQty":"1"},'
            b'{"symbol":"ETHPERP","orderType":"Market","orderLinkId":"","side":"Sell","orderId":"8c065342",'
            b'"execTime":"1672282722430","feeCurrency":"","isMaker":false,"execFee":"0","execId":"e2",'
            b'"execPrice":"1190.15","execType":"BustTrade","execQty":"0.1"},{"symbol":"ETHPERP","orderType":"Market",'
            b'"underlyingPrice":"","orderLinkId":"cid-0003","side":"Buy","orderId":"8c065341","stopOrderType":"UNKNOWN",'
            b'"leavesQty":"0","execTime":"1672282722429","feeCurrency":"","isMaker":false,"execFee":"0.071409",'
            b'"feeRate":"0.0006","execId":"e1","markPrice":"1183.54","execPrice":"1190.15","orderQty":"0.1",'
            b'"execValue":"119.015","execType":"Trade","execQty":"0.1","closedSize":"","seq":4688002127}]}'
        ),
        answer=Fills(
            fills=(
                Fill(
                    native="ETHPERP",
                    fill_id="e1:8c065341",
                    venue_order_id="8c065341",
                    client_id="cid-0003",
                    side="buy",
                    price=Decimal("1190.15"),
                    quantity=Decimal("0.1"),
                    fee=Decimal("0.071409"),
                    fee_currency=None,
                    fee_in="quote",
                    liquidity="taker",
                    filled_us=1672282722429000,
                ),
                Fill(
                    native="ETHPERP",
                    fill_id="e2:8c065342",
                    venue_order_id="8c065342",
                    client_id=None,
                    side="sell",
                    price=Decimal("1190.15"),
                    quantity=Decimal("0.1"),
                    fee=Decimal(0),
                    fee_currency=None,
                    fee_in="quote",
                    liquidity="taker",
                    cause="liquidation",
                    filled_us=1672282722430000,
                ),
            )
        ),
    ),
    Case(
        name="funding of the market, paid and received, the newest first",
        call=FundingQuery(since_us=AT_US, until_us=AT_US + DAY_US),
        request=get(
            "/v5/execution/list",
            "category=linear&execType=Funding&startTime=1700000000000&endTime=1700086400001&limit=100",
        ),
        body=taken(
            b'{"nextPageCursor":"132766%3A2%2C132766%3A2","category":"linear","list":[{"symbol":"ETHUSDT",'
            b'"orderType":"UNKNOWN","orderLinkId":"","side":"Sell","orderId":"1700064000-ETHUSDT-9","stopOrderType":'
            b'"UNKNOWN","leavesQty":"0","execTime":"1700064000000","feeCurrency":"USDT","isMaker":false,'
            b'"execFee":"-0.0119015","feeRate":"0.0001","execId":"f2","execPrice":"1190.15","execType":"Funding",'
            b'"execValue":"119.015","execQty":"0.1","closedSize":"0","seq":4688002128},{"symbol":"BTCPERP",'
            b'"orderType":"UNKNOWN","orderLinkId":"","side":"Buy","orderId":"1700035200-BTCPERP-9",'
            b'"execTime":"1700035200000","feeCurrency":"","isMaker":false,"execFee":"0.5","execId":"f1",'
            b'"execPrice":"37000","execType":"Funding","execQty":"0.1"}]}'
        ),
        answer=FundingPayments(
            payments=(
                FundingPayment(
                    payment_id="f1",
                    native="BTCPERP",
                    amount=Decimal("-0.5"),
                    currency=None,
                    paid_us=1700035200000000,
                ),
                FundingPayment(
                    payment_id="f2",
                    native="ETHUSDT",
                    amount=Decimal("0.0119015"),
                    currency="USDT",
                    paid_us=1700064000000000,
                ),
            ),
            then=FundingQuery(since_us=AT_US, until_us=AT_US + DAY_US, cursor="132766%3A2%2C132766%3A2"),
        ),
    ),
    Case(
        name="the last page of funding of an instrument, with a week to come",
        call=FundingQuery(native="BTCUSDT", since_us=AT_US, until_us=AT_US + 8 * DAY_US, cursor="7%3A2"),
        request=get(
            "/v5/execution/list",
            "category=linear&symbol=BTCUSDT&execType=Funding&startTime=1700000000000&endTime=1700604800001&limit=100"
            "&cursor=7%3A2",
        ),
        body=EMPTY_PAGE,
        answer=FundingPayments(
            payments=(),
            then=FundingQuery(native="BTCUSDT", since_us=AT_US + 7 * DAY_US, until_us=AT_US + 8 * DAY_US),
        ),
    ),
    BALANCES,
    Case(
        name="positions that settle in USDT, without a flat one",
        call=PositionsQuery(),
        request=get("/v5/position/list", "category=linear&settleCoin=USDT&limit=200", "rest_position"),
        body=taken(
            b'{"list":[{"positionIdx":0,"riskId":1,"symbol":"BTCUSDT","side":"Sell","size":"0.5","avgPrice":"93556.73",'
            b'"positionValue":"0","markPrice":"93600.1","liqPrice":"","leverage":"10","unrealisedPnl":"-21.685",'
            b'"seq":1,"updatedTime":"1733972000000"},{"positionIdx":0,"symbol":"ETHUSDT","side":"","size":"0",'
            b'"avgPrice":"0","markPrice":"0","liqPrice":"","leverage":"","unrealisedPnl":"","updatedTime":"0"}],'
            b'"nextPageCursor":"","category":"linear"}'
        ),
        answer=Positions(
            positions=(
                VenuePosition(
                    native="BTCUSDT",
                    quantity=Decimal("-0.5"),
                    mode="net",
                    entry_price=Decimal("93556.73"),
                    mark_price=Decimal("93600.1"),
                    unrealized=Decimal("-21.685"),
                    leverage=Decimal(10),
                    updated_us=1733972000000000,
                ),
            ),
            then=PositionsQuery(cursor="USDC"),
        ),
    ),
    Case(
        name="leverage",
        call=LeverageRequest(native="BTCUSDT", leverage=Decimal("1.5")),
        request=post(
            "/v5/position/set-leverage",
            b'{"category":"linear","symbol":"BTCUSDT","buyLeverage":"1.5","sellLeverage":"1.5"}',
            "rest_position",
        ),
        body=taken(b"{}"),
        answer=LeverageSet(native="BTCUSDT", leverage=Decimal("1.5")),
    ),
    Case(
        name="the leverage that it has already",
        call=LeverageRequest(native="BTCUSDT", leverage=Decimal("1.000000000000000000")),
        request=post(
            "/v5/position/set-leverage",
            b'{"category":"linear","symbol":"BTCUSDT","buyLeverage":"1","sellLeverage":"1"}',
            "rest_position",
        ),
        body=b'{"retCode":110043,"retMsg":"leverage not modified","result":{},"retExtInfo":{},"time":1}',
        answer=LeverageSet(native="BTCUSDT", leverage=Decimal("1.000000000000000000")),
    ),
    Case(
        name="the switch",
        call=DeadManRequest(native="BTCUSDT", within_ms=40_000),
        request=post(
            "/v5/order/disconnected-cancel-all",
            b'{"product":"DERIVATIVES","timeWindow":40}',
            "rest_account",
            urgent=True,
        ),
        body=b'{"retCode":0,"retMsg":"success"}',
        answer=DeadManSet(within_ms=40_000),
    ),
    CLOCK,
)
