"""The cases an order platform is judged by: what goes wrong, how it is made to go wrong, and what must hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from localstack.seed import ACCOUNT, SECOND_ACCOUNT
from localstack.stage import ENTRY_WINDOW, Outcome, Stage, slot
from tasks.stores.ports import OrderState

Claim = tuple[str, bool]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One case.

    Parameters
    ----------
    name
        On the command line, and the strategy's id.
    says
        What goes wrong, in a sentence.
    act
        Makes it happen.
    claims
        What must hold afterwards, besides that the ledgers agree and nothing is held.
    minutes
        From entry to exit. What is open keeps the exit it was entered with.
    """

    name: str
    says: str
    act: Callable[[Stage], None]
    claims: Callable[[Outcome], Iterable[Claim]]
    accounts: Sequence[str] = (ACCOUNT,)
    minutes: int = 8


def _struck(kind: str, **details: object) -> Callable[[Stage], None]:
    """Enter with one switch set for the put, then exit."""

    def act(stage: Stage) -> None:
        stage.exchange.fault(kind, symbol="*PE", **details)
        stage.enter()
        stage.leave()

    return act


def _statuses(outcome: Outcome) -> list[OrderState]:
    return [row.status for row in outcome.day.orders if row.purpose == "N"]


def _lost(outcome: Outcome) -> Claim:
    unknown = any(slot(step, "placed").get("outcome") == "UNKNOWN" for step in outcome.steps)
    return "the reply was lost: PlaceOrder said UNKNOWN", unknown


def _found(outcome: Outcome) -> Iterable[Claim]:
    yield _lost(outcome)
    yield "the order was found in the book by its tag", bool(outcome.states["SettleSellOrder"])
    yield "and not sent a second time", outcome.sent("N") == 2 and len(_statuses(outcome)) == 2


def _sent_again(outcome: Outcome) -> Iterable[Claim]:
    yield _lost(outcome)
    yield "it was settled as absent", OrderState.ABSENT in _statuses(outcome)
    yield "then sent again as attempt 2, and the broker has one order a leg", outcome.sent("N") == 2


# Duplicates


def _deliver_twice(stage: Stage) -> None:
    stage.send("ENTRY")
    stage.enter()
    stage.send("EXIT")
    stage.leave()


def _one_set_of_orders(outcome: Outcome) -> Iterable[Claim]:
    skipped = [end for end in outcome.ends if "another execution" in str(end.output.get("result"))]
    yield "one of two entries was skipped: another execution has this run", len(skipped) == 1
    yield "one order a leg went in", outcome.sent("N") == 2
    yield "two exits sent one order a leg", outcome.sent("X") == 2


# Rejection, slow fills, chasing


def _unwound(outcome: Outcome) -> Iterable[Claim]:
    yield "the put was rejected", OrderState.REJECTED in _statuses(outcome)
    yield "the call that had filled was closed at once", outcome.sent("X") == 1


def _by_postback(outcome: Outcome) -> Iterable[Claim]:
    # Since it was sent, not since the wait began: on a busy machine that begins late, and is shorter for it.
    sent = min(step.entered for step in outcome.steps if step.state == "PlaceSellOrder")
    filled = max(step.left for step in outcome.steps if step.state == "WaitForSellFill")
    slow = (filled - sent).total_seconds()
    yield f"the fill took its time ({slow:.1f} s)", slow >= 1.9
    yield "and came by postback: nobody looked a second time", not outcome.states["ChaseSellOrder"]


def _chased(outcome: Outcome) -> Iterable[Claim]:
    changed = [entry for entry in outcome.broker.orders if entry.modifications]
    yield "the order that stayed open was modified until it filled", len(changed) == 1
    yield "every entry is filled", _statuses(outcome) == [OrderState.FILLED] * 2


# Exit against entry


def _exit_while_entering(stage: Stage) -> None:
    stage.exchange.fault("hold_open", symbol="*PE", side="SELL", seconds=3600)
    stage.send("ENTRY")
    stage.play(stage.entry + timedelta(seconds=20))
    stage.send("EXIT")
    stage.play(stage.entry + timedelta(minutes=20))


def _cancelled_and_closed(outcome: Outcome) -> Iterable[Claim]:
    yield "the working entry was cancelled", OrderState.CANCELLED in _statuses(outcome)
    yield "what had filled was closed, and nothing else", outcome.sent("X") == 1


# Redrive


def _fail_for_want_of_login(stage: Stage) -> None:
    stage.exchange.expire_token(SECOND_ACCOUNT)
    stage.send("ENTRY")
    stage.play(stage.entry + timedelta(seconds=30))


def _redrive_inside(stage: Stage) -> None:
    _fail_for_want_of_login(stage)
    stage.log_in_again(SECOND_ACCOUNT)
    stage.redrive(SECOND_ACCOUNT)
    stage.play(stage.entry + ENTRY_WINDOW)
    stage.leave()


def _redrive_after(stage: Stage) -> None:
    _fail_for_want_of_login(stage)
    stage.wait(stage.entry + ENTRY_WINDOW + timedelta(seconds=10))
    stage.log_in_again(SECOND_ACCOUNT)
    stage.redrive(SECOND_ACCOUNT)
    stage.play(stage.entry + ENTRY_WINDOW + timedelta(minutes=1))
    stage.leave()


def _failed_alone(outcome: Outcome) -> Iterable[Claim]:
    failed = [end for end in outcome.ends if end.status == "FAILED"]
    yield f"{SECOND_ACCOUNT} failed by name: TokenExpired", [end.error for end in failed] == ["TokenExpired"]
    others = [row for row in outcome.day.orders if row.account == ACCOUNT]
    yield f"{ACCOUNT} traded meanwhile, undisturbed", len(others) == 4


def _redriven_as_on_aws(outcome: Outcome) -> Claim:
    """RedriveExecution's own events: the failed task is scheduled again, and its state not entered again."""
    wanted = ["ExecutionFailed", "ExecutionRedriven", "LambdaFunctionScheduled", "LambdaFunctionStarted"]
    (events,) = [
        [event["type"] for event in history]
        for history in outcome.histories.values()
        if any(event["type"] == "ExecutionRedriven" for event in history)
    ]
    at = events.index("ExecutionRedriven")
    return "its history goes on as AWS's would", events[at - 1 : at + 3] == wanted


def _traded(outcome: Outcome) -> Iterable[Claim]:
    yield from _failed_alone(outcome)
    yield _redriven_as_on_aws(outcome)
    mine = [row for row in outcome.day.orders if row.account == SECOND_ACCOUNT]
    yield f"redriven inside its window, {SECOND_ACCOUNT} traded", len(mine) == 4


def _missed(outcome: Outcome) -> Iterable[Claim]:
    yield from _failed_alone(outcome)
    yield _redriven_as_on_aws(outcome)
    mine = [entry for entry in outcome.broker.orders if entry.account == SECOND_ACCOUNT]
    yield f"redriven after its window, {SECOND_ACCOUNT} sent nothing", not mine
    yield "its execution says MISSED", bool(outcome.states["Missed"])


SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        "duplicate-event", "The same event is delivered twice, in and out", _deliver_twice, _one_set_of_orders
    ),
    Scenario(
        "lost-reply-accepted",
        "The broker takes an order, and its reply never comes",
        _struck("hang_accepted"),
        _found,
    ),
    Scenario(
        "lost-reply-not-accepted",
        "An order is lost on its way, and no reply ever comes",
        _struck("hang_lost"),
        _sent_again,
    ),
    Scenario(
        "bad-gateway-accepted",
        "The broker takes an order and answers 502",
        _struck("bad_gateway_accepted"),
        _found,
    ),
    Scenario(
        "bad-gateway-not-accepted",
        "The broker answers 502 and has nothing",
        _struck("bad_gateway_lost"),
        _sent_again,
    ),
    Scenario("leg-rejected", "The exchange rejects one leg", _struck("reject"), _unwound),
    Scenario(
        "slow-fill-postback",
        "A fill takes two seconds",
        _struck("slow_fill", seconds=2, side="SELL"),
        _by_postback,
    ),
    Scenario(
        "chase",
        "An order stays open until its price is changed",
        _struck("hold_open", until_modified=1, seconds=3600, side="SELL"),
        _chased,
    ),
    Scenario(
        "exit-while-entering",
        "EXIT comes while an entry order is still working",
        _exit_while_entering,
        _cancelled_and_closed,
        minutes=1,
    ),
    Scenario(
        "redrive-inside-window",
        "A session has expired; its owner logs in and the entry is redriven in time",
        _redrive_inside,
        _traded,
        (ACCOUNT, SECOND_ACCOUNT),
    ),
    Scenario(
        "redrive-after-window",
        "A session has expired; the entry is redriven when its window is over",
        _redrive_after,
        _missed,
        (ACCOUNT, SECOND_ACCOUNT),
    ),
)
