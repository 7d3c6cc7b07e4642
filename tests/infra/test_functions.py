"""The functions run the code that was written, in time, with what they need."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.functions import ARCHITECTURE, RUNTIME
from infra.layers import PLATFORM, PYTHON_VERSION
from infra.settings import PREFIX
from tasks.catalogue import FUNCTIONS
from tasks.spec import Table
from tests.infra.templates import Assembly, Json
from workflows.catalogue import DEFINITIONS

pytestmark = pytest.mark.slow


def tasks_of(states: Json) -> Iterator[tuple[str, Json]]:
    for name, state in states.items():
        if state["Type"] == "Task":
            yield name, state
        for inner in (state.get("ItemProcessor"), *state.get("Branches", [])):
            if inner:
                yield from tasks_of(inner["States"])


def lambda_tasks() -> Iterator[tuple[str, str, Json]]:
    """State, function and definition of every Task that calls a function and waits for what it returns."""
    for path in sorted(DEFINITIONS.glob("*.asl.json")):
        for name, state in tasks_of(json.loads(path.read_text())["States"]):
            if match := re.fullmatch(r"\$\{(\w+)Function\}", state["Resource"]):
                yield name, match[1], state


def test_every_task_module_is_a_function(aws: Assembly) -> None:
    assert set(aws.functions()) == {function.name for function in FUNCTIONS}


def test_a_function_ends_before_its_task_times_out(aws: Assembly) -> None:
    """Otherwise an order could be leaving after the machine has stopped waiting for it."""
    functions = aws.functions()
    checked = {
        name
        for name, function, state in lambda_tasks()
        if functions[function]["Timeout"] < state["TimeoutSeconds"]
    }
    assert checked == {name for name, _, _ in lambda_tasks()}


def test_a_request_to_a_broker_gives_up_before_its_function_ends(aws: Assembly) -> None:
    functions = aws.functions()
    for function in FUNCTIONS:
        assert function.http_timeout < functions[function.name]["Timeout"], function.name


def test_code_is_ours_alone_and_holds_every_handler(aws: Assembly) -> None:
    functions = aws.functions()
    (archive,) = {function["Code"]["S3Key"] for function in functions.values()}
    with zipfile.ZipFile(aws.folder / f"asset.{archive}") as code:
        files = set(code.namelist())
    assert {name.split("/")[0] for name in files} == {"tasks", "brokers"}
    assert not [
        name for name in files if name.startswith(("brokers/simulator/", "tasks/cli/")) or name.endswith(".pyc")
    ]
    for name, function in functions.items():
        module, _, handler = function["Handler"].rpartition(".")
        assert handler == "handler"
        assert module.replace(".", "/") + ".py" in files, name


def test_functions_and_layers_are_for_the_same_python(aws: Assembly) -> None:
    assert f"python{PYTHON_VERSION}" == RUNTIME.name
    assert PLATFORM.startswith(f"{ARCHITECTURE.name}-")
    for layer in aws.all("AWS::Lambda::LayerVersion"):
        assert layer.properties["CompatibleRuntimes"] == [RUNTIME.name]
        assert layer.properties["CompatibleArchitectures"] == [ARCHITECTURE.name]
    parquet = {spec.name for spec in FUNCTIONS if spec.parquet}
    for name, function in aws.functions().items():
        assert function["Runtime"] == RUNTIME.name
        assert function["Architectures"] == [ARCHITECTURE.name]
        layers = [layer["Ref"].rstrip("0123456789ABCDEF") for layer in function["Layers"]]
        assert layers == ["OrderPathLayer", "LakeLayer"][: 2 if name in parquet else 1]


def test_a_function_knows_the_tables_and_its_queue(aws: Assembly) -> None:
    for name, function in aws.functions().items():
        variables = function["Environment"]["Variables"]
        assert {table: variables[table.variable] for table in Table} == {t: f"{PREFIX}-{t}" for t in Table}
        spec = next(each for each in FUNCTIONS if each.name == name)
        assert ("UPDATES_QUEUE_URL" in variables) == (name == "ReceivePostback")
        assert ("LAKE_QUEUE_URL" in variables) == spec.feeds_lake
        assert ("LAKE_BUCKET" in variables) == bool(spec.lake)
        assert ("LAKE_DEAD_LETTERS_URL" in variables) == (name == "WriteLake")


def test_no_function_knows_a_secret_or_another_exchange(aws: Assembly) -> None:
    for function in aws.functions().values():
        names = " ".join(function["Environment"]["Variables"])
        assert "KITE_ROOT" not in names
        assert "TOKEN" not in names
        assert function["Environment"]["Variables"]["BROKER_SECRET_PREFIX"] == "algo/broker/"


def test_every_function_has_its_own_log_that_forgets(aws: Assembly) -> None:
    groups = {each.properties["LogGroupName"]: each.properties for each in aws.all("AWS::Logs::LogGroup")}
    assert {f"/aws/lambda/{PREFIX}-{name}" for name in aws.functions()} <= set(groups)
    assert all(group["RetentionInDays"] == 90 for group in groups.values())


MAIL_SENDER = "AWS::SES::EmailIdentity"
"""On AWS only where the operator names an address to send from; the emulator always has one."""


def test_the_emulator_gets_the_same_stacks_without_layers_machines_and_schedules(
    aws: Assembly, local: Assembly
) -> None:
    assert set(local.templates) == {"AlgoData", "AlgoCompute", "AlgoApi"}
    for stack, template in local.templates.items():
        expected = {
            name: each["Type"]
            for name, each in aws.templates[stack]["Resources"].items()
            if each["Type"] not in ("AWS::Lambda::LayerVersion", "AWS::ECR::Repository")
        }
        given = {name: each["Type"] for name, each in template["Resources"].items()}
        assert {name: kind for name, kind in given.items() if kind != MAIL_SENDER} == expected
    assert all("Layers" not in function for function in local.functions().values())


def test_the_emulator_needs_nothing_but_its_templates(local: Assembly) -> None:
    """No custom resource, no bootstrap to look up, no export: what ministack can deploy by itself."""
    for template in local.templates.values():
        assert "Parameters" not in template
        assert "Fn::ImportValue" not in json.dumps(template)
    kinds = {each.kind for each in local.all()}
    assert not [kind for kind in kinds if kind.startswith(("Custom::", "AWS::CloudFormation::"))]
    assert all(each.attributes.get("DeletionPolicy", "Delete") == "Delete" for each in local.all())


def test_the_same_sources_make_the_same_code(tmp_path: Path) -> None:
    from infra.code import write_code_zip

    first = write_code_zip(tmp_path / "first").read_bytes()
    assert first == write_code_zip(tmp_path / "second").read_bytes()
