"""Broker accounts: who may link them, how they log in, and where their secrets are."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from brokers.clock import IST
from brokers.errors import BrokerUnavailable, TokenExpired
from tests.api.world import SECRET, STRADDLE, Answer, Client, World, http_event, linked

LINK = {"account": "ZA1234", "api_key": "key1", "api_secret": SECRET}


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def asha(world: World) -> Client:
    client = world.user("asha")
    linked(world, client, "ZA1234")
    return client


REQUEST_TOKEN = "request-token-77"


def come_back(world: World, account: str, state: str) -> Answer:
    query = {"request_token": REQUEST_TOKEN, "state": state, "status": "success"}
    return world.raw(http_event("GET", f"/callback/{account}", query=query))


def state_of(client: Client, account: str) -> str:
    address: str = client.get(f"/accounts/{account}/login").body["address"]
    return parse_qs(urlsplit(address).query)["state"][0]


def test_linking_is_closed_until_the_operator_says_under_which_empanelment(world: World) -> None:
    ravi, admin = world.user("ravi"), world.user("admin-1", "admin")
    assert ravi.post("/accounts", LINK).status == 403
    assert admin.put("/platform", {"strangers": True}).status == 422
    assert ravi.put("/platform", {"strangers": True, "empanelment": "NSE/1"}).status == 403
    assert admin.put("/platform", {"strangers": True, "empanelment": "NSE/1"}).status == 200
    assert ravi.post("/accounts", LINK).status == 201
    assert world.secrets.kept["ZA1234"]["api_secret"] == SECRET


def test_an_operator_links_their_own_without_asking(world: World) -> None:
    assert world.user("admin-1", "admin").post("/accounts", LINK).status == 201


def test_secrets_are_nowhere_but_in_their_store(world: World, asha: Client) -> None:
    come_back(world, "ZA1234", state_of(asha, "ZA1234"))
    written = world.everything_written()
    for hidden in (SECRET, "keyZA1234", "request-token-77", "token-1"):
        assert hidden not in written
        assert hidden not in asha.get("/accounts").text
        assert hidden not in asha.get("/accounts/ZA1234/login").text


def test_a_login_is_good_until_six_in_the_morning(world: World, asha: Client) -> None:
    assert asha.get("/accounts/ZA1234").body["valid_until"] is None
    answer = come_back(world, "ZA1234", state_of(asha, "ZA1234"))
    assert answer.status == 200
    assert "ZA1234 is logged in until 24 Nov 2026 06:00 IST" in answer.text
    until = asha.get("/accounts/ZA1234").body["valid_until"]
    assert datetime.fromisoformat(until) == datetime(2026, 11, 24, 6, 0, tzinfo=IST)
    assert world.secrets.kept["ZA1234"]["access_token"] == "token-1"


def test_nobody_can_log_in_an_account_that_did_not_ask(world: World, asha: Client) -> None:
    linked(world, world.user("ravi"), "ZB5678")
    good = state_of(asha, "ZA1234")
    for account, state in (
        ("ZA1234", ""),
        ("ZA1234", "guess"),
        ("ZA1234", good[:-1] + ("0" if good[-1] != "0" else "1")),
        ("ZB5678", good),
        ("ZA1234", f"9{good}"),
    ):
        assert come_back(world, account, state).status == 403
    assert come_back(world, "ZX0000", good).status == 404
    assert world.logins.exchanged == []


def test_a_login_that_took_too_long_is_refused(world: World, asha: Client) -> None:
    state = state_of(asha, "ZA1234")
    world.later(601)
    assert come_back(world, "ZA1234", state).status == 403


def test_what_the_broker_says_is_told_in_words_of_ours(world: World, asha: Client) -> None:
    world.logins.broken = TokenExpired(f"token {SECRET} is bad", account="ZA1234")
    refused = come_back(world, "ZA1234", state_of(asha, "ZA1234"))
    assert refused.status == 409
    assert SECRET not in refused.text
    world.logins.broken = BrokerUnavailable("502", account="ZA1234")
    assert come_back(world, "ZA1234", state_of(asha, "ZA1234")).status == 503


def test_an_account_belongs_to_who_linked_it_first(world: World, asha: Client) -> None:
    ravi = world.user("ravi")
    assert ravi.post("/accounts", {**LINK, "api_secret": "other"}).status == 409
    assert world.secrets.kept["ZA1234"]["api_secret"] == SECRET
    assert ravi.get("/accounts/ZA1234").status == 404
    assert ravi.get("/accounts/ZA1234/login").status == 404
    assert ravi.delete("/accounts/ZA1234").status == 404
    assert ravi.put("/accounts/ZA1234", {"label": "mine"}, if_match="1").status == 404
    asha.delete("/accounts/ZA1234")
    assert ravi.post("/accounts", {**LINK, "api_secret": "other"}).status == 201


def test_a_link_whose_secret_was_lost_half_way_is_mended_by_sending_it_again(world: World) -> None:
    admin = world.user("admin-1", "admin")
    world.secrets.broken = True
    assert admin.post("/accounts", LINK, key="k").status == 500
    world.secrets.broken = False
    assert admin.post("/accounts", LINK, key="k").status == 201
    assert world.secrets.kept["ZA1234"]["api_secret"] == SECRET


def test_linking_again_replaces_the_secret_and_asks_for_a_login(world: World, asha: Client) -> None:
    come_back(world, "ZA1234", state_of(asha, "ZA1234"))
    again = asha.post("/accounts", {**LINK, "api_secret": "new-secret"})
    assert (again.status, again.body["valid_until"]) == (201, None)
    assert world.secrets.kept["ZA1234"] == {
        "broker": "zerodha",
        "api_key": "key1",
        "api_secret": "new-secret",
        "access_token": "",
        "user_id": "ZA1234",
    }


def test_an_account_in_use_is_not_unlinked(asha: Client) -> None:
    made = asha.post("/baskets", {"name": "Uses it", "strategies": [{**STRADDLE, "accounts": ["ZA1234"]}]})
    refused = asha.delete("/accounts/ZA1234")
    assert refused.status == 409
    assert made.body["strategies"][0] in refused.body["message"]
    asha.delete(f"/baskets/{made.body['basket_id']}")
    assert asha.delete("/accounts/ZA1234").status == 200
    assert asha.world.secrets.kept == {}


def test_label_multiplier_and_status_are_changed(asha: Client) -> None:
    version = asha.get("/accounts/ZA1234").body["version"]
    changed = asha.put(
        "/accounts/ZA1234", {"label": "Main", "lot_multiplier": 2, "status": "PAUSED"}, if_match=str(version)
    )
    assert (changed.body["label"], changed.body["lot_multiplier"], changed.body["status"]) == (
        "Main",
        2,
        "PAUSED",
    )
    assert asha.put("/accounts/ZA1234", {"label": "Late"}, if_match=str(version)).status == 409


EGRESS = {"address": "203.0.113.7", "proxy_url": "http://user:proxy-password@10.0.0.7:3128"}


def test_an_egress_serves_one_family(world: World, asha: Client) -> None:
    admin = world.user("admin-1", "admin")
    assert asha.put("/egresses/mumbai-1", EGRESS).status == 403
    assert admin.put("/egresses/mumbai-1", {**EGRESS, "family": ["mother"]}).status == 200
    asked = {"label": "", "egress": "mumbai-1"}
    mine = asha.put("/accounts/ZA1234", asked, if_match="1")
    assert mine.body["egress"] == {"name": "mumbai-1", "address": "203.0.113.7"}
    assert "proxy-password" not in mine.text
    ravi, mother = world.user("ravi"), world.user("mother")
    linked(world, ravi, "ZB5678")
    refused = ravi.put("/accounts/ZB5678", asked, if_match="1")
    assert refused.status == 422
    assert "another client's" in refused.body["problems"][0]
    linked(world, mother, "ZC9999", egress="mumbai-1")
    assert ravi.put("/accounts/ZB5678", {"egress": "no-such"}, if_match="1").status == 422


def test_an_egress_in_use_keeps_its_address(world: World, asha: Client) -> None:
    admin = world.user("admin-1", "admin")
    admin.put("/egresses/mumbai-1", EGRESS)
    asha.put("/accounts/ZA1234", {"egress": "mumbai-1"}, if_match="1")
    assert admin.put("/egresses/mumbai-1", {**EGRESS, "address": "203.0.113.8"}).status == 409
    assert admin.put("/egresses/mumbai-1", {**EGRESS, "family": ["mother"]}).body["owner"] == "asha"
    wrong = admin.put("/egresses/mumbai-2", {"address": "not an address", "proxy_url": "ftp://x"})
    assert wrong.status == 422
    assert len(wrong.body["problems"]) == 2
    assert admin.put("/egresses/mumbai-2", {"address": "203.0.113.9"}).body["problems"] == [
        "proxy_url: is missing"
    ]


def test_a_proxy_s_password_is_nowhere_but_with_the_secrets(world: World, asha: Client) -> None:
    admin = world.user("admin-1", "admin")
    made = admin.put("/egresses/mumbai-1", EGRESS)
    asha.put("/accounts/ZA1234", {"egress": "mumbai-1"}, if_match="1")
    refused = admin.put("/egresses/mumbai-2", {"address": "x", "proxy_url": "ftp://u:proxy-password@h"})
    answers = (made, refused, admin.get("/egresses"), admin.get("/egresses/mumbai-1"), asha.get("/accounts"))
    for text in (world.everything_written(), *(answer.text for answer in answers)):
        assert "proxy-password" not in text
    assert world.secrets.kept["egress/mumbai-1"] == {"proxy_url": EGRESS["proxy_url"]}
    changed = {**EGRESS, "proxy_url": "http://user:proxy-password-2@10.0.0.7:3128"}
    assert admin.put("/egresses/mumbai-1", changed).status == 200
    assert world.secrets.kept["egress/mumbai-1"]["proxy_url"] == changed["proxy_url"]


def test_an_admin_reads_what_the_operator_decided_and_nobody_else(world: World, asha: Client) -> None:
    admin = world.user("admin-1", "admin")
    for path in ("/platform", "/egresses", "/egresses/mumbai-1"):
        assert asha.get(path).status == 403
    assert admin.get("/egresses").body == []
    assert admin.get("/egresses/mumbai-1").status == 404
    admin.put("/egresses/mumbai-1", {**EGRESS, "family": ["mother"]})
    (seen,) = admin.get("/egresses").body
    assert admin.get("/egresses/mumbai-1").body == seen
    told = {name: seen[name] for name in ("name", "address", "proxy", "owner", "family", "version")}
    assert told == {
        "name": "mumbai-1", "address": "203.0.113.7", "proxy": "http://10.0.0.7:3128", "owner": "",
        "family": ["mother"], "version": 1,
    }  # fmt: skip
    kept = admin.put("/egresses/mumbai-1", {"address": "203.0.113.8", "family": []}, if_match="1")
    assert (kept.body["proxy"], kept.body["address"]) == ("http://10.0.0.7:3128", "203.0.113.8")
    assert world.secrets.kept["egress/mumbai-1"]["proxy_url"] == EGRESS["proxy_url"]
    assert admin.put("/egresses/mumbai-1", {"address": "203.0.113.8"}, if_match="1").status == 409


def test_settings_are_read_changed_and_sent_back(world: World) -> None:
    admin = world.user("admin-1", "admin")
    nothing = admin.get("/platform").body
    assert (nothing["strangers"], nothing["version"]) == (False, 0)
    admin.put("/platform", {"strangers": True, "empanelment": "NSE/1", "data_account": "ZA1234"})
    standing = admin.get("/platform").body
    assert (standing["empanelment"], standing["data_account"], standing["version"]) == ("NSE/1", "ZA1234", 1)
    asked = {"strangers": True, "empanelment": "NSE/2", "data_account": "ZA1234"}
    assert admin.put("/platform", asked, if_match="1").body["version"] == 2
    assert admin.put("/platform", asked, if_match="1").status == 409
