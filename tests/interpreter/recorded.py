"""AWS's own histories against the interpreter's. `python -m tests.interpreter.recorded` prints the share alike.

What a service answered (a queue, a function, a token sent back) is taken from the recording; everything else
has to come out of the interpreter: the order of the events, their ids and previousEventIds, inputs, outputs,
errors and causes, word for word. Placeholders of the recording (ARNs, tokens, timestamps) stand for whatever
is there.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import json5

from localstack.stepfunctions.status_events import detail
from workflows.asl.interpreter import (
    CallReturned,
    Facts,
    Happening,
    InvalidDefinition,
    Machine,
    ScheduleTask,
    Status,
    TaskFailed,
    TaskSucceeded,
)
from workflows.asl.interpreter.simulation import Simulation, simulation

DATA = Path(__file__).parents[3] / "shared" / "data" / "stepfunctions"
START = datetime(2026, 11, 23, 4, 0, tzinfo=UTC).timestamp()

FACTS = Facts(
    execution_arn="arn:aws:states:eu-west-1:111111111111:execution:recorded:run",
    execution_name="run",
    machine_arn="arn:aws:states:eu-west-1:111111111111:stateMachine:recorded",
    machine_name="recorded",
    role_arn="arn:aws:iam::111111111111:role/recorded",
    region="eu-west-1",
)

Event = dict[str, Any]
Definition = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """One recorded test: its definition, what the test changed in it, and the input where that was masked."""

    area: str
    test: str
    definition: str | Definition
    change: Callable[[Definition], None] | None = None
    input: Any = None
    reason: str = ""
    """Why it can't match, where it is known that it can't."""


def _resource(resource: str) -> Callable[[Definition], None]:
    def change(definition: Definition) -> None:
        for state in definition["States"].values():
            if state["Type"] == "Task":
                state["Resource"] = resource

    return change


def _catching(error: str) -> Callable[[Definition], None]:
    def change(definition: Definition) -> None:
        _resource(LAMBDA)(definition)
        definition["States"]["InvokeLambda"]["Catch"][0]["ErrorEquals"] = [error]

    return change


LAMBDA = "arn:<partition>:lambda:<region>:111111111111:function:<lambda_function_name>"


def _first(**fields: Any) -> Callable[[Definition], None]:
    def change(definition: Definition) -> None:
        state = definition["States"][definition["StartAt"]]
        state.update(fields)

    return change


def _path(path: str) -> Case:
    kind = (
        "array_access" if re.fullmatch(r"\$\.items\[\d+\]", path) else "array_wildcard_or_slice_with_no_input"
    )
    return Case(
        "base",
        f"test_json_path_{kind}[{path}]",
        "base/json_path_array_access",
        _first(Parameters={"item.$": path}),
    )


def _wait(suffix: str) -> Case:
    moment = datetime.fromtimestamp(START, UTC) + timedelta(seconds=5)
    given = {"start_at": f"{moment:%Y-%m-%dT%H:%M:%S}{suffix}"}
    return Case("wait", f"test_wait_timestamppath[{suffix}]", "base/wait_timestamp_path", input=given)


def _days(days: int) -> Case:
    moment = datetime.fromtimestamp(START, UTC) + timedelta(days=days)
    given = {"start_at": f"{moment:%Y-%m-%dT%H:%M:%SZ}"}
    test = f"test_timestamp_too_far_in_future_boundary[{days}]"
    return Case("wait", test, "base/wait_timestamp_path", input=given)


def _seconds(suffix: str) -> Case:
    return Case("wait", f"test_base_wait_seconds_path{suffix}", "base/wait_seconds_path")


def _jsonata(test: str) -> Case:
    return Case("scenarios", test, {}, reason="JSONata runs on AWS only")


def _distributed(test: str) -> Case:
    return Case("scenarios", test, {}, reason="the distributed Map runs on AWS only")


def _callback(test: str, definition: str, change: Callable[[Definition], None] | None = None) -> Case:
    return Case("callback", test, f"callbacks/{definition}", change)


_JSONPATHS = [
    "$.items[0]", "$.items[10]", "$[*]", "$.items[*]", "$.items[1:]", "$.items[:1]",
    "$.item.items[*]", "$.item.items[1:]", "$.item.items[:1]", "$.item.items[1:5]",
    "$.items[*].itemValue", "$.items[1:].itemValue",
    "$.items[:1].itemValue", "$.item.items[1:5].itemValue",
]  # fmt: skip

_STATIC_RESULT: Definition = {
    "StartAt": "State_1",
    "States": {
        "State_1": {
            "Type": "Pass",
            "Result": {"unsupported1.$": "$.jsonpath", "unsupported2.$": "$$"},
            "End": True,
        }
    },
}

_HEARTBEAT = _first(HeartbeatSecondsPath="$.HeartbeatSecondsPath", TimeoutSeconds=600)

CASES = [
    Case("base", "test_state_fail", "base/raise_failure"),
    Case("base", "test_state_fail_path", "base/raise_failure_path"),
    Case("base", "test_state_fail_intrinsic", "base/raise_failure_path_intrinsic"),
    Case("base", "test_state_fail_empty", "base/raise_empty_failure"),
    Case("base", "test_state_pass_result", "base/pass_result"),
    Case("base", "test_state_pass_result_jsonpaths", _STATIC_RESULT),
    Case("base", "test_event_bridge_events_base", "base/pass_result", input={}),
    Case("base", "test_decl_version_1_0", "base/decl_version_1_0"),
    Case("base", "test_query_context_object_values", "base/query_context_object_values"),
    Case("base", "test_state_pass_result_null_input_output_paths", "base/pass_result_null_input_output_paths"),
    Case("base", "test_state_pass_regex_json_path_base", "base/pass_result_regex_json_path_base"),
    *(_path(path) for path in _JSONPATHS),
    Case("scenarios", "test_catch_empty", "scenarios/catch_empty", _resource(LAMBDA)),
    _jsonata("test_choice_singleton_composite[CHOICE_STATE_SINGLETON_COMPOSITE_LITERAL_JSONATA]"),
    Case(
        "scenarios",
        "test_escape_sequence_parsing[ESCAPE_SEQUENCES_JSONPATH]",
        "scenarios/escape_sequences_jsonpath",
    ),
    Case(
        "scenarios",
        "test_invalid_jsonpath[ST.INVALID_JSONPATH_IN_CAUSEPATH]",
        "scenarios/invalid_jsonpath_in_causepath",
    ),
    _jsonata("test_map_item_batching_base_json_max_per_batch_jsonata"),
    _distributed("test_map_item_reader_base_json_with_items_path[VALID_ITEMS_PATH_FROM_PREVIOUS]"),
    _distributed("test_map_item_reader_csv_max_items_paths[-1]"),
    Case("scenarios", "test_map_state_break_condition_legacy", "scenarios/map_state_break_condition_legacy"),
    _distributed("test_map_state_config_distributed_reentrant_lambda"),
    _jsonata("test_map_state_items_eval_jsonata[mixed]"),
    _jsonata("test_map_state_items_eval_jsonata_variable_sampling_fail[null]"),
    _jsonata("test_map_state_items_input_types[number]"),
    Case("scenarios", "test_map_state_legacy", "scenarios/map_state_legacy"),
    _distributed("test_map_state_nested_config_distributed"),
    _distributed("test_map_state_tolerated_failure_count_path[-1]"),
    _distributed("test_map_state_tolerated_failure_percentage_path[100.1]"),
    Case("scenarios", "test_max_concurrency_path[NoNumber]", "scenarios/max_concurrency_path"),
    Case("scenarios", "test_parallel_state_order", "scenarios/parallel_state_order"),
    Case(
        "scenarios",
        "test_wait_timestamp_invalid[INVALID_DATE]",
        "scenarios/wait_timestamp",
        _first(Timestamp="2016-12-35T21:29:29Z"),
    ),
    _jsonata("test_wait_timestamp_jsonata[INVALID_TIME]"),
    Case(
        "scenarios",
        "test_wait_timestamp_path[NANOSECONDS]",
        "scenarios/wait_timestamp_path",
        input={"TimestampValue": "2016-03-14T01:59:00.123456789Z"},
    ),
    _callback("test_sqs_wait_for_task_token", "sqs_wait_for_task_token"),
    _callback("test_sqs_wait_for_task_token_timeout", "sqs_wait_for_task_token_with_timeout"),
    _callback("test_sqs_failure_in_wait_for_task_token", "sqs_wait_for_task_token"),
    _callback(
        "test_sqs_wait_for_task_tok_with_heartbeat",
        "sqs_wait_for_task_token",
        _first(HeartbeatSeconds=60, TimeoutSeconds=600),
    ),
    _callback("test_start_execution_sync", "sfn_start_execution_sync"),
    _callback("test_start_execution_sync_delegate_failure", "sfn_start_execution_sync"),
    _callback("test_start_execution_sync_delegate_timeout", "sfn_start_execution_sync"),
    _callback("test_start_execution_sync2", "sfn_start_execution_sync2"),
    _callback("test_sns_publish_wait_for_task_token", "sns_publish_wait_for_task_token"),
    _callback("test_multiple_heartbeat_notifications", "sqs_wait_for_task_token", _HEARTBEAT),
    _callback("test_multiple_executions_and_heartbeat_notifications", "sqs_wait_for_task_token", _HEARTBEAT),
    _callback("test_sqs_wait_for_task_token_call_chain", "sqs_wait_for_task_token_call_chain"),
    _callback("test_sqs_wait_for_task_token_no_token_parameter", "sqs_wait_for_task_token_no_token_parameter"),
    _callback(
        "test_sqs_failure_in_wait_for_task_tok_no_error_field[SQS_PARALLEL_WAIT_FOR_TASK_TOKEN]",
        "sqs_parallel_wait_for_task_token",
    ),
    _callback(
        "test_sqs_failure_in_wait_for_task_tok_no_error_field[SQS_WAIT_FOR_TASK_TOKEN_CATCH]",
        "sqs_wait_for_task_token_catch",
    ),
    _callback("test_sync_with_task_token", "sfn_start_execution_sync_with_task_token"),
    Case(
        "task_lambda",
        "test_raise_exception",
        "errorhandling/task_lambda_invoke_catch_unknown",
        _resource(LAMBDA),
    ),
    Case(
        "task_lambda",
        "test_raise_custom_exception",
        "errorhandling/task_lambda_invoke_catch_tbd",
        _catching("CustomException"),
    ),
    Case(
        "task_lambda",
        "test_raise_exception_catch",
        "errorhandling/task_lambda_invoke_catch_relevant",
        _resource(LAMBDA),
    ),
    Case(
        "task_lambda",
        "test_no_such_function",
        "errorhandling/task_lambda_invoke_catch_unknown",
        _resource(LAMBDA),
    ),
    Case(
        "task_lambda",
        "test_no_such_function_catch",
        "errorhandling/task_lambda_invoke_catch_relevant",
        _resource(LAMBDA),
    ),
    *(_days(days) for days in (24855, 24856)),
    *(_wait(suffix) for suffix in ("Z", ".000000Z", ".00Z", "", ".000000")),
    *(_seconds(suffix) for suffix in ("", "[-1]", "[0]", "[1]", "[1.5]", "[-1.5]")),
]


# --- recordings ---


def recordings() -> dict[str, Any]:
    """Every recorded test by its short name."""
    found: dict[str, Any] = {}
    for file in sorted((DATA / "recorded").glob("*.json")):
        for name, recording in json.loads(file.read_text()).items():
            found[name.rsplit("::", 1)[-1]] = recording["recorded-content"]
    return found


def _histories(recording: Mapping[str, Any]) -> list[list[Event]]:
    return [part["events"] for part in recording.values() if isinstance(part, dict) and "events" in part]


def _definition(case: Case) -> str:
    if isinstance(case.definition, dict):
        definition = json.loads(json.dumps(case.definition))
    else:
        definition = json5.loads((DATA / "definitions" / f"{case.definition}.json5").read_text())
    if case.change is not None:
        case.change(definition)
    return json.dumps(definition)


# --- playing a recording ---


@dataclass(slots=True)
class Services:
    """Answers tasks the way the recording says the services did."""

    events: list[Event]
    tokens: dict[str, str] = field(default_factory=dict)
    _at: int = 0

    def __call__(self, task: ScheduleTask) -> Iterator[tuple[float, Happening]]:
        while not self.events[self._at]["type"].endswith("Scheduled"):
            self._at += 1
        self._at += 1
        for event in self.events[self._at :]:
            kind = event["type"]
            details: Event = next((value for name, value in event.items() if name.endswith("EventDetails")), {})
            if kind.endswith("Submitted"):
                yield 0.1, CallReturned(task.task, details["output"])
            elif kind in ("TaskSucceeded", "LambdaFunctionSucceeded"):
                plain = task.pattern == "" and kind == "TaskSucceeded"
                make = CallReturned if plain or kind.startswith("Lambda") else TaskSucceeded
                yield 0.2, make(task.task, _value(details["output"]))
                return
            elif kind in ("TaskFailed", "LambdaFunctionFailed"):
                yield 0.2, TaskFailed(task.task, details.get("error"), _text(details.get("cause")))
                return
            elif kind.endswith(("TimedOut", "Entered", "Exited")):
                return


def _value(recorded: Any) -> Any:
    return json.loads(recorded) if isinstance(recorded, str) else recorded


def _text(recorded: Any) -> str | None:
    return json.dumps(recorded) if isinstance(recorded, dict) else recorded


def _play(case: Case, events: list[Event]) -> Simulation:
    recorded_input = events[0]["executionStartedEventDetails"]["input"]
    given = recorded_input if case.input is None else case.input
    running = simulation(Machine.parse(_definition(case)), given, Services(events), at=START, facts=FACTS)
    running.start()
    running.run(until=START + 3600)
    return running


# --- comparing ---


def compare(case: Case, recording: Mapping[str, Any]) -> str | None:
    """None if everything AWS recorded comes out alike, otherwise the first difference."""
    if "stepfunctions_events" in recording:
        return _compare_status_events(case, recording["stepfunctions_events"])
    if "exception" in recording:
        return _compare_refusal(case, recording["exception"])
    for events in _histories(recording):
        difference = _compare_history(case, events)
        if difference is not None:
            return difference
    description = recording.get("describe_execution")
    return _compare_description(case, recording, description) if description else None


def _compare_refusal(case: Case, expected: Mapping[str, str]) -> str | None:
    try:
        Machine.parse(_definition(case))
    except InvalidDefinition as refused:
        return None if expected["exception_value"].endswith(str(refused)) else f"{refused}"
    return "the definition was accepted"


def _compare_status_events(case: Case, expected: list[Event]) -> str | None:
    """What EventBridge was told."""
    running = simulation(Machine.parse(_definition(case)), case.input, Services([]), at=START, facts=FACTS)
    running.start()
    for recorded in expected:
        told = detail(running.execution, Status(recorded["detail"]["status"]))
        shown = {name: _object(value) for name, value in told.items() if not name.endswith("Date")}
        masked = {name: value for name, value in recorded["detail"].items() if not name.endswith("Date")}
        difference = _difference(shown, {**masked, "name": "<name>"})
        if difference is not None or set(told) != set(recorded["detail"]):
            return f"{recorded['detail']['status']}: {difference or sorted(told)}"
    return None


def _compare_description(case: Case, recording: Mapping[str, Any], expected: Mapping[str, Any]) -> str | None:
    execution = _play(case, _histories(recording)[0]).execution
    for name in ("status", "error", "cause"):
        if getattr(execution, name) != expected.get(name):
            return f"describe_execution: {name} is {getattr(execution, name)!r}, not {expected.get(name)!r}"
    redrivable = "REDRIVABLE" if execution.redrivable() is None else "NOT_REDRIVABLE"
    return None if redrivable == expected["redriveStatus"] else f"redriveStatus is {redrivable}"


def _compare_history(case: Case, expected: list[Event]) -> str | None:
    ours = [_shown(event.render()) for event in _play(case, expected).execution.history.events]
    unordered = any(isinstance(event["id"], list) for event in expected)
    if unordered:
        ours = [
            event for event in ours if event["type"] != "ParallelStateSucceeded"
        ]  # left out of the recording
    if len(ours) != len(expected):
        kinds = [event["type"] for event in ours]
        return f"{len(ours)} events, not {len(expected)}: {kinds}"
    for mine, recorded in zip(ours, expected, strict=True):
        difference = _difference(mine, recorded)
        if difference is not None and not (unordered and isinstance(recorded["id"], list)):
            return f"event {recorded['id']} {recorded['type']}: {difference}"
    return _compare_unordered(ours, expected) if unordered else None


def _compare_unordered(ours: list[Event], expected: list[Event]) -> str | None:
    """Where the recording has no order (branches side by side), the same events in some order will do."""

    def keys(events: Iterable[Event]) -> list[str]:
        return sorted(json.dumps({**event, "id": 0, "previousEventId": 0}, sort_keys=True) for event in events)

    masked = [index for index, event in enumerate(expected) if isinstance(event["id"], list)]
    recorded = [{name: v for name, v in expected[index].items() if name != "timestamp"} for index in masked]
    mine = [ours[index] for index in masked]
    return None if keys(mine) == keys(recorded) else "the branches' events differ"


def _shown(event: Event) -> Event:
    """Our event as the recording shows events: without its time, JSON objects read."""
    shown = {name: value for name, value in event.items() if name != "timestamp"}
    for name, details in event.items():
        if name.endswith("EventDetails"):
            shown[name] = {key: _object(value) for key, value in details.items()}
    return shown


def _object(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        read = json.loads(value)
    except ValueError:
        return value
    return read if isinstance(read, dict) else value


_PLACEHOLDER = re.compile(
    r"<[^<>]*>|<<task_token>:\d>|snf_role_arn|a_task_token|a_message_id|start-time|entered-time|(?:start|stop)-date"
)


def _difference(mine: Any, recorded: Any, where: str = "") -> str | None:
    if isinstance(recorded, dict) and isinstance(mine, dict):
        names = {name for name in recorded if name != "timestamp"}
        if names != set(mine):
            return f"{where} has {sorted(mine)}, not {sorted(names)}"
        found = (_difference(mine[name], recorded[name], f"{where}/{name}") for name in sorted(names))
        return next((difference for difference in found if difference is not None), None)
    if isinstance(recorded, list) and isinstance(mine, list) and len(mine) == len(recorded):
        pairs = enumerate(zip(mine, recorded, strict=True))
        found = (_difference(one, other, f"{where}[{at}]") for at, (one, other) in pairs)
        return next((difference for difference in found if difference is not None), None)
    if mine == recorded and type(mine) is type(recorded):
        return None
    if isinstance(recorded, str) and isinstance(mine, str) and _fits(mine, recorded):
        return None
    return f"{where} is {mine!r}, not {recorded!r}"


def _fits(text: str, recorded: str) -> bool:
    """A placeholder stands for any text; a masked date or role for any of its kind."""
    if recorded in ("date", "timestamp"):
        return True
    if not _PLACEHOLDER.search(recorded):
        return False
    literals = _PLACEHOLDER.split(recorded)
    return re.fullmatch(".*".join(re.escape(literal) for literal in literals), text, re.DOTALL) is not None


# --- the report ---


@dataclass(frozen=True, slots=True)
class Outcome:
    case: Case
    difference: str | None


def outcomes() -> list[Outcome]:
    recorded = recordings()
    return [
        Outcome(case, case.reason or compare(case, recorded[case.test]))
        for case in CASES
        if case.test in recorded
    ]


def report(found: list[Outcome]) -> str:
    """The share that matches, by area, and each mismatch with its reason."""
    lines = []
    for area in dict.fromkeys(outcome.case.area for outcome in found):
        mine = [outcome for outcome in found if outcome.case.area == area]
        matching = sum(outcome.difference is None for outcome in mine)
        lines.append(f"{area:<12} {matching:>3} of {len(mine)}")
    matching = sum(outcome.difference is None for outcome in found)
    lines.append(f"{'all':<12} {matching:>3} of {len(found)} ({matching / len(found):.0%})")
    lines += [f"  {outcome.case.test}: {outcome.difference}" for outcome in found if outcome.difference]
    return "\n".join(lines)


if __name__ == "__main__":
    if not DATA.exists():
        sys.exit(f"{DATA} is not present")
    print(report(outcomes()))
