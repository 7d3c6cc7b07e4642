"""A published strategy with 500 followers stays far inside what a state's data may hold (256 KiB)."""

from __future__ import annotations

import json
from datetime import date, datetime
from uuid import UUID

from brokers.clock import IST
from brokers.model import Product
from tasks import find_open_accounts, open_run
from tasks.domain import items
from tasks.domain.stored import stored
from tasks.stores.ports import AccountRun, Phase
from tests.machines.conftest import EVENT
from tests.tasks.world import NINE_THIRTY, World, strategy

PEOPLE = 500
LIMIT = 262_144 // 2
RUN_KEY = "a-strategy-with-a-name-x-20261123-S"
EXIT_AT = datetime(2026, 11, 23, 15, 15, tzinfo=IST)


def people() -> list[tuple[str, str]]:
    """User ids as Cognito makes them, and one account each."""
    return [(str(UUID(int=number)), f"ZA{number:04d}") for number in range(PEOPLE)]


def test_the_run_names_every_account_once() -> None:
    world = World.at()
    document = stored(strategy(accounts=[]), before=None, at=NINE_THIRTY, publisher="admin")
    world.stores.catalog.put(items.MARKETPLACE, items.strategy("straddle"), document)
    for user, account in people():
        row = {"user_id": user, "accounts": [account], "multiplier": 1, "paused": False}
        world.stores.catalog.put(items.MARKETPLACE, items.subscriber("weekly", user), row)
        linked = {"account": account, "broker": "zerodha", "lot_multiplier": 1, "status": "ACTIVE"}
        world.stores.catalog.put(user, items.account(account), linked)
    output = open_run.run(open_run.Input(event=EVENT | {"user_id": items.MARKETPLACE}), world.rt)
    assert len({ref.account for ref in output.accounts}) == PEOPLE
    assert len(output.model_dump_json()) < LIMIT


def test_an_exit_finds_them_all() -> None:
    world = World.at()
    for user, account in people():
        world.stores.runs.plan_account(_plan(user, account))
    request = find_open_accounts.Input(run_key=RUN_KEY, exit_at=EXIT_AT)
    output = find_open_accounts.run(request, world.rt)
    assert len(output.accounts) == PEOPLE
    assert len(json.dumps(output.model_dump(mode="json"))) < LIMIT


def _plan(user: str, account: str) -> AccountRun:
    return AccountRun(
        run_key=RUN_KEY,
        account=account,
        broker="zerodha",
        user_id=user,
        basket_id="weekly",
        strategy_id="a-strategy-with-a-name-x",
        trading_date=date(2026, 11, 23),
        underlying="BANKNIFTY",
        product=Product.MIS,
        on_leg_reject="unwind",
        phase=Phase.OPEN,
        entry_until=NINE_THIRTY,
        exit_at=EXIT_AT,
        legs=(),
    )
