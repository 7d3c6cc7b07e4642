"""After the close: the day's report as a file, how it comes, and questions to the lake."""

from __future__ import annotations

import webbrowser
from calendar import monthrange
from datetime import date as date_
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

import typer

from tasks.cli.context import here
from tasks.cli.errors import CliError
from tasks.cli.show import rupees, text
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


Month = Annotated[str, typer.Option("--month", help="Such as 2026-11.")]
Since = Annotated[str, typer.Option(help="From this trading date on.")]
Until = Annotated[str, typer.Option(help="To this trading date; else one day alone.")]


@app.command()
def pnl(
    context: typer.Context,
    by: Annotated[
        Literal["strategy", "basket", "account", "day"], typer.Option(help="Added up by.")
    ] = "strategy",
    month: Month = "",
    since: Since = "",
    until: Until = "",
) -> None:
    """Profit before and after charges, of a month or any days, from the lake."""
    _ask(context, {"question": "pnl", "by": by, **_days(month, since, until)})


@app.command()
def slippage(context: typer.Context, month: Month = "", since: Since = "", until: Until = "") -> None:
    """What fills cost beside the quote at the signal, and how long sending took, by strategy."""
    _ask(context, {"question": "slippage", **_days(month, since, until)})


@app.command()
def orders(
    context: typer.Context,
    status: Annotated[str, typer.Option(help="Only these, such as rejected.")] = "",
    month: Month = "",
    since: Since = "",
    until: Until = "",
) -> None:
    """Orders of a month or any days, with what became of them and why."""
    _ask(context, {"question": "orders", "status": status.upper(), **_days(month, since, until)})


def sql(context: typer.Context, question: Annotated[str, typer.Argument(help="One SELECT.")]) -> None:
    """Ask the lake in SQL, over your own rows: orders, positions, runs, claims, leg_pnl and their events."""
    _ask(context, {"sql": question})


def _days(month: str, since: str, until: str) -> dict[str, str]:
    """The first and the last trading date that are asked about."""
    if month and not since and not until:
        try:
            first = date_.fromisoformat(f"{month}-01")
        except ValueError:
            raise CliError(f"{month!r} is no month", hint="such as 2026-11") from None
        last = first.replace(day=monthrange(first.year, first.month)[1])
        return {"since": first.isoformat(), "until": last.isoformat()}
    if since and not month:
        return {"since": since, "until": until or since}
    raise CliError("say which days", hint="--month 2026-11, or --since 2026-11-02 --until 2026-11-06")


def _ask(context: typer.Context, question: dict[str, str]) -> None:
    at = here(context)
    told = at.api.send("POST", "/lake/questions", question)
    rows = [dict(zip(told["columns"], row, strict=True)) for row in told["rows"]]
    columns = [(name, text(name)) for name in told["columns"]]
    at.screen.rows(rows, columns, nothing="No row.")
    if told["more"] and not at.screen.as_json:
        at.screen.out.print("… and more: ask for fewer days, or add up in SQL")
