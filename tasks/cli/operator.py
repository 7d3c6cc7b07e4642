"""What an admin decides: who may link accounts, and the proxies that orders leave through.

A command changes what it names and leaves the rest as it was.
"""

from __future__ import annotations

import os
from typing import Annotated, Any

import typer

from tasks.cli.context import Context, here, secret
from tasks.cli.errors import ApiRefused
from tasks.cli.show import Column, text

app = typer.Typer(help="For the operator of the platform.", no_args_is_help=True)

EGRESSES: list[Column] = [
    ("egress", text("name")),
    ("address", text("address")),
    ("proxy", text("proxy")),
    ("used by", text("owner")),
    ("family", text("family")),
]

_SETTINGS = ("strangers", "empanelment", "algo_id", "data_account")


@app.command()
def show(context: typer.Context) -> None:
    """What was decided so far."""
    at = here(context)
    row = at.api.get("/platform")
    at.screen.document(
        row,
        [
            ("linking", "open" if row["strangers"] else "closed to strangers"),
            ("empanelment", row["empanelment"] or "none stated"),
            ("algo id", row["algo_id"] or "none"),
            ("prices through", row["data_account"] or "the first account of each run"),
        ],
    )


@app.command()
def admit(
    context: typer.Context,
    empanelment: Annotated[str, typer.Option(help="The empanelment it trades under.")],
) -> None:
    """Let strangers link their broker accounts: only under a stated empanelment (SEBI, February 2025)."""
    at = here(context)
    made = _change(at, strangers=True, empanelment=empanelment)
    at.screen.say(f"Linking is open under {empanelment}", made)


@app.command()
def close(context: typer.Context) -> None:
    """Let no more strangers link their accounts. Those that are linked trade on."""
    at = here(context)
    at.screen.say("Linking is closed", _change(at, strangers=False))


@app.command("set")
def set_(
    context: typer.Context,
    empanelment: Annotated[str | None, typer.Option(help="The empanelment it trades under.")] = None,
    algo_id: Annotated[
        str | None, typer.Option(help="What the exchange gave; it goes with every order. '' for none.")
    ] = None,
    data_account: Annotated[
        str | None, typer.Option(help="The account whose prices are used. '' for each run's first.")
    ] = None,
) -> None:
    """Change a setting; the others stay."""
    at = here(context)
    given = {"empanelment": empanelment, "algo_id": algo_id, "data_account": data_account}
    named = {name: value for name, value in given.items() if value is not None}
    made = _change(at, **named)
    at.screen.say(f"Changed: {', '.join(named)}" if named else "Nothing to change", made)


@app.command()
def egresses(context: typer.Context) -> None:
    """The forward proxies, and whose orders go through them."""
    at = here(context)
    nothing = "No egress: orders go out directly. algo operator egress"
    at.screen.rows(at.api.get("/egresses"), EGRESSES, nothing=nothing)


@app.command()
def egress(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Its name, such as mumbai-1.")],
    address: Annotated[str, typer.Option(help="The IP address that is registered at the broker.")] = "",
    family: Annotated[
        list[str] | None, typer.Option(help="User id of a relative who may share it; these instead.")
    ] = None,
    password: Annotated[bool, typer.Option("--new-proxy", help="Ask for the proxy's URL again.")] = False,
) -> None:
    """Set up a forward proxy, or change one. Its URL is asked for, or taken from ALGO_PROXY_URL.

    It may hold a user and a password: it goes to Secrets Manager and is never shown again.
    """
    at = here(context)
    row = _known(at, f"/egresses/{name}")
    body: dict[str, Any] = {
        "address": address or row.get("address", ""),
        "family": row.get("family", []) if family is None else family,
    }
    if not row or password or os.environ.get("ALGO_PROXY_URL"):
        body["proxy_url"] = secret("ALGO_PROXY_URL", "Proxy URL")
    made = at.api.send("PUT", f"/egresses/{name}", body, version=row.get("version"))
    at.screen.say(f"Orders can leave through {name} ({made['address']})", made)


def _change(at: Context, **named: Any) -> Any:
    row = at.api.get("/platform")
    body = {**{name: row[name] for name in _SETTINGS}, **named}
    return at.api.send("PUT", "/platform", body, version=row["version"] or None)


def _known(at: Context, path: str) -> dict[str, Any]:
    """What stands, nothing where there is none yet."""
    try:
        found: dict[str, Any] = at.api.get(path)
    except ApiRefused as error:
        if error.status == 404:
            return {}
        raise
    return found
