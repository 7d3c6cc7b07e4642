"""The operations of the API, one method each, by their AWS names in snake case."""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from brokers.clock import SystemClock
from localstack.stepfunctions import machines as machine_views
from localstack.stepfunctions import views
from localstack.stepfunctions.engine import Engine, Record
from localstack.stepfunctions.errors import ApiError, invalid, missing
from localstack.stepfunctions.executions import Executions, Replayed
from localstack.stepfunctions.integrations.clients import Clients
from localstack.stepfunctions.journal import Journal
from localstack.stepfunctions.machines import EXPRESS, STANDARD, Machines
from localstack.stepfunctions.names import Place, check_name
from localstack.stepfunctions.pages import page, page_size, position, token_after
from localstack.stepfunctions.status_events import StatusEvents, configured
from workflows.asl.interpreter import Heartbeat, InvalidDefinition, TaskFailed, TaskSucceeded
from workflows.asl.interpreter.data import MAX_PAYLOAD_BYTES, Json

Request = dict[str, Any]
Answer = dict[str, Json]

KEPT_SECONDS = 90 * 24 * 3600
"""How long an execution that has ended is kept, by the platform's clock; AWS keeps it as long."""
KEPT_ENDED = 100_000
"""How many that have ended are kept at most."""
FORGET_EVERY = 600
"""Seconds."""

log = logging.getLogger(__name__)

_STATUSES = frozenset({"RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "PENDING_REDRIVE"})


class Service:
    """State machines and executions behind the API. All methods run in the event loop's thread."""

    def __init__(self, place: Place, clock: SystemClock, own_url: str, journal: Journal) -> None:
        self.machines = Machines(place, journal)
        self.executions = Executions(place, self.machines, journal)
        clients = Clients(place.region, own_url)
        self.events = StatusEvents(clients, lambda: clock.now().timestamp(), enabled=configured())
        self.engine = Engine(
            clock=clock,
            clients=clients,
            journal=journal,
            start_child=self._start_child,
            find=self.executions.get,
            ended=self.executions.ended,
            announce=self.events.changed,
        )
        self._journal = journal

    def recover(self) -> None:
        """Go on where the last process ended: before anything is answered."""
        self.forget()
        replayed = list(self._replayed())
        for each in replayed:
            self.executions.take_up(each.record)
            self.engine.adopt(each.record, each.scheduled, each.timers)
        self.engine.fire_due()  # what timed out meanwhile is not called again
        for each in replayed:
            for effect in each.scheduled.values():
                self.engine.take_up(each.record, effect, each.answers)
        for row in self._journal.express():
            machine = self.machines.revision(row.revision)
            self.engine.begin(self.executions.express(machine, row.name, row.input, row.arn))

    def _replayed(self) -> Iterator[Replayed]:
        for row in self._journal.running():
            try:
                yield self.executions.replay(row)
            except Exception:  # one that can't be had again must not keep the others from going on
                log.exception("%s can't be taken up again; it stays as it is in the journal", row.arn)

    def forget(self) -> None:
        """Forget what AWS would have forgotten, and what is too much."""
        count = self.executions.forget(self.engine.now() - KEPT_SECONDS, KEPT_ENDED)
        if count:
            log.info("forgot %d executions that ended long ago", count)

    async def keep_small(self) -> None:
        """Forget from time to time, for as long as the endpoint runs."""
        while True:
            await asyncio.sleep(FORGET_EVERY)
            self.forget()
            await self.engine.commits.durable()

    def close(self) -> None:
        self.events.close()
        self.engine.close()

    def _start(self, machine_arn: str, name: str | None, input_: str) -> Record:
        machine = self.machines.get(machine_arn)
        return self.executions.start(self.engine, machine, name, input_)

    def _start_child(self, machine_arn: str, name: str | None, input_: str, waits: bool) -> Record:
        if waits and self.machines.get(machine_arn).is_express:
            raise _wrong_type()
        return self._start(machine_arn, name, input_)

    # --- state machines ---

    def create_state_machine(self, request: Request) -> Answer:
        _need(request, "name", "definition", "roleArn")
        tags = {tag["key"]: tag["value"] for tag in request.get("tags", ())}
        type_, now = _type(request), self.engine.now()
        made = self.machines.create(
            request["name"], request["definition"], request["roleArn"], type_=type_, tags=tags, at=now
        )
        return {"stateMachineArn": made.arn, "creationDate": made.row.created_at}

    def update_state_machine(self, request: Request) -> Answer:
        _need(request, "stateMachineArn")
        arn, now = request["stateMachineArn"], self.engine.now()
        machine = self.machines.update(arn, request.get("definition"), request.get("roleArn"), now)
        return {"updateDate": machine.row.updated_at, "revisionId": machine.row.id}

    def describe_state_machine(self, request: Request) -> Answer:
        _need(request, "stateMachineArn")
        machine = self.machines.get(request["stateMachineArn"])
        described = machine_views.described(machine)
        return {
            **described,
            "status": "ACTIVE",
            "type": machine.row.type,
            "creationDate": machine.row.created_at,
        }

    def describe_state_machine_for_execution(self, request: Request) -> Answer:
        _need(request, "executionArn")
        machine = self.executions.standard(request["executionArn"]).machine
        return {**machine_views.described(machine), "updateDate": machine.row.updated_at}

    def list_state_machines(self, request: Request) -> Answer:
        found, token = page(self.machines.all(), request.get("maxResults"), request.get("nextToken"))
        listed = [
            {"stateMachineArn": m.arn, "name": m.name, "type": m.row.type, "creationDate": m.row.created_at}
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
            machine_views.parse(request["definition"], _type(request))
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
        tags = self.machines.tags(request["resourceArn"])
        return {"tags": [{"key": key, "value": value} for key, value in tags.items()]}

    def tag_resource(self, request: Request) -> Answer:
        _need(request, "resourceArn", "tags")
        self.machines.tag(request["resourceArn"], {tag["key"]: tag["value"] for tag in request["tags"]})
        return {}

    def untag_resource(self, request: Request) -> Answer:
        _need(request, "resourceArn", "tagKeys")
        self.machines.tag(request["resourceArn"], {}, gone=request["tagKeys"])
        return {}

    # --- executions ---

    def start_execution(self, request: Request) -> Answer:
        _need(request, "stateMachineArn")
        record = self._start(request["stateMachineArn"], request.get("name"), request.get("input", "{}"))
        return {"executionArn": record.arn, "startDate": record.execution.started_at}

    async def start_sync_execution(self, request: Request) -> Answer:
        _need(request, "stateMachineArn")
        machine = self.machines.get(request["stateMachineArn"])
        if not machine.is_express:
            raise _wrong_type()
        name = request.get("name") or str(uuid.uuid4())
        check_name(name)
        record = self.executions.express(machine, name, request.get("input", "{}"))
        self.engine.begin(record)
        await self.engine.end(record)
        return views.sync_answer(record)

    def describe_execution(self, request: Request) -> Answer:
        _need(request, "executionArn")
        record = self.executions.standard(request["executionArn"])
        with_data = request.get("includedData", "ALL_DATA") != "METADATA_ONLY"
        return views.described(record, self.engine.now(), with_data=with_data)

    def list_executions(self, request: Request) -> Answer:
        _need(request, "stateMachineArn")
        if self.machines.get(request["stateMachineArn"]).is_express:
            raise _wrong_type()
        status = request.get("statusFilter")
        if status is not None and status not in _STATUSES:
            raise invalid("statusFilter", status, f"Member must satisfy enum value set: {sorted(_STATUSES)}")
        size, before = page_size(request.get("maxResults")), position(request.get("nextToken"))
        found = self.executions.of_machine(
            request["stateMachineArn"], status, request.get("redriveFilter"), before, size + 1
        )
        token = token_after(found[size - 1].number) if len(found) > size else None
        return _paged({"executions": [views.listed(row) for row in found[:size]]}, token)

    def get_execution_history(self, request: Request) -> Answer:
        _need(request, "executionArn")
        events = self.executions.standard(request["executionArn"]).execution.history.events
        backwards = bool(request.get("reverseOrder"))
        ordered = list(reversed(events)) if backwards else events
        limit, after = request.get("maxResults"), request.get("nextToken")
        shown, token = page(ordered, limit, after, newest_first=backwards)
        with_data = request.get("includeExecutionData", True)
        return _paged({"events": [event.render(include_data=with_data) for event in shown]}, token)

    def stop_execution(self, request: Request) -> Answer:
        _need(request, "executionArn")
        record = self.executions.standard(request["executionArn"])
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


def _type(request: Request) -> str:
    type_: str = request.get("type", STANDARD)
    if type_ not in (STANDARD, EXPRESS):
        raise invalid("type", type_, f"Member must satisfy enum value set: [{STANDARD}, {EXPRESS}]")
    return type_


def _wrong_type() -> ApiError:
    words = "This operation is not supported by this type of state machine"
    return ApiError("StateMachineTypeNotSupported", words)


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


OPERATIONS: dict[str, Callable[[Service, Request], Answer | Awaitable[Answer]]] = {
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
    "StartSyncExecution": Service.start_sync_execution,
    "DescribeExecution": Service.describe_execution,
    "ListExecutions": Service.list_executions,
    "GetExecutionHistory": Service.get_execution_history,
    "StopExecution": Service.stop_execution,
    "RedriveExecution": Service.redrive_execution,
    "SendTaskSuccess": Service.send_task_success,
    "SendTaskFailure": Service.send_task_failure,
    "SendTaskHeartbeat": Service.send_task_heartbeat,
}
