"""After the close: the day's report as a file, and how it comes."""

from __future__ import annotations

import webbrowser
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

import typer

from tasks.cli.context import here
from tasks.cli.show import rupees
from tasks.cli.trading import Day

app = typer.Typer(help="What a day came to.", no_args_is_help=True)


@app.command()
def day(
    context: typer.Context,
    date: Day = "",
    out: Annotated[Path | None, typer.Option(help="Where to write it; else report-DATE.html.")] = None,
    show: Annotated[bool, typer.Option("--open", help="Open it in a browser.")] = False,
) -> None:
    """Your report of a day as one HTML file: profit after charges, each order's way, what went wrong."""
    at = here(context)
    told = at.api.get("/reports/day", date=date)
    path = out or Path(f"report-{told['trading_date']}.html")
    path.write_text(told.pop("html"), encoding="utf-8")
    path.chmod(0o600)
    if show:
        webbrowser.open(path.resolve().as_uri())
    net, charges = rupees(Decimal(told["net"])), rupees(Decimal(told["charges"]))
    broker = "the broker says the same" if told["agrees"] else "[red]the broker says something else[/]"
    state = broker if told["closed"] else "the day so far"
    at.screen.say(f"Net {net} after charges of {charges}; {state}\n{path}", {**told, "file": str(path)})


@app.command()
def deliver(
    context: typer.Context,
    how: Annotated[Literal["mail", "keep"], typer.Argument(help="mail: after each close; keep: ask for it.")],
) -> None:
    """How the day's report comes: by mail to the address you sign in with, or only when you ask for it."""
    at = here(context)
    name = at.api.get("/profile").get("name", "")
    me = at.api.send("PUT", "/profile", {"name": name, "report": how})
    words = (
        f"It is mailed to {me['email']} after each close" if how == "mail" else "It is kept: algo report day"
    )
    at.screen.say(words, {"report": me["report"]})
