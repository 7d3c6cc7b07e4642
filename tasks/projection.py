"""From events to read-models: pure folds, the same for the live projector and for a rebuild.

A row is one (owner, item) of the `views` table. Which aggregates it is folded from follows from its key, so its
document depends on their events and on nothing else; `rows_of` is the other way round.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from tasks.api import views
from tasks.domain import events as e
from tasks.domain import items
from tasks.domain.stored import content
from tasks.stores.journal import Recorded

Sources = Mapping[str, Sequence[Recorded]]
"""A row's aggregates, each with its events in order."""


@dataclass(frozen=True, slots=True)
class Key:
    owner: str
    item: str


# --- which rows, from which aggregates ---


def rows_of(events: Sequence[Recorded]) -> list[Key]:
    """The rows that an aggregate of these events has a part in."""
    first = events[0]
    table, _, rest = first.aggregate.partition(":")
    owner, _, item = rest.rpartition(":")
    if table == "catalog":
        return _catalog_rows(owner, item)
    event = _event(first)
    if isinstance(event, e.OfOrder):
        return [Key(event.order.user_id, items.order(_day(event.order.trading_date), event.order.order_id))]
    if isinstance(event, e.OfPosition):
        position = event.position
        return [Key(position.user_id, items.position(_day(position.trading_date), position.position_id))]
    return _run_rows(event)


def _run_rows(event: e.DomainEvent) -> list[Key]:
    if isinstance(event, e.OfAccountRun):
        return [Key(event.run.user_id, items.run(event.run.run_key, event.run.account))]
    if isinstance(event, e.OfEnd):
        return [Key(event.end.user_id, items.run(event.end.run_key, event.end.account))]
    if isinstance(event, e.OfClaim) and event.claim.user_id:
        return [Key(event.claim.user_id, items.run(event.claim.run_key))]
    return []


def _catalog_rows(owner: str, item: str) -> list[Key]:
    kind, _, name = item.partition("#")
    if owner == items.MARKETPLACE and kind != "BASKET":
        return []
    if kind in ("MARK", "DAY"):
        return []  # of a report, which reads the events themselves
    names = {"SCHEDULE": items.strategy(name), "LOGIN": items.account(name)}
    return [Key(owner, names.get(kind, item))]


def sources_of(key: Key) -> tuple[str, ...]:
    """The aggregates that a row is folded from."""
    kind, _, name = key.item.partition("#")
    if kind in ("ORDER", "POSITION"):
        return (f"{kind.lower()}s:{name.partition('#')[2]}",)
    if kind == "RUN":
        run_key, _, account = name.partition("#")
        parts = [f"ACCT#{account}"] if account else ["CLAIM#ENTRY", "CLAIM#EXIT"]
        parts += [f"FAIL#ENTRY#{account}", f"FAIL#EXIT#{account}"]
        return tuple(f"runs:{run_key}:{part}" for part in parts)
    others = {
        "STRATEGY": f"catalog:{key.owner}:SCHEDULE#{name}",
        "ACCOUNT": f"catalog:{key.owner}:LOGIN#{name}",
    }
    own = f"catalog:{key.owner}:{key.item}"
    return (own, others[kind]) if kind in others else (own,)


def _day(text: str) -> Any:
    return datetime.fromisoformat(text).date()


# --- the folds ---


def fold(key: Key, sources: Sources) -> dict[str, Any] | None:
    """The row's document, None where the thing is gone."""
    kind = key.owner if key.owner in _OPERATED else key.item.partition("#")[0]
    view = _FOLDS[kind](key, [sources[aggregate] for aggregate in sources_of(key)])
    return view.model_dump(mode="json") if view else None


Parts = Sequence[Sequence[Recorded]]
EventT = TypeVar("EventT", bound=e.DomainEvent)


def _event(recorded: Recorded) -> e.DomainEvent:
    return e.parse_event(recorded.type, recorded.version, recorded.data)


def _last(events: Sequence[Recorded], kind: type[EventT]) -> tuple[EventT, Recorded] | None:
    """The newest event, if it still tells a state: after a deletion there is none."""
    if not events:
        return None
    event = _event(events[-1])
    return (event, events[-1]) if isinstance(event, kind) else None


def _stamps(document: Mapping[str, Any], events: Sequence[Recorded]) -> dict[str, Any]:
    """Version and times as the document has them; of one without, from its events."""
    return {
        "version": int(document.get("version", 1)),
        "created_at": document.get("created_at") or events[0].at.isoformat(),
        "updated_at": document.get("updated_at") or events[-1].at.isoformat(),
    }


def _profile(_: Key, parts: Parts) -> views.View | None:
    found = _last(parts[0], e.ProfileChanged)
    if found is None:
        return None
    document = found[0].document
    return views.ProfileView.model_validate({**document, **_stamps(document, parts[0])})


def _basket(key: Key, parts: Parts) -> views.View | None:
    found = _last(parts[0], e.BasketState)
    if found is None:
        return None
    document = found[0].document
    stamps = _stamps(document, parts[0])
    if key.owner == items.MARKETPLACE:
        return _market_basket(document, stamps)
    defaults = {"basket_id": found[0].basket_id, "kind": "custom", "name": found[0].basket_id}
    return views.BasketView.model_validate({**defaults, "strategies": [], **document, **stamps})


def _market_basket(document: Mapping[str, Any], stamps: Mapping[str, Any]) -> views.View:
    return views.MarketBasketView.model_validate(
        {
            **document,
            **stamps,
            "published_at": stamps["created_at"],
            "strategies": [_market_strategy(strategy) for strategy in document["strategies"]],
        }
    )


def _market_strategy(document: Mapping[str, Any]) -> dict[str, Any]:
    """Without the publisher's accounts: nobody else's business."""
    shown = {name: value for name, value in content(document).items() if name != "accounts"}
    return {**document, "strategy": shown}


def _strategy(_: Key, parts: Parts) -> views.View | None:
    found = _last(parts[0], e.StrategyState)
    if found is None:
        return None
    event, document = found[0], found[0].document
    scheduled = _last(parts[1], e.StrategyScheduled)
    return views.StrategyView.model_validate(
        {
            "strategy_id": event.strategy_id,
            "basket_id": event.basket_id,
            "name": document.get("name", ""),
            "underlying": document["underlying"],
            "enabled": event.enabled,
            "strategy": dict(content(document)),
            "scheduled_version": scheduled[0].strategy_version if scheduled else 0,
            **_stamps(document, parts[0]),
        }
    )


def _account(_: Key, parts: Parts) -> views.View | None:
    found = _last(parts[0], e.AccountState)
    if found is None:
        return None
    document, stamps = found[0].document, _stamps(found[0].document, parts[0])
    return views.AccountView.model_validate(
        {
            "status": "ACTIVE",
            **document,
            **stamps,
            "linked_at": stamps["created_at"],
            "login_needed": _login_needed(document, parts[1]),
        }
    )


def _login_needed(document: Mapping[str, Any], asked: Sequence[Recorded]) -> bool:
    """Asked for, and no session since. A session that a login gives ends after the asking."""
    found = _last(asked, e.LoginNeeded)
    if found is None:
        return False
    until = document.get("valid_until")
    return not until or datetime.fromisoformat(until) <= datetime.fromisoformat(found[0].asked_at)


def _proxy(_: Key, parts: Parts) -> views.View | None:
    found = _last(parts[0], e.EgressChanged)
    if found is None or not found[0].document:
        return None
    document = found[0].document
    return views.ProxyView.model_validate({**document, **_stamps(document, parts[0])})


def _platform(_: Key, parts: Parts) -> views.View | None:
    found = _last(parts[0], e.PlatformChanged)
    if found is None:
        return None
    document = found[0].document
    return views.PlatformView.model_validate({**document, **_stamps(document, parts[0])})


def _subscription(_: Key, parts: Parts) -> views.View | None:
    found = _last(parts[0], e.SubscriptionState)
    if found is None:
        return None
    document = found[0].document
    return views.SubscriptionView.model_validate(
        {"basket_version": 0, **document, **_stamps(document, parts[0])}
    )


def _run(key: Key, parts: Parts) -> views.View | None:
    """An account's row has one part of its own, that of the whole run a claim for each side."""
    *own, entry, leave = parts
    ends = [one[0].end for part in (entry, leave) if (one := _last(part, e.OfEnd))]
    if key.item.endswith("#"):
        claims = [found[0].claim for part in own if (found := _last(part, e.OfClaim))]
        ends = [end for end in ends if not any(_overtaken(end, claim) for claim in claims)]
        fields = _whole_run(claims)
    else:
        fields = _account_run(own[0])
    if fields is None and ends:
        fields = {**ends[0].model_dump(), "status": "STARTED", "reason": "", "executions": {}}
    if fields is None:
        return None
    at = max(recorded.at for part in parts for recorded in part)
    return views.RunView.model_validate({**_with_ends(fields, ends), "updated_at": at})


def _account_run(events: Sequence[Recorded]) -> dict[str, Any] | None:
    found = _last(events, e.OfAccountRun)
    if found is None:
        return None
    run, called_off = found[0].run, isinstance(found[0], e.EntryCalledOff)
    executions = {"ENTRY": run.execution, "EXIT": run.exit_execution}
    return {
        **run.model_dump(),
        "status": "CALLED_OFF" if called_off else run.phase,
        "reason": "squared off before it entered" if called_off else "",
        "executions": {side: arn for side, arn in executions.items() if arn},
    }


def _whole_run(claims: Sequence[e.ClaimFacts]) -> dict[str, Any] | None:
    if not claims:
        return None
    return {
        **claims[0].model_dump(),
        "status": claims[0].status or "STARTED",
        "executions": {claim.side: claim.execution for claim in claims},
    }


def _overtaken(end: e.EndFacts, claim: e.ClaimFacts) -> bool:
    """Another execution has this side since: how an earlier one ended is no longer of interest."""
    other = end.side == claim.side and end.execution != claim.execution
    return other and _moment(claim.claimed_at) > _moment(end.at)


def _with_ends(fields: Mapping[str, Any], ends: Sequence[e.EndFacts]) -> dict[str, Any]:
    """What failed last and was not redriven: the status, unless an account has come to a phase meanwhile."""
    executions = {**{end.side: end.execution for end in ends}, **fields["executions"]}
    failed = [end for end in ends if end.status != "RESUMED"]
    if not failed:
        return {**fields, "executions": executions}
    end = max(failed, key=lambda end: _moment(end.at))
    reason = end.reason if end.side == "ENTRY" else f"the exit: {end.reason}"
    status = fields["status"] if "phase" in fields else "FAILED"
    return {**fields, "status": status, "reason": reason, "executions": executions}


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _order(_: Key, parts: Parts) -> views.View | None:
    found = _last(parts[0], e.OfOrder)
    if found is None:
        return None
    order = found[0].order
    return views.OrderView.model_validate(
        {**order.model_dump(), "updated_at": order.updated_at or order.sent_at or order.claimed_at}
    )


def _position(_: Key, parts: Parts) -> views.View | None:
    found = _last(parts[0], e.OfPosition)
    return views.PositionView.model_validate(found[0].position.model_dump()) if found else None


_OPERATED = (items.EGRESS, items.PLATFORM)
"""Owners whose items are all of one kind."""

_FOLDS: dict[str, Callable[[Key, Parts], views.View | None]] = {
    "PROFILE": _profile,
    "BASKET": _basket,
    "STRATEGY": _strategy,
    "ACCOUNT": _account,
    "SUBSCRIPTION": _subscription,
    items.EGRESS: _proxy,
    items.PLATFORM: _platform,
    "RUN": _run,
    "ORDER": _order,
    "POSITION": _position,
}
