"""What people try who mean no good, or do not look: refused clearly, stored never."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.api.world import SECRET, STRADDLE, Client, World, http_event, linked, published


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def asha(world: World) -> Client:
    client = world.user("asha")
    linked(world, client, "ZA1234")
    return client


def test_without_a_token_nothing_is_answered(world: World) -> None:
    for path in ("/profile", "/baskets", "/orders", "/nothing"):
        assert world.raw(http_event("GET", path)).status == 401
    assert world.raw(http_event("POST", "/square-off")).status == 401
    assert world.raw(http_event("GET", "/health")).status == 200


def test_what_is_somebody_elses_is_not_there(world: World, asha: Client) -> None:
    made = asha.post("/baskets", {"name": "Private", "strategies": [STRADDLE]}).body
    basket, strategy, ravi = made["basket_id"], made["strategies"][0], world.user("ravi")
    theirs = [
        ravi.get(f"/baskets/{basket}"),
        ravi.put(f"/baskets/{basket}", {"name": "Mine"}, if_match="1"),
        ravi.delete(f"/baskets/{basket}"),
        ravi.post(f"/baskets/{basket}/duplicate"),
        ravi.post(f"/baskets/{basket}/enable"),
        ravi.get(f"/strategies/{strategy}"),
        ravi.put(f"/strategies/{strategy}", STRADDLE, if_match="1"),
        ravi.delete(f"/strategies/{strategy}"),
        ravi.post(f"/strategies/{strategy}/run"),
        ravi.post(f"/strategies/{strategy}/enable"),
        ravi.post(f"/strategies/{strategy}/duplicate"),
        ravi.post("/strategies", {**STRADDLE, "basket_id": basket}),
        ravi.get("/accounts/ZA1234"),
        ravi.post("/accounts/ZA1234/square-off"),
    ]
    missing = ravi.get("/baskets/never-was")
    assert {one.status for one in theirs} == {404}
    assert theirs[0].body == missing.body, "and no hint that it exists"
    assert asha.get(f"/baskets/{basket}").body == made


def test_an_admin_sees_no_more_of_others_than_anybody(world: World, asha: Client) -> None:
    basket = asha.post("/baskets", {"name": "Private"}).body["basket_id"]
    assert world.user("admin-1", "admin").get(f"/baskets/{basket}").status == 404


def test_a_group_is_a_whole_word(world: World) -> None:
    for group in ("administrator", "not-admin", "Admin", "user,adminx"):
        assert world.user("eve", group).put("/platform", {"strangers": False}).status == 403


SCRIPT = "<script>alert(1)</script>"
BAD_TEXTS = [
    SCRIPT,
    "<img src=x>",
    "a\u0000b",
    "a\u0007b",
    "a\u202eb",
    "a\u2028b",
    "javascript:x",
    "&#60;b",
    " x",
]


@pytest.mark.parametrize("text", BAD_TEXTS)
def test_markup_and_control_characters_are_never_stored(asha: Client, text: str) -> None:
    before = asha.world.everything_written()
    for path, body in (
        ("/baskets", {"name": text}),
        ("/baskets", {"name": "x", "strategies": [{**STRADDLE, "name": text}]}),
        ("/accounts", {"account": "ZX1111", "api_key": "k", "api_secret": "s", "label": text}),
    ):
        answer = asha.post(path, body)
        assert answer.status == 422, (path, answer.body)
    assert asha.put("/profile", {"name": text}).status == 422
    assert asha.world.everything_written() == before


def test_a_script_in_a_description_is_refused_with_its_path(asha: Client) -> None:
    answer = asha.post("/baskets", {"name": "x", "description": f"Good\n{SCRIPT}"})
    assert (answer.status, answer.body["problems"]) == (
        422,
        ["description: holds markup ('<s'): write plain text"],
    )
    fine = asha.post("/baskets", {"name": "Premium >= 100 & < 200", "description": "दो लाइनें\nनमस्ते"})
    assert fine.status == 201, fine.body


def test_ten_thousand_legs_are_refused(asha: Client) -> None:
    leg = {"right": "CE", "lots": 1, "strike": "ATM"}
    many = {"name": "x", "strategies": [{**STRADDLE, "legs": [leg] * 10_000}]}
    assert asha.post("/baskets", many).status == 413
    some = {"name": "x", "strategies": [{**STRADDLE, "legs": [leg] * 500}]}
    answer = asha.post("/baskets", some)
    assert answer.status == 422
    assert "at most 20" in answer.body["message"]
    crowd = {"name": "x", "strategies": [STRADDLE] * 21}
    assert asha.post("/baskets", crowd).status == 422


def test_five_megabytes_are_refused(asha: Client) -> None:
    assert asha.post("/baskets", {"name": "x", "description": "x" * 5_000_000}).status == 413


HEADERS = {"idempotency-key": "k", "content-type": "application/json"}


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("{", 400),
        ("[" * 50_000, 400),
        ('{"name": NaN}', 400),
        ('{"name": Infinity}', 400),
        ('{"name": 1e999}', 400),
        ('{"name": ' + "9" * 5000 + "}", 400),
        ('{"name": "a", "name": "b"}', 400),
        ('{"name": "\\ud800"}', 400),
        ('{"name": ' + "[" * 30 + "]" * 30 + "}", 400),
        ("[]", 422),
        ('"text"', 422),
        ("null", 422),
        ("1", 422),
        ("{}", 422),
        ('{"name": ["x"]}', 422),
        ('{"name": "x", "strategies": {"0": 1}}', 422),
        ('{"name": "x", "strategies": [null]}', 422),
        ('{"name": "x", "__class__": "y"}', 422),
        ('{"name": "x", "basket_id": "mine"}', 422),
        ('{"name": "x", "version": 7, "schema": 1}', 422),
    ],
)
def test_what_is_not_the_json_that_is_asked_for(asha: Client, text: str, status: int) -> None:
    answer = asha.call("POST", "/baskets", text=text, headers=HEADERS)
    assert answer.status == status, answer.body
    assert asha.get("/baskets").body == []


def test_other_encodings_are_refused(asha: Client) -> None:
    form = asha.call("POST", "/baskets", text="name=x", headers={**HEADERS, "content-type": "text/plain"})
    assert form.status == 415
    event = http_event("POST", "/baskets", base64.b64encode(b"\xff\xfe").decode(), headers=HEADERS)
    event["isBase64Encoded"] = True
    assert asha.world.raw(event).status == 400
    event["body"] = "not base64!"
    assert asha.world.raw(event).status == 400


def test_a_body_may_come_as_base64(asha: Client) -> None:
    event = http_event("PUT", "/profile", base64.b64encode(b'{"name": "Asha"}').decode(), headers=HEADERS)
    event["isBase64Encoded"] = True
    event["requestContext"]["authorizer"] = {"jwt": {"claims": {"sub": "asha"}}}
    assert asha.world.raw(event).body["name"] == "Asha"


@pytest.mark.parametrize(
    "path",
    [
        "/baskets/../accounts",
        "/baskets/a%00b",
        "/baskets/a\nb",
        "/baskets/" + "x" * 400,
        "/baskets/BASKET#1",
        "//",
        "",
        "/strategies/x y/run",
        "/%2e%2e/platform",
    ],
)
def test_strange_addresses_lead_nowhere(asha: Client, path: str) -> None:
    for method in ("GET", "POST", "PUT", "DELETE"):
        assert asha.call(method, path, {}, headers=HEADERS).status in (404, 422), (method, path)


@pytest.mark.parametrize("key", ["", "a b", "x" * 65, "a#b", "é"])
def test_a_strange_idempotency_key_is_refused(asha: Client, key: str) -> None:
    assert asha.post("/baskets", {"name": "x"}, key=key).status == 422


@pytest.mark.parametrize("version", ["x", "-1", "1; DROP", "99999999999999999999", '"'])
def test_a_strange_version_is_refused(asha: Client, version: str) -> None:
    basket = asha.post("/baskets", {"name": "x"}).body["basket_id"]
    assert asha.put(f"/baskets/{basket}", {"name": "y"}, if_match=version).status == 422


def test_what_is_ours_cannot_be_written_from_outside(asha: Client) -> None:
    basket = asha.post("/baskets", {"name": "x"}).body["basket_id"]
    for field, value in (("enabled", True), ("strategy_id", "mine"), ("publisher", "asha"), ("version", 9)):
        answer = asha.post("/strategies", {**STRADDLE, "basket_id": basket, field: value})
        assert answer.status == 422, field
    put = asha.put("/accounts/ZA1234", {"valid_until": "2030-01-01T00:00:00Z"}, if_match="1")
    assert put.status == 422


def test_a_failure_of_ours_tells_nothing(world: World) -> None:
    world.secrets.broken = True
    answer = world.user("admin-1", "admin").post(
        "/accounts", {"account": "ZA9", "api_key": "key", "api_secret": SECRET}
    )
    assert answer.status == 500
    assert answer.body == {"error": "failed", "message": "something went wrong on our side"}


def test_secrets_are_in_no_log(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    asha = world.user("asha")
    linked(world, asha, "ZA1234")
    bad: dict[str, Any] = {"account": "za1234", "api_key": "key", "api_secret": SECRET, "extra": SECRET}
    assert SECRET not in asha.post("/accounts", bad).text
    too_long = {"account": "ZA1234", "api_key": "key", "api_secret": SECRET + "x" * 200}
    refused = asha.post("/accounts", too_long)
    assert refused.status == 422
    assert SECRET not in refused.text
    world.secrets.broken = True
    asha.post("/accounts", {"account": "ZA1234", "api_key": "other", "api_secret": SECRET})
    out, err = capsys.readouterr()
    assert SECRET not in out + err
    assert SECRET not in json.dumps(world.executions.started)


def test_publishing_does_not_give_away_who_subscribes(world: World) -> None:
    _, basket_id, _ = published(world)
    ravi = world.user("ravi")
    linked(world, ravi, "ZB5678")
    ravi.post("/subscriptions", {"basket_id": basket_id, "accounts": ["ZB5678"]})
    seen = world.user("eve").get("/marketplace").text + world.user("eve").get(f"/marketplace/{basket_id}").text
    assert "ravi" not in seen
    assert "ZB5678" not in seen
