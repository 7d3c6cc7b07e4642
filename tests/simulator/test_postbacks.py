"""Postbacks arrive with a valid checksum, and go wrong in every way that a switch asks for."""

from __future__ import annotations

import hashlib

import pytest

from tests.simulator.conftest import ACCOUNTS, Postbox, Sim, eventually

pytestmark = pytest.mark.slow


@pytest.fixture
def posting(sim: Sim, postbox: Postbox) -> Sim:
    sim.settings(postback_url=postbox.url + "/postback/{account}")
    return sim


def delivered(sim: Sim) -> bool:
    idle = sim.get("/_sim/idle")
    return idle["busy"] == 0 and idle["next_due"] is None


def settled(sim: Sim) -> None:
    assert eventually(lambda: delivered(sim))


def test_fill_is_posted_to_the_accounts_url_with_its_checksum(posting: Sim, postbox: Postbox) -> None:
    order_id = posting.order(kite=posting.kite(ACCOUNTS[1]), tag="N42")
    assert eventually(lambda: len(postbox.received) == 1)
    path, body = postbox.received[0]
    assert path == "/postback/ZB5678"
    proof = hashlib.sha256(f"{order_id}{body['order_timestamp']}secrettwo".encode()).hexdigest()
    assert body["checksum"] == proof
    assert (body["status"], body["tag"], body["user_id"], body["unfilled_quantity"]) == (
        "COMPLETE",
        "N42",
        "ZB5678",
        0,
    )
    assert len(body["order_timestamp"]) == 19


def test_partial_fills_and_changes_are_updates(posting: Sim, postbox: Postbox) -> None:
    posting.set("partial", until_modified=1)
    contract = posting.atm()
    order_id = posting.order(contract=contract, quantity=60)
    assert eventually(lambda: postbox.statuses() == ["UPDATE"])
    assert postbox.received[0][1]["filled_quantity"] == 30
    posting.kite().modify_order("regular", order_id, price=posting.marketable(contract, "SELL"))
    posting.until(order_id, "COMPLETE")
    settled(posting)
    assert sorted(postbox.statuses()) == ["COMPLETE", "UPDATE", "UPDATE"]


def test_rejection_is_posted(posting: Sim, postbox: Postbox) -> None:
    posting.set("reject", reason="no")
    posting.order()
    assert eventually(lambda: postbox.statuses() == ["REJECTED"])
    assert postbox.received[0][1]["status_message"] == "no"


def test_delivery_is_tried_again(posting: Sim, postbox: Postbox) -> None:
    postbox.answers = [503, 500]
    posting.order()
    assert eventually(lambda: postbox.statuses() == ["COMPLETE"])
    settled(posting)
    [delivery] = posting.ledger()["postbacks"]
    assert (delivery["tries"], delivery["code"]) == (3, 200)


def test_delivery_to_nobody_is_given_up(posting: Sim) -> None:
    posting.settings(postback_url="http://127.0.0.1:9/{account}")
    posting.order()
    assert eventually(lambda: [d["tries"] for d in posting.ledger()["postbacks"]] == [3])
    assert posting.ledger()["postbacks"][0]["code"] == 0


def test_none(posting: Sim, postbox: Postbox) -> None:
    posting.set("postback_none")
    posting.until(posting.order(), "COMPLETE")
    settled(posting)
    assert postbox.received == []


def test_duplicate(posting: Sim, postbox: Postbox) -> None:
    posting.set("postback_duplicate")
    posting.order()
    assert eventually(lambda: postbox.statuses() == ["COMPLETE", "COMPLETE"])
    assert postbox.received[0] == postbox.received[1]


def test_bad_checksum(posting: Sim, postbox: Postbox) -> None:
    posting.set("postback_bad_checksum")
    posting.order()
    assert eventually(lambda: len(postbox.received) == 1)
    assert postbox.received[0][1]["checksum"] == "0" * 64


def test_delayed(posting: Sim, postbox: Postbox) -> None:
    posting.set("postback_delayed", request="COMPLETE", seconds=30)
    posting.until(posting.order(), "COMPLETE")
    assert posting.get("/_sim/idle")["next_due"].startswith("2026-11-23T09:30:3")
    assert postbox.received == []
    posting.jump(30)
    assert eventually(lambda: postbox.statuses() == ["COMPLETE"])


def test_out_of_order(posting: Sim, postbox: Postbox) -> None:
    posting.set("partial", seconds=2)
    posting.set("postback_out_of_order", request="UPDATE")
    contract = posting.atm()
    order_id = posting.order(contract=contract, quantity=60, price=posting.marketable(contract, "SELL") - 5)
    assert eventually(lambda: posting.truth(order_id)["filled_quantity"] == 30)
    posting.jump(2)
    posting.until(order_id, "COMPLETE")
    assert eventually(lambda: postbox.statuses() == ["COMPLETE", "UPDATE"])
    assert [body["filled_quantity"] for _, body in postbox.received] == [60, 30]


def test_what_nothing_overtakes_comes_late(posting: Sim, postbox: Postbox) -> None:
    posting.set("postback_out_of_order")
    posting.until(posting.order(), "COMPLETE")
    assert postbox.received == []
    posting.jump(5)
    assert eventually(lambda: postbox.statuses() == ["COMPLETE"])


def test_a_human_order_posts_nothing(posting: Sim, postbox: Postbox) -> None:
    symbol = posting.atm().symbol
    posting.post("/_sim/outside", {"account": "ZA1234", "symbol": symbol, "side": "BUY", "quantity": 30})
    settled(posting)
    assert postbox.received == []
