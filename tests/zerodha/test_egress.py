"""Order calls leave through the account's registered proxy, reads don't, and the environment has no say."""

from __future__ import annotations

from decimal import Decimal

import pytest

from brokers.model import NotSent, NotSentCause, Placed, Unknown
from tests.zerodha.loopback import (
    DeafPort,
    Loopback,
    RefusedPort,
    answer,
    close_after_reading,
    hang,
    raw,
    refusal,
    success,
)
from tests.zerodha.samples import ORDER, Connect

PROFILE = {"user_id": "ZA1234"}


def test_orders_go_through_the_proxy_and_reads_do_not(connect: Connect) -> None:
    with Loopback([success(PROFILE), success([])]) as kite, Loopback([success({"order_id": "1"})]) as proxy:
        broker = connect(kite.url, proxy.url)
        broker.check_session()
        broker.orders()
        assert broker.place(ORDER) == Placed("1")
        broker.modify("1", price=Decimal("1.05"))
        broker.cancel("1")
        assert [request.method for request in kite.requests] == ["GET", "GET"]
        assert [request.target for request in proxy.requests] == [
            f"{kite.url}/orders/regular",
            f"{kite.url}/orders/regular/1",
            f"{kite.url}/orders/regular/1",
        ]


def test_the_environments_proxies_are_not_used(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with Loopback([success({"order_id": "1"}), success([])]) as kite:
        broker = connect(kite.url)
        assert broker.place(ORDER) == Placed("1")
        assert broker.orders() == []


def test_the_environment_cannot_exempt_an_order_from_its_proxy(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "*")
    with Loopback([success({"order_id": "direct"})]) as kite, Loopback([success({"order_id": "1"})]) as proxy:
        assert connect(kite.url, proxy.url).place(ORDER) == Placed("1")
        assert kite.connections == 0


@pytest.mark.parametrize("dead", [RefusedPort, DeafPort])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_is_down_means_not_sent(
    dead: type[RefusedPort] | type[DeafPort], scheme: str, connect: Connect
) -> None:
    with Loopback([success({"order_id": "direct"})]) as kite, dead() as proxy:
        outcome = connect(kite.url.replace("http", scheme), proxy).place(ORDER)
        assert kite.connections == 0
    assert isinstance(outcome, NotSent)
    assert outcome.cause is NotSentCause.CONNECT


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (502, NotSentCause.CONNECT),
        (504, NotSentCause.CONNECT),
        (403, NotSentCause.EGRESS),
        (407, NotSentCause.EGRESS),
    ],
)
def test_a_tunnel_that_is_refused_carried_nothing(status: int, cause: NotSentCause, connect: Connect) -> None:
    with Loopback([raw(f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode())]) as proxy:
        outcome = connect("https://api.kite.invalid", proxy.url).place(ORDER)
    assert isinstance(outcome, NotSent), outcome
    assert outcome.cause is cause


@pytest.mark.parametrize(
    "action",
    [hang, close_after_reading, answer(502, "<html/>", "text/html"), answer(403, "denied", "text/plain")],
    ids=["hang", "closed", "502", "403"],
)
def test_a_proxy_that_took_the_order_and_failed_means_unknown(action: object, connect: Connect) -> None:
    with Loopback([action]) as proxy:  # type: ignore[list-item]
        outcome = connect("http://api.kite.invalid", proxy.url).place(ORDER)
    assert isinstance(outcome, Unknown)


def test_an_address_that_is_not_registered_is_an_egress_fault(connect: Connect) -> None:
    with Loopback([refusal(403, "PermissionException", "IP (13.1.2.3) is not allowed")]) as kite:
        outcome = connect(kite.url).place(ORDER)
    assert isinstance(outcome, NotSent)
    assert (outcome.cause, "13.1.2.3" in outcome.reason) == (NotSentCause.EGRESS, True)


@pytest.mark.parametrize(
    "url", ["socks5://h:1", "h:1", "http://", "http://h", "http://h:x", "ftp://u:hidden@h:1"]
)
def test_a_proxy_that_is_none_is_refused_before_anything_is_sent(url: str, connect: Connect) -> None:
    with pytest.raises(ValueError, match="egress proxy is not of the form") as refused:
        connect("http://127.0.0.1:9", url)
    assert "hidden" not in str(refused.value)


def test_an_order_carries_the_algo_id_and_none_where_there_is_none(connect: Connect) -> None:
    with Loopback([success({"order_id": "1"})]) as kite:
        connect(kite.url).place(ORDER)
        connect(kite.url, algo_id="NSE123456").place(ORDER)
        assert [request.form.get("algo_id") for request in kite.requests] == [None, ["NSE123456"]]
