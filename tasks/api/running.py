"""Square off now: a leg, a strategy, an account, everything.

A square-off starts the exit of each account that is not flat, under the same name as the schedule and the sweep
do, so that all of them converge on one exit. What is open is read from the runs themselves, never from a
read-model: the kill switch must not miss what was entered a second ago. A run that only waits for its entry is
called off (`tasks.api.waiting`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tasks.api.answers import CalledOff, SquaredOff, StartedExit
from tasks.api.current import Asking, routes
from tasks.api.documents import Document, own
from tasks.api.here import Here
from tasks.api.parameters import AccountPath, LegsBody, LegsIn, SquareOffIn, StrategyPath
from tasks.api.problems import Conflict, NotFound, Refused
from tasks.api.strategies import switched
from tasks.api.subscriptions import pausing
from tasks.api.transaction import Effect, perform
from tasks.api.waiting import waiting
from tasks.domain import items
from tasks.domain.ids import exit_name
from tasks.find_open_accounts import exit_task
from tasks.orderpath.legs import hedge_problem
from tasks.orderpath.open_runs import open_runs as everybodys
from tasks.stores.ports import AccountRun, Change, Phase

router = routes()

ACCOUNT_BASKET = "AccountBasket"


@router.post("/strategies/<strategy_id>/square-off", summary="Close a strategy now", tags=["running"])
def square_off_strategy(here: Asking, strategy_id: StrategyPath, body: LegsIn = None) -> SquaredOff:
    """One of mine, or of a published basket: then only what is open in my accounts. Or some legs of it.

    A leg that hedges one that is sold and open is not closed alone.
    """
    chosen = body or LegsBody()

    def wanted(plan: AccountRun) -> bool:
        named = chosen.account in (None, plan.account) and chosen.run_key in (None, plan.run_key)
        return plan.strategy_id == strategy_id and named

    found = _legs_closed(here, wanted, chosen.legs) if chosen.legs else closed(here, wanted)
    if not found.exits and not found.called_off and not _known(here, strategy_id):
        raise NotFound("you have no such strategy")
    return found


def _legs_closed(here: Here, wanted: Callable[[AccountRun], bool], asked: list[int]) -> SquaredOff:
    """All of it is looked at before anything is started."""
    chosen = [(plan, _legs(here, plan, asked)) for plan in filter(wanted, open_runs(here))]
    return SquaredOff(exits=[start_exit(here, plan, legs) for plan, legs in chosen])


def _legs(here: Here, plan: AccountRun, asked: list[int]) -> list[int]:
    """The legs to close on their own; none where it is the whole account.

    Raises
    ------
    Refused
        If the run has no such leg.
    Conflict
        If a short would be left without its hedge.
    """
    numbers = [leg.leg for leg in plan.legs]
    strange = [leg for leg in asked if leg not in numbers]
    if strange:
        where = f"run {plan.run_key} in {plan.account}"
        raise Refused([f"legs: {where} has the legs {', '.join(map(str, numbers))}, and no leg {strange[0]}"])
    if set(asked) == set(numbers):
        return []
    problem = hedge_problem(here.stores, plan, asked)
    if problem is not None:
        raise Conflict(problem)
    return asked


@router.post("/accounts/<account>/square-off", summary="Close all in an account now", tags=["running"])
def square_off_account(here: Asking, account: AccountPath) -> SquaredOff:
    found = closed(here, lambda plan: plan.account == account)
    if not found.exits and not found.called_off:
        own(here, items.account(account), "broker account")
    return found


@router.post("/square-off", summary="Close everything now", tags=["running"])
def square_off_everything(here: Asking, body: SquareOffIn = None) -> SquaredOff:
    """With `stop`, nothing enters again until you enable and resume it. `POST /kill` does more: it halts."""
    stopped = _stop(here) if body and body.stop else ([], [])
    found = closed(here, lambda _: True)
    return found.model_copy(update={"disabled": stopped[0], "paused": stopped[1]})


def closed(here: Here, wanted: Callable[[AccountRun], bool]) -> SquaredOff:
    """Call off what waits, and start the exit of what is open.

    What waits comes first: an entry that was planned a moment before is then found open, and closed.
    """
    called_off, entered = _called_off(here, wanted)
    found = {(plan.run_key, plan.account): plan for plan in (*entered, *filter(wanted, open_runs(here)))}
    return SquaredOff(exits=[start_exit(here, plan) for plan in found.values()], called_off=called_off)


def _called_off(here: Here, wanted: Callable[[AccountRun], bool]) -> tuple[list[CalledOff], list[AccountRun]]:
    """The entries that will not be, and the plans of those that had begun."""
    called_off: list[CalledOff] = []
    entered: list[AccountRun] = []
    for nothing in filter(wanted, waiting(here)):
        standing = here.stores.runs.plan_account(nothing)
        if standing.phase is not Phase.FLAT:
            entered.append(standing)
        elif not standing.legs:
            fields = {name: getattr(standing, name) for name in CalledOff.model_fields}
            called_off.append(CalledOff.model_validate(fields))
    return called_off, entered


def open_runs(here: Here) -> list[AccountRun]:
    """The caller's accounts that are not flat, also those still entering, whatever day they belong to."""
    return [plan for plan in everybodys(here.stores, here.now) if plan.user_id == here.user_id]


def start_exit(here: Here, plan: AccountRun, legs: Sequence[int] = ()) -> StartedExit:
    task = exit_task(plan, sorted(set(legs))).model_dump(mode="json")
    name = exit_name(plan.run_key, plan.account, legs)
    arn, status = here.services.executions.start(ACCOUNT_BASKET, name, task)
    return StartedExit(
        run_key=plan.run_key,
        account=plan.account,
        strategy_id=plan.strategy_id,
        execution=arn,
        status=status,
        legs=sorted(set(legs)),
    )


def _known(here: Here, strategy_id: str) -> bool:
    """Whether the caller may know of it: their own, or anybody's in the marketplace."""
    item = items.strategy(strategy_id)
    return any(here.stores.catalog.get(owner, item) for owner in (here.user_id, items.MARKETPLACE))


def _stop(here: Here) -> tuple[list[str], list[str]]:
    """Disable what is enabled and pause what is not paused, each in a transaction of its own."""
    catalog = here.stores.catalog
    strategies = catalog.list(here.user_id, items.strategy(""))
    subscriptions = catalog.list(here.user_id, items.subscription(""))
    enabled = [one["strategy_id"] for one in strategies if one.get("enabled", True)]
    running = [one["basket_id"] for one in subscriptions if not one["paused"]]
    for strategy_id in enabled:
        _again(here, items.strategy(strategy_id), lambda document: switched(here, document, on=False))
    for basket_id in running:
        _again(here, items.subscription(basket_id), lambda document: pausing(here, document))
    return enabled, running


def _again(here: Here, item: str, change: Callable[[Document], list[Change]]) -> None:
    def decide() -> Effect:
        document = here.stores.catalog.get(here.user_id, item)
        return Effect(change(document) if document else [], {})

    perform(here, decide)
