"""Generating the definitions, and what lies between the entry's second and the first order."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime

import boto3
from moto import mock_aws

from tests.machines.conftest import EARLY, Day, new_day
from workflows.asl.iam import iam_statements
from workflows.catalogue import MACHINES, files

REPEATS = 20
_GENERATE = "import workflows.catalogue as c; [c.files(machine) for machine in c.MACHINES]"


def run() -> list[dict[str, object]]:
    day = _entered_day()
    states, lambdas = _between_entry_and_first_order(day)
    return [
        {
            "name": f"machines: {len(MACHINES)} definitions, permissions and diagrams",
            "value": round(statistics.median(_rendering() for _ in range(REPEATS)) * 1000, 1),
            "unit": "ms",
            "reference": "to hold: under 1 s",
        },
        {
            "name": "machines: the same in a new process, with all imports and checks",
            "value": round(statistics.median(_in_a_new_process() for _ in range(5)), 2),
            "unit": "s",
            "reference": "CDK's own constructs: 6 s for a synth",
        },
        {
            "name": "machines: state transitions from the entry second to the first order",
            "value": states,
            "unit": "",
            "reference": "",
        },
        {
            "name": "machines: Lambdas from the entry second to the first order",
            "value": len(lambdas),
            "unit": "",
            "reference": ", ".join(lambdas),
        },
    ]


def _rendering() -> float:
    started = time.perf_counter()
    for machine in MACHINES:
        files(machine)
        iam_statements(machine)
    return time.perf_counter() - started


def _in_a_new_process() -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", _GENERATE], check=True)
    return time.perf_counter() - started


def _entered_day() -> Day:
    os.environ |= {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    with mock_aws():
        day = new_day(boto3.client("dynamodb", region_name="ap-south-1"))
        day.entry()
        return day


def _between_entry_and_first_order(day: Day) -> tuple[int, list[str]]:
    """States entered, and functions called, from 09:30:00 up to and with the first PlaceOrder."""
    second = EARLY.replace(minute=30).astimezone(UTC)
    events = sorted(
        (event.at, number, event.id, event.type, event.details or {})
        for number, running in enumerate(day.simulation.executions.values())
        for event in running.execution.history.events
        if datetime.fromtimestamp(event.at, UTC) >= second
    )
    return _counted(events)


def _counted(events: list[tuple[float, int, int, str, dict[str, object]]]) -> tuple[int, list[str]]:
    states, lambdas = 0, []
    for _, _, _, kind, details in events:
        if kind.endswith("StateEntered"):
            states += 1
        if kind == "LambdaFunctionScheduled":
            lambdas.append(str(details["resource"]).rpartition(":")[2])
            if lambdas[-1] == "PlaceOrder":
                break
    return states, lambdas
