"""What our calls must become on Binance's futures and what its documented answers mean, value by value."""

from __future__ import annotations

from decimal import Decimal

from tapeline.venues.account import Balance, Fill, FundingPayment, VenueOrder, VenuePosition
from tapeline.venues.calls import (
    Accepted,
    Balances,
    BalancesQuery,
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
    OpenOrders,
    OpenOrdersQuery,
    OrderQuery,
    OrderRequest,
    Positions,
    PositionsQuery,
    ServerTime,
    StreamKey,
    StreamKeyRenewal,
    StreamKeyRequest,
    TimeQuery,
)
from tapeline.venues.orders import SignedRequest
from tapeline.venues.refusals import Reason
from tests.venues.expected_trading_binance import KEY, delete, get, post
from tests.venues.trading_case import AT_US, DAY_US, Case

FUTURES = (
    Case(
        name="a post-only order that only reduces",
        call=OrderRequest(
            client_id="cid-0002",
            native="BTCUSDT",
            side="sell",
            kind="post_only",
            quantity=Decimal("0.002"),
            price=Decimal("60000.0"),
            reduce_only=True,
        ),
        request=post(
            "/fapi/v1/order",
            "symbol=BTCUSDT&side=SELL&type=LIMIT&timeInForce=GTX&quantity=0.002&price=60000.0&reduceOnly=true"
            "&newClientOrderId=cid-0002&newOrderRespType=RESULT",
            urgent=True,
        ),
        body=b'{"clientOrderId":"cid-0002","cumQty":"0","executedQty":"0","orderId":22542179,"origQty":"0.002",'
        b'"price":"60000.0","reduceOnly":true,"side":"SELL","positionSide":"BOTH","status":"NEW","stopPrice":"0",'
        b'"closePosition":false,"symbol":"BTCUSDT","timeInForce":"GTX","type":"LIMIT","origType":"LIMIT",'
        b'"updateTime":1566818724722,"selfTradePreventionMode":"NONE","st":1,"ps":"BTCUSDT"}',
        answer=Accepted(
            order=VenueOrder(
                native="BTCUSDT",
                client_id="cid-0002",
                venue_id="22542179",
                status="PLACED",
                side="sell",
                kind="post_only",
                time_in_force="GTC",
                price=Decimal(60000),
                quantity=Decimal("0.002"),
                filled=Decimal(0),
                reduce_only=True,
                updated_us=1566818724722000,
            )
        ),
    ),
    Case(
        name="a market order",
        call=OrderRequest(client_id="cid-0003", native="BTCUSDT", side="buy", kind="market", quantity=Decimal(10)),
        request=post(
            "/fapi/v1/order",
            "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=10&newClientOrderId=cid-0003&newOrderRespType=RESULT",
        ),
        body=b'{"clientOrderId":"cid-0003","executedQty":"10","orderId":22542180,"origQty":"10","avgPrice":"59000.50000",'
        b'"price":"0","reduceOnly":false,"side":"BUY","positionSide":"BOTH","status":"FILLED","symbol":"BTCUSDT",'
        b'"timeInForce":"GTC","type":"MARKET","updateTime":1566818724722}',
        answer=Accepted(
            order=VenueOrder(
                native="BTCUSDT",
                client_id="cid-0003",
                venue_id="22542180",
                status="FILLED",
                side="buy",
                kind="market",
                time_in_force="GTC",
                price=None,
                quantity=Decimal(10),
                filled=Decimal(10),
                average_price=Decimal("59000.5"),
                updated_us=1566818724722000,
            )
        ),
    ),
    Case(
        name="a cancel",
        call=CancelRequest(native="BTCUSDT", client_id="myOrder1"),
        request=delete("/fapi/v1/order", "symbol=BTCUSDT&origClientOrderId=myOrder1"),
        body=b'{"clientOrderId":"myOrder1","cumQty":"0","cumQuote":"0","executedQty":"0","orderId":283194212,'
        b'"origQty":"11","origType":"LIMIT","price":"9300","reduceOnly":false,"side":"BUY","positionSide":"BOTH",'
        b'"status":"CANCELED","symbol":"BTCUSDT","timeInForce":"GTC","type":"LIMIT","updateTime":1571110484038}',
        answer=CancelAccepted(
            client_id="myOrder1",
            order=VenueOrder(
                native="BTCUSDT",
                client_id="myOrder1",
                venue_id="283194212",
                status="CANCELLED",
                side="buy",
                kind="limit",
                time_in_force="GTC",
                price=Decimal(9300),
                quantity=Decimal(11),
                filled=Decimal(0),
                updated_us=1571110484038000,
            ),
        ),
    ),
    Case(
        name="cancel all",
        call=CancelAllRequest(native="BTCUSDT"),
        request=delete("/fapi/v1/allOpenOrders", "symbol=BTCUSDT"),
        body=b'{"code":200,"msg":"The operation of cancel all open order is done."}',
        answer=CancelledAll(),
    ),
    Case(
        name="an order by its client id",
        call=OrderQuery(native="BTCUSDT", client_id="abc"),
        request=get("/fapi/v1/order", "symbol=BTCUSDT&origClientOrderId=abc", 1, urgent=True),
        body=b'{"avgPrice":"0.00000","clientOrderId":"abc","cumQuote":"0","executedQty":"0","orderId":1917641,'
        b'"origQty":"0.40","origType":"LIMIT","price":"9300","reduceOnly":false,"side":"BUY","positionSide":"BOTH",'
        b'"status":"EXPIRED_IN_MATCH","symbol":"BTCUSDT","time":1579276756075,"timeInForce":"GTC","type":"LIMIT",'
        b'"updateTime":1579276756076,"workingType":"CONTRACT_PRICE","goodTillDate":0}',
        answer=FoundOrder(
            order=VenueOrder(
                native="BTCUSDT",
                client_id="abc",
                venue_id="1917641",
                status="EXPIRED",
                side="buy",
                kind="limit",
                time_in_force="GTC",
                price=Decimal(9300),
                quantity=Decimal("0.4"),
                filled=Decimal(0),
                reason=Reason.SELF_TRADE,
                updated_us=1579276756076000,
            )
        ),
    ),
    Case(
        name="open orders of the market",
        call=OpenOrdersQuery(),
        request=get("/fapi/v1/openOrders", "", 40),
        body=b"[]",
        answer=OpenOrders(orders=()),
    ),
    Case(
        name="fills of less than a week",
        call=FillsQuery(native="BTCUSDT", since_us=AT_US, until_us=AT_US + DAY_US),
        request=get(
            "/fapi/v1/userTrades", "symbol=BTCUSDT&startTime=1700000000000&endTime=1700086400001&limit=1000", 5
        ),
        body=b'[{"symbol":"BTCUSDT","id":477128891,"orderId":13809777875,"side":"SELL","price":"38479.55","qty":"0.001",'
        b'"realizedPnl":"-0.00009534","quoteQty":"38.47955","commission":"0.01539182","commissionAsset":"USDT",'
        b'"time":1612733566708,"positionSide":"BOTH","maker":false,"buyer":false}]',
        answer=Fills(
            fills=(
                Fill(
                    native="BTCUSDT",
                    fill_id="477128891:13809777875",
                    venue_order_id="13809777875",
                    client_id=None,
                    side="sell",
                    price=Decimal("38479.55"),
                    quantity=Decimal("0.001"),
                    fee=Decimal("0.01539182"),
                    fee_currency="USDT",
                    liquidity="taker",
                    filled_us=1612733566708000,
                ),
            )
        ),
    ),
    Case(
        name="funding of an instrument, paid and received",
        call=FundingQuery(native="BTCUSDT", since_us=AT_US, until_us=AT_US + DAY_US),
        request=get(
            "/fapi/v1/income",
            "symbol=BTCUSDT&incomeType=FUNDING_FEE&startTime=1700000000000&endTime=1700086400001&limit=1000",
            30,
        ),
        body=b'[{"symbol":"BTCUSDT","incomeType":"FUNDING_FEE","income":"0.01250000","asset":"USDT",'
        b'"info":"FUNDING_FEE","time":1700064000003,"tranId":9689322393,"tradeId":""},'
        b'{"symbol":"BTCUSDT","incomeType":"FUNDING_FEE","income":"-0.37500000","asset":"USDT",'
        b'"info":"FUNDING_FEE","time":1700035200000,"tranId":"9689322392","tradeId":""}]',
        answer=FundingPayments(
            payments=(
                FundingPayment(
                    payment_id="9689322392",
                    native="BTCUSDT",
                    amount=Decimal("-0.375"),
                    currency="USDT",
                    paid_us=1700035200000000,
                ),
                FundingPayment(
                    payment_id="9689322393",
                    native="BTCUSDT",
                    amount=Decimal("0.0125"),
                    currency="USDT",
                    paid_us=1700064000003000,
                ),
            )
        ),
    ),
    Case(
        name="funding of the market for more than a week, among other income",
        call=FundingQuery(since_us=AT_US, until_us=AT_US + 9 * DAY_US),
        request=get(
            "/fapi/v1/income", "incomeType=FUNDING_FEE&startTime=1700000000000&endTime=1700604800001&limit=1000", 30
        ),
        body=b'[{"symbol":"","incomeType":"TRANSFER","income":"-0.37500000","asset":"USDT","info":"TRANSFER",'
        b'"time":1570608000000,"tranId":9689322392,"tradeId":""},'
        b'{"symbol":"BTCUSDT","incomeType":"COMMISSION","income":"-0.01000000","asset":"USDT","info":"COMMISSION",'
        b'"time":1570636800000,"tranId":9689322392,"tradeId":"2059192"}]',
        answer=FundingPayments(
            payments=(), then=FundingQuery(since_us=AT_US + 7 * DAY_US, until_us=AT_US + 9 * DAY_US)
        ),
    ),
    Case(
        name="balances",
        call=BalancesQuery(),
        request=get("/fapi/v3/balance", "", 5),
        body=b'[{"accountAlias":"SgsR","asset":"USDT","balance":"122607.35137903","crossWalletBalance":"23.72469206",'
        b'"crossUnPnl":"-7.35","availableBalance":"23.72469206","maxWithdrawAmount":"23.72469206",'
        b'"marginAvailable":true,"updateTime":1617939110373},{"accountAlias":"SgsR","asset":"BNB","balance":"0.00",'
        b'"crossWalletBalance":"0","crossUnPnl":"0","availableBalance":"0","updateTime":0}]',
        answer=Balances(
            balances=(
                Balance(
                    currency="USDT",
                    total=Decimal("122607.35137903"),
                    available=Decimal("23.72469206"),
                    equity=Decimal("122600.00137903"),
                    unrealized=Decimal("-7.35"),
                ),
            )
        ),
    ),
    Case(
        name="positions, without one that has orders alone",
        call=PositionsQuery(),
        request=get("/fapi/v3/positionRisk", "", 5, "rest_position"),
        body=b'[{"symbol":"ADAUSDT","positionSide":"BOTH","positionAmt":"-30","entryPrice":"0.385",'
        b'"breakEvenPrice":"0.385077","markPrice":"0.41047590","unRealizedProfit":"-0.76427700",'
        b'"liquidationPrice":"0","isolatedMargin":"0","notional":"-12.31427700","marginAsset":"USDT",'
        b'"updateTime":1720736417660},{"symbol":"BTCUSDT","positionSide":"BOTH","positionAmt":"0.000",'
        b'"entryPrice":"0.0","breakEvenPrice":"0.0","markPrice":"60000","unRealizedProfit":"0",'
        b'"liquidationPrice":"0","notional":"0","updateTime":0}]',
        answer=Positions(
            positions=(
                VenuePosition(
                    native="ADAUSDT",
                    quantity=Decimal(-30),
                    mode="net",
                    entry_price=Decimal("0.385"),
                    mark_price=Decimal("0.4104759"),
                    unrealized=Decimal("-0.764277"),
                    updated_us=1720736417660000,
                ),
            )
        ),
    ),
    Case(
        name="leverage",
        call=LeverageRequest(native="BTCUSDT", leverage=Decimal(1)),
        request=post("/fapi/v1/leverage", "symbol=BTCUSDT&leverage=1", "rest_position"),
        body=b'{"leverage":1,"maxNotionalValue":"1000000","symbol":"BTCUSDT"}',
        answer=LeverageSet(native="BTCUSDT", leverage=Decimal(1)),
    ),
    Case(
        name="the countdown",
        call=DeadManRequest(native="BTCUSDT", within_ms=30_000),
        request=post(
            "/fapi/v1/countdownCancelAll", "symbol=BTCUSDT&countdownTime=30000", "rest_account", 10, urgent=True
        ),
        body=b'{"symbol":"BTCUSDT","countdownTime":"30000"}',
        answer=DeadManSet(within_ms=30_000),
    ),
    Case(
        name="a listen key",
        call=StreamKeyRequest(),
        request=SignedRequest(
            method="POST", path="/fapi/v1/listenKey", headers=KEY, bucket="rest_account", cost=1, urgent=True
        ),
        body=b'{"listenKey":"pqia91ma19a5s61cv6a81va65sdf19v8a65a1a5s61cv6a81va65sdf1"}',
        answer=StreamKey(key="pqia91ma19a5s61cv6a81va65sdf19v8a65a1a5s61cv6a81va65sdf1"),
    ),
    Case(
        name="the listen key lives on",
        call=StreamKeyRenewal(key=StreamKey(key="pqia91ma19a5s61cv6")),
        request=SignedRequest(
            method="PUT", path="/fapi/v1/listenKey", headers=KEY, bucket="rest_account", cost=1, urgent=True
        ),
        body=b"{}",
        answer=StreamKey(key="pqia91ma19a5s61cv6"),
    ),
    Case(
        name="the clock",
        call=TimeQuery(),
        request=SignedRequest(method="GET", path="/fapi/v1/time", headers={}, bucket="rest_account", cost=1),
        body=b'{"serverTime":1499827319559}',
        answer=ServerTime(at_us=1499827319559000),
    ),
)
