"""The kill switch's commands: whom they reach, what they start, and how they are undone."""

from __future__ import annotations

import pytest

from tasks.api import kill
from tasks.stores.halts import Scope, of_account
from tests.api.test_running import RUN, enabled, is_open
from tests.api.world import NOON, Client, World, linked


@pytest.fixture
def world() -> World:
    return World(NOON)


@pytest.fixture
def asha(world: World) -> Client:
    client = world.user("asha")
    linked(world, client, "ZA1234")
    return client


def scopes(world: World, account: str) -> list[Scope]:
    return [one.scope for one in world.stores.halts.held([of_account(account)]).get(of_account(account), [])]


def test_all_of_mine_is_halted_and_closed_and_nothing_of_others(world: World, asha: Client) -> None:
    linked(world, asha, "ZA5555")
    linked(world, world.user("ravi"), "ZB5678")
    is_open(world, "asha")
    is_open(world, "ravi", "ZB5678")
    answer = asha.post("/kill", {"reason": "enough"})
    assert answer.status == 200, answer.body
    assert [(one["scope"], one["account"], one["reason"]) for one in answer.body["halts"]] == [
        ("USER", "", "enough")
    ]
    assert [one["account"] for one in answer.body["exits"]] == ["ZA1234"]
    assert answer.body["open"] == 1
    assert list(world.executions.started) == [f"{RUN}-ZA1234-EXIT"]
    assert [scopes(world, account) for account in ("ZA1234", "ZA5555", "ZB5678")] == [["USER"], ["USER"], []]
    assert world.user("ravi").get("/kill").body["halts"] == []


def test_one_account_is_halted(world: World, asha: Client) -> None:
    linked(world, asha, "ZA5555")
    is_open(world, "asha", "ZA5555")
    answer = asha.post("/kill", {"account": "ZA1234"})
    assert ([one["account"] for one in answer.body["halts"]], answer.body["exits"]) == (["ZA1234"], [])
    assert scopes(world, "ZA5555") == []


def test_sent_again_it_goes_on_and_the_first_word_stands(world: World, asha: Client) -> None:
    asha.post("/kill", {"reason": "first"})
    is_open(world, "asha")
    world.later(60)
    answer = asha.post("/kill", {"reason": "second"})
    assert [one["reason"] for one in answer.body["halts"]] == ["first"]
    assert [one["status"] for one in answer.body["exits"]] == ["STARTED"]
    assert asha.post("/kill").body["exits"][0]["status"] == "RUNNING"


def test_an_admin_halts_everybody(world: World, asha: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kill, "EXITS_AT_ONCE", 1)
    linked(world, world.user("ravi"), "ZB5678")
    is_open(world, "asha")
    is_open(world, "ravi", "ZB5678")
    assert asha.post("/kill", {"everyone": True}).status == 403
    admin = world.user("operator", "admin")
    answer = admin.post("/kill", {"everyone": True})
    assert (answer.body["open"], len(answer.body["exits"])) == (2, 1)
    assert [one["scope"] for one in asha.get("/kill").body["halts"]] == ["ALL"]
    assert (scopes(world, "ZA1234"), scopes(world, "ZB5678")) == (["ALL"], ["ALL"])
    asha.post("/kill/release")
    assert scopes(world, "ZA1234") == ["ALL"]
    assert admin.post("/kill/release", {"everyone": True}).body["halts"] == []
    assert scopes(world, "ZA1234") == []


def test_somebody_elses_account_is_not_there(world: World, asha: Client) -> None:
    linked(world, world.user("ravi"), "ZB5678")
    assert asha.post("/kill", {"account": "ZB5678"}).status == 404
    assert asha.post("/kill/release", {"account": "ZB5678"}).status == 404
    assert scopes(world, "ZB5678") == []


@pytest.mark.parametrize("body", [{"account": "za"}, {"all": True}, {"reason": "<b>"}, {"everyone": "yes"}])
def test_what_makes_no_sense_is_refused(world: World, asha: Client, body: dict[str, object]) -> None:
    assert asha.post("/kill", body).status == 422
    assert asha.get("/kill").body["halts"] == []


def test_one_account_or_everyone(world: World) -> None:
    admin = world.user("operator", "admin")
    assert admin.post("/kill", {"account": "ZA1234", "everyone": True}).status == 422


def test_nothing_is_run_by_hand_while_it_is_halted(world: World, asha: Client) -> None:
    strategy_id = enabled(asha)
    asha.post("/kill", {"account": "ZA1234"})
    answer = asha.post(f"/strategies/{strategy_id}/run")
    assert (answer.status, "ZA1234 is halted" in answer.body["message"]) == (409, True)
    assert asha.post("/kill/release", {"account": "ZA1234"}).body["halts"] == []
    assert asha.post(f"/strategies/{strategy_id}/run").status == 202
