"""How what happens comes to the lake: the queue that gathers it, and the rules that fill it."""

from __future__ import annotations

from aws_cdk import Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_sqs as sqs

from infra.events import HEAR_TRIES
from infra.permissions import machine_arn
from infra.settings import PREFIX, named
from infra.stack import AlgoStack
from tasks.spec import EVENT_SOURCE, Function

BATCH = 1000
"""Messages that one call of the writer takes at most; Lambda gives it no more than 6 MB of them."""
WINDOW = Duration.seconds(60)
"""How long messages gather before the writer is called: fewer and larger files."""
LOCAL_WINDOW = Duration.seconds(2)
WRITERS = 2
"""Calls of the writer at once. More would only make smaller files."""

MAX_RECEIVES = 8
"""Tries of one message while the store refuses its file. Poison does not wait for that."""

ENDED = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")


def queue(stack: AlgoStack, writer: Function, made: lambda_.Function, dead: sqs.IQueue) -> sqs.Queue:
    """The queue that gathers what the writer writes."""
    gathered = sqs.Queue(
        stack,
        "LakeQueue",
        queue_name=named("lake"),
        retention_period=Duration.days(14),
        # AWS's advice: six times the function's time-out, so that a throttled batch is not seen twice.
        visibility_timeout=Duration.seconds(6 * writer.timeout),
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        dead_letter_queue=sqs.DeadLetterQueue(queue=dead, max_receive_count=MAX_RECEIVES),
    )
    made.add_environment("LAKE_DEAD_LETTERS_URL", dead.queue_url)
    dead.grant_send_messages(made)
    made.add_event_source(
        sources.SqsEventSource(
            gathered,
            batch_size=BATCH,
            max_batching_window=LOCAL_WINDOW if stack.settings.local else WINDOW,
            max_concurrency=WRITERS,
            report_batch_item_failures=True,
        )
    )
    return gathered


def everything_that_happens(stack: Stack, bus: events.EventBus, gathered: sqs.IQueue, dead: sqs.IQueue) -> None:
    """From the bus into the queue: each event as it was recorded."""
    rule = events.Rule(
        stack,
        "EverythingToLake",
        event_bus=bus,
        rule_name=f"{PREFIX}-lake",
        description="Every event of the platform, to the lake",
        event_pattern=events.EventPattern(source=[EVENT_SOURCE]),
    )
    rule.add_target(
        targets.SqsQueue(
            gathered,
            message=events.RuleTargetInput.from_event_path("$.detail"),
            dead_letter_queue=dead,
            retry_attempts=HEAR_TRIES,
            max_event_age=Duration.days(1),
        )
    )


def endings(function: Function, made: lambda_.Function, dead: sqs.IQueue) -> None:
    """Let the end of an execution call `function`. Express machines tell of none."""
    if not function.hears_endings:
        return
    any_machine = machine_arn("", Stack.of(made))
    rule = events.Rule(
        made,
        "Endings",
        rule_name=f"{PREFIX}-{function.name}",
        description=f"Executions that ended, for {function.name}",
        event_pattern=events.EventPattern(
            source=["aws.states"],
            detail_type=["Step Functions Execution Status Change"],
            detail={"status": list(ENDED), "stateMachineArn": [{"prefix": any_machine}]},
        ),
    )
    rule.add_target(
        targets.LambdaFunction(
            made, dead_letter_queue=dead, retry_attempts=HEAR_TRIES, max_event_age=Duration.days(1)
        )
    )
