"""Who is told, and of what: failed executions, dead letters, functions that fail, exits that are blocked."""

from __future__ import annotations

from collections.abc import Iterable

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.settings import Settings, named

MINUTE = Duration.minutes(1)


def topic(scope: Construct, settings: Settings) -> sns.Topic:
    """The topic that hears every alarm."""
    made = sns.Topic(scope, "Alarms", topic_name=named("alarms"), enforce_ssl=True)
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
