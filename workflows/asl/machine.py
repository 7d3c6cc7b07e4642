"""A state machine: its states from top to bottom, and the data they share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, Field, model_validator

from workflows.asl.check import check
from workflows.asl.expressions import placeholder
from workflows.asl.states import Part, State


class NoInput(BaseModel):
    """The machine reads nothing of its input but through `$$.Execution.Input`."""


class Machine(Part):
    """A state machine, refused with a `BuildError` if anything is wrong with it.

    Parameters
    ----------
    data
        Every field is the input's or a slot that some state writes.
    input
        What an execution starts with: these fields are there from the first state on.
    portable
        It keeps to what AWS, Step Functions Local and the local endpoint all run.
    """

    name: str
    comment: str
    data: type[BaseModel]
    input: type[BaseModel] = NoInput
    states: Annotated[Sequence[State], Field(min_length=1)]
    portable: bool = True
    kind: Literal["STANDARD", "EXPRESS"] = "STANDARD"

    @model_validator(mode="after")
    def _check(self) -> Machine:
        check(self)
        return self

    @property
    def arn(self) -> str:
        """The name that stands for the machine's ARN in the definitions of others."""
        return placeholder(f"{self.name}Machine")
