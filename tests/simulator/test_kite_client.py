"""The unmodified `kiteconnect` client, over HTTP: it must not notice that this is not Kite."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from kiteconnect import exceptions

from brokers.clock import IST
from brokers.simulator.instruments import Contract
from brokers.simulator.underlyings import INDIA_VIX, Index, underlyings
from tests.simulator.conftest import ACCOUNTS, Sim, eventually

pytestmark = pytest.mark.slow
WALK = ["PUT ORDER REQ RECEIVED", "VALIDATION PENDING", "OPEN PENDING", "OPEN", "COMPLETE"]


def test_login_page_to_session(sim: Sim) -> None:
    page = requests.get(
        f"{sim.url}/connect/login", {"api_key": "keyone", "v": "3"}, allow_redirects=False, timeout=5
    )
    assert page.status_code == 302
    assert "status=success" in page.headers["location"]
    assert "action=login" in page.headers["location"]
    request_token = page.headers["location"].split("request_token=")[1]
    kite = sim.kite()
    session = kite.generate_session(request_token, "secretone")
    assert session["user_id"] == "ZA1234"
    assert isinstance(session["login_time"], datetime)
    assert kite.profile()["broker"] == "ZERODHA"
    with pytest.raises(exceptions.TokenException):
        kite.generate_session(request_token, "secretone")  # a request token is good for one exchange


def test_wrong_secret_and_wrong_key_are_refused(shared_sim: Sim) -> None:
    token = requests.get(f"{shared_sim.url}/connect/login", {"api_key": "keyone"}, timeout=5).json()["data"][
        "request_token"
    ]
    with pytest.raises(exceptions.TokenException, match="checksum"):
        shared_sim.kite().generate_session(token, "not the secret")
    assert requests.get(f"{shared_sim.url}/connect/login", {"api_key": "nobody"}, timeout=5).status_code == 403


def test_login_goes_back_to_the_apps_own_page(shared_sim: Sim) -> None:
    query = {"api_key": "keyone", "redirect_url": "https://app.example/cb?x=1"}
    page = requests.get(f"{shared_sim.url}/connect/login", query, allow_redirects=False, timeout=5)
    assert page.headers["location"].startswith("https://app.example/cb?x=1&action=login")


def test_logout_ends_the_session(sim: Sim) -> None:
    kite = sim.kite()
    kite.invalidate_access_token()
    with pytest.raises(exceptions.TokenException) as caught:
        kite.profile()
    assert caught.value.code == 403


def test_instruments_parse_and_name_the_moved_expiry(shared_sim: Sim) -> None:
    rows = shared_sim.kite().instruments("NFO")
    bank = [r for r in rows if r["name"] == "BANKNIFTY" and r["expiry"] == date(2026, 11, 23)]
    assert len(bank) > 100
    assert all(r["tradingsymbol"].startswith("BANKNIFTY26NOV") for r in bank)
    assert {r["lot_size"] for r in bank} == {30}
    assert {r["tick_size"] for r in bank if r["instrument_type"] != "FUT"} == {0.05}
    everything = shared_sim.kite().instruments()
    assert {r["exchange"] for r in everything} == {"NFO", "BFO", "NSE", "BSE"}


def test_quotes_of_contracts_and_indices(shared_sim: Sim) -> None:
    contract = shared_sim.atm()
    quotes = shared_sim.kite().quote(
        contract.key, "NSE:NIFTY BANK", "BSE:SENSEX", "NSE:INDIA VIX", "NFO:NOSUCH"
    )
    assert set(quotes) == {contract.key, "NSE:NIFTY BANK", "BSE:SENSEX", "NSE:INDIA VIX"}
    depth = quotes[contract.key]["depth"]
    assert len(depth["buy"]) == len(depth["sell"]) == 5
    assert depth["buy"][0]["price"] < quotes[contract.key]["last_price"] < depth["sell"][0]["price"]
    assert isinstance(quotes[contract.key]["timestamp"], datetime)
    assert abs(quotes["NSE:NIFTY BANK"]["last_price"] - float(contract.strike)) <= 50
    assert (
        shared_sim.kite().ltp(str(contract.instrument_token))[str(contract.instrument_token)]["last_price"] > 0
    )
    ohlc = shared_sim.kite().ohlc(contract.key)[contract.key]["ohlc"]
    assert ohlc["low"] <= ohlc["open"] <= ohlc["high"]


def test_too_many_quotes_in_one_request(shared_sim: Sim) -> None:
    with pytest.raises(exceptions.InputException):
        shared_sim.kite().quote([f"NFO:X{n}" for n in range(501)])


def test_order_walks_through_its_states_and_fills_at_the_quote(sim: Sim) -> None:
    contract = sim.atm()
    kite = sim.kite()
    order_id = sim.order("SELL", contract=contract, tag="N0123456789ABCDEFG01")
    assert kite.orders()[0]["status"] in WALK
    done = sim.until(order_id, "COMPLETE")
    history = kite.order_history(order_id)
    assert [row["status"] for row in history] == WALK
    assert history[0]["exchange_timestamp"] is None
    assert isinstance(history[-1]["order_timestamp"], datetime)
    row = kite.orders()[0]
    assert (row["tag"], row["tags"], row["filled_quantity"]) == (
        "N0123456789ABCDEFG01",
        ["N0123456789ABCDEFG01"],
        30,
    )
    assert done["average_price"] > done["price"]  # sold at the bid, which is better than the limit asked
    [trade] = kite.order_trades(order_id)
    assert trade["average_price"] == done["average_price"]
    assert kite.trades() == kite.order_trades(order_id)
    [position] = kite.positions()["net"]
    assert (position["quantity"], position["product"], position["multiplier"]) == (-30, "MIS", 1)
    assert kite.positions()["day"][0]["sell_value"] == 30 * done["average_price"]
    assert kite.holdings() == []


def test_round_trip_is_flat_with_its_profit(sim: Sim) -> None:
    contract = sim.atm()
    sold = sim.until(sim.order("SELL", contract=contract), "COMPLETE")
    bought = sim.until(sim.order("BUY", contract=contract), "COMPLETE")
    [position] = sim.kite().positions()["net"]
    assert position["quantity"] == 0
    assert position["pnl"] == pytest.approx(30 * (sold["average_price"] - bought["average_price"]))
    assert sim.ledger()["positions"]["ZA1234"] == {}


def test_modify_then_cancel(sim: Sim) -> None:
    contract, kite = sim.atm(), sim.kite()
    order_id = sim.order("BUY", contract=contract, price=sim.resting(contract, "BUY"))
    sim.until(order_id, "OPEN")
    price = sim.resting(contract, "BUY") + 1
    assert kite.modify_order("regular", order_id, price=price) == order_id
    assert eventually(lambda: sim.truth(order_id)["price"] == price and sim.truth(order_id)["status"] == "OPEN")
    assert kite.cancel_order("regular", order_id) == order_id
    row = sim.until(order_id, "CANCELLED")
    assert (row["cancelled_quantity"], row["pending_quantity"], row["filled_quantity"]) == (30, 0, 0)
    statuses = [row["status"] for row in kite.order_history(order_id)]
    assert statuses[4:] == [
        "MODIFY VALIDATION PENDING",
        "MODIFY PENDING",
        "MODIFIED",
        "OPEN",
        "CANCEL PENDING",
        "CANCELLED",
    ]
    with pytest.raises(exceptions.OrderException, match="CANCELLED"):
        kite.cancel_order("regular", order_id)


def test_modification_to_the_quote_fills(sim: Sim) -> None:
    contract = sim.atm()
    order_id = sim.order("SELL", contract=contract, price=sim.resting(contract, "SELL"))
    sim.until(order_id, "OPEN")
    sim.kite().modify_order("regular", order_id, price=sim.marketable(contract, "SELL"))
    assert sim.until(order_id, "COMPLETE")["modified"] is True


def test_protected_market_order_becomes_a_limit_order(sim: Sim) -> None:
    order_id = sim.order("BUY", order_type="MARKET", price=None, market_protection=-1)
    row = sim.until(order_id, "COMPLETE")
    assert row["order_type"] == "LIMIT"
    assert row["price"] > row["average_price"]
    assert row["market_protection"] == -1


def test_accounts_are_strangers(sim: Sim) -> None:
    order_id = sim.order()
    other = sim.kite(ACCOUNTS[1])
    assert other.orders() == []
    with pytest.raises(exceptions.OrderException):
        other.cancel_order("regular", order_id)


def test_margins_and_charges(sim: Sim) -> None:
    kite, contract = sim.kite(), sim.atm()
    leg: dict[str, Any] = {
        "exchange": "NFO",
        "tradingsymbol": contract.symbol,
        "transaction_type": "SELL",
        "variety": "regular",
    }
    leg |= {"product": "MIS", "order_type": "LIMIT", "quantity": 30, "price": 100, "average_price": 100}
    [one] = kite.order_margins([leg])
    assert one["total"] == pytest.approx(one["span"] + one["exposure"])
    hedge = leg | {"transaction_type": "BUY"}
    basket = kite.basket_order_margins([leg, hedge])
    assert basket["final"]["total"] < basket["initial"]["total"]
    [note] = kite.get_virtual_contract_note([leg])
    assert note["charges"]["transaction_tax"] == pytest.approx(4.5)  # 0.15 % of ₹3,000 since April 2026
    assert kite.margins("equity")["net"] == kite.margins()["equity"]["net"] == 10_000_000
    sim.until(sim.order("SELL", contract=contract), "COMPLETE")
    assert kite.margins("equity")["net"] < 10_000_000


def test_candles(shared_sim: Sim) -> None:
    kite, contract = shared_sim.kite(), shared_sim.atm()
    rows = kite.historical_data(
        contract.instrument_token, "2026-11-23 09:15:00", "2026-11-23 09:30:00", "minute", oi=True
    )
    assert len(rows) == 15
    assert rows[0]["date"].utcoffset().total_seconds() == 19_800
    assert all(r["low"] <= min(r["open"], r["close"]) <= max(r["open"], r["close"]) <= r["high"] for r in rows)
    days = kite.historical_data(260105, "2026-11-01 00:00:00", "2026-11-23 00:00:00", "day")
    assert [d["date"].day for d in days][:3] == [2, 3, 4]
    with pytest.raises(exceptions.InputException, match="60 days"):
        kite.historical_data(260105, "2026-01-01 00:00:00", "2026-11-23 00:00:00", "minute")


@pytest.mark.parametrize("of", ["contract", "index", "vix"])
def test_candles_are_what_ticks_would_have_made(shared_sim: Sim, of: str) -> None:
    contract, market = shared_sim.atm(), shared_sim.world.market
    known: dict[str, Contract | Index] = {
        "contract": contract,
        "index": underlyings()["BANKNIFTY"].index,
        "vix": INDIA_VIX,
    }
    item = known[of]
    [row] = shared_sim.kite().historical_data(
        item.instrument_token, "2026-11-23 09:21:00", "2026-11-23 09:24:00", "3minute"
    )
    opened = datetime(2026, 11, 23, 9, 21, tzinfo=IST)
    seconds = [opened + timedelta(seconds=n) for n in range(-1, 180)]
    if isinstance(item, Contract):
        prices = [float(market.last(item, at)) for at in seconds[1:]]
        traded = [market.traded(item, at)["volume"] for at in seconds]
        assert row["volume"] == traded[-1] - traded[0]
    else:
        prices = [float(market.index_price(item, at)) for at in seconds[1:]]
    shown = [row["open"], row["high"], row["low"], row["close"]]
    assert shown == [prices[0], max(prices), min(prices), prices[-1]]


def test_unknown_route_answers_in_the_envelope(shared_sim: Sim) -> None:
    answer = requests.get(f"{shared_sim.url}/mf/orders", timeout=5)
    assert answer.status_code == 404
    assert answer.json()["status"] == "error"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"tag": "x" * 21}, "tag"),
        ({"quantity": 31}, "multiple of the lot size 30"),
        ({"quantity": 630}, "freeze"),
        ({"price": 100.03}, "tick size"),
        ({"price": 0}, "price"),
        ({"price": "abc"}, "not a number"),
        ({"order_type": "MARKET"}, "without market protection"),
        ({"order_type": "MARKET", "market_protection": 0}, "without market protection"),
        ({"order_type": "MARKET", "market_protection": 101}, "market_protection"),
        ({"tradingsymbol": "BANKNIFTY26NOV1CE"}, "expired or does not exist"),
        ({"transaction_type": "HOLD"}, "transaction_type"),
        ({"product": "CNC"}, "product"),
        ({"validity": "TTL"}, "validity"),
        ({"variety": "iceberg"}, "variety"),
        ({"quantity": -30}, "quantity"),
        ({"exchange": ""}, "Missing"),
    ],
)
def test_bad_orders_are_refused_with_their_reason(shared_sim: Sim, change: dict[str, Any], words: str) -> None:
    with pytest.raises(exceptions.InputException, match=words) as caught:
        shared_sim.order(**change)
    assert caught.value.code == 400
    assert shared_sim.ledger()["orders"] == []


def test_an_order_on_its_way_cannot_be_changed_yet(sim: Sim) -> None:
    sim.set("stuck", seconds=60)
    order_id = sim.order()
    with pytest.raises(exceptions.OrderException, match="being processed"):
        sim.kite().modify_order("regular", order_id, price=100)
    assert sim.truth(order_id)["status"] == "PUT ORDER REQ RECEIVED"
    sim.jump(61)
    assert eventually(lambda: sim.truth(order_id)["status"] in ("OPEN", "COMPLETE"))


def test_at_most_25_modifications(sim: Sim) -> None:
    contract, kite = sim.atm(), sim.kite()
    price = sim.resting(contract, "BUY")
    order_id = sim.order("BUY", contract=contract, price=price)
    sim.until(order_id, "OPEN")
    for n in range(25):
        kite.modify_order("regular", order_id, price=price + n % 2)
    with pytest.raises(exceptions.OrderException, match="Maximum allowed order modifications"):
        kite.modify_order("regular", order_id, price=price)


def test_price_outside_the_band_is_rejected_by_the_exchange(sim: Sim) -> None:
    contract = sim.atm()
    order_id = sim.order("BUY", contract=contract, price=float(sim.quoted(contract, "BUY") * 3))
    assert "price protection" in sim.until(order_id, "REJECTED")["status_message"]


def test_a_login_leads_to_the_registered_address_with_what_it_was_to_carry(shared_sim: Sim) -> None:
    from brokers.zerodha import Credentials, login_url

    page = urlsplit(login_url(Credentials("ZA1234", api_key="keyone", api_secret="x"), carry={"state": "a&b"}))
    answer = requests.get(f"{shared_sim.url}{page.path}?{page.query}", allow_redirects=False, timeout=5)
    sent = parse_qs(urlsplit(answer.headers["location"]).query)
    assert sent["state"] == ["a&b"]
    assert sent["status"] == ["success"]
