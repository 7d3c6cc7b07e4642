"""The operations of the API, one method each, by their AWS names in snake case."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from brokers.clock import SystemClock
from localstack.stepfunctions import executions as views
from localstack.stepfunctions import machines as machine_views
from localstack.stepfunctions.engine import Engine, Record
from localstack.stepfunctions.errors import ApiError, invalid, missing
from localstack.stepfunctions.executions import Executions
from localstack.stepfunctions.integrations.clients import Clients
from localstack.stepfunctions.machines import Machines
from localstack.stepfunctions.names import Place
from localstack.stepfunctions.pages import page
from workflows.asl.interpreter import Heartbeat, InvalidDefinition, TaskFailed, TaskSucceeded
from workflows.asl.interpreter.data import MAX_PAYLOAD_BYTES, Json

Request = dict[str, Any]
Answer = dict[str, Json]

_STATUSES = frozenset({"RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "PENDING_REDRIVE"})


class Service:
    """State machines and executions behind the API. All methods run in the event loop's thread."""

    def __init__(self, place: Place, clock: SystemClock, own_url: str) -> None:
        self.machines = Machines(place)
        self.executions = Executions(place)
        clients = Clients(place.region, own_url)
        self.engine = Engine(clock, clients, self._start, self.executions.get)

    def _start(self, machine_arn: str, name: str | None, input_: str) -> Record:
        machine = self.machines.get(machine_arn)
        return self.executions.start(self.engine, machine, name, input_)

    # --- state machines ---

    def create_state_machine(self, request: Request) -> Answer:
        _need(request, "name", "definition", "roleArn")
        if request.get("type", "STANDARD") != "STANDARD":
            raise ApiError("StateMachineTypeNotSupported", "Only STANDARD state machines run here")
        tags = {tag["key"]: tag["value"] for tag in request.get("tags", ())}
        now = self.engine.now()
        made = self.machines.create(request["name"], request["definition"], request["roleArn"], tags, now)
        return {"stateMachineArn": made.arn, "creationDate": made.created_at}

    def update_state_machine(self, request: Request) -> Answer:
        _need(request, "stateMachineArn")
        arn, now = request["stateMachineArn"], self.engine.now()
        machine = self.machines.update(arn, request.get("definition"), request.get("roleArn"), now)
        return {"updateDate": machine.updated_at, "revisionId": machine.revision}

    def describe_state_machine(self, request: Request) -> Answer:
        _need(request, "stateMachineArn")
        machine = self.machines.get(request["stateMachineArn"])
        described = machine_views.described(machine)
        return {**described, "status": "ACTIVE", "type": "STANDARD", "creationDate": machine.created_at}

    def describe_state_machine_for_execution(self, request: Request) -> Answer:
        _need(request, "executionArn")
        machine = self.executions.get(request["executionArn"]).machine
        return {**machine_views.described(machine), "updateDate": machine.updated_at}

    def list_state_machines(self, request: Request) -> Answer:
        found, token = page(self.machines.all(), request.get("maxResults"), request.get("nextToken"))
        listed = [
            {"stateMachineArn": m.arn, "name": m.name, "type": "STANDARD", "creationDate": m.created_at}
            for m in found
        ]
        return _paged({"stateMachines": listed}, token)

    def delete_state_machine(self, request: Request) -> Answer:
        _need(request, "stateMachineArn")
        self.machines.delete(request["stateMachineArn"])
        return {}

    def validate_state_machine_definition(self, request: Request) -> Answer:
        _need(request, "definition")
        try:
            machine_views.parse(request["definition"])
        except ApiError as wrong:
            problems = wrong.__context__.problems if isinstance(wrong.__context__, InvalidDefinition) else ()
            found = [
                {"severity": "ERROR", "code": p.code, "message": p.message, "location": p.location}
                for p in problems
            ]
            return {"result": "FAIL", "diagnostics": found, "truncated": False}
        return {"result": "OK", "diagnostics": [], "truncated": False}

    def list_tags_for_resource(self, request: Request) -> Answer:
        _need(request, "resourceArn")
        tags = self.machines.get(request["resourceArn"]).tags
        return {"tags": [{"key": key, "value": value} for key, value in tags.items()]}

    def tag_resource(self, request: Request) -> Answer:
        _need(request, "resourceArn", "tags")
        tags = {tag["key"]: tag["value"] for tag in request["tags"]}
        self.machines.get(request["resourceArn"]).tags.update(tags)
        return {}

    def untag_resource(self, request: Request) -> Answer:
        _need(request, "resourceArn", "tagKeys")
        tags = self.machines.get(request["resourceArn"]).tags
        for key in request["tagKeys"]:
            tags.pop(key, None)
        return {}

    # --- executions ---

    def start_execution(self, request: Request) -> Answer:
        _need(request, "stateMachineArn")
        record = self._start(request["stateMachineArn"], request.get("name"), request.get("input", "{}"))
        return {"executionArn": record.arn, "startDate": record.execution.started_at}

    def describe_execution(self, request: Request) -> Answer:
        _need(request, "executionArn")
        record = self.executions.get(request["executionArn"])
        with_data = request.get("includedData", "ALL_DATA") != "METADATA_ONLY"
        return views.described(record, self.engine.now(), with_data=with_data)

    def list_executions(self, request: Request) -> Answer:
        _need(request, "stateMachineArn")
        self.machines.get(request["stateMachineArn"])
        status = request.get("statusFilter")
        if status is not None and status not in _STATUSES:
            raise invalid("statusFilter", status, f"Member must satisfy enum value set: {sorted(_STATUSES)}")
        found = self.executions.of_machine(request["stateMachineArn"], status, request.get("redriveFilter"))
        shown, token = page(found, request.get("maxResults"), request.get("nextToken"), newest_first=True)
        return _paged({"executions": [views.summary(record) for record in shown]}, token)

    def get_execution_history(self, request: Request) -> Answer:
        _need(request, "executionArn")
        events = self.executions.get(request["executionArn"]).execution.history.events
        backwards = bool(request.get("reverseOrder"))
        ordered = list(reversed(events)) if backwards else events
        limit, after = request.get("maxResults"), request.get("nextToken")
        shown, token = page(ordered, limit, after, newest_first=backwards)
        with_data = request.get("includeExecutionData", True)
        return _paged({"events": [event.render(include_data=with_data) for event in shown]}, token)

    def stop_execution(self, request: Request) -> Answer:
        _need(request, "executionArn")
        record = self.executions.get(request["executionArn"])
        self.engine.stop(record, request.get("error"), request.get("cause"))
        return {"stopDate": record.execution.stopped_at}

    def redrive_execution(self, request: Request) -> Answer:
        _need(request, "executionArn")
        record = self.executions.redrive(self.engine, request["executionArn"], request.get("clientToken"))
        return {"redriveDate": record.execution.redriven_at}

    # --- task tokens ---

    def send_task_success(self, request: Request) -> Answer:
        _need(request, "taskToken", "output")
        output = _json(request["output"])
        self.engine.complete(request["taskToken"], lambda task: TaskSucceeded(task, output))
        return {}

    def send_task_failure(self, request: Request) -> Answer:
        _need(request, "taskToken")
        error, cause = request.get("error"), request.get("cause")
        self.engine.complete(request["taskToken"], lambda task: TaskFailed(task, error, cause))
        return {}

    def send_task_heartbeat(self, request: Request) -> Answer:
        _need(request, "taskToken")
        self.engine.complete(request["taskToken"], Heartbeat)
        return {}


def _need(request: Request, *fields: str) -> None:
    for field in fields:
        if request.get(field) is None:
            raise missing(field)


def _json(text: str) -> Json:
    if len(text.encode()) > MAX_PAYLOAD_BYTES:
        raise invalid("output", "…", f"Member must have length less than or equal to {MAX_PAYLOAD_BYTES}")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ApiError("InvalidOutput", f"Invalid Output: '{text[:200]}'") from None


def _paged(answer: Answer, token: str | None) -> Answer:
    return answer if token is None else {**answer, "nextToken": token}


OPERATIONS: dict[str, Callable[[Service, Request], Answer]] = {
    "CreateStateMachine": Service.create_state_machine,
    "UpdateStateMachine": Service.update_state_machine,
    "DescribeStateMachine": Service.describe_state_machine,
    "DescribeStateMachineForExecution": Service.describe_state_machine_for_execution,
    "ListStateMachines": Service.list_state_machines,
    "DeleteStateMachine": Service.delete_state_machine,
    "ValidateStateMachineDefinition": Service.validate_state_machine_definition,
    "ListTagsForResource": Service.list_tags_for_resource,
    "TagResource": Service.tag_resource,
    "UntagResource": Service.untag_resource,
    "StartExecution": Service.start_execution,
    "DescribeExecution": Service.describe_execution,
    "ListExecutions": Service.list_executions,
    "GetExecutionHistory": Service.get_execution_history,
    "StopExecution": Service.stop_execution,
    "RedriveExecution": Service.redrive_execution,
    "SendTaskSuccess": Service.send_task_success,
    "SendTaskFailure": Service.send_task_failure,
    "SendTaskHeartbeat": Service.send_task_heartbeat,
}
