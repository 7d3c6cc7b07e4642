"""Strategies: create, read, change, duplicate, enable, disable, delete. Schedules follow by themselves."""

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
    own_strategy,
    show_strategy,
    unique,
    within_hours,
)
from tasks.api.here import Here
from tasks.api.parameters import BasketQuery, IfMatch, Key, NewStrategyIn, StrategyIn, StrategyPath
from tasks.api.problems import Conflict, NotFound
from tasks.api.transaction import Effect, expect, made_id, perform
from tasks.api.views import StrategyView
from tasks.domain import items
from tasks.domain.basket import MAX_STRATEGIES
from tasks.domain.stored import version_of
from tasks.domain.strategy import Strategy, StrategyDraft, parse_draft
from tasks.stores.ports import Change

router = routes()


@router.get("/strategies", summary="My strategies", tags=["strategies"])
def list_strategies(here: Asking, basket_id: BasketQuery = None) -> list[StrategyView]:
    found = here.stores.views.list(here.user_id, items.strategy(""))
    return [StrategyView.model_validate(one) for one in found if basket_id in (None, one["basket_id"])]


@router.get("/strategies/<strategy_id>", summary="One of my strategies", tags=["strategies"])
def read_strategy(here: Asking, strategy_id: StrategyPath) -> StrategyView:
    found = here.stores.views.get(here.user_id, items.strategy(strategy_id))
    if found is None:
        raise NotFound("you have no such strategy")
    return StrategyView.model_validate(found)


@router.post("/strategies", summary="Add a strategy to a basket", tags=["strategies"], status_code=201)
def create_strategy(here: Asking, body: NewStrategyIn, key: Key) -> StrategyView:
    draft = StrategyDraft.model_construct(**{name: getattr(body, name) for name in StrategyDraft.model_fields})
    decide = lambda: _added(here, draft, body.basket_id, key)  # noqa: E731
    return show_strategy(perform(here, decide, key=key, body=body.model_dump(mode="json")))


@router.put("/strategies/<strategy_id>", summary="Replace what it does", tags=["strategies"])
def change_strategy(
    here: Asking, strategy_id: StrategyPath, body: StrategyIn, if_match: IfMatch = None
) -> StrategyView:
    return show_strategy(perform(here, lambda: _replaced(here, strategy_id, body, if_match)))


@router.post("/strategies/<strategy_id>/duplicate", summary="Copy it", tags=["strategies"], status_code=201)
def duplicate_strategy(here: Asking, strategy_id: StrategyPath, key: Key) -> StrategyView:
    def decide() -> Effect:
        source = own_strategy(here, strategy_id)
        fields = {name: source[name] for name in StrategyDraft.model_fields if name in source}
        return _added(here, parse_draft(fields), str(source["basket_id"]), key, copied=True)

    return show_strategy(perform(here, decide, key=key))


@router.post("/strategies/<strategy_id>/enable", summary="Let it trade by its schedule", tags=["strategies"])
def enable_strategy(
    here: Asking, strategy_id: StrategyPath, key: Key, if_match: IfMatch = None
) -> StrategyView:
    return show_strategy(perform(here, lambda: _switched(here, strategy_id, if_match, on=True), key=key))


@router.post(
    "/strategies/<strategy_id>/disable", summary="Enter nothing more; exits go on", tags=["strategies"]
)
def disable_strategy(
    here: Asking, strategy_id: StrategyPath, key: Key, if_match: IfMatch = None
) -> StrategyView:
    return show_strategy(perform(here, lambda: _switched(here, strategy_id, if_match, on=False), key=key))


@router.delete("/strategies/<strategy_id>", summary="Delete it; what is open still exits", tags=["strategies"])
def delete_strategy(here: Asking, strategy_id: StrategyPath, if_match: IfMatch = None) -> Deleted:
    return Deleted.model_validate(perform(here, lambda: _deleted(here, strategy_id, if_match)))


def new_strategy(here: Here, draft: StrategyDraft, basket_id: str, key: str, nth: int) -> Change:
    """A strategy's first version: disabled."""
    strategy_id = made_id(here, key, draft.name or draft.underlying, longest=24, nth=nth)
    fields = {**draft.model_dump(mode="json"), "strategy_id": strategy_id, "basket_id": basket_id}
    return change(here, items.strategy(strategy_id), None, {**fields, "enabled": False})


def switched(here: Here, strategy: Document, *, on: bool) -> list[Change]:
    """The changes that enable or disable a strategy; none if it is so already.

    Raises
    ------
    Conflict
        If it cannot trade: it has no account.
    """
    if bool(strategy.get("enabled", True)) is on:
        return []
    checks: list[Change] = []
    if on:
        if not strategy.get("accounts"):
            raise Conflict(f"strategy {strategy['strategy_id']} names no broker account to trade in")
        checks = accounts_stand(here, strategy["accounts"])
    return [edit(here, items.strategy(strategy["strategy_id"]), strategy, enabled=on), *checks]


def _added(here: Here, draft: StrategyDraft, basket_id: str, key: str, *, copied: bool = False) -> Effect:
    basket = own_basket(here, basket_id)
    if len(basket["strategies"]) >= MAX_STRATEGIES:
        raise Conflict(f"a basket holds at most {MAX_STRATEGIES} strategies")
    if copied:
        draft = draft.model_copy(update={"name": f"{draft.name[:73]} (copy)".strip()})
    else:
        within_hours(here, draft)
    checks = accounts_stand(here, draft.accounts)
    made = new_strategy(here, draft, basket_id, key, 1)
    document = document_of(made)
    listed = [*basket["strategies"], document["strategy_id"]]
    grown = edit(here, items.basket(basket_id), basket, strategies=listed)
    return Effect(unique([made, grown, *checks]), document)


def _replaced(here: Here, strategy_id: str, draft: StrategyDraft, if_match: str | None) -> Effect:
    before = own_strategy(here, strategy_id)
    expect(before, if_match)
    within_hours(here, draft)
    checks = accounts_stand(here, draft.accounts)
    enabled = bool(before.get("enabled", True))
    if enabled and draft.trigger == "indicator":
        raise Conflict("an indicator-based strategy cannot run yet: disable it first")
    if enabled and not draft.accounts:
        raise Conflict("it is enabled, so it needs a broker account: disable it first")
    kept: dict[str, Any] = {name: before[name] for name in _OURS if name in before}
    fields = {**draft.model_dump(mode="json"), **kept}
    made = change(here, items.strategy(strategy_id), before, fields)
    return Effect(unique([made, *checks]), document_of(made))


_OURS = tuple(name for name in Strategy.model_fields if name not in StrategyDraft.model_fields)


def _switched(here: Here, strategy_id: str, if_match: str | None, *, on: bool) -> Effect:
    strategy = own_strategy(here, strategy_id)
    expect(strategy, if_match, needed=False)
    if on:
        must_be_custom(here.stores.catalog.get(here.user_id, items.basket(strategy["basket_id"])) or {})
    changes = switched(here, strategy, on=on)
    return Effect(unique(changes), document_of(changes[0]) if changes else strategy)


def _deleted(here: Here, strategy_id: str, if_match: str | None) -> Effect:
    strategy = own_strategy(here, strategy_id)
    expect(strategy, if_match, needed=False)
    changes = [Change(here.user_id, items.strategy(strategy_id), None, version_of(strategy))]
    basket = here.stores.catalog.get(here.user_id, items.basket(strategy["basket_id"]))
    if basket is not None and strategy_id in basket["strategies"]:
        rest = [one for one in basket["strategies"] if one != strategy_id]
        changes.append(edit(here, items.basket(strategy["basket_id"]), basket, strategies=rest))
    return Effect(changes, {"deleted": strategy_id})
