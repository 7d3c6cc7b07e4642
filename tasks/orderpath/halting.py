"""The kill switch: who may enter nothing. What is open is closed by the exits that everybody starts.

The first write, of the place that the command is about, is the command: whoever sends or plans an entry after
it sees it, and the sweep closes what is open there, even if the command died right after that write. The writes
that follow put a flag at each account, which the transaction that sends an order reads: when they are done,
nothing can leave any more that was on its way.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from brokers.clock import IST
from tasks.domain import items
from tasks.stores.bundle import Stores
from tasks.stores.halts import EVERYTHING, Halt, Scope, of_account, of_user
from tasks.stores.ports import AccountRun


@dataclass(frozen=True, slots=True)
class Reach:
    """What a command is about: everything, what is a user's, or one account of theirs."""

    scope: Scope
    user_id: str = ""
    account: str = ""

    @property
    def place(self) -> str:
        if self.scope is Scope.ACCOUNT:
            return of_account(self.account)
        return of_user(self.user_id) if self.scope is Scope.USER else EVERYTHING

    def holds(self, plan: AccountRun) -> bool:
        return self.scope is Scope.ALL or (plan.user_id == self.user_id and self.account in ("", plan.account))


def halt(stores: Stores, reach: Reach, *, by: str, at: datetime, reason: str = "") -> None:
    """Nothing is entered there from now on. May be said again, after a crash or by another."""
    said = {"scope": reach.scope, "at": at, "by": by, "reason": reason}
    stores.halts.hold(Halt.model_validate({"place": reach.place, "user_id": reach.user_id, **said}))
    for user_id, account in accounts_in(stores, reach):
        stores.halts.hold(Halt.model_validate({"place": of_account(account), "user_id": user_id, **said}))


def release(stores: Stores, reach: Reach) -> None:
    """Entries may go on. The place is freed last: a release that died leaves it held, and is said again."""
    for _, account in accounts_in(stores, reach):
        stores.halts.release(of_account(account), reach.scope)
    stores.halts.release(reach.place, reach.scope)


def accounts_in(stores: Stores, reach: Reach) -> list[tuple[str, str]]:
    """User and account of all that are linked there now."""
    prefix = items.account("")
    if reach.scope is Scope.ACCOUNT:
        return [(reach.user_id, reach.account)]
    if reach.scope is Scope.USER:
        return [(reach.user_id, str(one["account"])) for one in stores.catalog.list(reach.user_id, prefix)]
    return [(owner, item.removeprefix(prefix)) for owner, item, _ in stores.catalog.everything(prefix)]


def holding(stores: Stores, user_id: str, account: str) -> Halt | None:
    """What keeps this account from entering anything; the farthest reaching word, None if nothing does."""
    places = (EVERYTHING, of_user(user_id), of_account(account))
    held = stores.halts.held(places)
    return next((held[place][0] for place in places if place in held), None)


def described(found: Halt) -> str:
    whose = {Scope.ACCOUNT: "the account is", Scope.USER: "all of the user is", Scope.ALL: "everything is"}
    because = f": {found.reason}" if found.reason else ""
    return f"{whose[found.scope]} halted since {found.at.astimezone(IST):%H:%M:%S}{because}"


def halted(stores: Stores, plans: Sequence[AccountRun]) -> list[AccountRun]:
    """The open ones that are to be closed because their place is held.

    A command that died may have left accounts without their flag: it is put there now.
    """
    places = [EVERYTHING, *dict.fromkeys(of_user(plan.user_id) for plan in plans)]
    accounts = dict.fromkeys(of_account(plan.account) for plan in plans)
    held = stores.halts.held([*places, *accounts]) if plans else {}
    found: list[AccountRun] = []
    for plan in plans:
        account = of_account(plan.account)
        above = [*held.get(EVERYTHING, []), *held.get(of_user(plan.user_id), [])]
        known = held.get(account, [])
        for missing in _missing(above, known):
            stores.halts.hold(missing.model_copy(update={"place": account, "user_id": plan.user_id}))
        if above or known:
            found.append(plan)
    return found


def _missing(above: Iterable[Halt], known: Iterable[Halt]) -> list[Halt]:
    scopes = {one.scope for one in known}
    return [one for one in above if one.scope not in scopes]
