"""What trades: run now, square off, orders, positions, runs, what comes next, and all of it live."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any

import typer
from rich.console import Group
from rich.live import Live
from rich.text import Text

from tasks.cli.baskets import Yes
from tasks.cli.client import Api
from tasks.cli.context import here, sure
from tasks.cli.errors import CliError, Unreachable
from tasks.cli.show import Column, clock, rupees, status, table, text

app = typer.Typer()

Day = Annotated[str, typer.Option("--date", help="A trading day, such as 2026-11-23; else today.")]
OfAccount = Annotated[str, typer.Option("--account", help="Only of this account.")]
OfStrategy = Annotated[str, typer.Option("--strategy", help="Only of this strategy.")]

ORDERS: list[Column] = [
    ("time", clock("claimed_at")),
    ("account", text("account")),
    ("side", text("side")),
    ("quantity", text("quantity")),
    ("symbol", text("symbol")),
    ("limit", text("limit_price")),
    ("status", status()),
    ("filled", text("filled_quantity")),
    ("price", text("average_price")),
    ("reason", text("reason")),
]
POSITIONS: list[Column] = [
    ("account", text("account")),
    ("strategy", text("strategy_id")),
    ("side", text("side")),
    ("symbol", text("symbol")),
    ("entered", lambda row: f"{row['entry_qty']} at {row['entry_price']}" if row["entry_qty"] else ""),
    ("closed", lambda row: f"{row['exit_qty']} at {row['exit_price']}" if row["exit_qty"] else ""),
    ("P&L", lambda row: rupees(Decimal(str(row["realised"]))) if row["exit_qty"] else ""),
]
RUNS: list[Column] = [
    ("run", text("run_key")),
    ("account", text("account")),
    ("underlying", text("underlying")),
    ("status", status()),
    ("exit", clock("exit_at")),
    ("reason", text("reason")),
]
HALTS: list[Column] = [
    (
        "halted",
        lambda row: row["account"] or {"ALL": "everybody"}.get(row["scope"], "all of yours"),
    ),
    ("since", clock("since")),
    ("reason", text("reason")),
]
NEXT: list[Column] = [
    ("at", clock("at")),
    ("what", text("what")),
    ("strategy", text("name")),
    ("underlying", text("underlying")),
    ("DTE", text("dte")),
    ("accounts", text("accounts")),
    ("", lambda row: "" if row.get("sure", True) else "[yellow]if it is the expiry[/]"),
]


@app.command()
def orders(context: typer.Context, date: Day = "", account: OfAccount = "", strategy: OfStrategy = "") -> None:
    """Your orders of a day."""
    at = here(context)
    found = at.api.get("/orders", date=date, account=account, strategy_id=strategy)
    at.screen.rows(found, ORDERS, nothing="No order.")


@app.command()
def positions(
    context: typer.Context, date: Day = "", account: OfAccount = "", strategy: OfStrategy = ""
) -> None:
    """Your positions of a day, with what they earned before charges."""
    at = here(context)
    found = at.api.get("/positions", date=date, account=account, strategy_id=strategy)
    at.screen.rows(found, POSITIONS, nothing="No position.")
    if found and not at.screen.as_json:
        at.screen.out.print(f"P&L before charges {rupees(earned(found))}")


@app.command()
def runs(context: typer.Context, date: Day = "", account: OfAccount = "", strategy: OfStrategy = "") -> None:
    """Your runs of a day, account by account, and why one did nothing."""
    at = here(context)
    found = at.api.get("/runs", date=date, account=account, strategy_id=strategy)
    at.screen.rows(found, RUNS, nothing="No run.")


@app.command("next")
def coming(context: typer.Context, limit: Annotated[int, typer.Option(help="How many.")] = 10) -> None:
    """What happens next: your entries and exits, with holidays and expiries applied."""
    at = here(context)
    at.screen.rows(at.api.get("/next", limit=limit), NEXT, nothing="Nothing: enable a basket, or subscribe.")


@app.command()
def run(
    context: typer.Context,
    strategy_id: Annotated[str, typer.Argument(help="Which strategy.")],
    exit_time: Annotated[str, typer.Option("--exit", help="When to close, such as 14:30.")] = "",
    everybody: Annotated[
        bool, typer.Option("--everybody", help="For admins: in the accounts of all who take part.")
    ] = False,
) -> None:
    """Enter a strategy now, whatever its weekdays and days to expiry say.

    Yours, or a published one that you follow: in your own accounts.
    """
    at = here(context)
    asked = {"exit_time": exit_time} if exit_time else {}
    body = {**asked, **({"everybody": True} if everybody else {})}
    made = at.api.send("POST", f"/strategies/{strategy_id}/run", body or None)
    at.screen.say(f"{made['run_key']} enters now and exits at {made['exit_time']}. Then: algo watch", made)


@app.command()
def square_off(
    context: typer.Context,
    strategy: OfStrategy = "",
    account: OfAccount = "",
    everything: Annotated[bool, typer.Option("--everything", help="All that is open.")] = False,
    stop: Annotated[
        bool, typer.Option("--stop", help="With --everything: nothing enters again by itself.")
    ] = False,
    leg: Annotated[
        list[int] | None, typer.Option("--leg", help="With --strategy: only this leg. May be given again.")
    ] = None,
    yes: Yes = False,
) -> None:
    """Close what is open, now: a leg, a strategy (of one account), an account, or everything."""
    if everything == bool(strategy or account) or (leg and not strategy):
        raise CliError("say what to close", hint="--strategy … [--leg …], --account …, or --everything")
    at = here(context)
    sure(f"Close {_what(strategy, account, leg)} now?", yes=yes)
    made = at.api.send("POST", *_square_off(strategy, account, leg, stop=stop))
    said = [
        f"{len(made[what])} {words}: {_named(made[what])}"
        for what, words in (("exits", "exits"), ("called_off", "entries called off"))
        if made[what]
    ]
    at.screen.say("; ".join(said) or "Nothing is open.", made)


def _named(parts: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(_what(each["strategy_id"], each["account"], each.get("legs")) for each in parts)


def _what(strategy: str, account: str, legs: Sequence[int] | None) -> str:
    """For people: `leg 2 of strategy straddle in ZA1234`."""
    leg = f"leg {' and '.join(map(str, legs))} of " if legs else ""
    if strategy and account:
        return f"{leg}{strategy} in {account}"
    if strategy:
        return f"{leg}strategy {strategy}"
    return f"account {account}" if account else "EVERYTHING"


def _square_off(
    strategy: str, account: str, legs: Sequence[int] | None, *, stop: bool
) -> tuple[str, dict[str, Any] | None]:
    """The path and the body of the command."""
    if strategy:
        body = {**({"legs": list(legs)} if legs else {}), **({"account": account} if account else {})}
        return f"/strategies/{strategy}/square-off", body or None
    return ("/square-off", {"stop": stop}) if not account else (f"/accounts/{account}/square-off", None)


Everyone = Annotated[bool, typer.Option("--everyone", help="For admins: all accounts of all users.")]
OneAccount = Annotated[str, typer.Option("--account", help="Only this account of yours.")]


@app.command()
def kill(
    context: typer.Context,
    account: OneAccount = "",
    everyone: Everyone = False,
    reason: Annotated[str, typer.Option(help="For people to read later.")] = "",
    yes: Yes = False,
) -> None:
    """The kill switch: nothing enters any more, and what is open is closed, until you release it."""
    at = here(context)
    whose = f"account {account}" if account else "EVERYBODY" if everyone else "everything of yours"
    sure(f"Halt {whose} and close all that is open?", yes=yes)
    reach = _reach(account, everyone=everyone)
    made = at.api.send("POST", "/kill", {**reach, **({"reason": reason} if reason else {})})
    names = _named(made["exits"])
    closing = f"{len(made['exits'])} exits: {names}" if names else "Nothing is open"
    at.screen.say(f"Halted. {closing}. To go on: algo release", made)


@app.command()
def release(context: typer.Context, account: OneAccount = "", everyone: Everyone = False) -> None:
    """Let entries go on after `algo kill`. What was closed stays closed."""
    at = here(context)
    left = at.api.send("POST", "/kill/release", _reach(account, everyone=everyone))
    at.screen.rows(left["halts"], HALTS, nothing="Nothing is halted.")


@app.command()
def halts(context: typer.Context) -> None:
    """What is halted by `algo kill`, and since when."""
    at = here(context)
    at.screen.rows(at.api.get("/kill")["halts"], HALTS, nothing="Nothing is halted.")


def _reach(account: str, *, everyone: bool) -> dict[str, Any]:
    if account and everyone:
        raise CliError("one account, or everyone", hint="--account … or --everyone")
    return {"account": account} if account else {"everyone": True} if everyone else {}


@app.command()
def watch(
    context: typer.Context,
    every: Annotated[float, typer.Option(help="Seconds between two looks.")] = 2.0,
    once: Annotated[bool, typer.Option("--once", help="Look once.")] = False,
) -> None:
    """Runs, orders and positions of today, and whether the market is heard, live. Ctrl-C ends it."""
    at = here(context)
    api = at.api
    if once or at.screen.as_json:
        seen = _look(api)
        at.screen.say("", seen) if at.screen.as_json else at.screen.out.print(_picture(seen))
        return
    with Live(console=at.screen.out, screen=True, auto_refresh=False) as live:
        while True:
            try:
                live.update(_picture(_look(api)), refresh=True)
            except Unreachable as error:
                live.update(Text(f"{error.message}; trying again"), refresh=True)
            time.sleep(every)


def _look(api: Api) -> dict[str, Any]:
    return {what: api.get(f"/{what}") for what in ("runs", "orders", "positions", "feed")}


def _picture(seen: Mapping[str, Any]) -> Group:
    parts: list[Any] = [Text(_feed(seen["feed"]))] if seen["feed"]["state"] else []
    for what, columns in (("runs", RUNS), ("orders", ORDERS), ("positions", POSITIONS)):
        parts += [Text(f"\n{what.capitalize()}", style="bold cyan")]
        parts.append(table(seen[what], columns) if seen[what] else Text("none", style="dim"))
    return Group(*parts, Text.from_markup(f"\nP&L before charges {rupees(earned(seen['positions']))}"))


def _feed(feed: Mapping[str, Any]) -> str:
    """One line: `Feed SEES, 12 instruments, 12.0 ticks a second`."""
    line = f"Feed {feed['state']}, {feed['following']} instruments, {feed['ticks_a_second']} ticks a second"
    return f"{line}: waits for a login" if feed["waits_for_login"] else line


def earned(positions_: Sequence[Mapping[str, Any]]) -> Decimal:
    """What was realised, in rupees, before charges."""
    return sum((Decimal(str(row["realised"])) for row in positions_), Decimal(0))
