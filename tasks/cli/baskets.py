"""Baskets and their strategies: create from a file, show, duplicate, enable, disable, delete."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from tasks.cli.context import here, sure
from tasks.cli.files import read, read_basket
from tasks.cli.show import Column, clock, text

app = typer.Typer(help="Baskets: create, show, enable, publish.", no_args_is_help=True)
strategy = typer.Typer(help="The strategies in your baskets.", no_args_is_help=True)

BasketId = Annotated[str, typer.Argument(help="The basket's id, as `algo basket list` shows it.")]
StrategyId = Annotated[str, typer.Argument(help="The strategy's id.")]
File = Annotated[Path, typer.Option("--file", "-f", help="A YAML or JSON file.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")]

COLUMNS: list[Column] = [
    ("basket", text("basket_id")),
    ("name", text("name")),
    ("kind", text("kind")),
    ("strategies", lambda row: str(len(row["strategies"]))),
    ("version", text("version")),
    ("changed", clock("updated_at")),
]

STRATEGIES: list[Column] = [
    ("strategy", text("strategy_id")),
    ("name", text("name")),
    ("underlying", text("underlying")),
    ("entry", lambda row: str(row["strategy"].get("entry_time", ""))),
    ("exit", lambda row: str(row["strategy"].get("exit_time", ""))),
    ("days", lambda row: " ".join(row["strategy"].get("weekdays", []))),
    ("DTE", lambda row: _dte(row["strategy"].get("dte"))),
    ("accounts", lambda row: ", ".join(row["strategy"].get("accounts", []))),
    ("enabled", text("enabled")),
    ("scheduled", lambda row: "yes" if row.get("scheduled_version") == row["version"] else "not yet"),
]


def _dte(value: Any) -> str:
    days = value if isinstance(value, list) else [] if value is None else [value]
    return ", ".join(map(str, days)) or "any"


@app.command("list")
def list_baskets(context: typer.Context) -> None:
    """Your baskets."""
    at = here(context)
    at.screen.rows(at.api.get("/baskets"), COLUMNS, nothing="No basket yet: algo basket create -f basket.yaml")


@app.command()
def show(context: typer.Context, basket_id: BasketId) -> None:
    """One basket with its strategies."""
    at = here(context)
    basket = at.api.get(f"/baskets/{basket_id}")
    found = at.api.get("/strategies", basket_id=basket_id)
    if at.screen.as_json:
        at.screen.say("", {**basket, "strategies": found})
        return
    at.screen.document(basket, [(heading, cell(basket)) for heading, cell in COLUMNS])
    at.screen.rows(found, STRATEGIES, nothing="It has no strategy.")


@app.command()
def create(
    context: typer.Context,
    file: File,
    account: Annotated[list[str] | None, typer.Option(help="Trade in it; may be given again.")] = None,
    for_marketplace: Annotated[bool, typer.Option("--for-marketplace", help="To be published.")] = False,
    enable: Annotated[bool, typer.Option("--enable", help="Let its strategies trade at once.")] = False,
) -> None:
    """Create a basket from a file, such as those in docs/examples."""
    at = here(context)
    body = read_basket(file, account or ())
    if for_marketplace:
        body["kind"] = "marketplace"
    made = at.api.send("POST", "/baskets", body)
    if enable:
        at.api.send("POST", f"/baskets/{made['basket_id']}/enable")
    then = "algo next" if enable else f"algo basket enable {made['basket_id']}"
    if for_marketplace:
        then = f"algo basket publish {made['basket_id']}"
    at.screen.say(f"Basket {made['basket_id']} is created. Then: {then}", made)


@app.command()
def check(context: typer.Context, file: File) -> None:
    """Read a file as `create` would, and send nothing."""
    body = read_basket(file)
    here(context).screen.say(f"{file}: {len(body['strategies'])} strategies, all well", body)


@app.command()
def rename(
    context: typer.Context,
    basket_id: BasketId,
    name: Annotated[str, typer.Option(help="Its new name.")],
    description: Annotated[str | None, typer.Option(help="What it does.")] = None,
) -> None:
    """Change its name and description."""
    at = here(context)
    basket = at.api.get(f"/baskets/{basket_id}")
    body = {"name": name, "description": basket["description"] if description is None else description}
    made = at.api.send("PUT", f"/baskets/{basket_id}", body, version=basket["version"])
    at.screen.say(f"{basket_id} is now {name}", made)


@app.command()
def duplicate(context: typer.Context, basket_id: BasketId) -> None:
    """Copy it with its strategies, disabled."""
    at = here(context)
    made = at.api.send("POST", f"/baskets/{basket_id}/duplicate")
    at.screen.say(f"Basket {made['basket_id']} is the copy", made)


@app.command()
def enable(context: typer.Context, basket_id: BasketId) -> None:
    """Let all its strategies trade; their schedules follow by themselves."""
    at = here(context)
    made = at.api.send("POST", f"/baskets/{basket_id}/enable")
    at.screen.say(f"{basket_id} trades. Then: algo next", made)


@app.command()
def disable(context: typer.Context, basket_id: BasketId) -> None:
    """Enter nothing more. What is open is still closed at its time."""
    at = here(context)
    made = at.api.send("POST", f"/baskets/{basket_id}/disable")
    at.screen.say(f"{basket_id} enters nothing more", made)


@app.command()
def delete(context: typer.Context, basket_id: BasketId, yes: Yes = False) -> None:
    """Delete it and its strategies. What is open is still closed at its time."""
    at = here(context)
    sure(f"Delete {basket_id}?", yes=yes)
    at.screen.say(f"{basket_id} is deleted", at.api.send("DELETE", f"/baskets/{basket_id}"))


@app.command()
def publish(context: typer.Context, basket_id: BasketId) -> None:
    """Publish it in the marketplace, or its next version. For admins."""
    at = here(context)
    made = at.api.send("POST", f"/baskets/{basket_id}/publish")
    at.screen.say(f"{basket_id} is published, version {made['published_version']}", made)


@strategy.command("list")
def list_strategies(
    context: typer.Context, basket: Annotated[str, typer.Option(help="Only of this basket.")] = ""
) -> None:
    """Your strategies, and whether their schedules stand."""
    at = here(context)
    at.screen.rows(at.api.get("/strategies", basket_id=basket), STRATEGIES, nothing="No strategy yet.")


@strategy.command("show")
def show_strategy(context: typer.Context, strategy_id: StrategyId) -> None:
    """One strategy, leg by leg."""
    at = here(context)
    row = at.api.get(f"/strategies/{strategy_id}")
    lines = [(heading, cell(row)) for heading, cell in STRATEGIES]
    lines += [(f"leg {n}", _leg(leg)) for n, leg in enumerate(row["strategy"].get("legs", []), start=1)]
    at.screen.document(row, lines)


def _leg(leg: Mapping[str, Any]) -> str:
    strike = leg.get("strike") or {}
    rule = strike.get("rule") if isinstance(strike, dict) else strike
    detail = {
        "ATM": lambda: f"ATM{strike['offset']:+d}" if strike.get("offset") else "ATM",
        "EXACT": lambda: str(strike["strike"]),
        "PREMIUM": lambda: f"premium {strike['compare'].lower().replace('_', ' ')} {strike['premium']}",
    }
    chosen = detail[rule]() if rule in detail else str(rule or "")
    return f"{leg['side']} {leg['lots']} lots {chosen} {leg['right']}, {leg.get('expiry', 'nearest')}"


@strategy.command("add")
def add_strategy(
    context: typer.Context, basket: Annotated[str, typer.Option(help="Into which basket.")], file: File
) -> None:
    """Add a strategy to a basket, from a file that holds one strategy."""
    at = here(context)
    made = at.api.send("POST", "/strategies", {**read(file), "basket_id": basket})
    at.screen.say(f"Strategy {made['strategy_id']} is added, disabled", made)


@strategy.command("change")
def change_strategy(context: typer.Context, strategy_id: StrategyId, file: File) -> None:
    """Replace what it does by what a file says. What is open keeps the exit it was entered with."""
    at = here(context)
    standing = at.api.get(f"/strategies/{strategy_id}")
    body = {"accounts": standing["strategy"].get("accounts", []), **read(file)}
    made = at.api.send("PUT", f"/strategies/{strategy_id}", body, version=standing["version"])
    at.screen.say(f"{strategy_id} is changed, version {made['version']}", made)


@strategy.command("enable")
def enable_strategy(context: typer.Context, strategy_id: StrategyId) -> None:
    """Let it trade by its schedule."""
    at = here(context)
    at.screen.say(f"{strategy_id} trades", at.api.send("POST", f"/strategies/{strategy_id}/enable"))


@strategy.command("disable")
def disable_strategy(context: typer.Context, strategy_id: StrategyId) -> None:
    """Enter nothing more. What is open is still closed at its time."""
    at = here(context)
    made = at.api.send("POST", f"/strategies/{strategy_id}/disable")
    at.screen.say(f"{strategy_id} enters nothing more", made)


@strategy.command("delete")
def delete_strategy(context: typer.Context, strategy_id: StrategyId, yes: Yes = False) -> None:
    """Delete it. What is open is still closed at its time."""
    at = here(context)
    sure(f"Delete {strategy_id}?", yes=yes)
    at.screen.say(f"{strategy_id} is deleted", at.api.send("DELETE", f"/strategies/{strategy_id}"))
