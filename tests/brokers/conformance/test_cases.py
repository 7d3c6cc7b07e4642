"""The list of cases and the tests are the same."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

HERE = Path(__file__).parent


def test_every_case_has_one_test_and_every_test_its_case() -> None:
    listed = Counter(re.findall(r"^- (\d{3}): ", (HERE / "CASES.md").read_text(), re.MULTILINE))
    sources = (path.read_text() for path in HERE.glob("test_*.py"))
    tested = Counter(
        number for text in sources for number in re.findall(r"^def test_(\d{3})_", text, re.MULTILINE)
    )
    assert tested == listed
    assert set(listed.values()) == {1}
