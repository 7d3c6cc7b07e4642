"""The platform's clock: waits end when it jumps, and work in progress is not hurried by it."""

from __future__ import annotations

import threading
import time
from datetime import datetime

import pytest

from brokers.clock import SystemClock
from tests.stepfunctions.endpoint import Endpoint, wait_until
from tests.stepfunctions.fake_aws import FakeAws, function_arn

pytestmark = pytest.mark.slow

HOURS_6 = {"Wait": {"Type": "Wait", "Seconds": 21_600, "End": True}}


def test_idle_names_the_next_due_wait_and_a_jump_ends_it_at_once(endpoint: Endpoint) -> None:
    arn = endpoint.start(HOURS_6)
    idle = endpoint.idle()
    now = SystemClock(endpoint.clock_file).now()
    assert idle["busy"] == 0
    assert 21_590 < (datetime.fromisoformat(idle["next_due"]) - now).total_seconds() <= 21_600

    endpoint.jump(21_600)
    began = time.monotonic()
    endpoint.finish(arn)

    assert time.monotonic() - began < 0.15
    entered, exited = endpoint.events(arn)[1:3]
    assert 21_600 <= (exited["timestamp"] - entered["timestamp"]).total_seconds() < 21_602


def test_jump_is_noticed_without_being_told(endpoint: Endpoint) -> None:
    arn = endpoint.start(HOURS_6)
    offset = float(endpoint.clock_file.read_text()) + 21_600
    written = endpoint.clock_file.with_suffix(".new")
    written.write_text(str(offset))
    written.replace(endpoint.clock_file)

    began = time.monotonic()
    endpoint.finish(arn)
    assert time.monotonic() - began < 1.0


def test_call_in_progress_is_not_timed_out_by_a_jump(endpoint: Endpoint, aws: FakeAws) -> None:
    release = threading.Event()
    aws.functions["cold"] = lambda _event: release.wait(10)
    arn = endpoint.start(
        {"Cold": {"Type": "Task", "Resource": function_arn("cold"), "TimeoutSeconds": 30, "End": True}}
    )
    wait_until(lambda: aws.calls_of("cold"))
    assert endpoint.idle()["busy"] == 1

    endpoint.jump(3600)
    time.sleep(0.3)
    assert endpoint.status(arn) == "RUNNING"
    release.set()

    assert endpoint.output(arn) is True


def test_machines_own_time_out(endpoint: Endpoint) -> None:
    arn = endpoint.start(HOURS_6, TimeoutSeconds=60)
    endpoint.jump(61)

    ended = endpoint.finish(arn)
    assert ended["status"] == "TIMED_OUT"
    assert "error" not in ended
    last = endpoint.events(arn)[-1]
    assert (last["type"], last["previousEventId"]) == ("ExecutionTimedOut", 0)
