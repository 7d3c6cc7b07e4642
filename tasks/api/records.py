"""What happened and what will: orders, positions, runs, and what happens next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import Field

from tasks.api.answers import Upcoming
from tasks.api.current import Asking, routes
from tasks.api.here import Here
from tasks.api.parameters import AccountQuery, Day, Few, Limit, RunPath, StrategyQuery
from tasks.api.problems import NotFound
from tasks.api.views import FeedView, OrderView, PositionView, RunView
from tasks.domain import items
from tasks.domain.calendar import TradingCalendar
from tasks.domain.upcoming import Occasion, upcoming
from tasks.feed.following import feeding_account
from tasks.followed import followed, listed

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


@router.get("/feed", summary="How the platform hears the market", tags=["records"])
def read_feed(here: Asking) -> FeedView:
    account = feeding_account(here.stores.market)
    return FeedView.model_validate((here.stores.feeds.get(account) if account else None) or {})


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
    mine = followed(here.stores, here.user_id)
    occasions = upcoming(
        (strategy for strategy, _ in mine),
        now=here.now,
        count=limit,
        listed=listed(here.stores, {strategy.underlying for strategy, _ in mine}),
        calendar=TradingCalendar.load(),
    )
    accounts = {strategy.strategy_id: accounts for strategy, accounts in mine}
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
