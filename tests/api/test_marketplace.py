"""The marketplace: what an admin publishes, and what others may do with it."""

from __future__ import annotations

import pytest

from tasks.domain import items
from tests.api.world import STRADDLE, World, linked, published


@pytest.fixture
def world() -> World:
    return World()


def test_a_published_basket_is_seen_by_all_without_its_publishers_accounts(world: World) -> None:
    _, basket_id, strategy_id = published(world, accounts=("ZA1234",))
    (seen,) = world.user("ravi").get("/marketplace").body
    assert (seen["basket_id"], seen["published_version"]) == (basket_id, 1)
    assert seen["strategies"][0]["strategy_id"] == strategy_id
    text = world.user("ravi").get(f"/marketplace/{basket_id}").text
    assert "ZA1234" not in text
    assert "admin-1" not in text


def test_the_run_finds_what_it_needs(world: World) -> None:
    _, basket_id, strategy_id = published(world, accounts=("ZA1234",))
    strategy = world.stores.catalog.get(items.MARKETPLACE, items.strategy(strategy_id))
    assert strategy is not None
    assert strategy["enabled"] is True
    assert strategy["publisher"] == "admin-1"
    assert strategy["accounts"] == ["ZA1234"]
    assert strategy["basket_id"] == basket_id


def test_only_admins_publish(world: World) -> None:
    _, basket_id, _ = published(world)
    ravi = world.user("ravi", "user")
    assert ravi.post("/baskets", {"name": "Mine", "kind": "marketplace"}).status == 403
    assert ravi.post(f"/baskets/{basket_id}/publish").status == 403
    assert ravi.post(f"/marketplace/{basket_id}/withdraw").status == 403


def test_a_draft_never_trades_by_itself(world: World) -> None:
    admin, basket_id, strategy_id = published(world, accounts=("ZA1234",))
    assert admin.post(f"/strategies/{strategy_id}/enable").status == 409
    assert admin.post(f"/baskets/{basket_id}/enable").status == 409
    assert admin.post(f"/strategies/{strategy_id}/run").status == 409


def test_a_new_version_leaves_the_old_one_as_it_was(world: World) -> None:
    admin, basket_id, strategy_id = published(world)
    version = admin.get(f"/strategies/{strategy_id}").body["version"]
    admin.put(f"/strategies/{strategy_id}", {**STRADDLE, "exit_time": "15:00"}, if_match=str(version))
    assert world.user("ravi").get(f"/marketplace/{basket_id}").body["published_version"] == 1
    assert admin.post(f"/baskets/{basket_id}/publish").body["published_version"] == 2
    catalog = world.stores.catalog
    exits = {
        item: (catalog.get(items.MARKETPLACE, item) or {})["strategies"][0]["exit_time"]
        for item in (items.basket_version(basket_id, 1), items.basket_version(basket_id, 2))
    }
    assert list(exits.values()) == ["15:15", "15:00"]
    newest = catalog.get(items.MARKETPLACE, items.strategy(strategy_id)) or {}
    assert (newest["exit_time"], newest["basket_version"]) == ("15:00", 2)


def test_a_strategy_that_a_new_version_drops_is_gone(world: World) -> None:
    admin, basket_id, first = published(world)
    second = admin.post("/strategies", {**STRADDLE, "basket_id": basket_id}).body["strategy_id"]
    admin.delete(f"/strategies/{first}")
    assert admin.post(f"/baskets/{basket_id}/publish").status == 200
    assert world.stores.catalog.get(items.MARKETPLACE, items.strategy(first)) is None
    assert world.stores.catalog.get(items.MARKETPLACE, items.strategy(second)) is not None


def test_subscribe_change_pause_resume_and_leave(world: World) -> None:
    admin, basket_id, _ = published(world)
    ravi = world.user("ravi")
    linked(world, ravi, "ZB5678")
    made = ravi.post("/subscriptions", {"basket_id": basket_id, "accounts": ["ZB5678"], "multiplier": 2})
    assert (made.status, made.body["version"], made.body["basket_version"]) == (201, 1, 1)
    row = world.stores.catalog.get(items.MARKETPLACE, items.subscriber(basket_id, "ravi")) or {}
    assert (row["user_id"], row["accounts"], row["multiplier"], row["paused"]) == ("ravi", ["ZB5678"], 2, False)
    changed = ravi.put(f"/subscriptions/{basket_id}", {"accounts": ["ZB5678"], "multiplier": 3}, if_match="1")
    assert changed.body["multiplier"] == 3
    assert ravi.post(f"/subscriptions/{basket_id}/pause").body["paused"] is True
    row = world.stores.catalog.get(items.MARKETPLACE, items.subscriber(basket_id, "ravi")) or {}
    assert (row["paused"], row["multiplier"]) == (True, 3)
    assert ravi.post(f"/subscriptions/{basket_id}/resume").body["paused"] is False
    admin.post(f"/baskets/{basket_id}/publish")
    assert ravi.get(f"/subscriptions/{basket_id}").body["basket_version"] == 2
    assert ravi.delete(f"/subscriptions/{basket_id}").status == 200
    assert world.stores.catalog.get(items.MARKETPLACE, items.subscriber(basket_id, "ravi")) is None
    assert ravi.get("/subscriptions").body == []


def test_one_cannot_subscribe_with_what_one_has_not(world: World) -> None:
    _, basket_id, _ = published(world, accounts=("ZA1234",))
    ravi = world.user("ravi")
    linked(world, ravi, "ZB5678")
    assert ravi.post("/subscriptions", {"basket_id": basket_id, "accounts": ["ZA1234"]}).status == 422
    assert ravi.post("/subscriptions", {"basket_id": "nothing", "accounts": ["ZB5678"]}).status == 404
    assert ravi.post("/subscriptions", {"basket_id": basket_id, "accounts": []}).status == 422
    twice = {"basket_id": basket_id, "accounts": ["ZB5678", "ZB5678"]}
    assert ravi.post("/subscriptions", twice).status == 422
    assert ravi.post("/subscriptions", {"basket_id": basket_id, "accounts": ["ZB5678"]}).status == 201
    assert ravi.post("/subscriptions", {"basket_id": basket_id, "accounts": ["ZB5678"]}).status == 409


def test_what_is_withdrawn_enters_nothing_and_takes_no_subscribers(world: World) -> None:
    admin, basket_id, strategy_id = published(world)
    ravi = world.user("ravi")
    linked(world, ravi, "ZB5678")
    ravi.post("/subscriptions", {"basket_id": basket_id, "accounts": ["ZB5678"]})
    assert admin.delete(f"/baskets/{basket_id}").status == 409
    assert admin.post(f"/marketplace/{basket_id}/withdraw").body["withdrawn"] is True
    strategy = world.stores.catalog.get(items.MARKETPLACE, items.strategy(strategy_id)) or {}
    assert (strategy["enabled"], strategy["publisher"]) == (False, "admin-1")
    assert ravi.get("/marketplace").body == []
    assert ravi.get(f"/subscriptions/{basket_id}").body["withdrawn"] is True
    linked(world, world.user("asha"), "ZC9999")
    late = world.user("asha").post("/subscriptions", {"basket_id": basket_id, "accounts": ["ZC9999"]})
    assert late.status == 404
    assert admin.post(f"/baskets/{basket_id}/publish").body["withdrawn"] is False


def test_an_empty_basket_or_a_custom_one_is_not_published(world: World) -> None:
    admin = world.user("admin-1", "admin")
    empty = admin.post("/baskets", {"name": "Empty", "kind": "marketplace"}).body["basket_id"]
    assert admin.post(f"/baskets/{empty}/publish").status == 409
    custom = admin.post("/baskets", {"name": "Custom", "strategies": [STRADDLE]}).body["basket_id"]
    assert admin.post(f"/baskets/{custom}/publish").status == 409
