"""What our calls must become at Binance spot and what its documented answers mean, value by value.

Answers are samples of the docs or of the fact sheet, cut to the fields that matter and made to fit the calls.
"""

from __future__ import annotations

import hashlib
import hmac
from decimal import Decimal

from tapeline.venues.account import Balance, Fill, VenueOrder
from tapeline.venues.calls import (
    Accepted,
    Balances,
    BalancesQuery,
    CancelAccepted,
    CancelAllRequest,
    CancelledAll,
    CancelRequest,
    Fills,
    FillsQuery,
    FoundOrder,
    OpenOrders,
    OpenOrdersQuery,
    OrderQuery,
    OrderRequest,
    ServerTime,
    TimeQuery,
)
from tapeline.venues.orders import BucketName, SignedRequest
from tests.venues.trading_case import AT_US, DAY_US, Case

FORM = {"X-MBX-APIKEY": "test-key", "Content-Type": "application/x-www-form-urlencoded"}
KEY = {"X-MBX-APIKEY": "test-key"}
STAMPS = "recvWindow=5000&timestamp=1700000000000"


def signed(parameters: str) -> str:
    """Sign the characters that stand here, by the standard library alone."""
    payload = f"{parameters}&{STAMPS}" if parameters else STAMPS
    return f"{payload}&signature={hmac.new(b'test-secret', payload.encode(), hashlib.sha256).hexdigest()}"


def post(
    path: str, parameters: str, bucket: BucketName = "rest_trade", cost: int = 1, *, urgent: bool = False
) -> SignedRequest:
    body = signed(parameters).encode()
    return SignedRequest(method="POST", path=path, body=body, headers=FORM, bucket=bucket, cost=cost, urgent=urgent)


def get(
    path: str, parameters: str, cost: int, bucket: BucketName = "rest_account", *, urgent: bool = False
) -> SignedRequest:
    query = signed(parameters)
    return SignedRequest(method="GET", path=path, query=query, headers=KEY, bucket=bucket, cost=cost, urgent=urgent)


def delete(path: str, parameters: str) -> SignedRequest:
    return SignedRequest(
        method="DELETE", path=path, query=signed(parameters), headers=KEY, bucket="rest_trade", cost=1, urgent=True
    )


SPOT = (
    Case(
        name="a limit order that is filled at once, in two parts",
        call=OrderRequest(
            client_id="cid-0001",
            native="BTCUSDT",
            side="sell",
            kind="limit",
            quantity=Decimal("6.00"),
            price=Decimal("3999.0"),
            time_in_force="IOC",
        ),
        request=post(
            "/api/v3/order",
            "symbol=BTCUSDT&side=SELL&type=LIMIT&timeInForce=IOC&quantity=6.00&price=3999.0"
            "&newClientOrderId=cid-0001&newOrderRespType=FULL",
        ),
        body=b'{"symbol":"BTCUSDT","orderId":28,"orderListId":-1,"clientOrderId":"cid-0001","transactTime":1507725176595,'
        b'"price":"3999.00000000","origQty":"6.00000000","executedQty":"6.00000000","origQuoteOrderQty":"0.000000",'
        b'"cummulativeQuoteQty":"23995.00000000","status":"FILLED","timeInForce":"IOC","type":"LIMIT","side":"SELL",'
        b'"workingTime":1507725176595,"selfTradePreventionMode":"NONE","fills":[{"price":"4000.00000000",'
        b'"qty":"1.00000000","commission":"4.00000000","commissionAsset":"USDT","tradeId":56},{"price":"3999.00000000",'
        b'"qty":"5.00000000","commission":"19.99500000","commissionAsset":"USDT","tradeId":57}]}',
        answer=Accepted(
            order=VenueOrder(
                native="BTCUSDT",
                client_id="cid-0001",
                venue_id="28",
                status="FILLED",
                side="sell",
                kind="limit",
                time_in_force="IOC",
                price=Decimal(3999),
                quantity=Decimal(6),
                filled=Decimal(6),
                average_price=Decimal("3999.166666666666666667"),
                updated_us=1507725176595000,
            ),
            fills=(
                Fill(
                    native="BTCUSDT",
                    fill_id="56:28",
                    venue_order_id="28",
                    client_id="cid-0001",
                    side="sell",
                    price=Decimal(4000),
                    quantity=Decimal(1),
                    fee=Decimal(4),
                    fee_currency="USDT",
                    liquidity="taker",
                    filled_us=1507725176595000,
                ),
                Fill(
                    native="BTCUSDT",
                    fill_id="57:28",
                    venue_order_id="28",
                    client_id="cid-0001",
                    side="sell",
                    price=Decimal(3999),
                    quantity=Decimal(5),
                    fee=Decimal("19.995"),
                    fee_currency="USDT",
                    liquidity="taker",
                    filled_us=1507725176595000,
                ),
            ),
        ),
    ),
    Case(
        name="a post-only order",
        call=OrderRequest(
            client_id="cid-0001",
            native="BTCUSDT",
            side="buy",
            kind="post_only",
            quantity=Decimal("0.001"),
            price=Decimal("50000.00"),
        ),
        request=post(
            "/api/v3/order",
            "symbol=BTCUSDT&side=BUY&type=LIMIT_MAKER&quantity=0.001&price=50000.00"
            "&newClientOrderId=cid-0001&newOrderRespType=FULL",
        ),
        body=b'{"symbol":"BTCUSDT","orderId":29,"clientOrderId":"cid-0001","transactTime":1507725176595,"price":"50000.00",'
        b'"origQty":"0.001","executedQty":"0.000","cummulativeQuoteQty":"0.00","status":"NEW","timeInForce":"GTC",'
        b'"type":"LIMIT_MAKER","side":"BUY","fills":[]}',
        answer=Accepted(
            order=VenueOrder(
                native="BTCUSDT",
                client_id="cid-0001",
                venue_id="29",
                status="PLACED",
                side="buy",
                kind="post_only",
                time_in_force="GTC",
                price=Decimal(50000),
                quantity=Decimal("0.001"),
                filled=Decimal(0),
                updated_us=1507725176595000,
            )
        ),
    ),
    Case(
        name="a market order that only reduces: spot has no word for that, but it is urgent",
        call=OrderRequest(
            client_id="cid-0001",
            native="BTCUSDT",
            side="sell",
            kind="market",
            quantity=Decimal("0.5"),
            reduce_only=True,
        ),
        request=post(
            "/api/v3/order",
            "symbol=BTCUSDT&side=SELL&type=MARKET&quantity=0.5&newClientOrderId=cid-0001&newOrderRespType=FULL",
            urgent=True,
        ),
        body=b'{"symbol":"BTCUSDT","orderId":30,"clientOrderId":"cid-0001","transactTime":1507725176595,"price":"0.00",'
        b'"origQty":"0.5","executedQty":"0.2","cummulativeQuoteQty":"800.0","status":"EXPIRED","timeInForce":"GTC",'
        b'"type":"MARKET","side":"SELL","fills":[]}',
        answer=Accepted(
            order=VenueOrder(
                native="BTCUSDT",
                client_id="cid-0001",
                venue_id="30",
                status="EXPIRED",
                side="sell",
                kind="market",
                time_in_force="GTC",
                price=None,
                quantity=Decimal("0.5"),
                filled=Decimal("0.2"),
                average_price=Decimal(4000),
                updated_us=1507725176595000,
            )
        ),
    ),
    Case(
        name="a cancel, whose answer names the order by another field",
        call=CancelRequest(native="LTCBTC", client_id="myOrder1"),
        request=delete("/api/v3/order", "symbol=LTCBTC&origClientOrderId=myOrder1"),
        body=b'{"symbol":"LTCBTC","origClientOrderId":"myOrder1","orderId":4,"orderListId":-1,"clientOrderId":"cancel1",'
        b'"transactTime":1684804350068,"price":"2.00000000","origQty":"1.00000000","executedQty":"0.00000000",'
        b'"cummulativeQuoteQty":"0.00000000","status":"CANCELED","timeInForce":"GTC","type":"LIMIT","side":"BUY"}',
        answer=CancelAccepted(
            client_id="myOrder1",
            order=VenueOrder(
                native="LTCBTC",
                client_id="myOrder1",
                venue_id="4",
                status="CANCELLED",
                side="buy",
                kind="limit",
                time_in_force="GTC",
                price=Decimal(2),
                quantity=Decimal(1),
                filled=Decimal(0),
                updated_us=1684804350068000,
            ),
        ),
    ),
    Case(
        name="cancel all",
        call=CancelAllRequest(native="BTCUSDT"),
        request=delete("/api/v3/openOrders", "symbol=BTCUSDT"),
        body=b'[{"symbol":"BTCUSDT","origClientOrderId":"E6AP","orderId":11,"clientOrderId":"pXLV","status":"CANCELED"},'
        b'{"orderListId":1929,"contingencyType":"OCO","listOrderStatus":"ALL_DONE"}]',
        answer=CancelledAll(venue_ids=("11",)),
    ),
    Case(
        name="cancel all where there is nothing to cancel",
        call=CancelAllRequest(native="BTCUSDT"),
        request=delete("/api/v3/openOrders", "symbol=BTCUSDT"),
        status=400,
        body=b'{"code":-2011,"msg":"Unknown order sent."}',
        answer=CancelledAll(),
    ),
    Case(
        name="an order by its client id",
        call=OrderQuery(native="LTCBTC", client_id="myOrder1"),
        request=get("/api/v3/order", "symbol=LTCBTC&origClientOrderId=myOrder1", 4, urgent=True),
        body=b'{"symbol":"LTCBTC","orderId":1,"orderListId":-1,"clientOrderId":"myOrder1","price":"0.1","origQty":"1.0",'
        b'"executedQty":"0.5","cummulativeQuoteQty":"0.04","status":"PARTIALLY_FILLED","timeInForce":"GTC",'
        b'"type":"LIMIT","side":"BUY","stopPrice":"0.0","icebergQty":"0.0","time":1499827319559,'
        b'"updateTime":1499827319560,"isWorking":true,"workingTime":1499827319559}',
        answer=FoundOrder(
            order=VenueOrder(
                native="LTCBTC",
                client_id="myOrder1",
                venue_id="1",
                status="PARTIALLY_FILLED",
                side="buy",
                kind="limit",
                time_in_force="GTC",
                price=Decimal("0.1"),
                quantity=Decimal(1),
                filled=Decimal("0.5"),
                average_price=Decimal("0.08"),
                updated_us=1499827319560000,
            )
        ),
    ),
    Case(
        name="open orders of an instrument, one of them a stop of somebody else",
        call=OpenOrdersQuery(native="LTCBTC"),
        request=get("/api/v3/openOrders", "symbol=LTCBTC", 6),
        body=b'[{"symbol":"LTCBTC","orderId":1,"clientOrderId":"web_1","price":"0.1","origQty":"1.0","executedQty":"0.0",'
        b'"cummulativeQuoteQty":"-1","status":"PENDING_CANCEL","timeInForce":"GTC","type":"STOP_LOSS_LIMIT",'
        b'"side":"SELL","time":1499827319559,"updateTime":1499827319559}]',
        answer=OpenOrders(
            orders=(
                VenueOrder(
                    native="LTCBTC",
                    client_id="web_1",
                    venue_id="1",
                    status="UNKNOWN",
                    side="sell",
                    kind=None,
                    time_in_force="GTC",
                    price=Decimal("0.1"),
                    quantity=Decimal(1),
                    filled=Decimal(0),
                    updated_us=1499827319559000,
                ),
            )
        ),
    ),
    Case(
        name="open orders of the market cost more",
        call=OpenOrdersQuery(),
        request=get("/api/v3/openOrders", "", 80),
        body=b"[]",
        answer=OpenOrders(orders=()),
    ),
    Case(
        name="fills, the first day of three",
        call=FillsQuery(native="BNBBTC", since_us=AT_US, until_us=AT_US + 3 * DAY_US),
        request=get("/api/v3/myTrades", "symbol=BNBBTC&startTime=1700000000000&endTime=1700086400001&limit=1000", 20),
        body=b'[{"symbol":"BNBBTC","id":28458,"orderId":100235,"price":"4.00000100","qty":"12.00000000",'
        b'"quoteQty":"48.000012","commission":"-0.01","commissionAsset":"BNB","time":1499865549591,"isBuyer":false,'
        b'"isMaker":true,"isBestMatch":true},{"symbol":"BNBBTC","id":28457,"orderId":100234,"orderListId":-1,'
        b'"price":"4.00000100","qty":"12.00000000","quoteQty":"48.000012","commission":"10.10000000",'
        b'"commissionAsset":"BNB","time":1499865549590,"isBuyer":true,"isMaker":false,"isBestMatch":true}]',
        answer=Fills(
            fills=(
                Fill(
                    native="BNBBTC",
                    fill_id="28457:100234",
                    venue_order_id="100234",
                    client_id=None,
                    side="buy",
                    price=Decimal("4.000001"),
                    quantity=Decimal(12),
                    fee=Decimal("10.1"),
                    fee_currency="BNB",
                    liquidity="taker",
                    filled_us=1499865549590000,
                ),
                Fill(
                    native="BNBBTC",
                    fill_id="28458:100235",
                    venue_order_id="100235",
                    client_id=None,
                    side="sell",
                    price=Decimal("4.000001"),
                    quantity=Decimal(12),
                    fee=Decimal("-0.01"),
                    fee_currency="BNB",
                    liquidity="maker",
                    filled_us=1499865549591000,
                ),
            ),
            then=FillsQuery(native="BNBBTC", since_us=AT_US + DAY_US, until_us=AT_US + 3 * DAY_US),
        ),
    ),
    Case(
        name="fills behind a full page go on by id",
        call=FillsQuery(native="BNBBTC", since_us=AT_US, until_us=AT_US + 1, cursor="28459"),
        request=get("/api/v3/myTrades", "symbol=BNBBTC&fromId=28459&limit=1000", 20),
        body=b"[]",
        answer=Fills(fills=()),
    ),
    Case(
        name="balances, without those that are zero",
        call=BalancesQuery(),
        request=get("/api/v3/account", "omitZeroBalances=true", 20),
        body=b'{"makerCommission":15,"canTrade":true,"updateTime":123456789,"accountType":"SPOT","balances":['
        b'{"asset":"BTC","free":"4723846.89208129","locked":"0.10791871"},{"asset":"LTC","free":"0.00","locked":"0.00"}],'
        b'"permissions":["SPOT"],"uid":354937868}',
        answer=Balances(
            balances=(
                Balance(
                    currency="BTC",
                    total=Decimal(4723847),
                    available=Decimal("4723846.89208129"),
                    locked=Decimal("0.10791871"),
                ),
            )
        ),
    ),
    Case(
        name="the clock",
        call=TimeQuery(),
        request=SignedRequest(method="GET", path="/api/v3/time", headers={}, bucket="rest_account", cost=1),
        body=b'{"serverTime":1499827319559}',
        answer=ServerTime(at_us=1499827319559000),
    ),
)
