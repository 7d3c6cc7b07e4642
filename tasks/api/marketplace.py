"""The marketplace: publish, new version, withdraw, browse.

A published basket has its own copies of the strategies, which the publisher's draft can't change any more. The
strategies keep their ids: the drafts never trade. A new version takes effect on the next run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasks.api.current import Asking, routes
from tasks.api.documents import Document, accounts_stand, document_of, own_basket, strategies_of
from tasks.api.here import Here
from tasks.api.parameters import BasketPath, IfMatch, Key
from tasks.api.problems import Conflict, NotFound
from tasks.api.transaction import Effect, expect, perform
from tasks.api.views import MarketBasketView, MarketStrategyView
from tasks.domain import items
from tasks.domain.basket import BasketKind
from tasks.domain.stored import content, stored, version_of
from tasks.stores.ports import Change

router = routes()


@router.get("/marketplace", summary="Published baskets", tags=["marketplace"])
def browse(here: Asking) -> list[MarketBasketView]:
    found = here.stores.views.list(items.MARKETPLACE, items.basket(""))
    return [MarketBasketView.model_validate(one) for one in found if not one.get("withdrawn")]


@router.get("/marketplace/<basket_id>", summary="One published basket", tags=["marketplace"])
def read_published(here: Asking, basket_id: BasketPath) -> MarketBasketView:
    found = here.stores.views.get(items.MARKETPLACE, items.basket(basket_id))
    if found is None:
        raise NotFound("there is no such basket in the marketplace")
    return MarketBasketView.model_validate(found)


@router.post(
    "/baskets/<basket_id>/publish", summary="Publish my basket, or its next version", tags=["marketplace"]
)
def publish(here: Asking, basket_id: BasketPath, key: Key, if_match: IfMatch = None) -> MarketBasketView:
    here.must_be_admin()
    return show_published(perform(here, lambda: _published(here, basket_id, if_match), key=key))


@router.post("/marketplace/<basket_id>/withdraw", summary="Take it back", tags=["marketplace"])
def withdraw(here: Asking, basket_id: BasketPath, key: Key) -> MarketBasketView:
    """Nobody can subscribe any more and nothing is entered; what is open still exits."""
    here.must_be_admin()
    return show_published(perform(here, lambda: _withdrawn(here, basket_id), key=key))


def published_basket(here: Here, basket_id: str) -> Document:
    """A basket that can be subscribed to."""
    found = here.stores.catalog.get(items.MARKETPLACE, items.basket(basket_id))
    if found is None or found.get("withdrawn"):
        raise NotFound("there is no such basket in the marketplace")
    return found


def show_published(document: Mapping[str, Any]) -> MarketBasketView:
    """What everybody may see of a published basket: not whose accounts it trades in."""
    return MarketBasketView.model_validate(
        {
            **document,
            "published_at": document["created_at"],
            "strategies": [market_strategy(one) for one in document["strategies"]],
        }
    )


def market_strategy(strategy: Mapping[str, Any]) -> MarketStrategyView:
    """A published strategy without its publisher's accounts."""
    shown = {name: value for name, value in content(strategy).items() if name != "accounts"}
    return MarketStrategyView.model_validate({**strategy, "strategy": shown})


def _published(here: Here, basket_id: str, if_match: str | None) -> Effect:
    basket = own_basket(here, basket_id)
    expect(basket, if_match, needed=False)
    if basket.get("kind") != BasketKind.MARKETPLACE:
        raise Conflict('only a basket of kind "marketplace" can be published')
    strategies = strategies_of(here, basket)
    if not strategies:
        raise Conflict("it has no strategies, so there is nothing to publish")
    if any(one.get("trigger") == "indicator" for one in strategies):
        raise Conflict("an indicator-based strategy is kept, but cannot run yet")
    standing = here.stores.catalog.get(items.MARKETPLACE, items.basket(basket_id))
    number = int(standing["published_version"]) + 1 if standing else 1
    published = [{**content(one), "enabled": True} for one in strategies]
    fields = {
        "basket_id": basket_id,
        "name": basket["name"],
        "description": basket.get("description", ""),
        "publisher": here.user_id,
        "published_version": number,
        "withdrawn": False,
        "strategies": published,
    }
    newest = _market_change(here, items.basket(basket_id), standing, fields)
    frozen = _market_change(here, items.basket_version(basket_id, number), None, fields)
    drawn_from = Change(here.user_id, items.basket(basket_id), None, version_of(basket), only_check=True)
    accounts = dict.fromkeys(account for one in published for account in one.get("accounts", ()))
    named = accounts_stand(here, accounts)
    changes = [newest, frozen, drawn_from, *named, *_strategies(here, published, standing, number)]
    return Effect(changes, document_of(newest))


def _strategies(
    here: Here, published: list[dict[str, Any]], standing: Document | None, number: int
) -> list[Change]:
    """Each strategy as the schedules and the runs read it; those that the new version drops are deleted."""
    changes: list[Change] = []
    for strategy in published:
        item = items.strategy(strategy["strategy_id"])
        before = here.stores.catalog.get(items.MARKETPLACE, item)
        more = {"basket_version": number, "publisher": here.user_id}
        changes.append(_market_change(here, item, before, {**strategy, **more}))
    kept = {strategy["strategy_id"] for strategy in published}
    for strategy in (standing or {}).get("strategies", []):
        if strategy["strategy_id"] not in kept:
            item = items.strategy(strategy["strategy_id"])
            before = here.stores.catalog.get(items.MARKETPLACE, item)
            if before is not None:
                changes.append(Change(items.MARKETPLACE, item, None, version_of(before)))
    return changes


def _withdrawn(here: Here, basket_id: str) -> Effect:
    standing = published_basket(here, basket_id)
    newest = _market_change(here, items.basket(basket_id), standing, {**_content(standing), "withdrawn": True})
    changes = [newest]
    for strategy in standing["strategies"]:
        item = items.strategy(strategy["strategy_id"])
        before = here.stores.catalog.get(items.MARKETPLACE, item)
        if before is not None:
            changes.append(_market_change(here, item, before, {**_content(before), "enabled": False}))
    return Effect(changes, document_of(newest))


def _content(document: Document) -> dict[str, Any]:
    kept: tuple[str, ...] = ("publisher", "basket_version")
    return {**content(document), **{name: document[name] for name in kept if name in document}}


def _market_change(here: Here, item: str, before: Document | None, fields: Mapping[str, Any]) -> Change:
    document = stored(fields, before=before, at=here.now)
    return Change(items.MARKETPLACE, item, document, version_of(before))
