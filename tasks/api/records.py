"""What happened and what will: orders, positions, runs, and what happens next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from pydantic import Field

from tasks.api.answers import Upcoming
from tasks.api.current import Asking, routes
from tasks.api.here import Here
from tasks.api.parameters import AccountQuery, Day, Few, Limit, RunPath, StrategyQuery
from tasks.api.problems import NotFound
from tasks.api.views import OrderView, PositionView, RunView
from tasks.domain import items
from tasks.domain.basket import BasketKind
from tasks.domain.calendar import TradingCalendar
from tasks.domain.chain import EXPIRIES_ITEM, expiries_from
from tasks.domain.strategy import Strategy, parse_strategy
from tasks.domain.upcoming import Occasion, upcoming

router = routes()


class RunAnswer(RunView):
    """`pages` are where a person looks at the executions."""

    pages: dict[str, str] = Field(default_factory=dict)


@router.get("/orders", summary="My orders of a day", tags=["records"])
def list_orders(
    here: Asking,
    day: Day = None,
    account: AccountQuery = None,
    strategy_id: StrategyQuery = None,
    limit: Limit = 500,
) -> list[OrderView]:
    found = here.stores.views.list(here.user_id, items.order(day or here.today))
    chosen = _chosen(found, account, strategy_id)
    return sorted(map(OrderView.model_validate, chosen), key=lambda order: order.claimed_at)[:limit]


@router.get("/positions", summary="My positions of a day", tags=["records"])
def list_positions(
    here: Asking,
    day: Day = None,
    account: AccountQuery = None,
    strategy_id: StrategyQuery = None,
    limit: Limit = 500,
) -> list[PositionView]:
    found = here.stores.views.list(here.user_id, items.position(day or here.today))
    return [PositionView.model_validate(one) for one in _chosen(found, account, strategy_id)][:limit]


@router.get("/runs", summary="My runs of a day, with their executions", tags=["records"])
def list_runs(
    here: Asking,
    day: Day = None,
    account: AccountQuery = None,
    strategy_id: StrategyQuery = None,
    limit: Limit = 500,
) -> list[RunAnswer]:
    """Account by account. A run as a whole has no account: it says why nothing came of it."""
    wanted = (day or here.today).isoformat()
    found = (one for one in _runs(here, "RUN#") if one["trading_date"] == wanted)
    return [_run(here, one) for one in _chosen(found, account, strategy_id)][:limit]


@router.get("/runs/<run_key>", summary="One run in all my accounts", tags=["records"])
def read_run(here: Asking, run_key: RunPath) -> list[RunAnswer]:
    found = _runs(here, items.run(run_key))
    if not found:
        raise NotFound("you have no such run")
    return [_run(here, one) for one in found]


@router.get("/next", summary="What happens next", tags=["records"])
def next_occasions(here: Asking, limit: Few = 10) -> list[Upcoming]:
    """The next entries and exits of my strategies and subscriptions, with holidays and expiries applied."""
    followed = _followed(here)
    occasions = upcoming(
        (strategy for strategy, _ in followed),
        now=here.now,
        count=limit,
        listed=_listed(here, {strategy.underlying for strategy, _ in followed}),
        calendar=TradingCalendar.load(),
    )
    accounts = {strategy.strategy_id: accounts for strategy, accounts in followed}
    return [_shown(occasion, accounts[occasion.strategy.strategy_id]) for occasion in occasions]


def _runs(here: Here, prefix: str) -> list[dict[str, Any]]:
    """The caller's runs, and those of published baskets as a whole: all for an admin, else what they follow."""
    views = here.stores.views
    mine, market = list(views.list(here.user_id, prefix)), views.list(items.MARKETPLACE, prefix)
    if here.caller.is_admin:
        return [*mine, *market]
    followed = {one["basket_id"] for one in views.list(here.user_id, items.subscription(""))}
    return [*mine, *(_for_followers(one) for one in market if one["basket_id"] in followed)]


def _for_followers(run: dict[str, Any]) -> dict[str, Any]:
    """Without its executions, and without the words of a failure: they may name other people's accounts."""
    failed = {"reason": "it failed: the platform's operator has to look"} if run["status"] == "FAILED" else {}
    return {**run, **failed, "executions": {}}


def _chosen(
    found: Iterable[dict[str, Any]], account: str | None, strategy_id: str | None
) -> list[dict[str, Any]]:
    return [
        one for one in found if account in (None, one["account"]) and strategy_id in (None, one["strategy_id"])
    ]


def _run(here: Here, view: Mapping[str, Any]) -> RunAnswer:
    page = here.services.execution_page
    executions = view.get("executions") or {}
    pages = {side: page.replace("{arn}", arn) for side, arn in executions.items()} if page else {}
    return RunAnswer.model_validate({**view, "pages": pages})


def _followed(here: Here) -> list[tuple[Strategy, list[str]]]:
    """Strategies that trade for the caller, each with the caller's own accounts in which they do."""
    views = here.stores.views
    kinds = {one["basket_id"]: one.get("kind") for one in views.list(here.user_id, items.basket(""))}
    mine = [
        (parse_strategy(one["strategy"]), list(one["strategy"].get("accounts", ())))
        for one in views.list(here.user_id, items.strategy(""))
        if kinds.get(one["basket_id"]) != BasketKind.MARKETPLACE
    ]
    for subscription in views.list(here.user_id, items.subscription("")):
        basket = views.get(items.MARKETPLACE, items.basket(subscription["basket_id"]))
        if basket is None or basket.get("withdrawn") or subscription["paused"]:
            continue
        mine += [
            (parse_strategy(strategy["strategy"]), list(subscription["accounts"]))
            for strategy in basket["strategies"]
        ]
    return mine


def _listed(here: Here, underlyings: Iterable[str]) -> dict[str, tuple[date, ...]]:
    """The expiries of the day's instruments, where somebody has loaded them."""
    documents = {name: here.stores.market.get(name, EXPIRIES_ITEM) for name in underlyings}
    return {name: expiries_from(document) for name, document in documents.items() if document}


def _shown(occasion: Occasion, accounts: list[str]) -> Upcoming:
    strategy = occasion.strategy
    return Upcoming(
        at=occasion.at,
        what=occasion.what,
        strategy_id=strategy.strategy_id,
        basket_id=strategy.basket_id,
        name=strategy.name,
        underlying=strategy.underlying,
        accounts=accounts,
        dte=occasion.dte,
        sure=occasion.sure,
    )
