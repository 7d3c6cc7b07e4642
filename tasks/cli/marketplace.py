"""The marketplace: browse, subscribe, change, pause, unsubscribe; withdraw, for admins."""

from __future__ import annotations

from typing import Annotated

import typer

from tasks.cli.baskets import BasketId, Yes
from tasks.cli.context import here, sure
from tasks.cli.show import Column, clock, text

app = typer.Typer(help="Published baskets, and your subscriptions.", no_args_is_help=True)

PUBLISHED: list[Column] = [
    ("basket", text("basket_id")),
    ("name", text("name")),
    ("version", text("published_version")),
    ("trades", lambda row: ", ".join(sorted({each["underlying"] for each in row["strategies"]}))),
    ("published", clock("published_at")),
]
FOLLOWED: list[Column] = [
    ("basket", text("basket_id")),
    ("name", text("name")),
    ("accounts", text("accounts")),
    ("multiplier", text("multiplier")),
    ("paused", text("paused")),
    ("withdrawn", text("withdrawn")),
]

Accounts = Annotated[list[str], typer.Option("--account", help="Trade in it; may be given again.")]


@app.command()
def browse(context: typer.Context) -> None:
    """What is published."""
    at = here(context)
    at.screen.rows(at.api.get("/marketplace"), PUBLISHED, nothing="Nothing is published yet.")


@app.command()
def show(context: typer.Context, basket_id: BasketId) -> None:
    """One published basket."""
    at = here(context)
    row = at.api.get(f"/marketplace/{basket_id}")
    lines = [(heading, cell(row)) for heading, cell in PUBLISHED]
    for each in row["strategies"]:
        rules = each["strategy"]
        lines.append((each["name"], f"{each['underlying']} {rules['entry_time']} to {rules['exit_time']}"))
    at.screen.document(row, lines)


@app.command()
def subscriptions(context: typer.Context) -> None:
    """What you follow."""
    at = here(context)
    at.screen.rows(at.api.get("/subscriptions"), FOLLOWED, nothing="No subscription yet: algo market browse")


@app.command()
def subscribe(
    context: typer.Context,
    basket_id: BasketId,
    account: Accounts,
    multiplier: Annotated[int, typer.Option(help="Times the published lots.")] = 1,
) -> None:
    """Follow a published basket with your accounts, from its next run on."""
    at = here(context)
    body = {"basket_id": basket_id, "accounts": account, "multiplier": multiplier}
    made = at.api.send("POST", "/subscriptions", body)
    at.screen.say(f"Subscribed to {basket_id} in {', '.join(account)}, {multiplier} times the lots", made)


@app.command()
def change(
    context: typer.Context,
    basket_id: BasketId,
    account: Annotated[list[str] | None, typer.Option("--account", help="These instead.")] = None,
    multiplier: Annotated[int | None, typer.Option(help="Times the published lots.")] = None,
) -> None:
    """Other accounts, or another multiplier, from the next run on."""
    at = here(context)
    row = at.api.get(f"/subscriptions/{basket_id}")
    body = {
        "accounts": account or row["accounts"],
        "multiplier": multiplier or row["multiplier"],
        "paused": row["paused"],
    }
    made = at.api.send("PUT", f"/subscriptions/{basket_id}", body, version=row["version"])
    at.screen.say(f"The subscription to {basket_id} is changed", made)


@app.command()
def pause(context: typer.Context, basket_id: BasketId) -> None:
    """Leave out the next runs. What is open is still closed at its time."""
    at = here(context)
    made = at.api.send("POST", f"/subscriptions/{basket_id}/pause")
    at.screen.say(f"{basket_id} is paused for you", made)


@app.command()
def resume(context: typer.Context, basket_id: BasketId) -> None:
    """Take part again from the next run on."""
    at = here(context)
    made = at.api.send("POST", f"/subscriptions/{basket_id}/resume")
    at.screen.say(f"{basket_id} goes on for you", made)


@app.command()
def unsubscribe(context: typer.Context, basket_id: BasketId, yes: Yes = False) -> None:
    """Follow it no longer. What is open is still closed at its time."""
    at = here(context)
    sure(f"Unsubscribe from {basket_id}?", yes=yes)
    at.screen.say(f"Unsubscribed from {basket_id}", at.api.send("DELETE", f"/subscriptions/{basket_id}"))


@app.command()
def withdraw(context: typer.Context, basket_id: BasketId, yes: Yes = False) -> None:
    """Take a basket out of the marketplace. For admins."""
    at = here(context)
    sure(f"Withdraw {basket_id} from the marketplace?", yes=yes)
    made = at.api.send("POST", f"/marketplace/{basket_id}/withdraw")
    at.screen.say(f"{basket_id} is withdrawn", made)
