"""What every command has at hand. Set once per run of the program by `tasks.cli.main`."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field

import typer

from tasks.cli.client import Api
from tasks.cli.config import Config
from tasks.cli.show import Screen


@dataclass(slots=True)
class Context:
    screen: Screen = field(default_factory=Screen)
    config: Config = field(default_factory=Config.of)

    @property
    def api(self) -> Api:
        """Whoever is signed in. Raises `NotConnected`, `NotSignedIn`."""
        return Api.of(self.config)


def here(context: typer.Context) -> Context:
    found = context.find_root().obj
    assert isinstance(found, Context)  # noqa: S101  (main made it)
    return found


def secret(variable: str, question: str, *, confirm: bool = False) -> str:
    """A secret from the environment, from a pipe, or asked for without an echo; never from the arguments,
    which everybody on the machine can read."""
    given = os.environ.get(variable)
    if given:
        return given
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    answer: str = typer.prompt(question, hide_input=True, confirmation_prompt=confirm)
    return answer


def sure(question: str, *, yes: bool) -> None:
    """Ask before what can't be taken back. A program says `--yes`."""
    if not yes:
        typer.confirm(question, abort=True)
