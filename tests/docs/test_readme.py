"""The README can't go stale: what it names is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from localstack.scenarios import SCENARIOS

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def test_its_diagram_is_the_machine() -> None:
    generated = (ROOT / "workflows" / "definitions" / "strategy_lifecycle.mmd").read_text(encoding="utf-8")
    assert generated.strip() in README, (
        "run `python -m workflows` and copy strategy_lifecycle.mmd into the README"
    )


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\bmake ([a-z-]+)", README))))
def test_every_make_target_it_names_exists(target: str) -> None:
    assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\((?!http)([^)#]+)", README))))
def test_every_file_it_links_to_exists(link: str) -> None:
    assert (ROOT / link).exists()


def test_every_case_is_in_its_table() -> None:
    rows = [line for line in README.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`([a-z-]+)`", row.split("|")[1])}
    assert named == {scenario.name for scenario in SCENARIOS}
