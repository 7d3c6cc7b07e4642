"""Each switch, as a client meets it. The ledger says what really happened."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import requests
from kiteconnect import exceptions

from brokers.simulator.faults import FaultKind
from tests.simulator.conftest import ACCOUNTS, Postbox, Sim, eventually

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("kind", "error", "accepted"),
    [
        ("hang_accepted", requests.ReadTimeout, True),
        ("hang_lost", requests.ReadTimeout, False),
        ("bad_gateway_accepted", exceptions.DataException, True),
        ("bad_gateway_lost", exceptions.DataException, False),
        ("timed_out_accepted", exceptions.OrderException, True),
        ("timed_out_lost", exceptions.OrderException, False),
        ("broken_json_accepted", exceptions.DataException, True),
        ("broken_json_lost", exceptions.DataException, False),
        ("drop_accepted", requests.ConnectionError, True),
        ("drop_lost", requests.ConnectionError, False),
        ("too_many_requests", exceptions.NetworkException, False),
        ("refuse", exceptions.OrderException, False),
    ],
)
def test_spoiled_reply_to_an_order(shared_sim: Sim, kind: str, error: type[Exception], accepted: bool) -> None:
    sim = shared_sim
    sim.post("/_sim/reset")
    sim.set(kind)
    with pytest.raises(error):
        sim.order(kite=sim.kite(timeout=0.3))
    assert len(sim.ledger()["orders"]) == accepted
    assert sim.ledger()["requests"][-1]["fault"] == kind
    sim.order()  # the switch is used up
    assert len(sim.ledger()["orders"]) == accepted + 1


def test_every_kind_that_spoils_a_reply_is_tried_above() -> None:
    [parametrize] = test_spoiled_reply_to_an_order.pytestmark  # type: ignore[attr-defined]
    tried = {row[0] for row in parametrize.args[1]}
    assert tried == {k.value for k in FaultKind if k.value.endswith(("_accepted", "_lost"))} | {
        "too_many_requests",
        "refuse",
    }


def test_a_hanging_order_fills_while_its_client_waits(sim: Sim) -> None:
    sim.set("hang_accepted")
    with pytest.raises(requests.ReadTimeout):
        sim.order(kite=sim.kite(timeout=0.5), tag="N7")
    [order] = sim.kite().orders()
    assert (order["tag"], order["status"]) == ("N7", "COMPLETE")
    assert eventually(
        lambda: sim.get("/_sim/idle")["busy"] == 0
    )  # the client is gone, so nothing hangs any more


def test_a_rule_is_kept_even_when_the_reply_would_be_lost(sim: Sim) -> None:
    sim.set("bad_gateway_accepted")
    with pytest.raises(exceptions.InputException, match="lot size"):
        sim.order(quantity=31)
    assert sim.ledger()["orders"] == []


def test_a_switch_finds_its_leg(sim: Sim) -> None:
    sim.set("reject", symbol="*PE", side="SELL", reason="Insufficient funds. Required margin is 200000")
    call, put = sim.order("SELL", "CE"), sim.order("SELL", "PE")
    assert sim.until(put, "REJECTED")["status_message"].startswith("Insufficient funds")
    sim.until(call, "COMPLETE")
    assert [row["status"] for row in sim.kite().order_history(put)] == [
        "PUT ORDER REQ RECEIVED",
        "VALIDATION PENDING",
        "REJECTED",
    ]


def test_skip_and_count(sim: Sim) -> None:
    sim.set("refuse", skip=1, count=2)
    sim.order()
    for _ in range(2):
        with pytest.raises(exceptions.OrderException):
            sim.order()
    sim.order()
    [fault] = sim.get("/_sim/faults")
    assert fault["hits"] == 3


def test_switches_for_one_account_tag_or_request(sim: Sim) -> None:
    sim.set("refuse", account="ZB5678", count=0)
    sim.set("refuse", tag="X*", count=0)
    sim.set("refuse", request="cancel", count=0, reason="no cancellations today")
    order_id = sim.order(price=sim.resting(sim.atm(), "SELL"))
    with pytest.raises(exceptions.OrderException):
        sim.order(kite=sim.kite(ACCOUNTS[1]))
    with pytest.raises(exceptions.OrderException):
        sim.order(tag="X1")
    sim.until(order_id, "OPEN")
    with pytest.raises(exceptions.OrderException, match="no cancellations today"):
        sim.kite().cancel_order("regular", order_id)
    requests.delete(f"{sim.url}/_sim/faults", timeout=5)
    sim.kite().cancel_order("regular", order_id)


def test_reads_can_be_spoiled_too(sim: Sim) -> None:
    sim.set("bad_gateway_lost", request="orders", count=2)
    for _ in range(2):
        with pytest.raises(exceptions.DataException):
            sim.kite().orders()
    assert sim.kite().orders() == []


def test_an_accepted_order_can_be_missing_from_the_book(sim: Sim) -> None:
    sim.set("invisible", seconds=10)
    order_id = sim.order()
    sim.until(order_id, "COMPLETE")
    kite = sim.kite()
    assert kite.orders() == kite.trades() == kite.positions()["net"] == []
    with pytest.raises(exceptions.OrderException):
        kite.order_history(order_id)
    assert sim.truth(order_id)["visible"] is False
    assert sim.ledger()["positions"]["ZA1234"] == {sim.truth(order_id)["tradingsymbol"]: -30}
    sim.jump(10)
    assert [order["order_id"] for order in kite.orders()] == [order_id]


def test_two_switches_strike_one_order(sim: Sim) -> None:
    sim.set("hang_accepted")
    sim.set("invisible", seconds=5)
    with pytest.raises(requests.ReadTimeout):
        sim.order(kite=sim.kite(timeout=0.3))
    assert sim.kite().orders() == []
    sim.jump(5)
    assert len(sim.kite().orders()) == 1


def test_slow_fill_comes_after_its_time(sim: Sim) -> None:
    sim.set("slow_fill", seconds=8)
    order_id = sim.order(price=sim.marketable(sim.atm(), "SELL") - 10)
    sim.until(order_id, "OPEN")
    due = sim.get("/_sim/idle")["next_due"]
    assert due is not None
    sim.jump(8)
    order = sim.until(order_id, "COMPLETE")
    assert due[:19] == order["order_timestamp"].replace(" ", "T")


def test_held_until_modified(sim: Sim) -> None:
    sim.set("hold_open", until_modified=2)
    contract, kite = sim.atm(), sim.kite()
    order_id = sim.order(contract=contract)
    for _ in range(2):
        sim.until(order_id, "OPEN")
        sim.jump(3)
        assert sim.truth(order_id)["filled_quantity"] == 0
        kite.modify_order("regular", order_id, price=sim.marketable(contract, "SELL"))
    sim.until(order_id, "COMPLETE")


def test_held_for_ever_can_be_cancelled(sim: Sim) -> None:
    sim.set("hold_open")
    order_id = sim.order()
    sim.until(order_id, "OPEN")
    sim.jump(600)
    assert sim.truth(order_id)["status"] == "OPEN"
    sim.kite().cancel_order("regular", order_id)
    sim.until(order_id, "CANCELLED")


def test_partial_fill_then_stall_then_cancel(sim: Sim) -> None:
    sim.set("partial", share=0.5)
    order_id = sim.order(quantity=120)
    assert eventually(lambda: sim.truth(order_id)["filled_quantity"] == 60)
    sim.jump(30)
    row = sim.kite().orders()[0]
    assert (row["status"], row["filled_quantity"], row["pending_quantity"]) == ("OPEN", 60, 60)
    sim.kite().cancel_order("regular", order_id)
    row = sim.until(order_id, "CANCELLED")
    assert (row["filled_quantity"], row["cancelled_quantity"]) == (60, 60)
    assert sim.kite().positions()["net"][0]["quantity"] == -60


def test_partial_market_order_leaves_its_remainder_open(sim: Sim) -> None:
    sim.set("partial", share=0.4)
    order_id = sim.order("BUY", quantity=300, order_type="MARKET", price=None, market_protection=-1)
    assert eventually(lambda: sim.truth(order_id)["filled_quantity"] == 120)
    assert (sim.truth(order_id)["status"], sim.truth(order_id)["order_type"]) == ("OPEN", "LIMIT")


def test_a_fill_overtakes_a_cancellation(sim: Sim) -> None:
    sim.set("cancel_loses")
    contract = sim.atm()
    order_id = sim.order(contract=contract, price=sim.resting(contract, "SELL"))
    sim.until(order_id, "OPEN")
    assert sim.kite().cancel_order("regular", order_id) == order_id
    assert sim.until(order_id, "COMPLETE")["filled_quantity"] == 30


def test_expired_token(sim: Sim) -> None:
    sim.post("/_sim/expire-token", {"account": "ZA1234"})
    with pytest.raises(exceptions.TokenException):
        sim.order()
    sim.kite(ACCOUNTS[1]).profile()  # only the one account
    sim.post("/_sim/login", {"account": "ZA1234", "access_token": "tokenone"})
    sim.order()
    assert len(sim.post("/_sim/login", {"account": "ZA1234"})["access_token"]) == 32


def test_token_ends_at_six_in_the_morning(sim: Sim) -> None:
    sim.jump(20.4 * 3600)
    sim.kite().profile()
    sim.jump(0.2 * 3600)
    with pytest.raises(exceptions.TokenException):
        sim.kite().profile()


def test_a_human_squares_off(sim: Sim) -> None:
    symbol = sim.until(sim.order(), "COMPLETE")["tradingsymbol"]
    answer = sim.post("/_sim/square-off", {"account": "ZA1234"})
    assert sim.ledger()["positions"]["ZA1234"] == {}
    outside = sim.truth(answer["order_ids"][0])
    assert (outside["tag"], outside["from_api"], outside["transaction_type"]) == (None, False, "BUY")
    sim.post("/_sim/outside", {"account": "ZA1234", "symbol": symbol, "side": "BUY", "quantity": 60})
    assert sim.ledger()["positions"]["ZA1234"] == {symbol: 60}
    assert len(sim.kite().orders()) == 3


def test_a_human_cancels(sim: Sim, postbox: Postbox) -> None:
    sim.settings(postback_url=postbox.url + "/{account}")
    contract = sim.atm()
    order_id = sim.order(contract=contract, price=sim.resting(contract, "SELL"))
    sim.until(order_id, "OPEN")
    sim.post("/_sim/cancel", {"order_id": order_id})
    sim.until(order_id, "CANCELLED")
    assert eventually(lambda: postbox.statuses() == ["CANCELLED"])


def test_orders_only_from_the_registered_address(sim: Sim) -> None:
    sim.settings(registered_ips={"ZA1234": ["10.1.2.3"]})
    with pytest.raises(exceptions.PermissionException, match=r"IP \(127.0.0.1\) is not allowed"):
        sim.order()
    assert sim.kite().orders() == []  # reading goes from anywhere
    kite = sim.kite()
    kite.reqsession.headers["X-Forwarded-For"] = "10.1.2.3"
    sim.order(kite=kite)
    sim.order(kite=sim.kite(ACCOUNTS[1]))  # nothing registered: not checked


def test_nobody_can_connect_for_a_while(sim: Sim) -> None:
    sim.post("/_sim/offline", {"seconds": 0.5})
    with pytest.raises(requests.ConnectionError, match="refused"):
        sim.order()
    time.sleep(0.6)
    sim.order()
    assert len(sim.ledger()["orders"]) == 1


def test_a_shock_fills_a_resting_order(sim: Sim) -> None:
    contract = sim.atm("CE")
    price = sim.resting(contract, "SELL")
    order_id = sim.order("SELL", contract=contract, price=price)
    sim.until(order_id, "OPEN")
    sim.post("/_sim/move", {"underlying": "BANKNIFTY", "percent": 1.5})
    sim.jump(2)
    assert sim.until(order_id, "COMPLETE")["average_price"] == price


def test_market_hours(sim: Sim) -> None:
    sim.set("hold_open")
    resting = sim.order()
    sim.until(resting, "OPEN")
    sim.jump(6.2 * 3600)  # 15:42
    assert sim.until(resting, "CANCELLED")["order_timestamp"] == "2026-11-23 15:40:00"
    with pytest.raises(exceptions.OrderException, match="closed"):
        sim.order(price=10.0)
    sim.settings(always_open=True, price_bands=False)
    sim.order(price=10.0)


def test_limits(sim: Sim) -> None:
    sim.settings(limits=True)
    kite = sim.kite()
    contract = sim.atm()
    sim.clock.freeze()

    def burst(call: Callable[[], Any], times: int) -> int:
        """How many of these calls got through, all within one second of the exchange's clock."""
        sim.jump(1)
        through = 0
        for _ in range(times):
            try:
                call()
                through += 1
            except exceptions.NetworkException:
                continue
        return through

    assert burst(lambda: kite.ltp("NSE:NIFTY BANK"), 3) == 1
    price = sim.resting(contract, "BUY")
    assert burst(lambda: sim.order("BUY", kite=kite, contract=contract, price=price), 12) == 10
    assert len(sim.ledger()["orders"]) == 10


def test_bad_admin_requests_say_what_is_wrong(sim: Sim) -> None:
    def answer(method: str, path: str, body: Any) -> tuple[int, str]:
        reply = requests.request(method, sim.url + path, json=body, timeout=5)
        return reply.status_code, reply.text

    code, text = answer("POST", "/_sim/faults", {"kind": "explode"})
    assert (code, "hang_accepted" in text) == (400, True)
    code, text = answer("POST", "/_sim/faults", {"kind": "reject", "sybmol": "*PE"})
    assert (code, "sybmol" in text) == (400, True)
    assert answer("PUT", "/_sim/settings", {"step_ms": -1})[0] == 400
    assert answer("POST", "/_sim/login", {"account": "NOBODY"})[0] == 404
    assert (
        answer("POST", "/_sim/outside", {"account": "ZA1234", "symbol": "X", "side": "BUY", "quantity": 1})[0]
        == 404
    )
    assert answer("POST", "/_sim/cancel", {"order_id": "1"})[0] == 404
    assert answer("POST", "/_sim/move", {"underlying": "X", "percent": 1})[0] == 404


def test_reset_forgets_the_day(sim: Sim) -> None:
    sim.until(sim.order(), "COMPLETE")
    sim.set("refuse")
    sim.post("/_sim/reset")
    ledger = sim.ledger()
    assert (ledger["orders"], ledger["trades"], ledger["requests"]) == ([], [], [])
    assert sim.get("/_sim/faults") == []
    sim.kite().profile()  # still logged in


def test_idle_tells_what_is_due(sim: Sim) -> None:
    assert sim.get("/_sim/idle") == {"busy": 0, "telling": 0, "next_due": None}
    sim.settings(step_ms=60_000)
    order_id = sim.order()
    due = sim.get("/_sim/idle")["next_due"]
    assert due.startswith("2026-11-23T09:31:0")
    assert due.endswith("+05:30")
    for _ in range(4):
        sim.jump(60)
    sim.settings(step_ms=5)
    assert eventually(lambda: sim.truth(order_id)["status"] in ("OPEN", "COMPLETE"))
