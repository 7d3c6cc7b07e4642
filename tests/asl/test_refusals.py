"""Every check refuses its broken machine, with the state, the rule and what to do, and says nothing else."""

from __future__ import annotations

import pytest

from tests.asl.broken import BROKEN
from tests.asl.broken.material import END, look, machine, to
from workflows.asl.errors import BuildError


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_machine_is_refused_with_its_own_message(what: str) -> None:
    build, expected = BROKEN[what]
    with pytest.raises(BuildError) as refused:
        build()
    assert [str(problem) for problem in refused.value.problems] == [expected]


def test_every_rule_has_a_broken_machine() -> None:
    messages = {message for _, message in BROKEN.values()}
    assert len(messages) == len(BROKEN) >= 25


def test_a_sound_machine_is_built() -> None:
    assert machine(look(catch=[to("Done")]), END).name == "Broken"


def test_all_problems_are_listed_at_once() -> None:
    with pytest.raises(BuildError) as refused:
        machine(look(timeout=1, slot="nowhere"), END)
    assert [problem.rule for problem in refused.value.problems] == ["slot-declared", "timeouts"]
    assert str(refused.value).startswith("Broken was refused:\n  - Look: writes nowhere")
