"""The kill switch: nothing is entered any more, and everything open is closed, until it is released.

It is for one account, for all of a user's, and, by an admin, for everybody's. The word is written before
anything else, so it holds even if this dies right after: the sweep then closes what is open.
"""

from __future__ import annotations

from tasks.api.answers import HaltAnswer, Halted
from tasks.api.current import Asking, routes
from tasks.api.documents import own
from tasks.api.here import Here
from tasks.api.parameters import KillBody, KillIn, ReachBody, ReachIn
from tasks.api.problems import Conflict, Refused
from tasks.api.running import closed, start_exit
from tasks.domain import items
from tasks.orderpath.halting import Reach, accounts_in, halt, release
from tasks.orderpath.open_runs import open_runs
from tasks.stores.halts import EVERYTHING, Scope, of_account, of_user

router = routes()

EXITS_AT_ONCE = 60
"""Exits one command starts by itself: an answer may take 29 s. The sweep of the next minute starts the rest."""


@router.get("/kill", summary="What is halted", tags=["running"])
def show(here: Asking) -> Halted:
    """What keeps me from entering, and how much of mine is still open."""
    return _standing(here)


@router.post("/kill", summary="Halt and close everything", tags=["running"])
def kill(here: Asking, body: KillIn = None) -> Halted:
    """Stops all entries of an account, of mine, or (admins) of everybody; closes what is open, shorts first.

    It stays so until it is released; sent again, it goes on with what is left.
    """
    said = body or KillBody()
    reach = _reach(here, said)
    halt(here.stores, reach, by=here.user_id, at=here.now, reason=said.reason)
    if reach.scope is Scope.ALL:
        plans = open_runs(here.stores, here.now)
        exits = [start_exit(here, plan) for plan in plans[:EXITS_AT_ONCE]]
        return _standing(here, plans=len(plans)).model_copy(update={"exits": exits})
    done = closed(here, reach.holds)
    return _standing(here).model_copy(update={"exits": done.exits, "called_off": done.called_off})


@router.post("/kill/release", summary="Let entries go on", tags=["running"])
def let_go(here: Asking, body: ReachIn = None) -> Halted:
    """What was closed stays closed. A wider word stands: who is halted with everybody is not freed alone."""
    reach = _reach(here, body or ReachBody())
    release(here.stores, reach)
    return _standing(here)


def _reach(here: Here, said: ReachBody) -> Reach:
    if said.everyone:
        here.must_be_admin()
        if said.account:
            raise Refused(["account: leave it out, or everyone"])
        return Reach(Scope.ALL)
    if said.account:
        own(here, items.account(said.account), "broker account")
        return Reach(Scope.ACCOUNT, here.user_id, said.account)
    return Reach(Scope.USER, here.user_id)


def _standing(here: Here, *, plans: int | None = None) -> Halted:
    mine = [account for _, account in accounts_in(here.stores, Reach(Scope.USER, here.user_id))]
    places = [EVERYTHING, of_user(here.user_id), *map(of_account, mine)]
    held = here.stores.halts.held(places)
    if plans is None:
        plans = sum(plan.user_id == here.user_id for plan in open_runs(here.stores, here.now))
    return Halted(
        halts=[
            HaltAnswer(
                scope=one.scope.value,
                account=place.partition("#")[2] if place.startswith(Scope.ACCOUNT) else "",
                since=one.at,
                reason=one.reason,
            )
            for place in places
            for one in held.get(place, [])
            if place == EVERYTHING or one.scope is not Scope.ALL
            if not (place.startswith(Scope.ACCOUNT) and one.scope is Scope.USER)
        ],
        open=plans,
    )


def must_not_be_halted(here: Here, accounts: tuple[str, ...]) -> None:
    """Raises `Conflict` if one of the caller's accounts may enter nothing."""
    held = _standing(here, plans=0).halts
    found = next((one for one in held if one.account in ("", *accounts)), None)
    if found is not None:
        what = found.account or ("everything" if found.scope == Scope.ALL else "all of yours")
        raise Conflict(f"{what} is halted since {found.since:%H:%M}: release it first")
