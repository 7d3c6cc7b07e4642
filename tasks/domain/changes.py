"""From the change of one item of a table to what happened: a pure difference of before and after.

A change that means nothing to anybody gives no event. One that means two things gives two, in their order: an
order that was still leaving and is filled now was placed in between.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tasks.domain import events as e
from tasks.domain import items

Image = Mapping[str, Any]
"""One item: text, whole numbers, decimals as text; a catalog item has `owner`, `item` and its `document`."""


@dataclass(frozen=True, slots=True)
class Change:
    """`old` is None for a new item, `new` for one that is gone. `table` is its name without a prefix."""

    table: str
    old: Image | None
    new: Image | None

    @property
    def item(self) -> Image:
        return self.new or self.old or {}


def aggregate_of(change: Change) -> str:
    """Whose events these are: one item is one aggregate, so that they are in the order of its changes."""
    keys = {"orders": ("order_id",), "positions": ("position_id",), "runs": ("run_key", "item")}
    names = keys.get(change.table, ("owner", "item"))
    return ":".join((change.table, *(str(change.item[name]) for name in names)))


def events_of(change: Change) -> tuple[e.DomainEvent, ...]:
    """What happened, in order; nothing where no read-model and nobody else would care."""
    return tuple(_TABLES[change.table](change))


def user_of(change: Change) -> str:
    """Whom it concerns: a user's id, or `marketplace`, `egress`, `platform`."""
    return str(change.item.get("owner") or change.item.get("user_id") or "")


# --- orders ---

_BY_STATUS: dict[str, type[e.OfOrder]] = {
    "CLAIMED": e.OrderHeldBack,
    "SENDING": e.OrderSending,
    "UNKNOWN": e.OrderUnknown,
    "OPEN": e.OrderPlaced,
    "FILLED": e.OrderFilled,
    "CANCELLED": e.OrderCancelled,
    "REJECTED": e.OrderRejected,
    "MISSED": e.OrderMissed,
    "ABSENT": e.OrderAbsent,
}
_PLACED_BEFORE = ("FILLED", "CANCELLED")


def _order(change: Change) -> list[e.DomainEvent]:
    if change.new is None:
        return []
    new = e.OrderFacts.model_validate(change.new)
    if change.old is None:
        return [e.OrderClaimed(order=new)]
    old = e.OrderFacts.model_validate(change.old)
    return [kind(order=new) for kind in _order_kinds(old, new)]


def _order_kinds(old: e.OrderFacts, new: e.OrderFacts) -> list[type[e.OfOrder]]:
    found: list[type[e.OfOrder]] = []
    first_heard = bool(new.broker_order_id) and not old.broker_order_id
    if first_heard and (new.status in _PLACED_BEFORE or new.status == old.status):
        found.append(e.OrderPlaced)
    if new.filled_quantity > old.filled_quantity and (new.status != "FILLED" or old.status == "FILLED"):
        found.append(e.OrderPartlyFilled)
    if new.status != old.status:
        found.append(_BY_STATUS[new.status])
    if new.modifications != old.modifications:
        found.append(e.OrderRepriced)
    if not found and _but_for(new, "updated_at") != _but_for(old, "updated_at"):
        found.append(e.OrderChanged)
    return found


def _but_for(facts: e.Facts, *names: str) -> dict[str, Any]:
    return facts.model_dump(exclude=set(names))


# --- positions ---


def _position(change: Change) -> list[e.DomainEvent]:
    if change.new is None:
        return []
    new = e.PositionFacts.model_validate(change.new)
    old = e.PositionFacts.model_validate(change.old) if change.old else None
    # What was closed may be recorded before what was entered: it is opened once, when it has an entry.
    if new.entry_qty > 0 and (old is None or old.entry_qty == 0):
        found: list[e.DomainEvent] = [e.PositionOpened(position=new)]
        return [*found, e.PositionClosed(position=new)] if _closed(new) else found
    if new == old:
        return []
    closes = _closed(new) and not (old and _closed(old))
    return [(e.PositionClosed if closes else e.PositionChanged)(position=new)]


def _closed(position: e.PositionFacts) -> bool:
    return 0 < position.entry_qty <= position.exit_qty


# --- runs ---

_BY_PHASE: dict[str, type[e.OfAccountRun]] = {
    "OPEN": e.EntryCompleted,
    "EXITING": e.ExitBegun,
    "FLAT": e.AccountFlat,
}


def _run(change: Change) -> list[e.DomainEvent]:
    kind, _, rest = str(change.item["item"]).partition("#")
    if change.new is None:
        return []
    match kind:
        case "CLAIM":
            found = _claim(change.old, change.new, side=rest)
        case "ACCT":
            found = _account_run(change.old, change.new)
        case "FAIL":
            found = [_end(change.new)]
        case "ROUND" if change.old is None:
            found = [_round(change.new)]
        case "HALT":
            found = _halt(change.old or {}, change.new)
        case "OUTSIDE":
            found = _outside(change.old or {}, change.new)
        case _:
            found = []
    return found


def _end(new: Image) -> e.DomainEvent:
    end = e.EndFacts.model_validate(new)
    return e.RunResumed(end=end) if end.status == "RESUMED" else e.RunFailed(end=end)


def _claim(old: Image | None, new: Image, *, side: str) -> list[e.DomainEvent]:
    claim = e.ClaimFacts.model_validate({**new, "side": side})
    before = old or {}
    found: list[e.DomainEvent] = []
    if before.get("execution") != new["execution"]:
        found.append(e.RunClaimed(claim=claim))
    if claim.status != before.get("status", ""):
        found.append((e.RunMissed if claim.status == "MISSED" else e.RunSkipped)(claim=claim))
    return found


def _account_run(old: Image | None, new: Image) -> list[e.DomainEvent]:
    run = e.AccountRunFacts.model_validate(new)
    if old is None:
        return [(e.EntryCalledOff if run.phase == "FLAT" else e.EntryPlanned)(run=run)]
    before = e.AccountRunFacts.model_validate(old)
    found: list[e.DomainEvent] = []
    if run.exit_at != before.exit_at:
        found.append(e.ExitPostponed(run=run))
    if legs := _closing(new) - _closing(old):
        found.append(e.LegExitBegun(run=run, legs=sorted(legs)))
    if run.phase != before.phase or run.exit_execution != before.exit_execution:
        found.append(_BY_PHASE.get(run.phase, e.EntryPlanned)(run=run))
    return found


def _halt(old: Image, new: Image) -> list[e.DomainEvent]:
    before, now = _scopes(old), _scopes(new)
    if before == now:
        return []
    kind = e.EntriesHalted if set(now) - set(before) else e.EntriesReleased
    return [kind(place=str(new["run_key"]).removeprefix("HALT#"), scopes=now)]


def _scopes(image: Image) -> list[str]:
    return sorted(name.removeprefix("held_") for name in image if name.startswith("held_"))


def _closing(image: Image) -> set[int]:
    """The legs that are being closed on their own: one attribute each."""
    return {int(name.removeprefix("closing_L")) for name in image if name.startswith("closing_L")}


def _round(new: Image) -> e.DomainEvent:
    orders = [str(order["order_id"]) for order in new.get("orders", ())]
    return e.ExitRoundPlanned(
        run_key=str(new["run_key"]),
        account=str(new["account"]),
        leg=int(new.get("leg", 0)),
        round=int(new["round"]),
        orders=orders,
    )


def _outside(old: Image, new: Image) -> list[e.DomainEvent]:
    """What is new of it: one event for each side that others have traded since."""
    more = {
        "BUY": int(new["bought"]) - int(old.get("bought", 0)),
        "SELL": int(new["sold"]) - int(old.get("sold", 0)),
    }
    return [
        e.ExternalActivityDetected.model_validate({**new, "side": side, "quantity": units})
        for side, units in more.items()
        if units > 0
    ]


# --- the catalog ---


def _catalog(change: Change) -> list[e.DomainEvent]:
    owner, item = str(change.item["owner"]), str(change.item["item"])
    old = dict(change.old["document"]) if change.old else None
    new = dict(change.new["document"]) if change.new else None
    if old == new:
        return []
    if owner == items.ACCOUNT_OWNERS:
        return []
    if owner == items.EGRESS:
        return [_egress(item, new)]
    if owner == items.PLATFORM:
        return [e.PlatformChanged(document=new)] if new is not None else []
    if owner == items.MARKETPLACE and item.startswith("BASKET#"):
        return _published(item, old, new)
    kind, _, name = item.partition("#")
    diff = _ITEMS.get(kind)
    return diff(owner, name, old, new) if diff else []


Document = dict[str, Any] | None


def _profile(owner: str, _name: str, _old: Document, new: Document) -> list[e.DomainEvent]:
    return [e.ProfileChanged(owner=owner, document=new)] if new is not None else []


def _basket(owner: str, name: str, old: Document, new: Document) -> list[e.DomainEvent]:
    if new is None:
        return [e.BasketDeleted(owner=owner, basket_id=name)]
    kind = e.BasketCreated if old is None else e.BasketChanged
    return [kind(owner=owner, basket_id=name, document=new)]


def _published(item: str, old: Document, new: Document) -> list[e.DomainEvent]:
    _, basket_id, *version = item.split("#")
    if version or new is None:
        return []  # `…#V3` is the copy that never changes; its news is told by the basket itself
    kind: type[e.BasketState] = e.BasketVersionPublished
    if new.get("withdrawn"):
        kind = e.BasketWithdrawn
    elif old is None:
        kind = e.BasketPublished
    return [kind(owner=items.MARKETPLACE, basket_id=basket_id, document=new)]


def _strategy(owner: str, name: str, old: Document, new: Document) -> list[e.DomainEvent]:
    if new is None:
        return [e.StrategyDeleted(owner=owner, strategy_id=name)]
    state = {
        "owner": owner,
        "strategy_id": name,
        "basket_id": new.get("basket_id", ""),
        "enabled": bool(new.get("enabled", True)),
        "document": new,
    }
    on = bool(new.get("enabled", True))
    found: list[type[e.StrategyState]] = []
    if old is None:
        found = [e.StrategyCreated, *([e.StrategyEnabled] if on else [])]
    elif on != bool(old.get("enabled", True)):
        found = [e.StrategyEnabled if on else e.StrategyDisabled]
    else:
        found = [e.StrategyChanged]
    return [kind.model_validate(state) for kind in found]


def _schedule(owner: str, name: str, old: Document, new: Document) -> list[e.DomainEvent]:
    if new is None or not new.get("schedules"):
        return [e.StrategyUnscheduled(owner=owner, strategy_id=name)] if old and old.get("schedules") else []
    return [e.StrategyScheduled.model_validate({**new, "owner": owner, "strategy_id": name})]


def _subscription(owner: str, name: str, old: Document, new: Document) -> list[e.DomainEvent]:
    if new is None:
        return [e.Unsubscribed(owner=owner, basket_id=name)]
    kind: type[e.SubscriptionState] = e.SubscriptionChanged
    if old is None:
        kind = e.Subscribed
    elif bool(new.get("paused")) != bool(old.get("paused")):
        kind = e.SubscriptionPaused if new.get("paused") else e.SubscriptionResumed
    return [kind(owner=owner, basket_id=name, document=new)]


def _account(owner: str, name: str, old: Document, new: Document) -> list[e.DomainEvent]:
    if new is None:
        return [e.BrokerAccountUnlinked(owner=owner, account=name)]
    kind: type[e.AccountState] = e.BrokerAccountChanged
    if old is None:
        kind = e.BrokerAccountLinked
    elif new.get("valid_until") != old.get("valid_until") and new.get("valid_until"):
        kind = e.BrokerLoggedIn
    return [kind(owner=owner, account=name, document=new)]


def _login(owner: str, name: str, _old: Document, new: Document) -> list[e.DomainEvent]:
    if new is None:
        return []
    return [e.LoginNeeded.model_validate({**new, "owner": owner, "account": name})]


def _feed(_owner: str, name: str, _old: Document, new: Document) -> list[e.DomainEvent]:
    if new is None:
        return []
    kind = e.FeedBlind if new["state"] == "BLIND" else e.FeedSees
    return [kind(account=name, at=new["at"], reason=new["reason"])]


def _mark(owner: str, _name: str, _old: Document, new: Document) -> list[e.DomainEvent]:
    return [e.AccountMarked.model_validate({**new, "owner": owner})] if new is not None else []


def _day(owner: str, _name: str, _old: Document, new: Document) -> list[e.DomainEvent]:
    if new is None:
        return []
    closed = e.DayClosed.model_validate({**new, "owner": owner})
    if all(contract.agrees for contract in closed.day.contracts):
        return [closed]
    return [closed, e.PnLDiffers.model_validate({**new, "owner": owner})]


def _egress(item: str, new: Document) -> e.DomainEvent:
    if new is None:
        return e.EgressRemoved(egress=item)
    return e.EgressChanged(egress=item, address=str(new.get("address", "")), document=new)


_ITEMS: dict[str, Callable[[str, str, Document, Document], list[e.DomainEvent]]] = {
    "PROFILE": _profile,
    "BASKET": _basket,
    "STRATEGY": _strategy,
    "SCHEDULE": _schedule,
    "SUBSCRIPTION": _subscription,
    "ACCOUNT": _account,
    "LOGIN": _login,
    "FEED": _feed,
    "MARK": _mark,
    "DAY": _day,
}
_TABLES: dict[str, Callable[[Change], list[e.DomainEvent]]] = {
    "orders": _order,
    "positions": _position,
    "runs": _run,
    "catalog": _catalog,
}
