"""AlgoFeed: the feed on Fargate, twice: one feeds, one stands by.

The image comes from a repository that AlgoData holds, under a tag that follows from what goes into it: so the
templates are made without a Docker engine, and a changed feed is a changed template. `make feed-image` builds
and pushes it, on a machine that has Docker.

It runs in a small network of its own with public subnets: it only reads prices, which brokers answer from
anywhere, so it needs no fixed address and no NAT gateway. Nothing can connect to it.
"""

from __future__ import annotations

from aws_cdk import CfnOutput, Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra import alarms
from infra.feed_image import tag
from infra.functions import log_group
from infra.nag import acknowledge, as_nag_writes
from infra.permissions import allow, executions_arn, machine_arn, secrets_arn, statements
from infra.settings import (
    METRICS_NAMESPACE,
    PREFIX,
    SECRET_PREFIX,
    Settings,
    lake_bucket,
    named,
)
from infra.stack import AlgoStack
from tasks.alarms import SHARED, with_runbook
from tasks.feed.spec import FEED
from tasks.spec import Table, machine_variable

PORT = 8086
INSTANCES = 2
CPU, MEMORY = 512, 1024
"""Half a core and 1 GiB: `make bench` says what 3,000 instruments need."""

HEALTH = (
    "python -c \"import urllib.request as u; u.urlopen('http://127.0.0.1:"
    f"{PORT}/_local/idle', timeout=3)\" || exit 1"
)
"""That the process answers. Whether it sees the market is for its alarms: a restart makes no blind feed see."""


class FeedStack(AlgoStack):
    """Cluster, task and service."""

    def __init__(self, scope: Construct, settings: Settings) -> None:
        super().__init__(scope, "AlgoFeed", settings, description="The market feed of the basket platform")
        self._told = sns.Topic.from_topic_arn(self, "Alarms", alarms.topic_arn(self))
        network = self._network()
        cluster = ecs.Cluster(
            self,
            "Cluster",
            cluster_name=named("feed"),
            vpc=network,
            container_insights_v2=ecs.ContainerInsights.ENABLED,
        )
        service = ecs.FargateService(
            self,
            "Service",
            service_name=named("feed"),
            cluster=cluster,
            task_definition=self._task(),
            desired_count=INSTANCES,
            min_healthy_percent=50,
            max_healthy_percent=150,
            assign_public_ip=True,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC),
            security_groups=[self._doors(network)],
            circuit_breaker=ecs.DeploymentCircuitBreaker(enable=True, rollback=True),
            platform_version=ecs.FargatePlatformVersion.LATEST,
        )
        self._alarms(cluster, service)
        CfnOutput(self, "FeedImageTag", value=tag())

    def _network(self) -> ec2.Vpc:
        network = ec2.Vpc(
            self,
            "Network",
            vpc_name=named("feed"),
            max_azs=2,
            nat_gateways=0,
            subnet_configuration=[
                ec2.SubnetConfiguration(name="feed", subnet_type=ec2.SubnetType.PUBLIC, cidr_mask=26)
            ],
            gateway_endpoints={
                "Tables": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.DYNAMODB),
                "Objects": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.S3),
            },
            restrict_default_security_group=False,
        )
        group = log_group(self, "Network", f"/aws/vpc/{named('feed')}", self.settings)
        network.add_flow_log(
            "FlowLog",
            destination=ec2.FlowLogDestination.to_cloud_watch_logs(group),
            traffic_type=ec2.FlowLogTrafficType.REJECT,
        )
        return network

    def _doors(self, network: ec2.Vpc) -> ec2.SecurityGroup:
        """Out over HTTPS, in by nobody."""
        doors = ec2.SecurityGroup(
            self,
            "Doors",
            vpc=network,
            description="The feed: HTTPS out, nothing in",
            allow_all_outbound=False,
        )
        doors.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "the broker, and AWS")
        return doors

    def _task(self) -> ecs.FargateTaskDefinition:
        group = log_group(self, "Feed", f"/{PREFIX}/feed", self.settings)
        task = ecs.FargateTaskDefinition(
            self,
            "Task",
            family=named("feed"),
            cpu=CPU,
            memory_limit_mib=MEMORY,
            task_role=self._role(),
            runtime_platform=ecs.RuntimePlatform(
                cpu_architecture=ecs.CpuArchitecture.X86_64,
                operating_system_family=ecs.OperatingSystemFamily.LINUX,
            ),
        )
        repository = ecr.Repository.from_repository_name(self, "Images", named("feed"))
        task.add_container(
            "Feed",
            container_name="feed",
            image=ecs.ContainerImage.from_ecr_repository(repository, tag()),
            command=["--port", str(PORT)],
            environment=self._environment(),
            logging=ecs.LogDriver.aws_logs(stream_prefix="feed", log_group=group),
            readonly_root_filesystem=True,
            stop_timeout=Duration.seconds(30),
            health_check=ecs.HealthCheck(
                command=["CMD-SHELL", HEALTH],
                interval=Duration.seconds(10),
                retries=3,
                start_period=Duration.seconds(30),
            ),
        )
        acknowledge(
            task,
            "ECS2",
            "The variables are names of tables, queues and machines; the secrets are read by name at run time.",
        )
        self._acknowledge_execution(task)
        return task

    def _acknowledge_execution(self, task: ecs.FargateTaskDefinition) -> None:
        acknowledge(
            task.obtain_execution_role(),
            "IAM5[Resource::*]",
            "ecr:GetAuthorizationToken knows no narrower one.",
        )

    def _environment(self) -> dict[str, str]:
        variables = {table.variable: named(table) for table in Table}
        variables |= {machine_variable(name): machine_arn(name, self) for name in FEED.starts}
        return variables | {
            "AWS_DEFAULT_REGION": self.region,
            "BARS_BUCKET": lake_bucket(self),
            "BROKER_SECRET_PREFIX": SECRET_PREFIX,
            "POWERTOOLS_METRICS_NAMESPACE": METRICS_NAMESPACE,
            "POWERTOOLS_SERVICE_NAME": PREFIX,
            "POWERTOOLS_TRACE_DISABLED": "true",
            "UPDATES_QUEUE_URL": f"https://sqs.{self.region}.{self.url_suffix}/{self.account}/{named('updates')}",
        }

    def _role(self) -> iam.Role:
        """What the feed may do: what its `FEED` says, its queue, and its folder of the lake."""
        role = iam.Role(
            self,
            "FeedRole",
            assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"),
            description="What the feed may do",
        )
        for statement in statements(FEED, self):
            role.add_to_policy(statement)
        bars = f"arn:{self.partition}:s3:::{lake_bucket(self)}/bars/*"
        role.add_to_policy(allow(("s3:PutObject",), bars))
        role.add_to_policy(
            allow(("sqs:SendMessage",), self.format_arn(service="sqs", resource=named("updates")))
        )
        reasons = {
            as_nag_writes(secrets_arn(self), self): "Accounts come and go; their secrets share a prefix.",
            as_nag_writes(bars, self): "A file for each hour, below one prefix.",
            **{
                as_nag_writes(executions_arn(name, self), self): (
                    "Executions come and go; each is of a machine that the feed may start."
                )
                for name in FEED.starts
            },
        }
        for resource, reason in reasons.items():
            acknowledge(role, f"IAM5[Resource::{resource}]", reason)
        return role

    def _alarms(self, cluster: ecs.Cluster, service: ecs.FargateService) -> None:
        """Beside what the feed counts itself (FeedBlind, StopNotSent): that one leads, and one stands by."""
        leads = cloudwatch.Metric(
            namespace=METRICS_NAMESPACE,
            metric_name="FeedLeads",
            dimensions_map={"service": PREFIX},
            period=Duration.minutes(1),
            statistic="Sum",
        )
        self._too_few("NobodyFeeds", leads, 1, minutes=2)
        running = cloudwatch.Metric(
            namespace="ECS/ContainerInsights",
            metric_name="RunningTaskCount",
            dimensions_map={"ClusterName": cluster.cluster_name, "ServiceName": service.service_name},
            period=Duration.minutes(1),
            statistic="Minimum",
        )
        self._too_few("NobodyStandsBy", running, INSTANCES, minutes=5)

    def _too_few(self, name: str, metric: cloudwatch.Metric, threshold: int, *, minutes: int) -> None:
        """An alarm when it is less for so long. Silence is bad news here."""
        alarm = cloudwatch.Alarm(
            self,
            name,
            metric=metric,
            threshold=threshold,
            evaluation_periods=minutes,
            comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.BREACHING,
            alarm_description=with_runbook(SHARED[name], name),
        )
        alarm.add_alarm_action(actions.SnsAction(self._told))
