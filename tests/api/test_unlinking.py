"""An account is unlinked at the moment that something else begins to name it: one of the two is refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tasks.domain import items
from tasks.stores.ports import CatalogStore, Change
from tests.api.world import STRADDLE, Answer, Client, World, linked, published

ACCOUNT = "ZA1234"
DRAFT = {**STRADDLE, "accounts": [ACCOUNT]}


@dataclass
class Overtaken:
    """A catalog in which somebody does something between a command's reading and its writing."""

    catalog: CatalogStore
    meanwhile: list[Callable[[], Any]] = field(default_factory=list)
    """Each before one commit; what is done in there commits undisturbed."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.catalog, name)

    def commit(self, changes: Sequence[Change]) -> tuple[Change, ...]:
        if self.meanwhile:
            self.meanwhile.pop(0)()
        return self.catalog.commit(changes)


@dataclass
class Scene:
    world: World
    asha: Client
    admin: Client
    catalog: Overtaken
    basket_id: str
    names: dict[str, str] = field(default_factory=dict)

    def dangling(self) -> list[str]:
        """What names an account of Asha's that is not linked."""
        found = []
        for owner, item, document in self.world.stores.catalog.everything(""):
            mine = owner == "asha" or document.get("publisher") == "asha" or document.get("user_id") == "asha"
            for account in document.get("accounts", ()) if mine else ():
                if self.world.stores.catalog.get("asha", items.account(account)) is None:
                    found.append(f"{owner} {item}: {account}")
        return found


@pytest.fixture
def scene() -> Scene:
    world = World()
    admin, basket_id, _ = published(world)
    catalog = Overtaken(world.stores.catalog)
    world.stores = replace(world.stores, catalog=catalog)
    world.services = replace(world.services, stores=world.stores)
    asha = world.user("asha", "admin")
    linked(world, asha, ACCOUNT)
    linked(world, asha, "ZA9999")
    return Scene(world, asha, admin, catalog, basket_id)


def subscribe(scene: Scene) -> Answer:
    return scene.asha.post("/subscriptions", {"basket_id": scene.basket_id, "accounts": [ACCOUNT]})


def subscribed_elsewhere(scene: Scene) -> None:
    scene.asha.post("/subscriptions", {"basket_id": scene.basket_id, "accounts": ["ZA9999"]})


def change_subscription(scene: Scene) -> Answer:
    return scene.asha.put(f"/subscriptions/{scene.basket_id}", {"accounts": [ACCOUNT]}, if_match="1")


def create_basket(scene: Scene) -> Answer:
    return scene.asha.post("/baskets", {"name": "Mine", "strategies": [DRAFT]})


def with_a_basket(scene: Scene) -> None:
    other = {**STRADDLE, "accounts": ["ZA9999"]}
    made = scene.asha.post("/baskets", {"name": "Mine", "strategies": [other]}).body
    scene.names |= {"basket": made["basket_id"], "strategy": made["strategies"][0]}


def add_strategy(scene: Scene) -> Answer:
    return scene.asha.post("/strategies", {**DRAFT, "basket_id": scene.names["basket"]})


def replace_strategy(scene: Scene) -> Answer:
    return scene.asha.put(f"/strategies/{scene.names['strategy']}", DRAFT, if_match="1")


NAMING = [
    pytest.param(lambda _: None, subscribe, id="subscribe"),
    pytest.param(subscribed_elsewhere, change_subscription, id="change subscription"),
    pytest.param(lambda _: None, create_basket, id="create basket"),
    pytest.param(with_a_basket, add_strategy, id="add strategy"),
    pytest.param(with_a_basket, replace_strategy, id="replace strategy"),
]
Given = Callable[[Scene], None]
Command = Callable[[Scene], Answer]


@pytest.mark.parametrize(("given", "command"), NAMING)
def test_named_while_it_is_unlinked(scene: Scene, given: Given, command: Command) -> None:
    given(scene)
    scene.catalog.meanwhile = [lambda: command(scene)]
    answer = scene.asha.delete(f"/accounts/{ACCOUNT}")
    assert (answer.status, "it is used by" in answer.body["message"]) == (409, True)
    assert scene.world.secrets.get(ACCOUNT) is not None
    assert scene.dangling() == []


@pytest.mark.parametrize(("given", "command"), NAMING)
def test_unlinked_while_it_is_named(scene: Scene, given: Given, command: Command) -> None:
    given(scene)
    scene.catalog.meanwhile = [lambda: scene.asha.delete(f"/accounts/{ACCOUNT}")]
    answer = command(scene)
    assert answer.status == 422, answer.body
    assert "is not one of your broker accounts" in answer.body["problems"][0]
    assert scene.dangling() == []


@pytest.mark.parametrize("what", ["baskets", "strategies"])
def test_a_copy_of_what_is_deleted_and_unlinked_meanwhile(scene: Scene, what: str) -> None:
    made = create_basket(scene).body
    basket, strategy = f"/baskets/{made['basket_id']}", f"/strategies/{made['strategies'][0]}"

    def gone() -> None:
        assert scene.asha.delete(basket if what == "baskets" else strategy).status == 200
        assert scene.asha.delete(f"/accounts/{ACCOUNT}").status == 200

    scene.catalog.meanwhile = [gone]
    assert scene.asha.post(f"{basket if what == 'baskets' else strategy}/duplicate").status in (404, 422)
    assert scene.dangling() == []


def test_a_published_strategy_keeps_its_publishers_account(scene: Scene) -> None:
    """Also when the draft no longer names it: the published version trades until the next one."""
    body = {"name": "Hers", "kind": "marketplace", "strategies": [DRAFT]}
    made = scene.asha.post("/baskets", body).body
    basket_id, strategy_id = made["basket_id"], made["strategies"][0]
    scene.asha.post(f"/baskets/{basket_id}/publish")
    scene.asha.put(f"/strategies/{strategy_id}", {**DRAFT, "accounts": []}, if_match="1")
    refused = scene.asha.delete(f"/accounts/{ACCOUNT}")
    assert f"published strategy {strategy_id}" in refused.body["message"]
    scene.asha.post(f"/baskets/{basket_id}/publish")
    assert scene.asha.delete(f"/accounts/{ACCOUNT}").status == 200
    assert scene.dangling() == []


def test_linked_again_in_between_is_noticed_too(scene: Scene) -> None:
    """The account is as it was, and yet somebody names it now."""

    def again() -> None:
        assert scene.asha.delete(f"/accounts/{ACCOUNT}").status == 200
        linked(scene.world, scene.asha, ACCOUNT)
        assert subscribe(scene).status == 201

    scene.catalog.meanwhile = [again]
    assert scene.asha.delete(f"/accounts/{ACCOUNT}").status == 409
    assert scene.dangling() == []


@pytest.mark.parametrize("turn", range(20))
def test_at_the_very_same_moment(scene: Scene, turn: int) -> None:
    del turn
    body = {"basket_id": scene.basket_id, "accounts": [ACCOUNT]}
    with ThreadPoolExecutor(2) as pool:
        asked = pool.submit(scene.asha.post, "/subscriptions", body)
        gone = pool.submit(scene.asha.delete, f"/accounts/{ACCOUNT}")
        statuses = (asked.result().status, gone.result().status)
    assert statuses in ((201, 409), (422, 200))
    assert scene.dangling() == []
