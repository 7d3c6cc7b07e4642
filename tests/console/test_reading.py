"""The endpoint is asked gently: news only, within a pace, and what an engine lacks is no trouble."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localstack.console.api import Api, Missing, NotOffered
from localstack.console.facts import from_input, from_name
from localstack.console.follow import Following
from localstack.console.listing import Listing
from localstack.console.pace import AWS, LOCAL, Beat, Budget
from localstack.console.steps import Status
from tests.console.histories import History

MACHINE = "arn:aws:states:ap-south-1:1:stateMachine:algo-AccountBasket"
ARN = "arn:aws:states:ap-south-1:1:execution:algo-AccountBasket:s-20261123-S-ZA1234-ENTRY"


class FakeStepFunctions:
    """The part of boto3's client that is used, over one history; remembers what it is asked."""

    def __init__(self, events: list[dict[str, Any]]) -> None:
        self.events = events
        self.asked: list[str] = []
        self.executions: list[dict[str, Any]] = []

    def get_execution_history(self, **asked: Any) -> Any:
        self.asked.append("history")
        events = self.events[::-1] if asked["reverseOrder"] else self.events
        start = int(asked.get("nextToken", "0"))
        end = start + asked["maxResults"]
        answer: dict[str, Any] = {"events": events[start:end]}
        if end < len(events):
            answer["nextToken"] = str(end)
        return answer

    def describe_execution(self, **_: Any) -> Any:
        self.asked.append("describe")
        return {"executionArn": ARN, "stateMachineArn": MACHINE, "status": "RUNNING", "input": "{}"}

    def list_state_machines(self, **_: Any) -> Any:
        self.asked.append("machines")
        return {"stateMachines": [{"stateMachineArn": MACHINE, "name": "algo-AccountBasket"}]}

    def list_executions(self, **asked: Any) -> Any:
        self.asked.append(f"list {asked['maxResults']}")
        return {"executions": self.executions[: asked["maxResults"]]}

    def redrive_execution(self, **_: Any) -> Any:
        raise ClientError({"Error": {"Code": "InvalidAction", "Message": "Unknown action"}}, "RedriveExecution")

    def stop_execution(self, **_: Any) -> Any:
        raise ClientError({"Error": {"Code": "ExecutionDoesNotExist", "Message": "no"}}, "StopExecution")


def waiting(states: int) -> History:
    history = History()
    history.add("ExecutionStarted")
    for number in range(states):
        history.enter(f"S{number}", "Pass")
        history.leave(f"S{number}", "Pass")
    return history


def test_after_the_first_look_only_news_is_read() -> None:
    history = waiting(1200)
    client = FakeStepFunctions(history.events)

    async def look() -> None:
        following = Following(Api(client, LOCAL), LOCAL)  # type: ignore[arg-type]
        followed = await following.look(ARN)
        assert (len(followed.events), client.asked.count("history")) == (2401, 3)
        history.enter("Last", "Wait")
        followed = await following.look(ARN)
        assert (followed.story.last, client.asked.count("history")) == (2402, 4)
        for number in range(60):
            history.enter(f"More{number}", "Wait")
        followed = await following.look(ARN)
        assert (followed.story.last, client.asked.count("history")) == (2462, 6), "news of more than a page"
        assert [event["id"] for event in followed.events] == list(range(1, 2463))

    asyncio.run(look())


def test_those_who_watch_share_one_reader_and_hear_of_news() -> None:
    history = waiting(1)
    client = FakeStepFunctions(history.events)

    async def watch() -> None:
        following = Following(Api(client, LOCAL), LOCAL)  # type: ignore[arg-type]
        async with following.watch(ARN) as one, following.watch(ARN) as other:
            assert one is other
            seen = one.revision
            history.add("ExecutionSucceeded")
            async with asyncio.timeout(2), one.changed:
                await one.changed.wait_for(lambda: one.revision != seen)
            assert one.story.status is Status.SUCCEEDED
            assert client.asked.count("describe") == 2, "described again because it ended"

    asyncio.run(watch())


def test_an_operation_that_is_not_there_is_named_as_such() -> None:
    api = Api(FakeStepFunctions([]), LOCAL)  # type: ignore[arg-type]
    with pytest.raises(NotOffered, match="Unknown action"):
        asyncio.run(api.call("redrive_execution", executionArn=ARN))
    with pytest.raises(Missing):
        asyncio.run(api.call("stop_execution", executionArn=ARN))


def test_looks_for_news_are_small() -> None:
    client = FakeStepFunctions([])
    client.executions = [
        {
            "executionArn": ARN,
            "stateMachineArn": MACHINE,
            "name": "s-20261123-S-ZA1234-ENTRY",
            "status": "RUNNING",
            "startDate": datetime(2026, 11, 23, tzinfo=UTC),
        }
    ]

    async def look() -> None:
        listing = Listing(Api(client, LOCAL), LOCAL)  # type: ignore[arg-type]
        for _ in range(3):
            await listing.look()
        assert listing.revision == 1, "nothing new, nothing told"
        assert client.asked == ["machines", "list 1000", "list 50", "list 50"], "its name says it all"
        assert listing.rows[ARN].facts.account == "ZA1234"

    asyncio.run(look())


def test_a_budget_lets_a_burst_through_and_then_its_rate() -> None:
    now = [0.0]
    waited: list[float] = []

    async def spend() -> None:
        budget = Budget(2.0, 3.0, lambda: now[0])
        original = asyncio.sleep

        async def sleep(seconds: float) -> None:
            waited.append(seconds)
            now[0] += seconds
            await original(0)

        asyncio.sleep = sleep  # type: ignore[assignment]
        try:
            for _ in range(5):
                await budget.take()
        finally:
            asyncio.sleep = original

    asyncio.run(spend())
    assert waited == [0.5, 0.5]


def test_pauses_grow_while_nothing_happens() -> None:
    beat = Beat(1.0, 8.0, growth=2.0)
    pauses = [pause := 0.0]
    for news in (True, False, False, False, False, True):
        pauses.append(pause := beat.after(pause, news=news))
    assert pauses[1:] == [1.0, 2.0, 4.0, 8.0, 8.0, 1.0]


def test_on_aws_every_rate_is_well_within_ap_south_1() -> None:
    """facts: refill rates a second of GetExecutionHistory, DescribeExecution and ListExecutions."""
    refill = {"get_execution_history": 20, "describe_execution": 10, "list_executions": 2}
    for operation, limit in refill.items():
        rate, burst = AWS.budgets[operation]
        assert rate is not None
        assert rate <= limit / 4
        assert burst <= 60


def test_what_an_execution_is_about() -> None:
    named = from_name("bn-straddle-20261123-S-ZA1234-EXIT")
    assert named is not None
    assert (named.strategy, named.account, named.side, named.date) == (
        "bn-straddle",
        "ZA1234",
        "EXIT",
        "2026-11-23",
    )
    assert named.run_key == "bn-straddle-20261123-S"
    assert from_name("0fc9eff7-a742-4a3b-97a3-1b6e33409a05") is None
    event = '{"strategy_id": "x", "transaction_type": "ENTRY", "scheduled_time": "2026-11-22T20:00:00Z"}'
    told = from_input(event)
    assert (told.strategy, told.side, told.date, told.run_key) == ("x", "ENTRY", "2026-11-23", "x-20261123-S")
    assert from_input("not json").strategy == ""
