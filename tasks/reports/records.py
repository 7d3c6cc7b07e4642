"""Reads what a report of a day is made from: read-models, orders with their events, marks and closings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from brokers.clock import IST
from tasks.domain import events as e
from tasks.domain import items
from tasks.domain.calendar import TradingCalendar
from tasks.domain.upcoming import Occasion, upcoming
from tasks.followed import followed, listed
from tasks.reports.day import OrderStory, Records, RunStory
from tasks.stores.bundle import Stores

MAX_COMING = 40
"""Occasions of the next session that are shown."""


def read(stores: Stores, user_id: str, day: date, now: datetime) -> Records:
    """Everything of that user and day, and of nobody else: each read is by the user's id."""
    orders = tuple(_orders(stores, user_id, day))
    runs = tuple(_runs(stores, user_id, day))
    accounts = sorted({run.account for run in runs if run.account} | {o.row.account for o in orders})
    marks = tuple(
        event
        for account in accounts
        for event in _events(stores, user_id, items.mark(day, account))
        if isinstance(event, e.AccountMarked)
    )
    closings = tuple(filter(None, (_closing(stores, user_id, day, account) for account in accounts)))
    return Records(
        user_id=user_id,
        name=str((stores.views.get(user_id, items.PROFILE) or {}).get("name", "")),
        day=day,
        made_at=now.astimezone(IST),
        orders=orders,
        runs=runs,
        names=_names(stores, user_id, orders, runs),
        marks=marks,
        closings=closings,
        last=_last(orders, marks),
        coming=tuple(_coming(stores, user_id, day)),
    )


def _orders(stores: Stores, user_id: str, day: date) -> Iterator[OrderStory]:
    ids = [str(view["order_id"]) for view in stores.views.list(user_id, items.order(day))]
    rows = stores.orders.get_many(ids)
    for order_id in ids:
        row = rows.get(order_id)
        if row is not None and row.user_id == user_id:
            yield OrderStory(row, tuple(stores.events.read(f"orders:{order_id}")))


def _runs(stores: Stores, user_id: str, day: date) -> Iterator[RunStory]:
    for view in stores.views.list(user_id, items.run("").removesuffix("#")):
        if view["trading_date"] == day.isoformat():
            yield RunStory(
                run_key=view["run_key"],
                account=view.get("account", ""),
                basket_id=view["basket_id"],
                strategy_id=view["strategy_id"],
                underlying=view.get("underlying", ""),
                status=view["status"],
                reason=view.get("reason", ""),
                exit_at=_time(view.get("exit_at")),
            )


def _time(text: Any) -> datetime | None:
    return datetime.fromisoformat(str(text)).astimezone(IST) if text else None


def _events(stores: Stores, user_id: str, item: str) -> Iterator[e.DomainEvent]:
    for recorded in stores.events.read(f"catalog:{user_id}:{item}"):
        yield e.parse_event(recorded.type, recorded.version, recorded.data)


def _closing(stores: Stores, user_id: str, day: date, account: str) -> e.DayClosed | None:
    """The newest, if the day was closed again."""
    closed = [c for c in _events(stores, user_id, items.day(day, account)) if isinstance(c, e.DayClosed)]
    return closed[-1] if closed else None


def _names(
    stores: Stores, user_id: str, orders: Iterable[OrderStory], runs: Iterable[RunStory]
) -> dict[str, str]:
    """What people call the strategies and baskets of that day: the user's own, and published ones."""
    pairs = {(run.basket_id, run.strategy_id) for run in runs}
    pairs |= {(order.row.basket_id, order.row.strategy_id) for order in orders}
    names: dict[str, str] = {}
    for basket_id, strategy_id in sorted(pairs):
        own = stores.views.get(user_id, items.basket(basket_id))
        published = stores.views.get(items.MARKETPLACE, items.basket(basket_id)) if own is None else None
        names[basket_id] = str((own or published or {}).get("name", ""))
        if own is not None:
            found = stores.views.get(user_id, items.strategy(strategy_id)) or {}
        else:
            every = (published or {}).get("strategies", ())
            found = next((one for one in every if one["strategy_id"] == strategy_id), {})
        names[strategy_id] = str(found.get("name", ""))
    return names


def _last(orders: Iterable[OrderStory], marks: Iterable[e.AccountMarked]) -> dict[str, Decimal]:
    """The newest price of each contract that was marked, by `EXCHANGE:SYMBOL`."""
    newest: dict[str, Decimal] = {}
    for mark in sorted(marks, key=lambda mark: mark.at):
        newest |= {symbol: Decimal(price) for symbol, price in mark.prices.items()}
    keys = {(order.row.exchange, order.row.symbol) for order in orders}
    return {f"{exchange}:{symbol}": newest[symbol] for exchange, symbol in keys if symbol in newest}


def _coming(stores: Stores, user_id: str, day: date) -> list[Occasion]:
    """What is planned for the session after `day`."""
    mine = followed(stores, user_id)
    evening = datetime.combine(day + timedelta(days=1), datetime.min.time(), IST)
    found = upcoming(
        (strategy for strategy, _ in mine),
        now=evening,
        count=MAX_COMING,
        listed=listed(stores, {strategy.underlying for strategy, _ in mine}),
        calendar=TradingCalendar.load(),
    )
    first = found[0].at.date() if found else None
    return [occasion for occasion in found if occasion.at.date() == first]
