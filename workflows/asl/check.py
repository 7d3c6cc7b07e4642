"""All checks of a machine, in the order in which their findings are easiest to mend."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from workflows.asl.checks.data import check_data
from workflows.asl.checks.graph import check_graph
from workflows.asl.checks.integrations import check_callback, check_function_errors
from workflows.asl.checks.policy import check_policy
from workflows.asl.errors import BuildError, Problem
from workflows.asl.flow import all_states
from workflows.asl.states import Task
from workflows.asl.view import View

if TYPE_CHECKING:
    from workflows.asl.machine import Machine


def check(machine: Machine) -> None:
    """Refuse a machine that something is wrong with.

    Raises
    ------
    BuildError
        With every problem that was found.
    """
    problems = list(dict.fromkeys(find_problems(machine)))
    if problems:
        raise BuildError(machine.name, problems)


def find_problems(machine: Machine) -> Iterator[Problem]:
    yield from check_graph(machine.states)
    yield from check_data(machine.states, View(machine.data, frozenset(machine.input.model_fields)))
    for state in all_states(machine.states):
        if isinstance(state, Task):
            yield from check_callback(state)
            yield from check_function_errors(state)
    yield from check_policy(machine.states, portable=machine.portable, express=machine.kind == "EXPRESS")
