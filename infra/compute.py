"""AlgoCompute: the functions, the way of an order update to them, and who is told of trouble."""

from __future__ import annotations

import json
from pathlib import Path

from aws_cdk import CfnOutput, Duration, Tags, aws_events
from aws_cdk import aws_apigatewayv2 as api
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_ses as ses
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra import alarms, events, lake_feed
from infra.functions import Workshop, layer_version, log_group
from infra.layers import LAKE, ORDER_PATH, require
from infra.nag import acknowledge
from infra.settings import Settings, named
from infra.stack import AlgoStack
from tasks.catalogue import FUNCTIONS
from tasks.spec import Function

RECEIVER = "ReceivePostback"
APPLIER = "ApplyUpdates"
WRITER = "WriteLake"
API = "Api"
ASKER = "AskLake"

MAX_RECEIVES = 5
"""Tries of one update before it goes to the dead letters. The poll finds the fill in the meantime."""

POSTBACKS_PER_SECOND = 50
"""A broker takes 10 orders a second from one account, and each makes a few updates."""

ACCESS_LOG = {
    "time": "$context.requestTime",
    "request": "$context.requestId",
    "source": "$context.identity.sourceIp",
    "path": "$context.path",
    "status": "$context.status",
    "bytes": "$context.responseLength",
    "ms": "$context.responseLatency",
    "error": "$context.integrationErrorMessage",
}
"""Who called and how it went. Never the body: it names orders and holds the checksum."""

LOCAL_API_ID = "algolocal"
"""The emulator gives the HTTP API this id, so that its address is known before it exists."""


class ComputeStack(AlgoStack):
    """Functions, queues and the postback endpoint.

    Attributes
    ----------
    functions
        By name.
    alarms
        The topic that hears every alarm.
    """

    def __init__(self, scope: Construct, settings: Settings, *, code_zip: Path) -> None:
        super().__init__(
            scope, "AlgoCompute", settings, description="Functions and order updates of the basket platform"
        )
        code = lambda_.Code.from_asset(str(code_zip))
        workshop = Workshop(settings, code, *self._layers())
        self.functions = {function.name: workshop.make(self, function) for function in FUNCTIONS}
        self.alarms = alarms.topic(self, settings)
        self._updates(_spec(APPLIER))
        self._postbacks()
        self._events()
        self._sender()
        unseen = [
            self.functions[name] for name in (RECEIVER, APPLIER, WRITER, API, ASKER) if name in self.functions
        ]
        alarms.on_functions([*unseen, *events.triggered(FUNCTIONS, self.functions)], self.alarms)
        alarms.on_counts(self, self.alarms)

    def _layers(self) -> tuple[list[lambda_.LayerVersion], list[lambda_.LayerVersion]]:
        """What every function gets, and what those that read or write Parquet get besides.

        The emulator's own environment holds the dependencies.
        """
        if self.settings.local:
            return [], []
        require(self.settings.layers)
        return [layer_version(self, ORDER_PATH, self.settings)], [layer_version(self, LAKE, self.settings)]

    def _sender(self) -> None:
        """The address that e-mails come from. SES mails its owner, who confirms it once."""
        if self.settings.mail_from:
            ses.EmailIdentity(self, "Sender", identity=ses.Identity.email(self.settings.mail_from))

    def _updates(self, applier: Function) -> None:
        """SQS between the postback and its effect: the broker gets its answer at once, nothing is lost."""
        dead = alarms.dead_letters(self, "UpdatesDeadLetters", "updates-dlq", self.alarms)
        queue = sqs.Queue(
            self,
            "Updates",
            queue_name=named("updates"),
            # AWS's advice: six times the function's time-out, so that a throttled batch is not seen twice.
            visibility_timeout=Duration.seconds(6 * applier.timeout),
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            dead_letter_queue=sqs.DeadLetterQueue(queue=dead, max_receive_count=MAX_RECEIVES),
        )
        receiver = self.functions[RECEIVER]
        receiver.add_environment("UPDATES_QUEUE_URL", queue.queue_url)
        queue.grant_send_messages(receiver)
        self.functions[APPLIER].add_event_source(
            sources.SqsEventSource(queue, batch_size=10, report_batch_item_failures=True)
        )
        CfnOutput(self, "UpdatesQueueUrl", value=queue.queue_url)

    def _events(self) -> None:
        """Changes of the tables become events; the bus carries them on."""
        dead = alarms.dead_letters(self, "EventsDeadLetters", "events-dlq", self.alarms)
        acknowledge(dead, "SQS3", "It is the dead letter queue of the streams and of the bus.")
        heard = events.bus(self)
        for function in FUNCTIONS:
            made = self.functions[function.name]
            events.on_streams(function, made, dead)
            events.on_bus(function, made, heard, dead)
            events.on_executions(function, made, dead)
            lake_feed.endings(function, made, dead)
        self._lake(heard, dead)

    def _lake(self, heard: aws_events.EventBus, dead: sqs.IQueue) -> None:
        """Everything that happens, to the lake. What can't be written is a dead letter with its reason."""
        poison = alarms.dead_letters(self, "LakeDeadLetters", "lake-dlq", self.alarms)
        gathered = lake_feed.queue(self, _spec(WRITER), self.functions[WRITER], poison)
        lake_feed.everything_that_happens(self, heard, gathered, dead)

    def _postbacks(self) -> None:
        """`POST /postback/{account}`. Whoever calls must know the account's secret: the checksum proves it."""
        http = api.HttpApi(self, "Postbacks", api_name=named("postbacks"), create_default_stage=False)
        http.add_routes(
            path="/postback/{account}",
            methods=[api.HttpMethod.POST],
            integration=integrations.HttpLambdaIntegration("Receive", self.functions[RECEIVER]),
        )
        logs = log_group(self, "Postbacks", f"/aws/vendedlogs/apis/{named('postbacks')}", self.settings)
        stage = http.add_stage(
            "Stage",
            stage_name="$default",
            auto_deploy=True,
            throttle=api.ThrottleSettings(
                rate_limit=POSTBACKS_PER_SECOND, burst_limit=2 * POSTBACKS_PER_SECOND
            ),
        )
        resource = stage.node.default_child
        assert isinstance(resource, api.CfnStage)  # noqa: S101  (what CDK makes of a stage)
        resource.access_log_settings = api.CfnStage.AccessLogSettingsProperty(
            destination_arn=logs.log_group_arn, format=json.dumps(ACCESS_LOG)
        )
        if self.settings.local:
            Tags.of(http).add("ms-custom-id", LOCAL_API_ID)
        acknowledge(
            http,
            "APIG4",
            "Brokers can't sign in. Each postback carries a checksum made with the account's API secret.",
        )
        CfnOutput(self, "PostbackUrl", value=f"{http.api_endpoint}/postback/")


def _spec(name: str) -> Function:
    return next(function for function in FUNCTIONS if function.name == name)
