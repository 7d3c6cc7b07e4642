"""RedriveExecution, by boto3."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.executions import StepFunctions
from tests.stepfunctions.endpoint import Endpoint
from tests.stepfunctions.fake_aws import FakeAws, function_arn

pytestmark = pytest.mark.slow


class TokenExpired(Exception):
    """A person can mend this and redrive."""


def test_failed_task_runs_again_and_the_execution_goes_on(endpoint: Endpoint, aws: FakeAws) -> None:
    logged_in: list[bool] = []

    def plan(event: Any) -> Any:
        if not logged_in:
            raise TokenExpired("log in first")
        return {"redrives": event["redrives"]}

    aws.functions["plan"] = plan
    states = {
        "First": {"Type": "Pass", "Result": {"n": 1}, "ResultPath": "$.first", "Next": "Plan"},
        "Plan": {
            "Type": "Task",
            "Resource": function_arn("plan"),
            "Parameters": {"redrives.$": "$$.Execution.RedriveCount"},
            "End": True,
        },
    }
    arn = endpoint.start(states)
    failed = endpoint.finish(arn)
    assert (failed["error"], failed["redriveStatus"], failed["redriveCount"]) == (
        "TokenExpired",
        "REDRIVABLE",
        0,
    )

    logged_in.append(True)
    endpoint.client.redrive_execution(executionArn=arn)

    assert endpoint.output(arn) == {"redrives": 1}
    kinds = endpoint.kinds(arn)
    at = kinds.index("ExecutionRedriven")
    assert kinds[at - 1 : at + 3] == [
        "ExecutionFailed",
        "ExecutionRedriven",
        "LambdaFunctionScheduled",
        "LambdaFunctionStarted",
    ]
    assert kinds.count("PassStateEntered") == 1
    described = endpoint.client.describe_execution(executionArn=arn)
    assert (described["redriveCount"], described["redriveStatus"]) == (1, "NOT_REDRIVABLE")
    machine = described["stateMachineArn"]
    assert endpoint.client.list_executions(stateMachineArn=machine, redriveFilter="REDRIVEN")["executions"]


def test_only_what_failed_may_be_redriven(endpoint: Endpoint) -> None:
    sfn = endpoint.client
    waiting = endpoint.start({"Wait": {"Type": "Wait", "Seconds": 3600, "End": True}})
    with pytest.raises(sfn.exceptions.ExecutionNotRedrivable, match="RUNNING"):
        sfn.redrive_execution(executionArn=waiting)

    sfn.stop_execution(executionArn=waiting)
    sfn.redrive_execution(executionArn=waiting)
    assert endpoint.status(waiting) == "RUNNING"
    sfn.stop_execution(executionArn=waiting)

    done = endpoint.start({"Only": {"Type": "Pass", "End": True}})
    endpoint.finish(done)
    with pytest.raises(sfn.exceptions.ExecutionNotRedrivable, match="SUCCEEDED"):
        sfn.redrive_execution(executionArn=done)


def test_an_execution_is_redrivable_for_14_days(endpoint: Endpoint) -> None:
    arn = endpoint.start({"No": {"Type": "Fail", "Error": "Shut"}})
    endpoint.finish(arn)
    endpoint.jump(14 * 86_400 + 1)

    with pytest.raises(endpoint.client.exceptions.ExecutionNotRedrivable, match="period exceeded"):
        endpoint.client.redrive_execution(executionArn=arn)


def test_who_watches_executions_sees_and_redrives_them(endpoint: Endpoint, aws: FakeAws) -> None:
    """The functions' own adapter, by the endpoint's answers."""
    broken: list[bool] = [True]

    def close(_event: Any) -> Any:
        if broken:
            raise TokenExpired("log in first")
        return {}

    aws.functions["close"] = close
    states = {
        "Close": {"Type": "Task", "Resource": function_arn("close"), "Next": "Rest"},
        "Rest": {"Type": "Wait", "Seconds": 3600, "End": True},
    }
    arn = endpoint.start(states)
    endpoint.finish(arn)
    machine = endpoint.client.describe_execution(executionArn=arn)["stateMachineArn"]
    executions = StepFunctions({"ACCOUNT_BASKET_MACHINE": machine}, endpoint.client)
    name = arn.rpartition(":")[2]
    assert executions.arn("AccountBasket", name) == arn
    failed = executions.status(arn)
    assert failed is not None
    assert (failed.status, failed.error, failed.stopped is None) == ("FAILED", "TokenExpired", False)
    assert executions.running("AccountBasket") == []
    assert executions.status(f"{arn}-other") is None
    broken.clear()
    assert executions.redrive(arn)
    assert not executions.redrive(arn), "it runs"
    assert [one.arn for one in executions.running("AccountBasket")] == [arn]
    assert executions.start("AccountBasket", name, {"another": "input"}) == (arn, "RUNNING")
    assert executions.start("AccountBasket", "another", {})[1] == "STARTED"
    endpoint.client.stop_execution(executionArn=arn)
    endpoint.client.stop_execution(executionArn=executions.arn("AccountBasket", "another"))
