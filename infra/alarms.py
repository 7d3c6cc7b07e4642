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

from infra.settings import METRICS_NAMESPACE, PREFIX, Settings, named
from tasks.alarms import COUNTED, DEAD_LETTERS, FUNCTION_FAILS, MACHINE_ENDS, with_runbook

MINUTE = Duration.minutes(1)


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
        scope,
        f"{construct_id}NotEmpty",
        depth,
        told,
        with_runbook(f"Something waits in {named(name)}: look and redrive.", DEAD_LETTERS),
    )
    return queue


def on_functions(functions: Iterable[lambda_.Function], told: sns.ITopic) -> None:
    """For functions that no state machine runs: the others fail in an execution, which alarms by itself."""
    for function in functions:
        errors = function.metric_errors(period=MINUTE)
        meaning = with_runbook(f"{function.node.id} failed.", FUNCTION_FAILS)
        at_once(function, "Fails", errors, told, meaning)


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
            with_runbook(
                f"An execution of {machine.node.id} did not end well: open it in the console, mend, redrive.",
                MACHINE_ENDS,
            ),
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
        at_once(scope, name, metric, told, with_runbook(meaning, name))


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
