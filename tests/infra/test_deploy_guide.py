"""docs/deploy.md: what it names exists, and each command that it tells people to type is one."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from infra.settings import ROOT
from tasks.cli.main import app
from tests.infra.templates import Assembly

pytestmark = pytest.mark.slow

GUIDE = (ROOT / "docs" / "deploy.md").read_text()
COMMANDS = re.findall(r"^\./algo (.+)$", GUIDE, re.MULTILINE)


def test_the_guide_has_commands() -> None:
    assert len(COMMANDS) > 8


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_of_the_guide_is_one(line: str) -> None:
    """Parsed with its arguments and options, not run: a test of the tutorial runs them."""
    command: Any = get_command(app)
    words = shlex.split(line)
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    command.make_context(command.name, words)


def test_what_is_none_would_be_found() -> None:
    with pytest.raises(Exception, match="No such option"):
        test_a_command_of_the_guide_is_one("account link ZA1234 --no-such")
    with pytest.raises(KeyError, match="lend"):
        test_a_command_of_the_guide_is_one("account lend ZA1234")


def test_what_the_guide_names_exists(aws: Assembly) -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`?make ([\w-]+)", GUIDE)) <= targets
    assert set(re.findall(r"`(Algo\w+)`", GUIDE)) == set(aws.templates)
    queues = {each.properties["QueueName"] for each in aws.all("AWS::SQS::Queue")}
    assert set(re.findall(r"`(algo-\w+-dlq)`", GUIDE)) <= queues
    assert "PostbackUrl" in aws.templates["AlgoCompute"]["Outputs"]
    assert set(json.loads((ROOT / "cdk.json").read_text())["context"]) == {"region", "alarmEmail", "mailFrom"}
    for file in re.findall(r"`((?:infra|tests|workflows)/[\w./]+)`", GUIDE):
        assert Path(ROOT, file).exists(), file
