"""The definitions that are committed: up to date, accepted by others, and true to the rules of trading."""

from __future__ import annotations

import json
import pkgutil
import subprocess
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from statelint.cli import main as statelint

import brokers
import tasks
from tests.workflows.canned import deployed
from workflows.asl.machine import Machine
from workflows.catalogue import DEFINITIONS, MACHINES, file_name, files

ROOT = Path(__file__).parents[2]
ASL_VALIDATOR = ROOT / "node_modules" / ".bin" / "asl-validator"
every_machine = pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)


@every_machine
def test_generating_again_changes_nothing(machine: Machine) -> None:
    for suffix, text in files(machine).items():
        path = DEFINITIONS / f"{file_name(machine)}.{suffix}"
        assert path.read_text(encoding="utf-8") == text, f"run `python -m workflows` and commit {path.name}"


def test_nothing_else_lies_there() -> None:
    expected = {f"{file_name(machine)}.{suffix}" for machine in MACHINES for suffix in files(machine)}
    assert {path.name for path in DEFINITIONS.iterdir()} == expected


def test_all_definitions_are_built_and_generated_within_a_second() -> None:
    started = time.perf_counter()
    for machine in MACHINES:
        files(Machine.model_validate(dict(machine)))
    assert time.perf_counter() - started < 1


@every_machine
def test_statelint_accepts_it(machine: Machine, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = _deployed(machine, tmp_path)
    assert statelint([str(path)]) == 0, capsys.readouterr().out


@every_machine
def test_asl_validator_accepts_it(machine: Machine, tmp_path: Path) -> None:
    if not ASL_VALIDATOR.exists():
        pytest.skip("asl-validator is not installed: npm ci")
    path = _deployed(machine, tmp_path)
    run = subprocess.run(
        [ASL_VALIDATOR, "--json-path", path], capture_output=True, text=True, check=False, timeout=60
    )
    assert run.returncode == 0, run.stdout + run.stderr


def _deployed(machine: Machine, folder: Path) -> Path:
    path = folder / f"{file_name(machine)}.asl.json"
    path.write_text(deployed(file_name(machine)), encoding="utf-8")
    return path


def _states(scope: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, state in scope["States"].items():
        yield name, state
        if "ItemProcessor" in state:
            yield from _states(state["ItemProcessor"])


def _all_states() -> list[tuple[str, dict[str, Any]]]:
    found: list[tuple[str, dict[str, Any]]] = []
    for machine in MACHINES:
        text = (DEFINITIONS / f"{file_name(machine)}.asl.json").read_text(encoding="utf-8")
        found.extend(_states(json.loads(text)))
    return found


def test_what_sends_an_order_is_never_retried() -> None:
    sending = [state for _, state in _all_states() if state.get("Resource") == "${PlaceOrderFunction}"]
    assert len(sending) == 2
    for state in sending:
        assert "Retry" not in state
        assert state["Catch"][-1]["Next"].endswith("BookLag")


def test_no_leg_can_abort_another() -> None:
    for _, outer in _all_states():
        if outer["Type"] != "Map":
            continue
        for name, state in _states(outer["ItemProcessor"]):
            assert state["Type"] != "Fail", name
            if state["Type"] == "Task":
                assert state["Catch"][-1]["ErrorEquals"] == ["States.ALL"], name


def test_every_way_out_keeps_trying() -> None:
    by_name = dict(_all_states())
    for name in ("BeginExit", "CancelEntries", "SettleEntries", "ComputeExit", "FindOpenAccounts"):
        retry = by_name[name]["Retry"][-1]
        assert retry["ErrorEquals"] == ["States.ALL"], name
        assert retry["IntervalSeconds"] * retry["MaxAttempts"] > 5 * 3600, name


def test_what_people_redrive_fails_in_the_open() -> None:
    by_name = dict(_all_states())
    for name in ("CheckDTE", "FetchChain", "ResolveStrikes", "PlanAccount"):
        assert "Catch" not in by_name[name], name


def test_every_error_that_is_named_is_an_exception_of_ours() -> None:
    named = {
        error
        for _, state in _all_states()
        for handler in (*state.get("Retry", ()), *state.get("Catch", ()))
        for error in handler["ErrorEquals"]
        if "." not in error
    }
    assert named <= _exceptions(), "a misspelt error never matches"


def _exceptions() -> set[str]:
    found: set[str] = set()
    for package in (tasks, brokers):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if "simulator" in module.name or module.name.endswith("__main__"):
                continue
            for name, value in vars(import_module(module.name)).items():
                if isinstance(value, type) and issubclass(value, Exception):
                    found.add(name)
    return found
