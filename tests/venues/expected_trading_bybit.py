"""What our calls must become at Bybit spot and what its documented answers mean, value by value.

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
    DeadManRequest,
    DeadManSet,
    Fills,
    FillsQuery,
    FoundOrder,
    NotFound,
    OpenOrders,
    OpenOrdersQuery,
    OrderQuery,
    OrderRequest,
    ServerTime,
    TimeQuery,
)
from tapeline.venues.orders import BucketName, SignedRequest
from tapeline.venues.refusals import Reason
from tests.venues.trading_case import AT_US, DAY_US, Case

EMPTY_PAGE = b'{"retCode":0,"retMsg":"OK","result":{"nextPageCursor":"","category":"linear","list":[]},"time":1}'


def headers(sent: bytes) -> dict[str, str]:
    """Sign what is sent, by the standard library alone."""
    signature = hmac.new(b"test-secret", b"1700000000000test-key5000" + sent, hashlib.sha256).hexdigest()
    return {
        "X-BAPI-API-KEY": "test-key",
        "X-BAPI-TIMESTAMP": "1700000000000",
        "X-BAPI-RECV-WINDOW": "5000",
        "X-BAPI-SIGN": signature,
    }


def post(path: str, body: bytes, bucket: BucketName = "rest_trade", *, urgent: bool = False) -> SignedRequest:
    signed = headers(body) | {"Content-Type": "application/json"}
    return SignedRequest(method="POST", path=path, body=body, headers=signed, bucket=bucket, cost=1, urgent=urgent)


def get(path: str, query: str, bucket: BucketName = "rest_account", *, urgent: bool = False) -> SignedRequest:
    made = headers(query.encode())
    return SignedRequest(method="GET", path=path, query=query, headers=made, bucket=bucket, cost=1, urgent=urgent)


def taken(result: bytes) -> bytes:
    return b'{"retCode":0,"retMsg":"OK","result":' + result + b',"retExtInfo":{},"time":1672211918471}'


CLOCK = Case(
    name="the clock",
    call=TimeQuery(),
    request=SignedRequest(method="GET", path="/v5/market/time", headers={}, bucket="rest_account", cost=1),
    body=b'{"retCode":0,"retMsg":"OK","result":{"timeSecond":"1688639403","timeNano":"1688639403423213947"},'
    b'"retExtInfo":{},"time":1688639403423}',
    answer=ServerTime(at_us=1688639403423213),
)
BALANCES = Case(
    name="balances of the unified account; nothing is available for certain where margins are not told",
    call=BalancesQuery(),
    request=get("/v5/account/wallet-balance", "accountType=UNIFIED"),
    body=taken(
        b'{"list":[{"totalEquity":"3.31216591","accountIMRate":"0","accountType":"UNIFIED",'
        b'"totalAvailableBalance":"3.00326056","coin":[{"availableToWithdraw":"","totalOrderIM":"10.5",'
        b'"equity":"95","totalPositionMM":"0","usdValue":"95","unrealisedPnl":"-5","totalPositionIM":"20",'
        b'"walletBalance":"100","cumRealisedPnl":"0","locked":"0.5","coin":"USDT"},{"totalOrderIM":"",'
        b'"equity":"2","unrealisedPnl":"","totalPositionIM":"","walletBalance":"2","locked":"0","coin":"BTC"},'
        b'{"equity":"0","walletBalance":"0","coin":"ETH"}]}]}'
    ),
    answer=Balances(
        balances=(
            Balance(
                currency="USDT",
                total=Decimal(100),
                available=Decimal(64),
                locked=Decimal("0.5"),
                equity=Decimal(95),
                unrealized=Decimal(-5),
            ),
            Balance(currency="BTC", total=Decimal(2), locked=Decimal(0), equity=Decimal(2)),
        ),
        available_usd=Decimal("3.00326056"),
    ),
)

SPOT = (
    Case(
        name="a limit order",
        call=OrderRequest(
            client_id="spot-test-01",
            native="BTCUSDT",
            side="buy",
            kind="limit",
            quantity=Decimal("0.1"),
            price=Decimal(15600),
            time_in_force="FOK",
        ),
        request=post(
            "/v5/order/create",
            b'{"category":"spot","symbol":"BTCUSDT","side":"Buy","orderType":"Limit","qty":"0.1","price":"15600",'
            b'"timeInForce":"FOK","orderLinkId":"spot-test-01","isLeverage":0}',
        ),
        body=taken(b'{"orderId":"1321003749386327552","orderLinkId":"spot-test-01"}'),
        answer=Accepted(
            order=VenueOrder(
                native="BTCUSDT",
                client_id="spot-test-01",
                venue_id="1321003749386327552",
                status="PLACED",
                side="buy",
                kind="limit",
                time_in_force="FOK",
                price=Decimal(15600),
                quantity=Decimal("0.1"),
                filled=Decimal(0),
                updated_us=1672211918471000,
            )
        ),
    ),
    Case(
        name="a market buy counts in base currency; that it only reduces cannot be said, but it is urgent",
        call=OrderRequest(
            client_id="spot-test-04",
            native="BTCUSDT",
            side="buy",
            kind="market",
            quantity=Decimal("0.01"),
            reduce_only=True,
        ),
        request=post(
            "/v5/order/create",
            b'{"category":"spot","symbol":"BTCUSDT","side":"Buy","orderType":"Market","qty":"0.01",'
            b'"orderLinkId":"spot-test-04","isLeverage":0,"marketUnit":"baseCoin"}',
            urgent=True,
        ),
        body=taken(b'{"orderId":"1321003749386327553","orderLinkId":"spot-test-04"}'),
        answer=Accepted(
            order=VenueOrder(
                native="BTCUSDT",
                client_id="spot-test-04",
                venue_id="1321003749386327553",
                status="PLACED",
                side="buy",
                kind="market",
                time_in_force="GTC",
                price=None,
                quantity=Decimal("0.01"),
                filled=Decimal(0),
                reduce_only=True,
                updated_us=1672211918471000,
            )
        ),
    ),
    Case(
        name="a cancel",
        call=CancelRequest(native="BTCUSDT", client_id="spot-004"),
        request=post(
            "/v5/order/cancel", b'{"category":"spot","symbol":"BTCUSDT","orderLinkId":"spot-004"}', urgent=True
        ),
        body=taken(b'{"orderId":"c6f055d9-7f21-4079-913d-e6523a9cfffa","orderLinkId":"spot-004"}'),
        answer=CancelAccepted(client_id="spot-004"),
    ),
    Case(
        name="cancel all",
        call=CancelAllRequest(native="BTCUSDT"),
        request=post("/v5/order/cancel-all", b'{"category":"spot","symbol":"BTCUSDT"}', urgent=True),
        body=taken(
            b'{"list":[{"orderId":"1616024329462743808","orderLinkId":"1616024329462743809"},'
            b'{"orderId":"1616024287544869632","orderLinkId":"1616024287544869633"}],"success":"1"}'
        ),
        answer=CancelledAll(venue_ids=("1616024329462743808", "1616024287544869632")),
    ),
    Case(
        name="an order in the history, where a post-only order ended because it would have taken",
        call=OrderQuery(native="BTCUSDT", client_id="YLxaWKMiHU", place=1),
        request=get("/v5/order/history", "category=spot&symbol=BTCUSDT&orderLinkId=YLxaWKMiHU", urgent=True),
        body=taken(
            b'{"list":[{"orderId":"14bad3a1-6454-43d8-bcf2-5345896cf74d","orderLinkId":"YLxaWKMiHU","symbol":"BTCUSDT",'
            b'"price":"26864.40","qty":"0.003","side":"Buy","isLeverage":"","positionIdx":0,"orderStatus":"Cancelled",'
            b'"cancelType":"UNKNOWN","rejectReason":"EC_PostOnlyWillTakeLiquidity","avgPrice":"0","leavesQty":"0.000",'
            b'"leavesValue":"0","cumExecQty":"0.000","cumExecValue":"0","cumExecFee":"0","timeInForce":"PostOnly",'
            b'"orderType":"Limit","triggerPrice":"0.00","reduceOnly":false,"createdTime":"1684476068369",'
            b'"updatedTime":"1684476068372"}],"nextPageCursor":"page_token%3D39380%26","category":"spot"}'
        ),
        answer=FoundOrder(
            order=VenueOrder(
                native="BTCUSDT",
                client_id="YLxaWKMiHU",
                venue_id="14bad3a1-6454-43d8-bcf2-5345896cf74d",
                status="CANCELLED",
                side="buy",
                kind="post_only",
                time_in_force="GTC",
                price=Decimal("26864.4"),
                quantity=Decimal("0.003"),
                filled=Decimal(0),
                reason=Reason.WOULD_TAKE,
                updated_us=1684476068372000,
            )
        ),
    ),
    Case(
        name="an order that is not in the history either",
        call=OrderQuery(native="BTCUSDT", client_id="YLxaWKMiHU", place=1),
        request=get("/v5/order/history", "category=spot&symbol=BTCUSDT&orderLinkId=YLxaWKMiHU", urgent=True),
        body=EMPTY_PAGE,
        answer=NotFound(),
    ),
    Case(
        name="open orders",
        call=OpenOrdersQuery(),
        request=get("/v5/order/realtime", "category=spot&limit=50"),
        body=EMPTY_PAGE,
        answer=OpenOrders(orders=()),
    ),
    Case(
        name="fills, in the currency that was received where Bybit does not name it",
        call=FillsQuery(native="BTCUSDT", since_us=AT_US, until_us=AT_US + 8 * DAY_US),
        request=get(
            "/v5/execution/list",
            "category=spot&symbol=BTCUSDT&startTime=1700000000000&endTime=1700604800001&limit=100",
        ),
        body=taken(
            b'{"nextPageCursor":"132766%3A2%2C132766%3A2","category":"spot","list":[{"symbol":"BTCUSDT",'
            b'"orderType":"Limit","orderLinkId":"","side":"Sell","orderId":"8c065341","leavesQty":"0",'
            b'"execTime":"1672282722430","feeCurrency":"USDT","isMaker":true,"execFee":"-0.01","feeRate":"-0.0001",'
            b'"execId":"2100000000007764264","execPrice":"16618.5","execValue":"100","execType":"Trade",'
            b'"execQty":"0.006"},{"symbol":"BTCUSDT","orderType":"Market","orderLinkId":"spot-test-04","side":"Buy",'
            b'"orderId":"8c065340","execTime":"1672282722429","feeCurrency":"","isMaker":false,"execFee":"0.00001",'
            b'"execId":"2100000000007764263","execPrice":"16618.49","execType":"Trade","execQty":"0.01"}]}'
        ),
        answer=Fills(
            fills=(
                Fill(
                    native="BTCUSDT",
                    fill_id="2100000000007764263:8c065340",
                    venue_order_id="8c065340",
                    client_id="spot-test-04",
                    side="buy",
                    price=Decimal("16618.49"),
                    quantity=Decimal("0.01"),
                    fee=Decimal("0.00001"),
                    fee_currency=None,
                    fee_in="base",
                    liquidity="taker",
                    filled_us=1672282722429000,
                ),
                Fill(
                    native="BTCUSDT",
                    fill_id="2100000000007764264:8c065341",
                    venue_order_id="8c065341",
                    client_id=None,
                    side="sell",
                    price=Decimal("16618.5"),
                    quantity=Decimal("0.006"),
                    fee=Decimal("-0.01"),
                    fee_currency="USDT",
                    liquidity="maker",
                    filled_us=1672282722430000,
                ),
            ),
            then=FillsQuery(
                native="BTCUSDT",
                since_us=AT_US,
                until_us=AT_US + 8 * DAY_US,
                cursor="132766%3A2%2C132766%3A2",
            ),
        ),
    ),
    Case(
        name="fills behind the last page of a window go on with the next",
        call=FillsQuery(
            native="BTCUSDT", since_us=AT_US, until_us=AT_US + 8 * DAY_US, cursor="132766%3A2%2C132766%3A2"
        ),
        request=get(
            "/v5/execution/list",
            "category=spot&symbol=BTCUSDT&startTime=1700000000000&endTime=1700604800001&limit=100"
            "&cursor=132766%3A2%2C132766%3A2",
        ),
        body=EMPTY_PAGE,
        answer=Fills(
            fills=(),
            then=FillsQuery(native="BTCUSDT", since_us=AT_US + 7 * DAY_US, until_us=AT_US + 8 * DAY_US),
        ),
    ),
    BALANCES,
    Case(
        name="the switch",
        call=DeadManRequest(native="BTCUSDT", within_ms=9_500),
        request=post(
            "/v5/order/disconnected-cancel-all",
            b'{"product":"SPOT","timeWindow":10}',
            "rest_account",
            urgent=True,
        ),
        body=b'{"retCode":0,"retMsg":"success"}',
        answer=DeadManSet(within_ms=10_000),
    ),
    CLOCK,
)
