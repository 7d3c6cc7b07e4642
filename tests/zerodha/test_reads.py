"""What reads give, and which error they raise."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from brokers.clock import IST
from brokers.errors import (
    BrokerError,
    BrokerUnavailable,
    EgressRefused,
    RateLimited,
    RequestRefused,
    TokenExpired,
)
from brokers.model import OrderStatus, Product, Side
from brokers.zerodha.books import decimal_of
from tests.zerodha.loopback import (
    Action,
    Loopback,
    RefusedPort,
    answer,
    close_after_reading,
    hang,
    refusal,
    success,
)
from tests.zerodha.samples import NOW, Connect

ORDER_ROW: dict[str, Any] = {
    "order_id": "251123000000001",
    "status": "OPEN",
    "status_message": None,
    "status_message_raw": None,
    "order_timestamp": "2026-11-23 09:30:01",
    "exchange_update_timestamp": "2026-11-23 09:30:02",
    "exchange_timestamp": "2026-11-23 09:30:01",
    "tradingsymbol": "BANKNIFTY26NOV58000CE",
    "transaction_type": "SELL",
    "quantity": 30,
    "filled_quantity": 0,
    "average_price": 0,
    "price": 412.35,
    "tag": "N0123456789ABCDEF101",
    "tags": ["N0123456789ABCDEF101"],
}

FAILURES: dict[str, tuple[Action, type[BrokerError]]] = {
    "token": (refusal(403, "TokenException", "Incorrect `api_key` or `access_token`."), TokenExpired),
    "rate": (refusal(429, "NetworkException", "Too many requests"), RateLimited),
    "rate, as text": (answer(429, "Too many requests", "text/plain"), RateLimited),
    "address": (refusal(403, "PermissionException", "IP (13.1.2.3) is not allowed"), EgressRefused),
    "permission": (
        refusal(403, "PermissionException", "Insufficient permission for that call."),
        RequestRefused,
    ),
    "input": (refusal(400, "InputException", "Invalid parameter"), RequestRefused),
    "500": (refusal(500, "GeneralException", "Something went wrong"), BrokerUnavailable),
    "502 html": (answer(502, "<html/>", "text/html"), BrokerUnavailable),
    "no content type": (answer(200, "{}", None), BrokerUnavailable),
    "broken json": (answer(200, "{"), BrokerUnavailable),
    "null data": (success(None), BrokerUnavailable),
    "redirect": (answer(302, "", None, "Location: /elsewhere"), BrokerUnavailable),
    "closed": (close_after_reading, BrokerUnavailable),
    "no answer": (hang, BrokerUnavailable),
}


@pytest.mark.parametrize("name", FAILURES)
@pytest.mark.parametrize("read", ["orders", "check_session"])
def test_a_failed_read_raises_by_meaning(name: str, read: str, connect: Connect) -> None:
    action, error = FAILURES[name]
    with Loopback([action]) as kite, pytest.raises(error) as raised:
        getattr(connect(kite.url), read)()
    assert type(raised.value) is error
    assert "account ZA1234" in str(raised.value)
    assert kite.connections == 1


def test_a_broker_that_is_not_there_is_unavailable(connect: Connect) -> None:
    with RefusedPort() as url, pytest.raises(BrokerUnavailable):
        connect(url).orders()


def test_a_status_of_an_earlier_answer_is_forgotten(connect: Connect) -> None:
    with Loopback([refusal(429, "NetworkException", "Too many"), close_after_reading]) as kite:
        broker = connect(kite.url)
        with pytest.raises(RateLimited):
            broker.orders()
        with pytest.raises(BrokerUnavailable):
            broker.orders()


def test_a_session_of_somebody_else_is_no_session(connect: Connect) -> None:
    with Loopback([success({"user_id": "ZA1234"}), success({"user_id": "XY9999"})]) as kite:
        broker = connect(kite.url)
        broker.check_session()
        with pytest.raises(TokenExpired, match="XY9999"):
            broker.check_session()


def book(connect: Connect, *rows: dict[str, Any]) -> Any:
    with Loopback([success(list(rows))]) as kite:
        return connect(kite.url).orders()


def test_an_order_of_the_book(connect: Connect) -> None:
    (order,) = book(connect, ORDER_ROW)
    assert (order.broker_order_id, order.tag) == ("251123000000001", "N0123456789ABCDEF101")
    assert (order.side, order.quantity, order.price) == (Side.SELL, 30, Decimal("412.35"))
    assert order.status is OrderStatus.OPEN
    assert order.at == datetime(2026, 11, 23, 9, 30, 2, tzinfo=IST)
    assert order.at.utcoffset() == IST.utcoffset(None)


def test_the_book_is_oldest_first(connect: Connect) -> None:
    """By id: the timestamp of an order moves when it is changed."""
    later = ORDER_ROW | {"order_id": "251123000000002", "order_timestamp": "2026-11-23 09:29:00"}
    first, second = book(connect, later, ORDER_ROW)
    assert (first.broker_order_id, second.broker_order_id) == ("251123000000001", "251123000000002")


def test_the_tag_is_found_in_the_list_of_tags(connect: Connect) -> None:
    (order,) = book(connect, ORDER_ROW | {"tag": None, "tags": ["N1", "autoslice"]})
    (without,) = book(connect, ORDER_ROW | {"tag": None, "tags": None})
    assert (order.tag, without.tag) == ("N1", "")


def test_a_cancelled_order_keeps_its_fills(connect: Connect) -> None:
    (order,) = book(connect, ORDER_ROW | {"status": "CANCELLED", "filled_quantity": 15, "average_price": 411.9})
    assert order.status.terminal
    assert (order.filled_quantity, order.average_price) == (15, Decimal("411.9"))


def test_a_rejection_keeps_the_brokers_words(connect: Connect) -> None:
    row = ORDER_ROW | {
        "status": "REJECTED",
        "status_message": "Insufficient funds",
        "exchange_update_timestamp": None,
    }
    (order,) = book(connect, row)
    assert (order.status, order.reason) == (OrderStatus.REJECTED, "Insufficient funds")


def test_an_order_without_any_time_is_as_of_now(connect: Connect) -> None:
    times = ("order_timestamp", "exchange_update_timestamp", "exchange_timestamp")
    (order,) = book(connect, ORDER_ROW | dict.fromkeys(times))
    assert order.at == NOW


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("PUT ORDER REQ RECEIVED", OrderStatus.ACCEPTED),
        ("VALIDATION PENDING", OrderStatus.ACCEPTED),
        ("OPEN PENDING", OrderStatus.ACCEPTED),
        ("AMO REQ RECEIVED", OrderStatus.ACCEPTED),
        ("OPEN", OrderStatus.OPEN),
        ("UPDATE", OrderStatus.OPEN),
        ("MODIFIED", OrderStatus.OPEN),
        ("MODIFY VALIDATION PENDING", OrderStatus.OPEN),
        ("MODIFY PENDING", OrderStatus.OPEN),
        ("CANCEL PENDING", OrderStatus.OPEN),
        ("TRIGGER PENDING", OrderStatus.TRIGGER_PENDING),
        ("COMPLETE", OrderStatus.FILLED),
        ("CANCELLED", OrderStatus.CANCELLED),
        ("REJECTED", OrderStatus.REJECTED),
        ("A WORD OF TOMORROW", OrderStatus.UNKNOWN),
    ],
)
def test_status_words(word: str, status: OrderStatus, connect: Connect) -> None:
    (order,) = book(connect, ORDER_ROW | {"status": word})
    assert order.status is status
    assert order.status.terminal is (word in ("COMPLETE", "CANCELLED", "REJECTED"))


@pytest.mark.parametrize(
    "change",
    [
        {"quantity": "many"},
        {"quantity": 1.5},
        {"transaction_type": "HOLD"},
        {"average_price": "NaN"},
        {"order_id": ""},
    ],
)
def test_one_order_that_cannot_be_read_makes_the_book_unreadable(
    change: dict[str, Any], connect: Connect
) -> None:
    """Leaving it out would say that the order is not there, and it would be sent again."""
    with pytest.raises(BrokerUnavailable):
        book(connect, ORDER_ROW, ORDER_ROW | change)


LEVEL = {"price": 411.5, "quantity": 60, "orders": 2}
EMPTY = {"price": 0, "quantity": 0, "orders": 0}


def quote_row(**change: Any) -> dict[str, Any]:
    row = {"timestamp": "2026-11-23 09:30:00", "last_price": 412.35, "depth": {"buy": [LEVEL], "sell": [EMPTY]}}
    return row | change


def test_quotes_have_the_best_of_the_book_or_none(connect: Connect) -> None:
    data = {"NFO:A": quote_row(), "NSE:NIFTY BANK": {"last_price": 58012.5, "timestamp": None}}
    with Loopback([success(data)]) as kite:
        quotes = connect(kite.url).quotes(["NFO:A", "NSE:NIFTY BANK", "NFO:UNKNOWN"])
        (asked,) = kite.requests
    assert asked.target == "/quote?i=NFO%3AA&i=NSE%3ANIFTY+BANK&i=NFO%3AUNKNOWN"
    assert set(quotes) == {"NFO:A", "NSE:NIFTY BANK"}
    option, index = quotes["NFO:A"], quotes["NSE:NIFTY BANK"]
    assert (option.last, option.bid, option.ask) == (Decimal("412.35"), Decimal("411.5"), None)
    assert option.at == datetime(2026, 11, 23, 9, 30, tzinfo=IST)
    assert (index.last, index.bid, index.ask, index.at) == (Decimal("58012.5"), None, None, NOW)


def test_no_quotes_asked_is_no_request_and_too_many_are_refused(connect: Connect) -> None:
    with Loopback([success({})]) as kite:
        broker = connect(kite.url)
        assert broker.quotes([]) == {}
        with pytest.raises(RequestRefused, match="501 quotes asked, Kite gives 500"):
            broker.quotes([f"NFO:{n}" for n in range(501)])
        assert kite.connections == 0
        assert broker.quotes([f"NFO:{n}" for n in range(500)]) == {}


def sample(kite_data: Path, name: str) -> Any:
    return json.loads((kite_data / "responses" / name).read_text())["data"]


def test_kites_sample_order_book(connect: Connect, kite_data: Path) -> None:
    rows = sample(kite_data, "orders.json")
    orders = book(connect, *rows)
    assert len(orders) == len(rows)
    assert {order.status for order in orders} <= set(OrderStatus) - {OrderStatus.UNKNOWN}
    assert {order.broker_order_id for order in orders} == {row["order_id"] for row in rows}


def test_kites_sample_trades(connect: Connect, kite_data: Path) -> None:
    with Loopback([success(sample(kite_data, "trades.json"))]) as kite:
        first, *_ = connect(kite.url).trades()
    assert (first.trade_id, first.price, first.quantity) == ("10000000", Decimal("420.65"), 1)
    assert first.at == datetime(2021, 5, 31, 9, 16, 39, tzinfo=IST)


def test_kites_sample_positions_without_delivery(connect: Connect, kite_data: Path) -> None:
    data = sample(kite_data, "positions.json")
    with Loopback([success(data)]) as kite:
        positions = connect(kite.url).positions()
    ours = [row for row in data["net"] if row["product"] in ("MIS", "NRML")]
    assert [position.quantity for position in positions] == [row["quantity"] for row in ours]
    assert {position.product for position in positions} <= set(Product)
    assert [position.profit for position in positions] == [decimal_of(row["m2m"]) for row in ours]
    assert [position.last for position in positions] == [decimal_of(row["last_price"]) for row in ours]


def test_kites_sample_margins_are_without_the_days_profit(connect: Connect, kite_data: Path) -> None:
    data = sample(kite_data, "margins_equity.json")
    with Loopback([success(data)]) as kite:
        funds = connect(kite.url).funds()
    utilised = data["utilised"]
    assert funds.available == decimal_of(data["net"])
    blocked = sum(decimal_of(utilised[name]) for name in ("span", "exposure", "option_premium"))
    assert funds.blocked == blocked


def test_kites_sample_quote_and_profile(connect: Connect, kite_data: Path) -> None:
    with Loopback(
        [success(sample(kite_data, "quote.json")), success(sample(kite_data, "profile.json"))]
    ) as kite:
        broker = connect(kite.url)
        quote = broker.quotes(["NSE:INFY"])["NSE:INFY"]
        assert (quote.last, quote.bid, quote.ask) == (Decimal("1412.95"), None, Decimal("1412.95"))
        with pytest.raises(TokenExpired, match="AB1234's, not ZA1234's"):
            broker.check_session()


def test_kites_sample_order_answers(connect: Connect, kite_data: Path) -> None:
    from brokers.model import Accepted

    with Loopback([success(sample(kite_data, "order_cancel.json"))]) as kite:
        assert connect(kite.url).cancel("151220000000000") == Accepted()
