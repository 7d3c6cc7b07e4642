"""Which strategies trade for a user, their own and those of published baskets, and what is listed for them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from tasks.domain import items
from tasks.domain.basket import BasketKind
from tasks.domain.chain import EXPIRIES_ITEM, expiries_from
from tasks.domain.strategy import Strategy, parse_strategy
from tasks.stores.bundle import Stores


def followed(stores: Stores, user_id: str) -> list[tuple[Strategy, list[str]]]:
    """Strategies that trade for the user, each with the user's own accounts in which they do."""
    views = stores.views
    kinds = {one["basket_id"]: one.get("kind") for one in views.list(user_id, items.basket(""))}
    mine = [
        (parse_strategy(one["strategy"]), list(one["strategy"].get("accounts", ())))
        for one in views.list(user_id, items.strategy(""))
        if kinds.get(one["basket_id"]) != BasketKind.MARKETPLACE
    ]
    for subscription in views.list(user_id, items.subscription("")):
        basket = views.get(items.MARKETPLACE, items.basket(subscription["basket_id"]))
        if basket is None or basket.get("withdrawn") or subscription["paused"]:
            continue
        mine += [
            (parse_strategy(strategy["strategy"]), list(subscription["accounts"]))
            for strategy in basket["strategies"]
        ]
    return mine


def listed(stores: Stores, underlyings: Iterable[str]) -> dict[str, tuple[date, ...]]:
    """The expiries of the day's instruments, where somebody has loaded them."""
    documents = {name: stores.market.get(name, EXPIRIES_ITEM) for name in underlyings}
    return {name: expiries_from(document) for name, document in documents.items() if document}
