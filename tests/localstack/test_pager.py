"""Who would have been called, from what the functions really write."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from datetime import UTC, datetime
from typing import Any

import pytest

from brokers.clock import FixedClock
from localstack.pager import Page, counted, ended_badly
from tasks.aws import MetricAlarms

AT = datetime(2026, 11, 23, 9, 45, tzinfo=UTC)


def written(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "algo")
    with redirect_stdout(io.StringIO()) as out:
        MetricAlarms(FixedClock(AT)).count("ExitBlocked", account="ZA1234")
    return out.getvalue()


def test_what_a_function_counts_is_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    (page,) = counted(written(monkeypatch).splitlines())
    assert (page.alarm, page.about) == ("ExitBlocked", "ZA1234")
    assert page.at == AT
    assert str(page) == (
        "15:15:00  ExitBlocked            ZA1234     "
        "A position should be closed and can't be: look at once. docs/runbooks/ExitBlocked.md"
    )


def test_other_lines_are_none() -> None:
    lines = ['{"level":"INFO"}', '{"_aws":{}, "alarm": "ExitBl', '{"_aws":{},"alarm":"Unheard","at":"x"}', ""]
    assert list(counted(lines)) == []


def test_an_execution_that_ended_badly_is_a_page() -> None:
    class Client:
        def list_executions(self, **asked: str) -> dict[str, Any]:
            one = {"name": "run-ZA1234-ENTRY", "stopDate": AT}
            return {
                "executions": [one]
                if asked["statusFilter"] == "FAILED" and "Account" in asked["stateMachineArn"]
                else []
            }

    found: list[Page] = list(ended_badly(Client()))  # type: ignore[arg-type]
    assert [(page.alarm, page.about) for page in found] == [("an-execution-fails", "run-ZA1234-ENTRY")]
