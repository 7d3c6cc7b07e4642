"""AlgoMachines: the state machines, the group their schedules belong to, and the alarms on executions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from aws_cdk import ArnFormat, CfnOutput, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra import alarms
from infra.functions import log_group
from infra.nag import acknowledge
from infra.permissions import allow
from infra.settings import PREFIX, SCHEDULED, SCHEDULES_DEAD_LETTERS, Settings, named
from infra.stack import AlgoStack
from tasks.catalogue import FUNCTIONS
from tasks.spec import Table
from workflows.asl.iam import iam_statements
from workflows.asl.machine import Machine
from workflows.catalogue import DEFINITIONS, MACHINES, file_name
from workflows.timetable import HOUSEKEEPING, INPUT, PLATFORM, TIMETABLE, ZONE, Timed

_PLACEHOLDER = re.compile(r"\$\{([\w:]+)\}")


class MachinesStack(AlgoStack):
    """State machines from their committed definitions, and what EventBridge Scheduler needs to start them."""

    def __init__(self, scope: Construct, settings: Settings) -> None:
        super().__init__(
            scope, "AlgoMachines", settings, description="State machines and schedules of the basket platform"
        )
        self._told = sns.Topic.from_topic_arn(self, "Alarms", alarms.topic_arn(self))
        self._names = self._substitutions()
        self.machines = {machine.name: self._machine(machine) for machine in MACHINES}
        dead = alarms.dead_letters(self, "SchedulesDeadLetters", SCHEDULES_DEAD_LETTERS, self._told)
        acknowledge(
            dead,
            "SQS3",
            "It is the dead letter queue of the schedules, most of which are made while the platform runs.",
        )
        self._schedules(self.machines[SCHEDULED], dead)
        self._timetable(dead)

    def _substitutions(self) -> dict[str, str]:
        """What stands for each placeholder of a definition."""
        functions = {f.placeholder: self._arn("lambda", "function", f.name) for f in FUNCTIONS}
        machines = {f"{m.name}Machine": self._arn("states", "stateMachine", m.name) for m in MACHINES}
        return functions | machines | {table.placeholder: named(table) for table in Table}

    def _arn(self, service: str, resource: str, name: str) -> str:
        return self.format_arn(
            service=service,
            resource=resource,
            resource_name=named(name),
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )

    def _machine(self, machine: Machine) -> sfn.StateMachine:
        definition = (DEFINITIONS / f"{file_name(machine)}.asl.json").read_text(encoding="utf-8")
        group = log_group(self, machine.name, f"/aws/vendedlogs/states/{named(machine.name)}", self.settings)
        made = sfn.StateMachine(
            self,
            machine.name,
            state_machine_name=named(machine.name),
            state_machine_type=sfn.StateMachineType(machine.kind),
            definition_body=sfn.DefinitionBody.from_string(definition),
            definition_substitutions={
                name: value for name, value in self._names.items() if f"${{{name}}}" in definition
            },
            role=self._role(machine),
            # Without the data: a state's parameters hold the task token, which lets anyone answer for it.
            logs=sfn.LogOptions(destination=group, level=sfn.LogLevel.ALL, include_execution_data=False),
            tracing_enabled=True,
        )
        alarms.on_executions(made, self._told)
        return made

    def _role(self, machine: Machine) -> iam.Role:
        role = iam.Role(
            self,
            f"{machine.name}Role",
            assumed_by=_only_from(self, "states.amazonaws.com"),
            description=f"What {machine.name} may do",
        )
        for statement in statements(machine, self._names, self):
            role.add_to_principal_policy(statement)
        acknowledge(
            role,
            "IAM5[Resource::*]",
            "X-Ray and the delivery of logs know no narrower resource; every other statement names its own.",
        )
        return role

    def _schedules(self, machine: sfn.StateMachine, dead: sqs.IQueue) -> None:
        """The group of the strategies' schedules, and the role that starts the machine for them."""
        scheduler.CfnScheduleGroup(self, "Schedules", name=PREFIX)
        role = iam.Role(
            self,
            "SchedulesRole",
            role_name=named("schedules"),
            assumed_by=_only_from(self, "scheduler.amazonaws.com"),
            description=f"What a schedule may do: start {SCHEDULED}",
        )
        machine.grant_start_execution(role)
        dead.grant_send_messages(role)
        CfnOutput(self, "ScheduleGroup", value=PREFIX)
        CfnOutput(self, "ScheduleRoleArn", value=role.role_arn)
        CfnOutput(self, "ScheduleDeadLettersArn", value=dead.queue_arn)
        CfnOutput(self, "ScheduleTargetArn", value=machine.state_machine_arn)

    def _timetable(self, dead: sqs.IQueue) -> None:
        """The schedules of the platform's own machines."""
        for group in (PLATFORM, HOUSEKEEPING):
            scheduler.CfnScheduleGroup(self, _words(group), name=group)
        role = iam.Role(
            self,
            "TimetableRole",
            assumed_by=_only_from(self, "scheduler.amazonaws.com"),
            description="What the timetable may do: start the platform's own machines",
        )
        dead.grant_send_messages(role)
        for timed in (each for each in TIMETABLE if each.machine in self.machines):
            self._timed(timed, self.machines[timed.machine], role, dead)

    def _timed(self, timed: Timed, machine: sfn.StateMachine, role: iam.Role, dead: sqs.IQueue) -> None:
        machine.grant_start_execution(role)
        made = scheduler.CfnSchedule(
            self,
            f"{timed.machine}Schedule",
            name=timed.machine,
            group_name=timed.group,
            description=timed.why,
            schedule_expression=timed.expression,
            schedule_expression_timezone=ZONE,
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=machine.state_machine_arn,
                role_arn=role.role_arn,
                input=INPUT,
                dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(arn=dead.queue_arn),
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_event_age_in_seconds=600, maximum_retry_attempts=5
                ),
            ),
        )
        made.node.add_dependency(self.node.find_child(_words(timed.group)))


def _words(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("-"))


def statements(machine: Machine, names: Mapping[str, str], stack: Stack) -> Iterator[iam.PolicyStatement]:
    """The statements of a state machine's role, apart from its logs and traces: what its states call.

    `names` holds what stands for each placeholder of the definition.
    """
    known = dict(names) | {
        "AWS::Partition": stack.partition,
        "AWS::Region": stack.region,
        "AWS::AccountId": stack.account,
    }
    for statement in iam_statements(machine):
        resources = (_PLACEHOLDER.sub(lambda found: known[found[1]], each) for each in statement.resources)
        yield allow(statement.actions, *resources)


def _only_from(stack: AlgoStack, service: str) -> iam.PrincipalBase:
    """The service, and only when it acts for this account."""
    return iam.ServicePrincipal(service).with_conditions({"StringEquals": {"aws:SourceAccount": stack.account}})
