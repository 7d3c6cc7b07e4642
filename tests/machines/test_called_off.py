"""A square-off between a schedule and its entry: the run goes on, and that account enters nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tasks.api.handler import respond
from tasks.api.here import Services
from tasks.domain import items
from tasks.domain.stored import stored
from tasks.stores.ports import ANY, Change
from tests.api.world import http_event
from tests.machines.conftest import EARLY, Day
from tests.machines.test_marketplace_run import ASHA, BINA, OWNER, lots, market
from tests.machines.test_straddle_day import flat
from tests.tasks.world import ACCOUNT, strategy
from workflows.asl.interpreter import Status

__all__ = ["market"]

ENTRY = EARLY.replace(minute=30)


@dataclass(frozen=True, slots=True)
class SimulatedExecutions:
    """What the API starts runs in the simulation."""

    day: Day

    def start(self, machine: str, name: str, document: dict[str, Any]) -> tuple[str, str]:
        if name in self.day.simulation.executions:
            return self.arn(machine, name), "RUNNING"
        self.day.simulation.start(machine, name, document)
        return self.arn(machine, name), "STARTED"

    def arn(self, machine: str, name: str) -> str:
        return f"arn:{machine}:{name}"


def ask(day: Day, user: str, path: str, body: Any = None) -> Any:
    """POST, as that user."""
    nothing: Any = SimpleNamespace()
    services = Services(
        stores=day.stores,
        clock=day.clock,
        new_id=lambda: "id",
        executions=SimulatedExecutions(day),
        secrets=nothing,
        logins=nothing,
    )
    headers = {"content-type": "application/json", "idempotency-key": f"key-{day.clock.now().timestamp()}"}
    event = http_event("POST", path, None if body is None else json.dumps(body), headers=headers)
    groups = "[admin]" if user == OWNER else "[]"
    event["requestContext"]["authorizer"] = {"jwt": {"claims": {"sub": user, "cognito:groups": groups}}}
    reply = respond(event, None, services)
    assert reply["statusCode"] in (200, 202), reply
    return json.loads(cast(str, reply["body"]))


def until(day: Day, clock: str) -> None:
    day.simulation.run(until=datetime.fromisoformat(f"{EARLY:%Y-%m-%d}T{clock}+05:30"))


@pytest.fixture
def known(day: Day) -> Day:
    """The day's strategy as the API would have stored it."""
    document = stored(strategy(basket_id="weekly"), before=None, at=EARLY - timedelta(days=3))
    day.stores.catalog.put("user-1", items.strategy("straddle"), document)
    return day


@pytest.mark.parametrize(
    "path", ["/square-off", "/strategies/straddle/square-off", f"/accounts/{ACCOUNT}/square-off"]
)
def test_a_run_that_waits_for_its_entry_never_enters(known: Day, path: str) -> None:
    run = known.deliver()
    until(known, "09:29:00")
    answer = ask(known, "user-1", path)
    assert [one["account"] for one in answer["called_off"]] == [ACCOUNT]
    until(known, "09:45:00")
    assert run.status is Status.SUCCEEDED
    assert known.child().states[-1] == "Missed"
    assert "squared off before it entered" in known.child().output["wave"]["reason"]
    assert known.broker.sends == []
    known.exit()
    assert known.broker.sends == []


def test_a_redrive_does_not_enter_either(known: Day) -> None:
    account = known.stores.catalog.get("user-1", items.account(ACCOUNT)) or {}
    known.deliver()
    until(known, "09:29:00")
    assert not known.stores.catalog.commit([Change("user-1", items.account(ACCOUNT), None, ANY)])
    until(known, "09:31:00")
    assert (known.child().status, known.child().execution.error) == (Status.FAILED, "AccountNotFound")
    ask(known, "user-1", "/square-off")
    known.stores.catalog.put("user-1", items.account(ACCOUNT), account)
    known.simulation.redrive(known.child().name)
    until(known, "09:45:00")
    assert known.child().states[-1] == "Missed"
    assert known.broker.sends == []


@pytest.mark.parametrize("second", [0, 1, 2, 3, 4, 6])
def test_at_whatever_second_it_comes_nothing_stays_open(known: Day, second: int) -> None:
    """At 09:30:00 both are at the same item: one of them has written it first."""
    known.deliver()
    known.at(ENTRY.replace(second=second), lambda: ask(known, "user-1", "/square-off") and None)
    until(known, "09:45:00")
    flat(known)
    (plan,) = known.stores.runs.accounts("straddle-20261123-S")
    assert plan.phase == "FLAT"


def test_the_next_run_enters_as_ever(known: Day) -> None:
    known.deliver()
    until(known, "09:29:00")
    ask(known, "user-1", "/square-off")
    until(known, "10:00:00")
    made = ask(known, "user-1", "/strategies/straddle/run", {"exit_time": "11:00"})
    until(known, "10:05:00")
    assert len(known.broker.sends) == 2
    until(known, "11:05:00")
    assert made["run_key"].endswith("-M1")
    assert len(known.broker.sends) == 4
    flat(known)


def follow(day: Day, user: str, accounts: list[str], multiplier: int = 1) -> None:
    """A subscription as the API stores it with its user, beside the basket's own row."""
    document = {
        "basket_id": "weekly", "accounts": accounts, "multiplier": multiplier, "paused": False,
        "updated_at": "2026-11-20T10:00:00+05:30",
    }  # fmt: skip
    day.stores.catalog.put(user, items.subscription("weekly"), document)
    published = day.stores.catalog.get(items.MARKETPLACE, items.strategy("straddle"))
    basket = {"basket_id": "weekly", "strategies": [published]}
    day.stores.catalog.put(items.MARKETPLACE, items.basket("weekly"), basket)


def test_of_a_published_run_one_subscriber_stays_out_and_the_others_enter(market: Day) -> None:
    follow(market, ASHA, ["ZA1", "ZA2"], 2)
    market.deliver(user_id=items.MARKETPLACE)
    until(market, "09:29:00")
    answer = ask(market, ASHA, "/accounts/ZA1/square-off")
    assert [one["account"] for one in answer["called_off"]] == ["ZA1"]
    until(market, "09:45:00")
    sent = {plan.account for plan in market.stores.runs.accounts("straddle-20261123-S") if plan.legs}
    assert sent == {"ZO1", "ZA2", "ZB1"}
    assert market.stores.positions.by_user_date(ASHA, EARLY.date())


def test_a_subscriber_runs_it_now_in_their_own_accounts(market: Day) -> None:
    follow(market, ASHA, ["ZA1", "ZA2"], 2)
    until(market, "10:00:00")
    key = ask(market, ASHA, "/strategies/straddle/run", {"exit_time": "11:00"})["run_key"]
    until(market, "10:05:00")
    assert lots(market, key) == {"ZA1": (ASHA, 2), "ZA2": (ASHA, 2)}
    assert market.stores.positions.by_user_date(BINA, EARLY.date()) == []
    until(market, "11:05:00")
    flat(market)


def test_an_admin_runs_it_now_for_everybody(market: Day) -> None:
    """One run: strikes are resolved once, and each account has an execution of its own."""
    until(market, "10:00:00")
    made = ask(market, OWNER, "/strategies/straddle/run", {"exit_time": "11:00", "everybody": True})
    until(market, "10:05:00")
    assert lots(market, made["run_key"]) == {
        "ZO1": (OWNER, 1), "ZA1": (ASHA, 2), "ZA2": (ASHA, 2), "ZB1": (BINA, 1)
    }  # fmt: skip
    assert len(market.broker.quote_calls) == 1
    started = [name for name in market.simulation.executions if name.endswith("-ENTRY")]
    assert len(started) == 1 + 4
    until(market, "11:05:00")
    flat(market)
