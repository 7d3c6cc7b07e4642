"""Every way an order call can end, over real HTTP, and what it means."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
import requests
from urllib3.exceptions import NewConnectionError

from brokers.model import Accepted, NotSent, NotSentCause, Placed, Rejected, Unknown
from brokers.zerodha import HTTP_TIMEOUT, Zerodha
from tasks.orderpath import limits
from tests.zerodha.loopback import (
    Action,
    DeafPort,
    Loopback,
    RefusedPort,
    answer,
    close_after_reading,
    close_before_reading,
    hang,
    raw,
    refusal,
    success,
)
from tests.zerodha.samples import CREDENTIALS, ORDER, Connect

LATER = "Order request timed out. Please check the order book and confirm before placing again"
HTML = "<html><h1>502 Bad Gateway</h1></html>"

REFUSED: dict[str, Action] = {
    "input": refusal(400, "InputException", "Invalid `tradingsymbol`."),
    "order": refusal(400, "OrderException", "Trigger price should be lower than the limit price."),
    "margin": refusal(400, "MarginException", "Insufficient funds. Required margin is 212345.10."),
    "holding": refusal(400, "HoldingException", "Not enough holdings."),
    "general": refusal(400, "GeneralException", "Market orders without market protection are not allowed."),
    "class of tomorrow": refusal(400, "LotException", "Quantity should be a multiple of the lot size."),
    "not found": refusal(404, "GeneralException", "Order not found."),
    "gone": refusal(410, "GeneralException", "Gone."),
}

NOT_SENT: dict[str, tuple[Action, NotSentCause]] = {
    "token": (refusal(403, "TokenException", "Incorrect `api_key` or `access_token`."), NotSentCause.TOKEN),
    "token, oddly worded": (refusal(403, "TokenException", "Session timed out."), NotSentCause.TOKEN),
    "permission": (refusal(403, "PermissionException", "Insufficient permission."), NotSentCause.EGRESS),
    "address": (refusal(403, "PermissionException", "IP (2406:da::1) is not allowed"), NotSentCause.EGRESS),
    "address, other class": (
        refusal(400, "InputException", "IP (13.1.2.3) is not allowed to place orders"),
        NotSentCause.EGRESS,
    ),
    "rate": (refusal(429, "NetworkException", "Too many requests"), NotSentCause.RATE_LIMIT),
    "rate, as text": (answer(429, "Too many requests", "text/plain"), NotSentCause.RATE_LIMIT),
    "rate, without type": (answer(429, "", None), NotSentCause.RATE_LIMIT),
}

UNKNOWN: dict[str, Action] = {
    "400 timed out": refusal(400, "OrderException", LATER),
    "400 timed out, general": refusal(400, "GeneralException", "Request time-out"),
    "400 network": refusal(400, "NetworkException", "Couldn't connect to the OMS."),
    "400 data": refusal(400, "DataException", "Couldn't understand the OMS."),
    "408": refusal(408, "GeneralException", "Request took too long."),
    "500 order": refusal(500, "OrderException", "Order placement failed."),
    "500 token": refusal(500, "TokenException", "Something went wrong."),
    "502 envelope": refusal(502, "NetworkException", "OMS is down."),
    "503": refusal(503, "NetworkException", "Unavailable."),
    "504": refusal(504, "NetworkException", "Gateway timed out."),
    "502 html": answer(502, HTML, "text/html"),
    "403 html": answer(403, "<html>Sorry, you have been blocked</html>", "text/html"),
    "400 html": answer(400, "<html>Bad Request</html>", "text/html"),
    "200 html": answer(200, "<html>maintenance</html>", "text/html"),
    "200 csv": answer(200, "a,b\n", "text/csv"),
    "no content type": answer(200, '{"status":"success","data":{"order_id":"1"}}', None),
    "broken json": answer(200, '{"status":"success","data":{"order'),
    "empty body": answer(200, ""),
    "json, not an object": answer(200, "[1]"),
    "no data": answer(200, '{"status":"success"}'),
    "null data": success(None),
    "no order id": success({}),
    "empty order id": success({"order_id": ""}),
    "null order id": success({"order_id": None}),
    "odd order id": success({"order_id": ["1"]}),
    "error without type": answer(400, '{"status":"error","message":"odd"}'),
    "error without message": answer(400, '{"status":"error","error_type":"InputException"}'),
    "error of no such class": refusal(400, "__doc__", "odd"),
    "redirect that would send it again": answer(307, "", None, "Location: /orders/regular"),
    "redirect that would forget it": answer(302, "", None, "Location: /"),
    "no answer": hang,
    "closed after reading": close_after_reading,
    "closed at once": close_before_reading,
    "garbage": raw(b"\x00\x01\x02 not HTTP\r\n\r\n"),
    "half an answer": raw(
        b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n{"status":"succ'
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_clean_refusal_is_final_and_in_the_brokers_words(name: str, connect: Connect) -> None:
    with Loopback([REFUSED[name]]) as kite:
        outcome = connect(kite.url).place(ORDER)
    assert isinstance(outcome, Rejected)
    assert outcome.reason
    assert "Exception" not in outcome.reason


@pytest.mark.parametrize("name", NOT_SENT)
def test_a_refusal_at_the_door_is_not_sent(name: str, connect: Connect) -> None:
    action, cause = NOT_SENT[name]
    with Loopback([action]) as kite:
        outcome = connect(kite.url).place(ORDER)
    assert isinstance(outcome, NotSent)
    assert outcome.cause is cause


@pytest.mark.parametrize("name", UNKNOWN)
def test_everything_else_is_unknown_and_was_sent_once(name: str, connect: Connect) -> None:
    with Loopback([UNKNOWN[name]]) as kite:
        outcome = connect(kite.url).place(ORDER)
        assert kite.connections == 1
    assert isinstance(outcome, Unknown), outcome
    assert outcome.reason


CHANGES: dict[str, Callable[[Zerodha], object]] = {
    "modify": lambda broker: broker.modify("251123000000001", price=Decimal("400.05")),
    "cancel": lambda broker: broker.cancel("251123000000001"),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    ("action", "kind"),
    [
        (success({"order_id": "251123000000001"}), Accepted),
        (refusal(400, "OrderException", "Order cannot be cancelled as it is being processed."), Rejected),
        (refusal(429, "NetworkException", "Too many requests"), NotSent),
        (refusal(403, "TokenException", "Expired"), NotSent),
        (refusal(400, "OrderException", LATER), Unknown),
        (answer(502, HTML, "text/html"), Unknown),
        (hang, Unknown),
    ],
    ids=["accepted", "refused", "rate", "token", "timed out", "502", "hang"],
)
def test_changes_have_the_same_outcomes(change: str, action: Action, kind: type, connect: Connect) -> None:
    with Loopback([action]) as kite:
        assert isinstance(CHANGES[change](connect(kite.url)), kind)
        assert kite.connections == 1


def test_success_is_placed_with_the_brokers_id(connect: Connect) -> None:
    with Loopback([success({"order_id": "251123000000001"})]) as kite:
        assert connect(kite.url).place(ORDER) == Placed("251123000000001")


def test_an_order_travels_as_kite_documents_it(connect: Connect) -> None:
    with Loopback([success({"order_id": "1"})]) as kite:
        connect(kite.url).place(ORDER)
        (sent,) = kite.requests
    assert (sent.method, sent.target) == ("POST", "/orders/regular")
    assert sent.headers["authorization"] == f"token {CREDENTIALS.api_key}:{CREDENTIALS.access_token}"
    assert sent.headers["x-kite-version"] == "3"
    assert sent.form == {
        "variety": ["regular"],
        "exchange": ["NFO"],
        "tradingsymbol": ["BANKNIFTY26NOV58000CE"],
        "transaction_type": ["SELL"],
        "quantity": ["30"],
        "product": ["MIS"],
        "order_type": ["LIMIT"],
        "price": ["412.35"],
        "validity": ["DAY"],
        "tag": ["N0123456789ABCDEF101"],
    }


def test_a_modification_moves_the_limit_only(connect: Connect) -> None:
    with Loopback([success({"order_id": "7"})]) as kite:
        connect(kite.url).modify("7", price=Decimal("1E+2"))
        (sent,) = kite.requests
    assert (sent.method, sent.target) == ("PUT", "/orders/regular/7")
    assert sent.form["price"] == ["100"]
    assert not {"quantity", "trigger_price", "tag"} & set(sent.form)


def test_every_send_has_a_connection_of_its_own(connect: Connect) -> None:
    with Loopback([success({"order_id": "1"})]) as kite:
        broker = connect(kite.url)
        for _ in range(3):
            broker.place(ORDER)
        assert kite.connections == 3


@pytest.mark.parametrize("order_id", ["", "../1", "1?x=2", "1/2", "1" * 65])
def test_an_id_that_would_change_the_address_is_refused_unsent(order_id: str, connect: Connect) -> None:
    with Loopback([success({"order_id": "1"})]) as kite:
        broker = connect(kite.url)
        assert isinstance(broker.cancel(order_id), Rejected)
        assert isinstance(broker.modify(order_id, price=Decimal(1)), Rejected)
        assert kite.connections == 0


def test_a_refused_port_is_not_sent(connect: Connect) -> None:
    with RefusedPort() as url:
        outcome = connect(url).place(ORDER)
    assert isinstance(outcome, NotSent)
    assert outcome.cause is NotSentCause.CONNECT


def test_a_connection_that_is_never_made_is_not_sent(connect: Connect) -> None:
    with DeafPort() as url:
        outcome = connect(url).place(ORDER)
    assert isinstance(outcome, NotSent)
    assert outcome.cause is NotSentCause.CONNECT


def test_a_name_that_does_not_resolve_is_not_sent(connect: Connect) -> None:
    outcome = connect("http://kite.invalid").place(ORDER)
    assert isinstance(outcome, NotSent)
    assert outcome.cause is NotSentCause.CONNECT


def test_an_error_the_caller_was_handling_does_not_pass_for_the_cause(connect: Connect) -> None:
    """`__context__` of the read time-out holds the caller's own failed connection. It must not count."""
    with Loopback([hang]) as kite:
        broker = connect(kite.url)
        try:
            raise NewConnectionError(None, "an earlier one")  # type: ignore[arg-type]
        except NewConnectionError:
            outcome = broker.place(ORDER)
    assert isinstance(outcome, Unknown)


def test_an_unforeseen_failure_of_a_send_is_unknown(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_: object, **__: object) -> requests.Response:
        raise ZeroDivisionError("nobody thought of this")

    monkeypatch.setattr(requests.Session, "request", explode)
    assert isinstance(connect("http://127.0.0.1:9").place(ORDER), Unknown)


def test_the_platform_counts_on_no_shorter_time_out() -> None:
    """A function's time-out is derived from what the platform believes a request may take."""
    assert limits.HTTP_TIMEOUT >= HTTP_TIMEOUT
    assert limits.SEND_TIMEOUT > HTTP_TIMEOUT
