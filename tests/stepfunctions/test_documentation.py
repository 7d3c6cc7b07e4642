"""Every claim of docs/stepfunctions.md names a test that there is."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "stepfunctions.md"
FOLDERS = ("stepfunctions", "interpreter", "localstack")


def claims() -> list[str]:
    return [line for line in DOCUMENT.read_text().splitlines() if line.startswith("- ")]


def known_tests() -> set[str]:
    return {
        f"{file.stem}.{name}"
        for folder in FOLDERS
        for file in (ROOT / "tests" / folder).glob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", file.read_text(), re.MULTILINE)
    }


def test_every_claim_ends_with_a_test_that_there_is() -> None:
    known = known_tests()
    for claim in claims():
        named = re.search(r"`(test_\w+\.test_\w+)`$", claim)
        assert named, f"no test at the end of: {claim}"
        assert named[1] in known, f"no such test: {named[1]}"


def test_options_are_those_of_the_command() -> None:
    source = (ROOT / "localstack" / "stepfunctions" / "__main__.py").read_text()
    options = set(re.findall(r'"(--[a-z-]+)"', source)) - {"--log-level"}
    assert set(re.findall(r"^\| `(--[a-z-]+)`", DOCUMENT.read_text(), re.MULTILINE)) == options
