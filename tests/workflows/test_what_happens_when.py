"""The turns that the machines take when something goes wrong, on the committed definitions."""

from __future__ import annotations

from typing import Any

from tasks.contracts import AccountRef
from tasks.find_open_accounts import Common, Output
from tests.workflows.canned import ORDER, TASK, Play, entry_wave, opened
from workflows.asl.interpreter import Status
from workflows.asl.interpreter.happenings import ScheduleTask
from workflows.asl.interpreter.simulation import Reply

OPEN = {
    "CheckWeekday": Reply({"ok": True, "reason": ""}),
    "CheckDTE": Reply({"ok": True, "dte": 0, "expiry": "x", "expiries": ["2026-11-23"], "reason": ""}),
    "FetchChain": Reply({}),
    "ResolveStrikes": Reply({"legs": [], "product": "MIS", "on_leg_reject": "UNWIND", "chase": ""}),
}
CLAIMED = "DynamoDB.ConditionalCheckFailedException"
LATE = {"action": "WAIT", "reason": ""}
TOTALS = {
    "position_id": ORDER.position_id,
    "run_key": ORDER.run_key,
    "account": ORDER.account,
    "user_id": "u",
    "basket_id": "b",
    "strategy_id": "s",
    "trading_date": "2026-11-23",
    "exchange": "NFO",
    "symbol": ORDER.symbol,
    "exchange_token": "1",
    "side": "SELL",
    "quantity": 35,
    "quantity_attribute": "entry_qty",
    "average_price": "100.05",
    "price_attribute": "entry_price",
    "realised": "0",
}


def lifecycle(side: str, **answers: Any) -> Play:
    accounts = answers.pop("accounts", ("ZA1", "ZA2"))
    return Play(
        "strategy_lifecycle", {"any": "event"}, {**OPEN, "OpenRun": Reply(opened(side, accounts)), **answers}
    )


def open_accounts(*accounts: AccountRef) -> Reply:
    common = TASK.model_dump(mode="json", include=set(Common.model_fields))
    found = Output(accounts=list(accounts), common=Common.model_validate(common))
    return Reply(found.model_dump(mode="json"))


def basket(**answers: Any) -> Play:
    usual = {
        "PlanAccount": Reply(entry_wave(ORDER)),
        "PlaceOrder": Reply({"outcome": "PLACED", "reason": "", "retry_at": "", "broker_order_id": "1"}),
        "WatchOrder": Reply({"status": "FILLED", "filled_quantity": 35, "average_price": "100.05"}, after=1),
        "TotalFills": Reply(TOTALS),
        "AssessEntry": Reply({"status": "OPEN", "reason": ""}),
    }
    return Play("account_basket", TASK.model_dump(mode="json"), usual | answers)


def test_an_account_that_cannot_be_started_stops_no_other_and_is_told() -> None:
    def start(task: ScheduleTask) -> Reply:
        name: str = task.arguments["Name"]
        return Reply(error="StepFunctions.InvalidName", cause="") if "ZA1" in name else Reply({})

    play = lifecycle("ENTRY", **{"states:startExecution": start})
    execution = play.run()
    assert (execution.status, execution.error) == (Status.FAILED, "AccountsNotStarted")
    assert [asked["Name"] for name, asked in play.asked if name.startswith("states")] == [
        "s-20261123-S-ZA1-ENTRY",
        "s-20261123-S-ZA2-ENTRY",
    ]


def test_an_account_that_is_started_already_is_as_good() -> None:
    exists = Reply(error="StepFunctions.ExecutionAlreadyExistsException")
    output = lifecycle("ENTRY", **{"states:startExecution": exists}).output()
    assert {each["status"] for each in output["started"]} == {"ALREADY_STARTED"}


def test_an_exit_with_nothing_open_ends_well() -> None:
    output = lifecycle("EXIT", FindOpenAccounts=open_accounts()).output()
    assert output["started"] == []


def test_a_claim_never_stops_an_exit() -> None:
    play = lifecycle(
        "EXIT",
        **{
            "dynamodb:putItem": Reply(error="DynamoDB.ResourceNotFoundException"),
            "FindOpenAccounts": open_accounts(
                AccountRef(account="ZA1234", broker="zerodha", user_id="u", multiplier=1)
            ),
        },
    )
    assert play.output()["started"][0]["status"] == "STARTED"


def test_the_second_delivery_of_an_entry_is_skipped_with_its_reason() -> None:
    play = lifecycle("ENTRY", **{"dynamodb:putItem": Reply(error=CLAIMED)})
    assert play.output()["result"] == {"status": "SKIPPED", "reason": "another execution has this run"}
    assert play.times("CheckWeekday") == 0


def test_an_order_is_claimed_placed_watched_and_recorded() -> None:
    play = basket()
    output = play.output()
    assert [name for name, _ in play.asked] == [
        "PlanAccount",
        "dynamodb:putItem",
        "PlaceOrder",
        "WatchOrder",
        "TotalFills",
        "dynamodb:updateItem",
        "AssessEntry",
    ]
    assert output["sold"] == [
        {"order_id": ORDER.order_id, "position_id": ORDER.position_id, "outcome": "DONE", "reason": ""}
    ]


def test_a_placing_that_breaks_off_is_settled_and_not_repeated() -> None:
    found = {"outcome": "PLACED", "reason": "", "order": ORDER.model_dump(mode="json")}
    play = basket(
        PlaceOrder=Reply(error="Sandbox.Timedout"),
        SettleOrder=[Reply({**found, "outcome": "UNKNOWN"}), Reply(found)],
    )
    play.output()
    assert play.times("PlaceOrder") == 1
    assert play.times("SettleOrder") == 2


def test_an_order_that_is_absent_is_sent_again_as_the_next_attempt() -> None:
    again = ORDER.model_copy(update={"order_id": "N0000000000000000102", "attempt": 2})
    resend = {"outcome": "RESEND", "reason": "", "order": again.model_dump(mode="json")}
    placed = {"outcome": "PLACED", "reason": "", "retry_at": "", "broker_order_id": "1"}
    play = basket(
        PlaceOrder=[Reply({**placed, "outcome": "UNKNOWN"}), Reply(placed)], SettleOrder=Reply(resend)
    )
    play.output()
    sent = [arguments["order_id"] for name, arguments in play.asked if name == "PlaceOrder"]
    assert sent == [ORDER.order_id, again.order_id]


def test_an_order_that_is_not_filled_is_looked_at_every_five_seconds() -> None:
    slow = Reply({"status": "FILLED", "filled_quantity": 35, "average_price": "100.05"}, after=60)
    play = basket(WatchOrder=slow, ChaseOrder=[Reply(LATE), Reply(LATE), Reply({**LATE, "action": "DONE"})])
    execution = play.run()
    assert execution.status is Status.SUCCEEDED
    assert play.times("WatchOrder") == play.times("ChaseOrder") == 3
    assert 15 <= (execution.stopped_at or 0) - execution.started_at < 16


def test_a_watch_that_fails_at_once_does_not_use_up_the_modifications() -> None:
    play = basket(
        WatchOrder=Reply(error="StoreUnavailable"), ChaseOrder=[Reply(LATE), Reply({**LATE, "action": "DONE"})]
    )
    execution = play.run()
    assert (execution.stopped_at or 0) - execution.started_at >= 10


def test_a_leg_in_trouble_ends_as_data_and_the_entry_is_assessed() -> None:
    other = ORDER.model_copy(update={"order_id": "N1111111111111111101", "leg": 2})
    play = basket(
        PlanAccount=Reply(entry_wave(ORDER, other)),
        TotalFills=lambda task: (
            Reply(error="OrderNotFound")
            if task.arguments == {"order_id": ORDER.order_id}
            else Reply({**TOTALS, "quantity": 0})
        ),
    )
    output = play.output()
    assert [each["outcome"] for each in output["sold"]] == ["TROUBLE", "DONE"]
    assert output["sold"][0]["reason"] == "OrderNotFound"
    assert play.times("AssessEntry") == 1
