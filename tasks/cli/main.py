"""The program: its commands, `--json` anywhere, and errors that say what to do."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from tasks.cli import accounts, baskets, marketplace, operator, report, session, trading
from tasks.cli.config import Config
from tasks.cli.context import Context
from tasks.cli.errors import CliError
from tasks.cli.show import Screen

HELP = """Option baskets from the command line: sign in, link a broker, build or subscribe, watch.

`--json`, anywhere, prints JSON; `--get FIELD` prints one field of it alone. Secrets are asked for or read from
the environment, and never shown.
"""

app = typer.Typer(help=HELP, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.add_typer(session.app)
app.add_typer(trading.app)
app.add_typer(accounts.app, name="account")
app.add_typer(baskets.app, name="basket")
app.add_typer(baskets.strategy, name="strategy")
app.add_typer(marketplace.app, name="market")
app.add_typer(report.app, name="report")
app.command("sql")(report.sql)
app.add_typer(operator.app, name="operator")


def main(arguments: Sequence[str]) -> int:
    """Run one command; the exit code: 0 done, 1 refused or not wanted after all, 2 misused."""
    words, as_json, field = _taken_out(arguments)
    context = Context(Screen(as_json, field), Config.of())
    try:
        app(words, prog_name="algo", obj=context)
    except CliError as error:
        context.screen.failed(error)
        return error.code
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def _taken_out(arguments: Sequence[str]) -> tuple[list[str], bool, str]:
    """The words without what may stand anywhere among them."""
    words, as_json, field = [], False, ""
    rest = iter(arguments)
    for word in rest:
        if word == "--json":
            as_json = True
        elif word == "--get":
            field = next(rest, "")
        else:
            words.append(word)
    return words, as_json, field
