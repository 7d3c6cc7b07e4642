"""Broker accounts: link, log in, status, change, unlink."""

from __future__ import annotations

import time
import webbrowser
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from tasks.cli.client import Api
from tasks.cli.context import here, secret, sure
from tasks.cli.errors import ApiRefused, CliError
from tasks.cli.show import Column, clock, status, text

app = typer.Typer(help="Broker accounts: link, log in, unlink.", no_args_is_help=True)

Account = Annotated[str, typer.Argument(help="The account's id at the broker, such as ZA1234.")]


def _until(row: Mapping[str, Any]) -> str:
    return clock("valid_until")(row) or "[red]log in: algo account login[/]"


COLUMNS: list[Column] = [
    ("account", text("account")),
    ("broker", text("broker")),
    ("label", text("label")),
    ("lots", text("lot_multiplier")),
    ("egress", lambda row: str((row.get("egress") or {}).get("name", "direct"))),
    ("status", status()),
    ("logged in until", _until),
]


@app.command("list")
def list_accounts(context: typer.Context) -> None:
    """The accounts you have linked, and until when each is logged in."""
    at = here(context)
    at.screen.rows(at.api.get("/accounts"), COLUMNS, nothing="No broker account yet: algo account link")


@app.command()
def link(
    context: typer.Context,
    account: Account,
    label: Annotated[str, typer.Option(help="Your name for it.")] = "",
    lots: Annotated[int, typer.Option(help="Multiplies every strategy's lots in this account.")] = 1,
    egress: Annotated[str, typer.Option(help="The proxy its orders leave through.")] = "",
) -> None:
    """Link a Zerodha account. API key and secret are asked for, or taken from ALGO_API_KEY and ALGO_API_SECRET.

    They are those of your own app at developers.kite.trade, and go to Secrets Manager only.
    """
    at = here(context)
    body = {
        "account": account,
        "broker": "zerodha",
        "api_key": secret("ALGO_API_KEY", "API key"),
        "api_secret": secret("ALGO_API_SECRET", "API secret"),
        "label": label,
        "lot_multiplier": lots,
        "egress": egress or None,
    }
    made = at.api.send("POST", "/accounts", body)
    at.screen.say(f"{account} is linked. Then: algo account login {account}", made)


@app.command()
def login(
    context: typer.Context,
    account: Account,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only show the address.")] = False,
    wait: Annotated[int, typer.Option(help="Seconds to wait for the broker's answer.")] = 120,
) -> None:
    """Log in at the broker, for the day. The session ends at 06:00."""
    at = here(context)
    api = at.api
    before = _session(api, account)
    given = api.get(f"/accounts/{account}/login")
    if no_browser:
        at.screen.say(f"Open {given['address']}", given)
        return
    webbrowser.open(given["address"])
    at.screen.err.print(f"Opened {given['address']}", soft_wrap=True)
    with at.screen.working("waiting for the broker"):
        now = _wait_for_session(api, account, before, wait)
    at.screen.say(f"{account} is logged in until {clock('valid_until')(now)}", now)


def _session(api: Api, account: str) -> str:
    try:
        return str(api.get(f"/accounts/{account}").get("updated_at"))
    except ApiRefused as error:
        if error.status == 404:  # linked a moment ago, or not theirs: the login's address tells
            return ""
        raise


def _wait_for_session(api: Api, account: str, before: str, seconds: int) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        now = api.get(f"/accounts/{account}")
        if now.get("valid_until") and str(now.get("updated_at")) != before:
            return now
        time.sleep(1)
    raise CliError(
        "the broker did not send the browser back", hint=f"algo account login {account} --no-browser"
    )


@app.command("status")
def show_status(context: typer.Context, account: Account) -> None:
    """One account: logged in until when, through which egress."""
    at = here(context)
    row = at.api.get(f"/accounts/{account}")
    at.screen.document(row, [(heading, cell(row)) for heading, cell in COLUMNS])


@app.command()
def change(
    context: typer.Context,
    account: Account,
    label: Annotated[str | None, typer.Option(help="Your name for it.")] = None,
    lots: Annotated[int | None, typer.Option(help="Multiplies every strategy's lots.")] = None,
    egress: Annotated[str | None, typer.Option(help='The proxy; "" for none.')] = None,
    pause: Annotated[bool | None, typer.Option("--pause/--resume", help="Enter nothing, or go on.")] = None,
) -> None:
    """Change label, lots or egress; pause or resume."""
    at = here(context)
    row = at.api.get(f"/accounts/{account}")
    body = {
        "label": row["label"] if label is None else label,
        "lot_multiplier": row["lot_multiplier"] if lots is None else lots,
        "egress": (row["egress"] or {}).get("name") if egress is None else egress or None,
        "status": row["status"] if pause is None else ("PAUSED" if pause else "ACTIVE"),
    }
    made = at.api.send("PUT", f"/accounts/{account}", body, version=row["version"])
    at.screen.say(f"{account} is changed", made)


@app.command()
def unlink(
    context: typer.Context, account: Account, yes: Annotated[bool, typer.Option("--yes", "-y")] = False
) -> None:
    """Forget the account and its secrets."""
    at = here(context)
    sure(f"Unlink {account} and delete its key and secret?", yes=yes)
    at.screen.say(f"{account} is unlinked", at.api.send("DELETE", f"/accounts/{account}"))
