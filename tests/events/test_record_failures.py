"""A run that failed before there was a row of it is in its owner's list, and a redrive takes that back."""

from __future__ import annotations

import json
from itertools import permutations
from typing import Any

import pytest

from tasks import record_events, record_failures
from tasks.project_events import project
from tasks.rebuild import rebuild
from tasks.runtime import Runtime
from tests.events.streams import Tables, a_runtime
from tests.machines.conftest import EVENT
from tests.tasks.world import account_task, leg

RUN = "straddle-20261123-S"
WHOLE = f"RUN#{RUN}#"
STARTED = 1795406280000  # 2026-11-23 09:28 IST, in milliseconds
ARN = "arn:aws:states:ap-south-1:1:execution:algo-StrategyLifecycle:one"
CAUSE = json.dumps({"errorType": "StrategyDisabled", "errorMessage": "strategy 'straddle' is switched off"})


@pytest.fixture
def rt() -> Runtime:
    return a_runtime()


@pytest.fixture
def tables() -> Tables:
    return Tables()


def told(status: str, input_: Any = None, **changes: Any) -> record_failures.Input:
    """As EventBridge hands it over."""
    over = status != "RUNNING"
    detail = {
        "executionArn": ARN,
        "stateMachineArn": "arn:aws:states:ap-south-1:1:stateMachine:algo-StrategyLifecycle",
        "name": "one",
        "status": status,
        "startDate": STARTED,
        "stopDate": STARTED + 900 if over else None,
        "redriveCount": 0,
        "redriveDate": None,
        "error": "StrategyDisabled" if status == "FAILED" else None,
        "cause": CAUSE if status == "FAILED" else None,
        "input": json.dumps(EVENT if input_ is None else input_),
        "inputDetails": {"included": True},
    }
    event = {"version": "0", "source": "aws.states", "detail": {**detail, **changes}}
    return record_failures.Input.model_validate(event)


def happens(rt: Runtime, tables: Tables, *events: record_failures.Input) -> None:
    """The task, and what the table's stream and the projector make of what it wrote."""
    for event in events:
        output = record_failures.run(event, rt)
        for end in rt.stores.runs.ends(output.noted):
            image = {name: value for name, value in end.model_dump(mode="json").items() if name != "run_key"}
            key = {"run_key": end.run_key, "item": f"FAIL#{end.side}#{end.account}"}
            write(rt, tables, key, image)


def write(rt: Runtime, tables: Tables, key: dict[str, str], image: dict[str, Any]) -> None:
    record_events.run({"Records": [tables.write("runs", key, image)]}, rt)
    project(f"runs:{key['run_key']}:{key['item']}", rt)


def seen(rt: Runtime, item: str = WHOLE, owner: str = "user-1") -> dict[str, Any]:
    found = rt.stores.views.get(owner, item)
    assert found is not None
    assert rebuild(rt.stores, write=False).wrong == ()
    return found


def test_a_run_that_failed_in_open_run_is_seen_with_its_reason(rt: Runtime, tables: Tables) -> None:
    happens(rt, tables, told("FAILED"))
    row = seen(rt)
    assert (row["status"], row["trading_date"]) == ("FAILED", "2026-11-23")
    assert row["reason"] == "StrategyDisabled: strategy 'straddle' is switched off"
    assert row["executions"] == {"ENTRY": ARN}


@pytest.mark.parametrize(
    ("status", "reason"), [("TIMED_OUT", "it took too long"), ("ABORTED", "it was stopped by hand")]
)
def test_other_bad_ends_are_told_in_words(rt: Runtime, tables: Tables, status: str, reason: str) -> None:
    happens(rt, tables, told(status))
    assert seen(rt)["reason"] == reason


def test_an_event_that_says_nonsense_is_seen_by_whose_it_says_it_is(rt: Runtime, tables: Tables) -> None:
    happens(
        rt, tables, told("FAILED", EVENT | {"dte": "soon", "legs": []}, error="InvalidPayload", cause="dte: …")
    )
    assert seen(rt)["reason"] == "InvalidPayload: dte: …"


@pytest.mark.parametrize("lacking", ["user_id", "strategy_id", "scheduled_time"])
def test_where_nobody_knows_whose_it_is_nothing_is_written(rt: Runtime, lacking: str) -> None:
    event = {name: value for name, value in EVENT.items() if name != lacking}
    inputs: tuple[Any, ...] = (event, "text", [], {})
    for input_ in inputs:
        output = record_failures.run(told("FAILED", input_), rt)
        assert output.noted == ""
    assert record_failures.run(told("FAILED", input=None), rt).noted == ""


def test_what_ended_well_is_not_noted(rt: Runtime, tables: Tables) -> None:
    happens(rt, tables, told("RUNNING"), told("SUCCEEDED"))
    assert rt.stores.views.get("user-1", WHOLE) is None


def test_a_redrive_takes_it_back_in_whatever_order_it_is_told(rt: Runtime) -> None:
    history = (
        told("FAILED"),
        told("RUNNING", redriveCount=1, redriveDate=STARTED + 5000),
        told("SUCCEEDED", redriveCount=1, redriveDate=STARTED + 5000, stopDate=STARTED + 9000),
    )
    for order in permutations(history):
        rt, tables = a_runtime(), Tables()
        happens(rt, tables, *order, *order)
        row = seen(rt)
        assert (row["status"], row["reason"]) == ("STARTED", "")


def test_a_redrive_that_fails_again_is_failed_again(rt: Runtime, tables: Tables) -> None:
    again = {"redriveCount": 1, "redriveDate": STARTED + 5000}
    happens(rt, tables, told("FAILED"), told("RUNNING", **again))
    assert seen(rt)["status"] == "STARTED"
    happens(rt, tables, told("FAILED", **again, stopDate=STARTED + 6000, error="TokenExpired", cause="log in"))
    assert (seen(rt)["status"], seen(rt)["reason"]) == ("FAILED", "TokenExpired: log in")


def test_a_run_that_failed_after_it_had_claimed_keeps_what_the_claim_says(rt: Runtime, tables: Tables) -> None:
    key = {"run_key": RUN, "item": "CLAIM#ENTRY"}
    claim = {
        "execution": ARN, "claimed_at": "2026-11-23T03:58:00Z", "user_id": "user-1", "basket_id": "weekly",
        "strategy_id": "straddle", "trading_date": "2026-11-23",
    }  # fmt: skip
    write(rt, tables, key, claim)
    happens(rt, tables, told("FAILED"))
    assert seen(rt)["status"] == "FAILED"
    write(rt, tables, key, claim | {"execution": f"{ARN}-by-hand", "claimed_at": "2026-11-23T03:59:30Z"})
    assert (seen(rt)["status"], seen(rt)["executions"]) == ("STARTED", {"ENTRY": f"{ARN}-by-hand"})


def test_a_published_run_is_the_marketplace_s_and_one_s_own_run_of_it_one_s_own(
    rt: Runtime, tables: Tables
) -> None:
    happens(rt, tables, told("FAILED", EVENT | {"user_id": "marketplace"}))
    assert seen(rt, owner="marketplace")["status"] == "FAILED"
    mine = EVENT | {"user_id": "marketplace", "only_for": "asha", "run": "M3"}
    happens(rt, tables, told("FAILED", mine))
    assert seen(rt, "RUN#straddle-20261123-M3#", "asha")["status"] == "FAILED"


def test_an_account_that_could_not_be_planned_is_seen_too(rt: Runtime, tables: Tables) -> None:
    task = account_task(leg(1, "CE")).model_dump(mode="json")
    expired = json.dumps({"errorType": "TokenExpired", "errorMessage": "no session: log in"})
    happens(rt, tables, told("FAILED", task, executionArn="arn:child", error="TokenExpired", cause=expired))
    row = seen(rt, f"{WHOLE}{task['account']}")
    assert (row["status"], row["reason"]) == ("FAILED", "TokenExpired: no session: log in")
    assert (row["account"], row["executions"]) == (task["account"], {"ENTRY": "arn:child"})
