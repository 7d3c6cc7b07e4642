"""Who is told, and of what: failed executions, dead letters, functions that fail, exits that are blocked."""

from __future__ import annotations

from collections.abc import Iterable

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from brokers.model import NotSentCause
from infra.settings import METRICS_NAMESPACE, PREFIX, Settings, named

MINUTE = Duration.minutes(1)

_NOT_SENT = {
    NotSentCause.CONNECT: "the broker can't be reached",
    NotSentCause.RATE_LIMIT: "the broker says too many orders",
    NotSentCause.TOKEN: "the account's session is over: its owner has to log in",
    NotSentCause.EGRESS: "the broker does not know the address that orders come from",
}

COUNTED = {
    "ExitBlocked": "A position should be closed and can't be: look at once.",
    "OrderUnknown": "The reply to an order was lost. It is being settled from the broker's book.",
    "OrderRejected": "The broker refused an order for good.",
    "OrderGivenUp": "An order stayed open after being chased, and is being cancelled.",
    "EntryUnwound": "Not every leg of an entry filled, and the rest is being closed.",
    "PositionReversed": "More was closed than had been opened: look at the broker and close by hand.",
    "BrokerBlind": "The broker's order book can't be read while an order is open.",
    "LoginNeeded": "An account has no session on a trading day: its owner has to log in.",
    "FeedBlind": "The market is open and the feed hears nothing: what has a stop is polled for. Look at it.",
    "StopNotSent": "A stop was reached and its exit can't be started: close by hand.",
    "LeftOpen": "Something of an earlier day is still open: look at once.",
    "NobodyToMail": "An account has no session, and its owner no e-mail address: call them.",
    "CalendarEnds": "The trading calendar covers only a few more days: add the exchange's next circular.",
    "SubscriberWithoutAccount": "A subscriber's account is no longer linked, and was left out of a run.",
    "SchedulesRepaired": "Catalog and Scheduler had come apart, and the reconciler brought them together.",
    "OrderReappeared": "An order that was settled as absent turned up after all; what works is cancelled.",
    "PnLDiffers": "A broker's day profit is not what our orders and others' trades come to: see the report.",
    "ClosedOutside": "Somebody else closed (a part of) a position of ours: the exit leaves that alone.",
    "ExitOverdue": "An exit was due and had not begun: the reconciler has started it.",
    "OpenAtCutOff": "A position is still open a minute before its broker squares it off: close it by hand.",
    "ExternalActivity": "Somebody else traded in a contract of ours: a person, or the broker squaring off.",
    "LedgersDisagree": "Our rows, the broker's book and its positions say different things of a contract.",
    "SignalsUnknown": "Indicator-based strategies could not be judged: bars are missing.",
    "ExecutionStuck": "An execution runs for longer than it ever should.",
    "ExitRestarted": "An exit's execution ended before its position did, and was redriven or started again.",
    "OpenWithoutExecution": "Something is open, and the execution that held it was aborted or needs a person.",
    "OrderWithoutIntent": "The broker has an order with a tag like ours that we have no row of.",
} | {
    f"NotSent{cause.title().replace('_', '')}": f"An order was held back: {meaning}."
    for cause, meaning in _NOT_SENT.items()
}
"""Every name that a task counts, and what to tell the person."""


def topic_arn(stack: Stack) -> str:
    """From the topic's fixed name: an export would lock its stack for as long as anyone uses it."""
    return stack.format_arn(service="sns", resource=named("alarms"))


def topic(scope: Construct, settings: Settings) -> sns.Topic:
    """The topic that hears every alarm."""
    made = sns.Topic(scope, "Alarms", topic_name=named("alarms"), enforce_ssl=True)
    # A topic with a policy of its own no longer has the one that lets the account's alarms publish.
    made.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
            actions=["sns:Publish"],
            resources=[made.topic_arn],
            conditions={"StringEquals": {"aws:SourceAccount": Stack.of(scope).account}},
        )
    )
    if settings.alarm_email:
        made.add_subscription(subscriptions.EmailSubscription(settings.alarm_email))
    return made


def dead_letters(scope: Construct, construct_id: str, name: str, told: sns.ITopic) -> sqs.Queue:
    """A queue for what could not be done, kept two weeks, with the alarm that somebody must look."""
    queue = sqs.Queue(
        scope,
        construct_id,
        queue_name=named(name),
        retention_period=Duration.days(14),
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
    )
    depth = queue.metric_approximate_number_of_messages_visible(period=MINUTE, statistic="Maximum")
    at_once(
        scope, f"{construct_id}NotEmpty", depth, told, f"Something waits in {named(name)}: look and redrive."
    )
    return queue


def on_functions(functions: Iterable[lambda_.Function], told: sns.ITopic) -> None:
    """For functions that no state machine runs: the others fail in an execution, which alarms by itself."""
    for function in functions:
        errors = function.metric_errors(period=MINUTE)
        at_once(function, "Fails", errors, told, f"{function.node.id} failed")


def on_executions(machine: sfn.StateMachine, told: sns.ITopic) -> None:
    """Each way in which an execution ends badly."""
    endings = {
        "Fails": machine.metric_failed(period=MINUTE),
        "TimesOut": machine.metric_timed_out(period=MINUTE),
        "IsAborted": machine.metric_aborted(period=MINUTE),
    }
    for ending, metric in endings.items():
        at_once(
            machine,
            ending,
            metric,
            told,
            f"An execution of {machine.node.id} did not end well: open it in the console, mend, redrive.",
        )


def on_counts(scope: Construct, told: sns.ITopic) -> None:
    """What the tasks count because a person must hear of it (`tasks.runtime.Alarms`)."""
    for name, meaning in COUNTED.items():
        metric = cloudwatch.Metric(
            namespace=METRICS_NAMESPACE,
            metric_name=name,
            dimensions_map={"alarm": name, "service": PREFIX},
            period=MINUTE,
            statistic="Sum",
        )
        at_once(scope, name, metric, told, meaning)


def at_once(
    scope: Construct, construct_id: str, metric: cloudwatch.IMetric, told: sns.ITopic, description: str
) -> cloudwatch.Alarm:
    """An alarm on the first one within a minute. Silence is good news."""
    alarm = cloudwatch.Alarm(
        scope,
        construct_id,
        metric=metric,
        threshold=1,
        evaluation_periods=1,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        alarm_description=description,
    )
    alarm.add_alarm_action(actions.SnsAction(told))
    return alarm
