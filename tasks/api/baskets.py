"""Baskets: create, read, change, duplicate, enable, disable, delete."""

from __future__ import annotations

from typing import Any

from tasks.api.answers import Deleted
from tasks.api.current import Asking, routes
from tasks.api.documents import (
    Document,
    accounts_stand,
    change,
    document_of,
    edit,
    must_be_custom,
    own_basket,
    show_basket,
    strategies_of,
    unique,
    within_hours,
)
from tasks.api.here import Here
from tasks.api.parameters import BasketBody, BasketChangeIn, BasketIn, BasketPath, IfMatch, Key
from tasks.api.problems import Conflict, NotFound, Refused
from tasks.api.strategies import new_strategy, switched
from tasks.api.transaction import Effect, expect, made_id, perform
from tasks.api.views import BasketView
from tasks.domain import items
from tasks.domain.basket import BasketKind
from tasks.domain.stored import version_of
from tasks.domain.strategy import StrategyDraft, parse_draft
from tasks.stores.ports import Change

router = routes()


@router.get("/baskets", summary="My baskets", tags=["baskets"])
def list_baskets(here: Asking) -> list[BasketView]:
    return [BasketView.model_validate(one) for one in here.stores.views.list(here.user_id, items.basket(""))]


@router.get("/baskets/<basket_id>", summary="One of my baskets", tags=["baskets"])
def read_basket(here: Asking, basket_id: BasketPath) -> BasketView:
    found = here.stores.views.get(here.user_id, items.basket(basket_id))
    if found is None:
        raise NotFound("you have no such basket")
    return BasketView.model_validate(found)


@router.post("/baskets", summary="Create a basket with its strategies", tags=["baskets"], status_code=201)
def create_basket(here: Asking, body: BasketIn, key: Key) -> BasketView:
    if body.kind is BasketKind.MARKETPLACE:
        here.must_be_admin()
    answer = perform(here, lambda: _created(here, body, key), key=key, body=body.model_dump(mode="json"))
    return show_basket(answer)


@router.put("/baskets/<basket_id>", summary="Change its name and description", tags=["baskets"])
def change_basket(
    here: Asking, basket_id: BasketPath, body: BasketChangeIn, if_match: IfMatch = None
) -> BasketView:
    def decide() -> Effect:
        basket = own_basket(here, basket_id)
        expect(basket, if_match)
        changed = edit(here, items.basket(basket_id), basket, **body.model_dump(mode="json"))
        return Effect([changed], document_of(changed))

    return show_basket(perform(here, decide))


@router.post("/baskets/<basket_id>/duplicate", summary="Copy it", tags=["baskets"], status_code=201)
def duplicate_basket(here: Asking, basket_id: BasketPath, key: Key) -> BasketView:
    return show_basket(perform(here, lambda: _copied(here, basket_id, key), key=key))


@router.post("/baskets/<basket_id>/enable", summary="Let all its strategies trade", tags=["baskets"])
def enable_basket(here: Asking, basket_id: BasketPath, key: Key, if_match: IfMatch = None) -> BasketView:
    return show_basket(perform(here, lambda: _switched(here, basket_id, if_match, on=True), key=key))


@router.post("/baskets/<basket_id>/disable", summary="Enter nothing more; exits go on", tags=["baskets"])
def disable_basket(here: Asking, basket_id: BasketPath, key: Key, if_match: IfMatch = None) -> BasketView:
    return show_basket(perform(here, lambda: _switched(here, basket_id, if_match, on=False), key=key))


@router.delete("/baskets/<basket_id>", summary="Delete it and its strategies", tags=["baskets"])
def delete_basket(here: Asking, basket_id: BasketPath, if_match: IfMatch = None) -> Deleted:
    return Deleted.model_validate(perform(here, lambda: _deleted(here, basket_id, if_match)))


def _created(here: Here, body: BasketBody, key: str) -> Effect:
    problems: list[str] = []
    checks: list[Change] = []
    for place, draft in enumerate(body.strategies):
        try:
            within_hours(here, draft, path=f"strategies[{place}].")
            checks += accounts_stand(here, draft.accounts, path=f"strategies[{place}].accounts")
        except Refused as refused:
            problems += refused.problems
    if problems:
        raise Refused(problems)
    return _put(here, body, checks, key)


def _put(here: Here, body: BasketBody, checks: list[Change], key: str) -> Effect:
    basket_id = made_id(here, key, body.name, longest=32)
    made = [
        new_strategy(here, draft, basket_id, key, nth) for nth, draft in enumerate(body.strategies, start=1)
    ]
    fields: dict[str, Any] = {
        "basket_id": basket_id,
        "name": body.name,
        "description": body.description,
        "kind": body.kind.value,
        "strategies": [document_of(one)["strategy_id"] for one in made],
    }
    basket = change(here, items.basket(basket_id), None, fields)
    return Effect(unique([basket, *made, *checks]), document_of(basket))


def _copied(here: Here, basket_id: str, key: str) -> Effect:
    basket = own_basket(here, basket_id)
    copy = BasketBody(
        name=copy_name(str(basket["name"])),
        description=str(basket.get("description", "")),
        kind=BasketKind(basket.get("kind", BasketKind.CUSTOM)),
        strategies=tuple(parse_draft(draft_of(document)) for document in strategies_of(here, basket)),
    )
    if copy.kind is BasketKind.MARKETPLACE:
        here.must_be_admin()
    accounts = dict.fromkeys(account for draft in copy.strategies for account in draft.accounts)
    return _put(here, copy, accounts_stand(here, accounts), key)


def _switched(here: Here, basket_id: str, if_match: str | None, *, on: bool) -> Effect:
    basket = own_basket(here, basket_id)
    expect(basket, if_match, needed=False)
    must_be_custom(basket)
    changes = [one for document in strategies_of(here, basket) for one in switched(here, document, on=on)]
    return Effect(unique(changes), basket)


def _deleted(here: Here, basket_id: str, if_match: str | None) -> Effect:
    basket = own_basket(here, basket_id)
    expect(basket, if_match, needed=False)
    published = here.stores.catalog.get(items.MARKETPLACE, items.basket(basket_id))
    if published is not None and not published.get("withdrawn"):
        raise Conflict("it is published: withdraw it first")
    gone = [(items.basket(basket_id), basket)]
    gone += [(items.strategy(one["strategy_id"]), one) for one in strategies_of(here, basket)]
    changes = [Change(here.user_id, item, None, version_of(document)) for item, document in gone]
    return Effect(changes, {"deleted": basket_id})


def draft_of(document: Document) -> dict[str, Any]:
    """What an author wrote of a stored strategy."""
    return {name: document[name] for name in StrategyDraft.model_fields if name in document}


def copy_name(name: str) -> str:
    return f"{name[:73]} (copy)".strip()
