"""What commands share: finding the caller's documents, checking what a strategy needs, showing a document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tasks.api.here import Here
from tasks.api.problems import Conflict, NotFound, Refused
from tasks.api.views import AccountView, BasketView, StrategyView, SubscriptionView
from tasks.domain import items
from tasks.domain.basket import BasketKind
from tasks.domain.calendar import TradingCalendar
from tasks.domain.errors import CalendarExhausted
from tasks.domain.stored import content, stored, version_of
from tasks.domain.strategy import StrategyDraft
from tasks.domain.underlyings import underlying
from tasks.stores.ports import Change

Document = dict[str, Any]


def own(here: Here, item: str, what: str) -> Document:
    """The caller's document. Raises `NotFound`, the same for what is missing and what is somebody else's."""
    document = here.stores.catalog.get(here.user_id, item)
    if document is None:
        raise NotFound(f"you have no such {what}")
    return document


def own_basket(here: Here, basket_id: str) -> Document:
    return own(here, items.basket(basket_id), "basket")


def own_strategy(here: Here, strategy_id: str) -> Document:
    return own(here, items.strategy(strategy_id), "strategy")


def strategies_of(here: Here, basket: Mapping[str, Any]) -> list[Document]:
    """A basket's strategies, in its order."""
    found = (here.stores.catalog.get(here.user_id, items.strategy(one)) for one in basket["strategies"])
    return [document for document in found if document is not None]


def change(here: Here, item: str, before: Document | None, fields: Mapping[str, Any]) -> Change:
    """The next version of one of the caller's documents, if the one that was read still stands."""
    document = stored(fields, before=before, at=here.now)
    return Change(here.user_id, item, document, version_of(before))


def edit(here: Here, item: str, before: Document, **fields: Any) -> Change:
    """`change` of some fields."""
    return change(here, item, before, {**content(before), **fields})


def document_of(made: Change) -> Document:
    """What a change writes."""
    if made.document is None:
        raise ValueError(f"{made.item} is deleted, so there is nothing to show")
    return made.document


def accounts_stand(here: Here, accounts: Iterable[str], *, path: str = "accounts") -> list[Change]:
    """Checks, for the transaction too, that the caller has linked these broker accounts, and counts the use.

    A command that names accounts writes what this returns with it: so it and an unlinking of one of them at the
    same moment can't both be done.

    Raises
    ------
    Refused
        Naming each that is not theirs.
    """
    checks: list[Change] = []
    problems: list[str] = []
    for place, account in enumerate(accounts):
        item = items.account(account)
        document = here.stores.catalog.get(here.user_id, item)
        if document is None:
            problems.append(f"{path}[{place}]: {account} is not one of your broker accounts: link it first")
        else:
            checks.append(Change(here.user_id, item, None, version_of(document), only_check=True))
            checks.append(used(here, account))
    if problems:
        raise Refused(problems)
    return checks


def used(here: Here, account: str) -> Change:
    """One more use of the caller's account. Its count only rises, also when the account goes and comes back."""
    item = items.account_use(account)
    before = here.stores.catalog.get(here.user_id, item)
    return change(here, item, before, {"account": account})


def unique(changes: Sequence[Change]) -> list[Change]:
    """A transaction may name an item once; a write stands for the check of the same item."""
    kept: dict[tuple[str, str], Change] = {}
    for one in sorted(changes, key=lambda change: not change.only_check):
        kept[one.owner, one.item] = one
    return list(kept.values())


def within_hours(here: Here, draft: StrategyDraft, *, path: str = "") -> None:
    """Refuse times at which the next session does not trade.

    Raises
    ------
    Refused
        Naming the field and the hours.
    """
    try:
        calendar = TradingCalendar.load()
        day = here.today if calendar.is_session(here.today) else calendar.next_session(here.today)
        session = calendar.session(day, underlying(draft.underlying).exchange)
    except CalendarExhausted:
        return
    if session is None:
        return
    opens, closes = session.opens.time(), session.closes.time()
    problems = [
        f"{path}{field}: {at:%H:%M} is outside the session of {opens:%H:%M} to {closes:%H:%M}"
        for field, at in (("entry_time", draft.entry_time), ("exit_time", draft.exit_time))
        if not opens <= at < closes
    ]
    if problems:
        raise Refused(problems)


def must_be_custom(basket: Mapping[str, Any]) -> None:
    if basket.get("kind") == BasketKind.MARKETPLACE:
        raise Conflict("a basket for the marketplace trades for nobody until it is published: publish it")


def show_basket(document: Mapping[str, Any]) -> BasketView:
    return BasketView.model_validate({"kind": BasketKind.CUSTOM, **document})


def show_strategy(document: Mapping[str, Any]) -> StrategyView:
    return StrategyView.model_validate({**document, "strategy": dict(content(document))})


def show_account(document: Mapping[str, Any]) -> AccountView:
    return AccountView.model_validate({**document, "linked_at": document["created_at"]})


def show_subscription(document: Mapping[str, Any]) -> SubscriptionView:
    return SubscriptionView.model_validate(document)
