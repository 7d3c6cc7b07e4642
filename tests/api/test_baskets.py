"""Baskets and strategies: what a user can do with their own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tasks.api import baskets
from tasks.api.here import Caller, Here
from tasks.api.parameters import BasketChange
from tasks.api.problems import Conflict
from tests.api.world import STRADDLE, Client, World, linked


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def asha(world: World) -> Client:
    client = world.user("asha")
    linked(world, client, "ZA1234")
    return client


def a_basket(client: Client, **more: Any) -> dict[str, Any]:
    draft = {**STRADDLE, "accounts": ["ZA1234"]}
    answer = client.post("/baskets", {"name": "My basket", "strategies": [draft], **more})
    assert answer.status == 201, answer.body
    basket: dict[str, Any] = answer.body
    return basket


def test_a_basket_is_created_with_its_strategies_and_found_again(asha: Client) -> None:
    made = a_basket(asha, description="Two lines,\nno more.")
    assert made["version"] == 1
    assert asha.get(f"/baskets/{made['basket_id']}").body == made
    assert asha.get("/baskets").body == [made]
    (strategy,) = asha.get("/strategies", basket_id=made["basket_id"]).body
    assert strategy["enabled"] is False
    assert strategy["strategy"]["legs"][0]["side"] == "SELL"
    assert strategy["strategy_id"].startswith("straddle-")
    assert len(strategy["strategy_id"]) <= 24


def test_the_same_command_twice_has_one_effect_and_one_answer(asha: Client) -> None:
    first = asha.post("/baskets", {"name": "Once"}, key="k-1")
    again = asha.post("/baskets", {"name": "Once"}, key="k-1")
    assert (again.status, again.body) == (first.status, first.body)
    assert len(asha.get("/baskets").body) == 1


def test_a_key_is_good_for_one_command(asha: Client) -> None:
    asha.post("/baskets", {"name": "Once"}, key="k-1")
    assert asha.post("/baskets", {"name": "Another"}, key="k-1").status == 409
    assert len(asha.get("/baskets").body) == 1


def test_keys_of_different_users_are_different(world: World, asha: Client) -> None:
    assert asha.post("/baskets", {"name": "Mine"}, key="k-1").status == 201
    assert world.user("ravi").post("/baskets", {"name": "Mine too"}, key="k-1").status == 201


def test_two_edits_at_once_one_wins_and_the_other_learns_the_new_version(asha: Client) -> None:
    basket = a_basket(asha)
    path = f"/baskets/{basket['basket_id']}"
    assert asha.put(path, {"name": "First"}, if_match='"1"').body["version"] == 2
    late = asha.put(path, {"name": "Second"}, if_match='"1"')
    assert (late.status, late.body["version"]) == (409, 2)
    assert asha.get(path).body["name"] == "First"


def test_of_many_edits_of_one_version_one_is_taken(asha: Client) -> None:
    basket_id = a_basket(asha)["basket_id"]
    here = Here(asha.world.services, Caller("asha"), "PUT", f"/baskets/{basket_id}", asha.world.clock.now())

    def edit(nth: int) -> bool:
        try:
            baskets.change_basket(here, basket_id, BasketChange(name=f"Name {nth}"), "1")
        except Conflict as conflict:
            return conflict.version != 2
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(edit, range(6))) == [False] * 5 + [True]


def test_an_edit_has_to_say_what_it_saw(asha: Client) -> None:
    assert asha.put(f"/baskets/{a_basket(asha)['basket_id']}", {"name": "Blind"}).status == 428


def test_enabling_needs_an_account_and_makes_a_new_version(asha: Client) -> None:
    basket = a_basket(asha)
    (strategy_id,) = basket["strategies"]
    enabled = asha.post(f"/strategies/{strategy_id}/enable")
    assert (enabled.body["enabled"], enabled.body["version"]) == (True, 2)
    assert asha.post(f"/strategies/{strategy_id}/enable").body["version"] == 2
    bare = asha.post("/strategies", {**STRADDLE, "basket_id": basket["basket_id"]}).body
    assert asha.post(f"/strategies/{bare['strategy_id']}/enable").status == 409


def test_a_whole_basket_is_enabled_and_disabled(asha: Client) -> None:
    basket = a_basket(asha)
    assert asha.post(f"/baskets/{basket['basket_id']}/enable").status == 200
    assert [one["enabled"] for one in asha.get("/strategies").body] == [True]
    asha.post(f"/baskets/{basket['basket_id']}/disable")
    assert [one["enabled"] for one in asha.get("/strategies").body] == [False]


def test_a_strategy_is_replaced_and_stays_enabled(asha: Client) -> None:
    (strategy_id,) = a_basket(asha)["strategies"]
    path = f"/strategies/{strategy_id}"
    asha.post(f"{path}/enable")
    changed = asha.put(path, {**STRADDLE, "accounts": ["ZA1234"], "exit_time": "15:00"}, if_match="2")
    assert changed.status == 200, changed.body
    assert changed.body["enabled"] is True
    assert changed.body["strategy"]["exit_time"] == "15:00"
    assert asha.put(path, STRADDLE, if_match="3").status == 409, "enabled, so it needs an account"


def test_copies_are_disabled_and_stand_alone(asha: Client) -> None:
    basket = a_basket(asha)
    (strategy_id,) = basket["strategies"]
    asha.post(f"/strategies/{strategy_id}/enable")
    copy = asha.post(f"/baskets/{basket['basket_id']}/duplicate").body
    assert copy["name"] == "My basket (copy)"
    assert copy["strategies"][0] != strategy_id
    twin = asha.post(f"/strategies/{strategy_id}/duplicate").body
    assert (twin["name"], twin["enabled"]) == ("Straddle (copy)", False)
    assert len(asha.get(f"/baskets/{basket['basket_id']}").body["strategies"]) == 2


def test_deleting_a_strategy_takes_it_out_of_its_basket(asha: Client) -> None:
    basket = a_basket(asha)
    (strategy_id,) = basket["strategies"]
    assert asha.delete(f"/strategies/{strategy_id}").body == {"deleted": strategy_id}
    assert asha.get(f"/baskets/{basket['basket_id']}").body["strategies"] == []
    assert asha.get(f"/strategies/{strategy_id}").status == 404


def test_deleting_a_basket_deletes_its_strategies(asha: Client) -> None:
    basket = a_basket(asha)
    assert asha.delete(f"/baskets/{basket['basket_id']}", if_match="1").status == 200
    assert asha.get("/strategies").body == []
    assert asha.delete(f"/baskets/{basket['basket_id']}").status == 404


def test_what_is_impossible_is_refused_with_its_path(asha: Client) -> None:
    wrong = {**STRADDLE, "exit_time": "09:15", "legs": [{"right": "CE", "lots": 0, "strike": "ATM"}]}
    answer = asha.post("/baskets", {"name": "Wrong", "strategies": [STRADDLE, wrong]})
    assert answer.status == 422
    assert any(
        line.startswith("strategies[1].exit_time: 09:15 is not after") for line in answer.body["problems"]
    )
    assert any(line.startswith("strategies[1].legs[0].lots:") for line in answer.body["problems"])
    assert asha.get("/baskets").body == []


def test_times_outside_the_session_are_refused(asha: Client) -> None:
    answer = asha.post("/baskets", {"name": "Early", "strategies": [{**STRADDLE, "entry_time": "09:00"}]})
    assert answer.status == 422
    assert answer.body["problems"] == [
        "strategies[0].entry_time: 09:00 is outside the session of 09:15 to 15:40"
    ]


def test_an_account_that_is_not_theirs_is_refused(world: World, asha: Client) -> None:
    ravi = world.user("ravi")
    answer = ravi.post("/baskets", {"name": "Theirs", "strategies": [{**STRADDLE, "accounts": ["ZA1234"]}]})
    assert answer.status == 422
    assert "accounts[0]: ZA1234 is not one of your broker accounts" in answer.body["problems"][0]


def test_an_indicator_strategy_is_kept_and_can_be_enabled(asha: Client) -> None:
    rule = {
        "conditions": [
            {
                "left": {"indicator": "EMA", "length": 9},
                "compare": "crosses_above",
                "right": {"indicator": "EMA", "length": 21},
            }
        ]
    }
    draft = {
        **STRADDLE,
        "accounts": ["ZA1234"],
        "trigger": "indicator",
        "indicators": {"timeframe": 5, "entry": rule},
    }
    basket = asha.post("/baskets", {"name": "Crossing", "strategies": [draft]})
    assert basket.status == 201, basket.body
    strategy_id = basket.body["strategies"][0]
    kept = asha.get(f"/strategies/{strategy_id}").body["strategy"]["indicators"]
    assert kept["entry"]["all"][0]["left"]["length"] == 9
    assert asha.post(f"/strategies/{strategy_id}/enable").status == 200
