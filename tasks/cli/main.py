"""The program: its commands, `--json` anywhere, and errors that say what to do."""

from __future__ import annotations

from collections.abc import Sequence

import click
import typer

from tasks.cli import accounts, baskets, marketplace, operator, session, trading
from tasks.cli.config import Config
from tasks.cli.context import Context
from tasks.cli.errors import CliError
from tasks.cli.show import Screen

HELP = """Option baskets from the command line: sign in, link a broker, build or subscribe, watch.

`--json`, anywhere, prints JSON. Secrets are asked for or read from the environment, and never shown.
"""

app = typer.Typer(help=HELP, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.add_typer(session.app)
app.add_typer(trading.app)
app.add_typer(accounts.app, name="account")
app.add_typer(baskets.app, name="basket")
app.add_typer(baskets.strategy, name="strategy")
app.add_typer(marketplace.app, name="market")
app.add_typer(operator.app, name="operator")


def main(arguments: Sequence[str]) -> int:
    """Run one command; the exit code: 0 done, 1 refused, 2 misused, 130 interrupted."""
    as_json = "--json" in arguments
    context = Context(Screen(as_json), Config.of())
    words = [word for word in arguments if word != "--json"]
    try:
        app(words, prog_name="algo", standalone_mode=False, obj=context)
    except CliError as error:
        context.screen.failed(error)
        return error.code
    except click.exceptions.Abort:
        return 130
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.exceptions.Exit as error:
        return error.exit_code
    return 0
