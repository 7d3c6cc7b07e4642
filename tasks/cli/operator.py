"""What an admin decides: who may link accounts, and the proxies that orders leave through."""

from __future__ import annotations

from typing import Annotated

import typer

from tasks.cli.context import here, secret

app = typer.Typer(help="For the operator of the platform.", no_args_is_help=True)


@app.command()
def admit(
    context: typer.Context,
    empanelment: Annotated[str, typer.Option(help="The empanelment it trades under.")] = "",
    algo_id: Annotated[str, typer.Option(help="What the exchange gave; it goes with every order.")] = "",
    data_account: Annotated[str, typer.Option(help="The account whose prices are used.")] = "",
    nobody: Annotated[bool, typer.Option("--nobody", help="Close it again.")] = False,
) -> None:
    """Let strangers link their broker accounts: only under a stated empanelment (SEBI, February 2025).

    What is said here replaces all that was decided before.
    """
    at = here(context)
    body = {
        "strangers": not nobody,
        "empanelment": empanelment,
        "algo_id": algo_id,
        "data_account": data_account,
    }
    made = at.api.send("PUT", "/platform", body)
    at.screen.say("Linking is closed" if nobody else f"Linking is open under {empanelment}", made)


@app.command()
def egress(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Its name, such as mumbai-1.")],
    address: Annotated[str, typer.Option(help="The IP address that is registered at the broker.")],
    family: Annotated[list[str] | None, typer.Option(help="User id of a relative who may share it.")] = None,
) -> None:
    """Set up a forward proxy. Its URL is asked for, or taken from ALGO_PROXY_URL: it may hold a password."""
    at = here(context)
    body = {"address": address, "proxy_url": secret("ALGO_PROXY_URL", "Proxy URL"), "family": family or []}
    made = at.api.send("PUT", f"/egresses/{name}", body)
    at.screen.say(f"Orders can leave through {name} ({address})", made)
