"""Entries that wait: runs that have begun, of accounts that planned nothing in them yet.

A schedule fires two minutes before its entry. Squared off in between, such a run has no position, no order and
no plan; what keeps it from entering is a plan that is FLAT already, written before PlanAccount writes one. Both
are conditional puts of the same item, so exactly one of them wins.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from brokers.clock import IST
from tasks.api.here import Here
from tasks.domain import items
from tasks.domain.errors import InvalidStrategy
from tasks.domain.fields import Weekday
from tasks.domain.ids import run_key
from tasks.domain.schedules import EARLY
from tasks.domain.strategy import Strategy, parse_strategy
from tasks.stores.ports import AccountRun, Phase


@dataclass(frozen=True, slots=True)
class _Part:
    """A strategy, whose catalog it is in, and the caller's accounts that trade it.

    `off_since` is when it was disabled, or paused for the caller; None where it trades.
    """

    owner: str
    strategy: Strategy
    accounts: tuple[str, ...]
    off_since: datetime | None


@dataclass(frozen=True, slots=True)
class _Window:
    """One run of a strategy whose entry may still come."""

    run: str
    entry_until: datetime
    exit_at: datetime


def waiting(here: Here) -> list[AccountRun]:
    """Of each of the caller's accounts and each such run, the plan that enters nothing.

    What OpenRun read up to two minutes ago is read again here, also what was disabled or paused since.
    """
    return [
        _nothing(here, part, account, window)
        for part in _parts(here)
        for window in _windows(here, part)
        if not _over(here, part, window)
        for account in part.accounts
    ]


def _parts(here: Here) -> Iterator[_Part]:
    """The caller's strategies, what they published, and what they follow."""
    catalog = here.stores.catalog
    for document in catalog.list(here.user_id, items.strategy("")):
        published = catalog.get(items.MARKETPLACE, items.strategy(str(document["strategy_id"])))
        if published is None:
            yield from _part(here.user_id, document)
        elif published.get("publisher") == here.user_id:
            yield from _part(items.MARKETPLACE, published)
    for subscription in catalog.list(here.user_id, items.subscription("")):
        basket = catalog.get(items.MARKETPLACE, items.basket(str(subscription["basket_id"]))) or {}
        for document in basket.get("strategies", ()):
            yield from _part(items.MARKETPLACE, document, subscription)


def _part(
    owner: str, document: Mapping[str, Any], subscription: Mapping[str, Any] | None = None
) -> Iterator[_Part]:
    """Nothing of a strategy that this platform can't read: it could not run either."""
    try:
        strategy = parse_strategy(document)
    except InvalidStrategy:
        return
    if subscription is None:
        yield _Part(owner, strategy, strategy.accounts, _since(document, off=not strategy.enabled))
        return
    off = _since(subscription, off=bool(subscription["paused"]))
    yield _Part(owner, strategy, tuple(subscription["accounts"]), off)


def _since(document: Mapping[str, Any], *, off: bool) -> datetime | None:
    """Since when, at the latest, something that is off is off; of what nobody knows, it counts as on."""
    at = document.get("updated_at")
    return datetime.fromisoformat(at) if off and at else None


def _windows(here: Here, part: _Part) -> Iterator[_Window]:
    strategy = part.strategy
    entry_at, exit_at = (
        datetime.combine(here.today, at, IST) for at in (strategy.entry_time, strategy.exit_time)
    )
    until = min(entry_at + timedelta(seconds=strategy.grace_seconds), exit_at)
    fired = Weekday.of(here.today) in strategy.weekdays and entry_at - EARLY <= here.now <= until
    if fired and (part.off_since is None or part.off_since >= entry_at - EARLY):
        yield _Window("S", until, exit_at)
    by_hand = here.stores.catalog.get(part.owner, items.manual_runs(strategy.strategy_id, here.today)) or {}
    for one in by_hand.get("waiting", ()):
        window = _Window(
            str(one["run"]), datetime.fromisoformat(one["entry_until"]), datetime.fromisoformat(one["exit_at"])
        )
        if one["only_for"] in ("", here.user_id) and here.now <= window.entry_until:
            yield window


def _over(here: Here, part: _Part, window: _Window) -> bool:
    """Whether it is known that this run enters nothing in any case: the wrong day, for example."""
    key = run_key(part.strategy.strategy_id, here.today, window.run)
    for owner in (part.owner, here.user_id):
        view = here.stores.views.get(owner, items.run(key))
        if view is not None:
            return view["status"] in ("SKIPPED", "MISSED")
    return False


def _nothing(here: Here, part: _Part, account: str, window: _Window) -> AccountRun:
    strategy = part.strategy
    known = here.stores.catalog.get(here.user_id, items.account(account)) or {}
    return AccountRun(
        run_key=run_key(strategy.strategy_id, here.today, window.run),
        account=account,
        broker=str(known.get("broker", "")),
        user_id=here.user_id,
        basket_id=strategy.basket_id,
        strategy_id=strategy.strategy_id,
        trading_date=here.today,
        underlying=strategy.underlying,
        product=strategy.product,
        on_leg_reject=strategy.on_leg_reject,
        phase=Phase.FLAT,
        entry_until=window.entry_until,
        exit_at=window.exit_at,
        legs=(),
    )
