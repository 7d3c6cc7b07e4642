"""How a change becomes an event, and who hears of it: streams, the bus, and dead letters for both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from aws_cdk import CfnDynamicReference, CfnDynamicReferenceService, Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_sqs as sqs

from infra.data import stream_parameter
from infra.permissions import machine_arn
from infra.settings import PREFIX
from tasks.spec import EVENT_SOURCE, Function, Table

BATCH = 100
"""Changes that one call takes at most."""

STREAM_TRIES = 10
"""Calls for one batch; it is halved each time, so that one bad change ends alone among the dead letters."""

HEAR_TRIES = 20
"""Deliveries of one event within a day before it is a dead letter."""


def bus(stack: Stack) -> events.EventBus:
    """The bus of the platform's own events."""
    return events.EventBus(
        stack, "Bus", event_bus_name=PREFIX, description="Everything that happened, as events"
    )


def on_streams(function: Function, made: lambda_.Function, dead: sqs.IQueue) -> None:
    """Let the streams of `function.fed_by` call it, in the order of the changes of each item."""
    for table in function.fed_by:
        lambda_.EventSourceMapping(
            made,
            f"{table.placeholder}Changes",
            target=made,
            event_source_arn=_stream(table),
            starting_position=lambda_.StartingPosition.TRIM_HORIZON,
            batch_size=BATCH,
            bisect_batch_on_error=True,
            report_batch_item_failures=True,
            retry_attempts=STREAM_TRIES,
            on_failure=sources.SqsDlq(dead),
        )


def on_bus(function: Function, made: lambda_.Function, heard: events.EventBus, dead: sqs.IQueue) -> None:
    """Let the events that `function.hears` names call it."""
    if not function.hears:
        return
    names = None if "*" in function.hears else list(function.hears)
    rule = events.Rule(
        made,
        "Heard",
        event_bus=heard,
        rule_name=f"{PREFIX}-{function.name}",
        description=f"What {function.name} hears",
        event_pattern=events.EventPattern(source=[EVENT_SOURCE], detail_type=names),
    )
    rule.add_target(
        targets.LambdaFunction(
            made, dead_letter_queue=dead, retry_attempts=HEAR_TRIES, max_event_age=Duration.days(1)
        )
    )


def on_executions(function: Function, made: lambda_.Function, dead: sqs.IQueue) -> None:
    """Let what becomes of the executions that `function.follows` names call it: failures, and redrives."""
    if not function.follows:
        return
    rule = events.Rule(
        made,
        "Followed",
        rule_name=f"{PREFIX}-{function.name}",
        description=f"The failures and redrives that {function.name} hears of",
        event_pattern=events.EventPattern(
            source=["aws.states"],
            detail_type=["Step Functions Execution Status Change"],
            detail={
                "stateMachineArn": [machine_arn(name, Stack.of(made)) for name in function.follows],
                "$or": [
                    {"status": ["FAILED", "TIMED_OUT", "ABORTED"]},
                    {"redriveCount": [{"numeric": [">", 0]}]},
                ],
            },
        ),
    )
    rule.add_target(
        targets.LambdaFunction(
            made, dead_letter_queue=dead, retry_attempts=HEAR_TRIES, max_event_age=Duration.days(1)
        )
    )


def triggered(functions: Iterable[Function], made: Mapping[str, lambda_.Function]) -> list[lambda_.Function]:
    """The functions that a stream or the bus calls: no execution shows when they fail."""
    return [
        made[each.name] for each in functions if each.fed_by or each.hears or each.follows or each.hears_endings
    ]


def _stream(table: Table) -> str:
    return CfnDynamicReference(CfnDynamicReferenceService.SSM, stream_parameter(table)).to_string()
