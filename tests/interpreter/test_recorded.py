"""What AWS itself recorded is what the interpreter does."""

from __future__ import annotations

import pytest

from tests.interpreter.recorded import CASES, DATA, Case, compare, outcomes, recordings, report

pytestmark = pytest.mark.skipif(not DATA.exists(), reason=f"{DATA} is not present")


@pytest.mark.parametrize("case", [case for case in CASES if not case.reason], ids=lambda case: case.test)
def test_history_is_the_one_aws_recorded(case: Case) -> None:
    recorded = recordings()
    if case.test not in recorded:
        pytest.skip(f"{case.test} is not among the recordings")

    assert compare(case, recorded[case.test]) is None


def test_every_recorded_case_is_compared_or_has_a_reason() -> None:
    assert {case.test for case in CASES} >= set(recordings())


def test_report_says_which_share_matches(capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print("\n" + report(outcomes()))
