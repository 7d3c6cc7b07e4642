"""Subscriptions: subscribe, change accounts or multiplier, pause, resume, unsubscribe.

Each is kept twice, in one transaction: with its user, and with the basket, where a run finds its subscribers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasks.api.answers import Deleted
from tasks.api.current import Asking, routes
from tasks.api.documents import Document, accounts_stand, change, document_of, own, show_subscription, unique
from tasks.api.here import Here
from tasks.api.marketplace import published_basket
from tasks.api.parameters import BasketPath, IfMatch, Key, SubscribeIn, SubscriptionIn
from tasks.api.problems import Conflict, NotFound
from tasks.api.transaction import Effect, expect, perform
from tasks.api.views import SubscriptionView
from tasks.domain import items
from tasks.domain.stored import content, version_of
from tasks.stores.ports import ANY, Change

router = routes()


@router.get("/subscriptions", summary="What I follow", tags=["subscriptions"])
def list_subscriptions(here: Asking) -> list[SubscriptionView]:
    found = here.stores.views.list(here.user_id, items.subscription(""))
    return [_with_basket(here, one) for one in found]


@router.get("/subscriptions/<basket_id>", summary="One of them", tags=["subscriptions"])
def read_subscription(here: Asking, basket_id: BasketPath) -> SubscriptionView:
    found = here.stores.views.get(here.user_id, items.subscription(basket_id))
    if found is None:
        raise NotFound("you have no such subscription")
    return _with_basket(here, found)


@router.post("/subscriptions", summary="Subscribe", tags=["subscriptions"], status_code=201)
def subscribe(here: Asking, body: SubscribeIn, key: Key) -> SubscriptionView:
    said = body.model_dump(mode="json")
    return show_subscription(perform(here, lambda: _subscribed(here, said), key=key, body=said))


@router.put("/subscriptions/<basket_id>", summary="Change accounts or multiplier", tags=["subscriptions"])
def change_subscription(
    here: Asking, basket_id: BasketPath, body: SubscriptionIn, if_match: IfMatch = None
) -> SubscriptionView:
    said = body.model_dump(mode="json")

    def decide() -> Effect:
        before = _own(here, basket_id)
        expect(before, if_match)
        return _written(here, before, {**content(before), **said}, accounts_stand(here, body.accounts))

    return show_subscription(perform(here, decide))


@router.post("/subscriptions/<basket_id>/pause", summary="Enter nothing more", tags=["subscriptions"])
def pause(here: Asking, basket_id: BasketPath, key: Key) -> SubscriptionView:
    return show_subscription(perform(here, lambda: _paused(here, basket_id, paused=True), key=key))


@router.post("/subscriptions/<basket_id>/resume", summary="Go on", tags=["subscriptions"])
def resume(here: Asking, basket_id: BasketPath, key: Key) -> SubscriptionView:
    return show_subscription(perform(here, lambda: _paused(here, basket_id, paused=False), key=key))


@router.delete("/subscriptions/<basket_id>", summary="Unsubscribe", tags=["subscriptions"])
def unsubscribe(here: Asking, basket_id: BasketPath, if_match: IfMatch = None) -> Deleted:
    """What is open still exits."""

    def decide() -> Effect:
        before = _own(here, basket_id)
        expect(before, if_match, needed=False)
        mine = Change(here.user_id, items.subscription(basket_id), None, version_of(before))
        listed = Change(items.MARKETPLACE, items.subscriber(basket_id, here.user_id), None, ANY)
        return Effect([mine, listed], {"deleted": basket_id})

    return Deleted.model_validate(perform(here, decide))


def pausing(here: Here, before: Document) -> list[Change]:
    """The changes that pause a subscription; none if it is paused."""
    if before["paused"]:
        return []
    return list(_written(here, before, {**content(before), "paused": True}, []).changes)


def _own(here: Here, basket_id: str) -> Document:
    """With the version of the basket that it followed when it was last written."""
    return own(here, items.subscription(basket_id), "subscription")


def _subscribed(here: Here, said: dict[str, Any]) -> Effect:
    basket = published_basket(here, said["basket_id"])
    before = here.stores.catalog.get(here.user_id, items.subscription(said["basket_id"]))
    if before is not None:
        raise Conflict("you are subscribed already: change it instead", version=version_of(before))
    checks = accounts_stand(here, said["accounts"])
    standing = Change(
        items.MARKETPLACE, items.basket(said["basket_id"]), None, version_of(basket), only_check=True
    )
    return _written(here, None, {**said, "paused": False}, [*checks, standing])


def _written(here: Here, before: Document | None, fields: Mapping[str, Any], checks: list[Change]) -> Effect:
    basket_id = str(fields["basket_id"])
    basket = here.stores.catalog.get(items.MARKETPLACE, items.basket(basket_id)) or {}
    known = {"basket_version": basket.get("published_version", (before or {}).get("basket_version", 0))}
    mine = change(here, items.subscription(basket_id), before, {**fields, **known})
    document = document_of(mine)
    listed = {**document, "user_id": here.user_id}
    place = items.subscriber(basket_id, here.user_id)
    return Effect(unique([mine, Change(items.MARKETPLACE, place, listed, ANY), *checks]), document)


def _paused(here: Here, basket_id: str, *, paused: bool) -> Effect:
    before = _own(here, basket_id)
    if before["paused"] is paused:
        return Effect([], before)
    return _written(here, before, {**content(before), "paused": paused}, [])


def _with_basket(here: Here, subscription: Mapping[str, Any]) -> SubscriptionView:
    """With what the marketplace says of the basket now."""
    item = items.basket(str(subscription["basket_id"]))
    basket = here.stores.views.get(items.MARKETPLACE, item)
    if basket is None:
        return SubscriptionView.model_validate({**subscription, "withdrawn": True})
    now = {
        "name": basket["name"],
        "basket_version": basket["published_version"],
        "withdrawn": basket.get("withdrawn", False),
    }
    return SubscriptionView.model_validate({**subscription, **now})
