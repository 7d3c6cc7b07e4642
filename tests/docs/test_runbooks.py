"""A page for each alarm, an alarm for each page, and no command on them that does not exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import botocore.session
import pytest
import typer
from botocore.model import OperationModel

from tasks.alarms import COUNTED, RUNBOOKS, SHARED, runbook
from tasks.catalogue import FUNCTIONS
from tasks.cli.main import app

ROOT = Path(__file__).parents[2]
PAGES = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / RUNBOOKS).glob("*.md")}
INDEX = PAGES.pop("README")
MEANINGS = {**COUNTED, **SHARED}
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
COMMANDS = sorted(
    {line for page in PAGES.values() for line in re.findall(r"^  ((?:\./algo|aws|make|git) .*)$", page, re.MULTILINE)}
)
NO_API_CALLS = {("logs", "tail")}
"""Of the AWS CLI, made of several calls."""


def test_every_alarm_has_its_page_and_every_page_its_alarm() -> None:
    assert set(PAGES) == set(MEANINGS)
    assert all((ROOT / runbook(name)).is_file() for name in MEANINGS)


@pytest.mark.parametrize("name", sorted(MEANINGS))
def test_a_page_says_what_to_look_at_what_to_do_and_when_it_is_over(name: str) -> None:
    page = PAGES[name]
    assert page.startswith(f"# {name}\n\n**{MEANINGS[name]}**\n")
    assert re.findall(r"^## (.+)$", page, re.MULTILINE) == ["Look", "Do", "It is over when"]
    assert f"| [{name}]({name}.md) | {MEANINGS[name]} |" in INDEX


@pytest.mark.parametrize("name", sorted(PAGES))
def test_its_links_lead_somewhere(name: str) -> None:
    for link in re.findall(r"\]\((?!http)([^)#]+)", PAGES[name]):
        assert (ROOT / RUNBOOKS / link).exists(), link


def test_every_block_is_a_command() -> None:
    blocks = [block for page in PAGES.values() for block in re.findall(r"  ```\n(.*?)  ```", page, re.DOTALL)]
    lines = {line.strip() for block in blocks for line in block.splitlines()}
    assert lines == set(COMMANDS)


@pytest.mark.parametrize("command", [each for each in COMMANDS if each.startswith("./algo ")])
def test_the_command_line_knows_it(command: str) -> None:
    found = typer.main.get_command(app)
    words = shlex.split(command)[1:]
    while words and hasattr(found, "commands") and words[0] in found.commands:
        found = found.commands[words.pop(0)]
    assert not hasattr(found, "commands"), f"{command}: no such command"
    found.make_context("algo", words, resilient_parsing=False)


@pytest.mark.parametrize("command", [each for each in COMMANDS if each.startswith("make ") or "&& make" in each])
def test_make_knows_it(command: str) -> None:
    target = command.rpartition("make ")[2].split()[0]
    assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)


@pytest.mark.parametrize("command", [each for each in COMMANDS if each.startswith("aws ")])
def test_aws_knows_it(command: str) -> None:
    _, service, name, *words = shlex.split(command)
    if (service, name) in NO_API_CALLS:
        group = words[0].rpartition("algo-")[2]
        assert group in {function.name for function in FUNCTIONS}
        return
    model = botocore.session.get_session().get_service_model(service)
    operation: OperationModel = model.operation_model(_camel(name))
    assert operation.input_shape is not None
    known = {_kebab(member) for member in operation.input_shape.members}
    paging = {"max-items"}
    options = {word.removeprefix("--").removeprefix("no-") for word in words if word.startswith("--")}
    assert options <= known | paging, options - known


def _camel(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("-"))


def _kebab(member: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", member).lower()
