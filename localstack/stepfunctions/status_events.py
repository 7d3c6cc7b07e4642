"""EventBridge's "Step Functions Execution Status Change", as AWS sends it for Standard executions.

Sent through events:PutEvents to the default bus of the endpoint that boto3's variables name; with no such
variable nothing is sent, for a real account refuses events whose source is `aws.…`. Best effort, as on AWS: an
event that can't be delivered is logged and forgotten.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime

from localstack.stepfunctions import views
from localstack.stepfunctions.engine import Record
from localstack.stepfunctions.integrations.clients import Clients
from workflows.asl.interpreter import Execution, Status
from workflows.asl.interpreter.data import Json, dumps

log = logging.getLogger(__name__)

SOURCE = "aws.states"
DETAIL_TYPE = "Step Functions Execution Status Change"
MAX_WAITING = 1000
"""Events that may wait to be sent; beyond that they are dropped, with a word in the log."""
MAX_WAITING_DATA = 4 * 1_048_576
"""Characters that wait to be sent; beyond that events go without input and output, as AWS's large ones do."""
MAX_DATA = 248 * 1024
"""Characters of input and output together in one event: AWS leaves them out beyond 248 KiB."""


def configured(environment: Mapping[str, str] = os.environ) -> bool:
    """Is there an EventBridge that is not AWS's own?"""
    return any(environment.get(f"AWS_ENDPOINT_URL{name}") for name in ("", "_EVENTBRIDGE"))


def detail(execution: Execution, status: Status, *, with_data: bool = True) -> dict[str, Json]:
    """What the event says. Times are in milliseconds, as AWS writes them here."""
    facts, input_ = execution.facts, execution.input.text
    over = status is not Status.RUNNING
    output = execution.output if over else None
    included = with_data and len(input_) + len(output or "") <= MAX_DATA
    return {
        "executionArn": facts.execution_arn,
        "stateMachineArn": facts.machine_arn,
        "stateMachineVersionArn": None,
        "stateMachineAliasArn": None,
        "name": facts.execution_name,
        "status": status.value,
        "startDate": _milliseconds(execution.started_at),
        "stopDate": _milliseconds(execution.stopped_at) if over else None,
        "redriveCount": execution.redrive_count,
        "redriveDate": _milliseconds(execution.redriven_at),
        "redriveStatus": "REDRIVABLE" if over and execution.redrivable() is None else "NOT_REDRIVABLE",
        "redriveStatusReason": execution.redrivable() if over else views.RUNNING_REASON,
        "error": execution.error if over else None,
        "cause": execution.cause if over else None,
        "input": input_ if included else None,
        "inputDetails": {"included": included},
        "output": output if included else None,
        "outputDetails": {"included": included} if output is not None else None,
    }


def _milliseconds(at: float | None) -> int | None:
    return None if at is None else round(at * 1000)


@dataclass(slots=True)
class StatusEvents:
    """Sends the events, one after the other, in a thread of its own."""

    clients: Clients
    now: Callable[[], float]
    enabled: bool
    _waiting: int = 0
    _characters: int = 0
    _pool: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="events")
    )

    def changed(self, record: Record, status: Status) -> None:
        """An execution's status is now `status`. Express executions have no such events."""
        if not self.enabled or record.number is None:
            return
        if self._waiting >= MAX_WAITING:
            log.warning("%d status events wait: the one of %s is dropped", self._waiting, record.arn)
            return
        with_data = self._characters <= MAX_WAITING_DATA
        text = dumps(detail(record.execution, status, with_data=with_data))
        entry = {
            "Source": SOURCE,
            "DetailType": DETAIL_TYPE,
            "Time": datetime.fromtimestamp(self.now(), UTC),
            "Resources": [record.arn],
            "Detail": text,
        }
        self._waiting += 1
        self._characters += len(text)
        self._pool.submit(self._send, entry)

    def _send(self, entry: dict[str, object]) -> None:
        """In the thread of the pool."""
        try:
            answer = self.clients.get("events").put_events(Entries=[entry])
            if answer.get("FailedEntryCount"):
                log.warning("a status event was refused: %s", answer["Entries"])
        except Exception as wrong:  # noqa: BLE001  (best effort: whatever it is, executions go on)
            log.warning("a status event was not delivered: %s", wrong)
        finally:
            self._waiting -= 1
            self._characters -= len(str(entry["Detail"]))

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
