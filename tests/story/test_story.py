"""An admin publishes, two people subscribe, three accounts trade, and everybody sees their own alone."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
import requests

from brokers.clock import IST
from localstack.people import connection, outputs
from localstack.seed import stores
from tasks.cli.identity import Identity
from tests.story.play import MONDAY, PASSWORD, Seen, Story, refusal

pytestmark = [pytest.mark.slow, pytest.mark.platform]

MEERA, ASHA, RAVI = (f"{name}@example.com" for name in ("meera", "asha", "ravi"))
LOT = 30
"""Units of BANKNIFTY."""


def test_strangers_link_accounts_only_when_the_operator_lets_them(story: Story) -> None:
    assert story.notes["closed"] == 403
    assert "ZA1234 is logged in until 24 Nov 2026 06:00 IST" in story.notes["page ZA1234"]


def test_an_account_belongs_to_whoever_linked_it_first(story: Story) -> None:
    assert story.notes["taken"] == 409


def test_a_published_strategy_has_one_pair_of_schedules_however_many_follow(story: Story) -> None:
    schedules = story.notes["schedules"]
    assert sorted(name.rpartition("-")[2] for name in schedules) == ["ENTRY", "ENTRY", "EXIT", "EXIT"]
    events = [json.loads(each["Target"]["Input"]) for each in schedules.values()]
    assert sorted(event["user_id"] for event in events) == sorted(
        2 * ["marketplace"] + 2 * [story.asha.user_id]
    )
    for each, event in zip(schedules.values(), events, strict=True):
        assert each["ScheduleExpressionTimezone"] == "Asia/Kolkata"
        assert each["Target"]["DeadLetterConfig"]["Arn"].endswith(":algo-schedules-dlq")
        assert event["scheduled_time"] == "<aws.scheduler.scheduled-time>"


def test_what_happens_next_is_told_in_order(story: Story) -> None:
    coming = story.notes["next"]
    assert [row["at"] for row in coming] == sorted(row["at"] for row in coming)
    today = {(row["what"], row["at"][11:16]) for row in coming if row["at"].startswith(MONDAY.isoformat())}
    assert {("ENTRY", "09:30"), ("ENTRY", "09:45"), ("EXIT", "15:00"), ("EXIT", "15:15")} <= today


def test_three_accounts_trade_by_themselves(story: Story) -> None:
    seen = story.notes["straddle"]
    assert seen[ASHA].phases == {"straddle ZA1234": "OPEN"}
    assert seen[RAVI].phases == {"straddle ZB5678": "OPEN", "straddle ZC9012": "OPEN"}


def test_lots_follow_the_subscriptions_multiplier(story: Story) -> None:
    seen = story.notes["straddle"]
    assert seen[ASHA].quantities("ZA1234") == {LOT}
    assert seen[RAVI].quantities("ZB5678") == seen[RAVI].quantities("ZC9012") == {2 * LOT}


def test_strikes_were_resolved_once_for_all(story: Story) -> None:
    seen = story.notes["straddle"]
    symbols = {
        account: {row["symbol"] for row in view.positions if row["account"] == account}
        for view in seen.values()
        for account in view.accounts
    }
    assert len(symbols) == 3
    assert len({frozenset(each) for each in symbols.values()}) == 1


def test_ones_own_basket_trades_beside_it(story: Story) -> None:
    seen: Seen = story.notes["condor"]
    assert seen.phases == {"straddle ZA1234": "OPEN", "iron-condor ZA1234": "OPEN"}
    sides = [row["side"] for row in seen.positions if row["strategy_id"].startswith("iron")]
    assert sorted(sides) == ["BUY", "BUY", "SELL", "SELL"]


def test_everybody_sees_their_own_and_nothing_else(story: Story) -> None:
    for moment in ("straddle", "noon", "evening", "wednesday"):
        seen = story.notes[moment]
        assert seen[MEERA].accounts == set()
        assert seen[ASHA].accounts <= {"ZA1234"}
        assert seen[RAVI].accounts <= {"ZB5678", "ZC9012"}


def test_what_is_somebody_elses_is_not_there(story: Story) -> None:
    strategy = story.notes["strategies"][0]["strategy_id"]
    others = (f"/baskets/{story.own_basket_id}", f"/strategies/{strategy}", "/accounts/ZA1234")
    for path in others:
        assert refusal(story.ravi, "DELETE", path) == 404
    assert story.notes["stolen"] == 404


def test_users_do_not_publish_or_operate(story: Story) -> None:
    assert refusal(story.asha, "POST", f"/baskets/{story.own_basket_id}/publish") == 403
    assert refusal(story.asha, "PUT", "/platform", {"strangers": True, "empanelment": "mine"}) == 403


@pytest.mark.parametrize("spoiled", ["", "garbage", "unsigned", "forged", "other pool"])
def test_without_a_good_token_nobody_comes_in(story: Story, spoiled: str) -> None:
    tokens = story.asha.api.tokens
    assert tokens is not None
    head, claims, signature = tokens.id_token.split(".")
    given = {
        "": "",
        "garbage": "Bearer nothing",
        "unsigned": f"Bearer eyJhbGciOiJub25lIn0.{claims}.",
        "forged": f"Bearer {head}.{claims}.{signature[::-1]}",
        "other pool": f"Bearer {head}.{claims[::-1]}.{signature}",
    }[spoiled]
    answer = requests.get(
        f"{story.platform.site.api_url}/orders", headers={"Authorization": given} if given else {}, timeout=10
    )
    assert answer.status_code == 401
    assert "ZA1234" not in answer.text


def status_with(story: Story, token: str) -> int:
    url = f"{story.platform.site.api_url}/orders"
    return requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=10).status_code


def test_a_token_for_another_client_of_the_pool_is_refused(story: Story) -> None:
    """Signed by the same pool, for the same person; the API is not whom it was made for."""
    pool = outputs(story.platform)["UserPoolId"]
    other = story.platform.aws.identity.create_user_pool_client(
        UserPoolId=pool, ClientName="other", ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"]
    )["UserPoolClient"]["ClientId"]
    at = replace(connection(story.platform), client_id=other)
    tokens = Identity(at).sign_in(ASHA, PASSWORD, lambda: "")
    assert story.asha.api.tokens is not None
    assert status_with(story, story.asha.api.tokens.id_token) == 200
    assert status_with(story, tokens.id_token) == 401


def test_a_token_that_has_expired_is_refused(story: Story) -> None:
    """AWS gives none for less than five minutes; the emulator does."""
    found = outputs(story.platform)
    identity: Any = story.platform.aws.identity
    client = {"UserPoolId": found["UserPoolId"], "ClientId": found["ClientId"]}
    standing = identity.describe_user_pool_client(**client)["UserPoolClient"]
    identity.update_user_pool_client(**client, IdTokenValidity=1, TokenValidityUnits={"IdToken": "seconds"})
    try:
        token = Identity(connection(story.platform)).sign_in(ASHA, PASSWORD, lambda: "").id_token
    finally:
        kept = {name: standing[name] for name in ("IdTokenValidity", "TokenValidityUnits")}
        identity.update_user_pool_client(**client, **kept)
    deadline = time.monotonic() + 10
    while status_with(story, token) == 200 and time.monotonic() < deadline:
        time.sleep(0.2)
    assert status_with(story, token) == 401


def test_two_edits_at_once_one_wins(story: Story) -> None:
    assert story.notes["conflict"] == 409


def test_a_new_version_leaves_an_open_run_alone(story: Story) -> None:
    assert story.notes["published version"] == 2
    assert story.notes["after publishing"].quantities("ZB5678") == {2 * LOT}


def test_square_off_closes_everything_of_one_person_and_nothing_of_another(story: Story) -> None:
    closed = {(each["account"], each["status"]) for each in story.notes["square-off"]["exits"]}
    assert closed == {("ZA1234", "STARTED")}
    assert len(story.notes["square-off"]["exits"]) == 2
    noon = story.notes["noon"]
    assert set(noon[ASHA].phases.values()) == {"FLAT"}
    assert set(noon[RAVI].phases.values()) == {"OPEN"}


def test_the_others_leave_at_their_time_though_one_has_paused(story: Story) -> None:
    assert set(story.notes["evening"][RAVI].phases.values()) == {"FLAT"}
    exits = [row for row in story.notes["evening"][RAVI].orders if row["purpose"] == "X"]
    assert {f"{datetime.fromisoformat(row['claimed_at']).astimezone(IST):%H:%M}" for row in exits} == {"15:15"}


def test_a_run_that_failed_at_once_is_seen_by_whose_it_is_and_by_nobody_else(story: Story) -> None:
    failed = {
        email: [row for row in seen.runs if row["status"] == "FAILED"]
        for email, seen in story.notes["evening"].items()
    }
    (row,) = failed[ASHA]
    assert (row["run_key"], row["account"]) == ("gone-20261123-S", "")
    assert row["reason"].startswith("StrategyNotFound: ")
    assert failed[MEERA] == failed[RAVI] == []


def test_who_has_not_logged_in_gets_an_e_mail_at_eight_and_at_nine(story: Story) -> None:
    """On Wednesday Asha logs in before the calls, Ravi does not; Tuesday is a holiday."""
    asked = [(mail.to, mail.subject) for mail in story.notes["mails"] if mail.subject.startswith("Log in")]
    expected = [(RAVI, f"Log in {account} before the market opens") for account in ("ZB5678", "ZC9012")]
    assert sorted(asked) == sorted(2 * expected)


def test_the_brokers_ledger_agrees(story: Story) -> None:
    for when in ("ledger", "end ledger"):
        ledger = story.notes[when]
        assert all(net == 0 for nets in ledger.positions.values() for net in nets.values())
    evening = story.notes["evening"]
    ours = {row["broker_order_id"] for seen in evening.values() for row in seen.orders}
    assert ours == {entry.broker_order_id for entry in story.notes["ledger"].orders}


def test_profit_and_loss_is_what_was_paid_and_got(story: Story) -> None:
    ledger = story.notes["ledger"]
    for seen in story.notes["evening"].values():
        paid = sum(
            (1 if entry.side == "SELL" else -1) * entry.filled_quantity * entry.average_price
            for entry in ledger.orders
            if entry.account in seen.accounts
        )
        assert seen.earned == Decimal(paid)


def test_the_next_run_trades_the_new_version_for_whoever_is_not_paused(story: Story) -> None:
    seen = story.notes["wednesday"]
    assert seen[ASHA].quantities("ZA1234") == {2 * LOT}
    assert seen[RAVI].positions == []
    assert set(story.notes["end"].phases.values()) == {"FLAT"}


def test_everything_that_happened_is_in_the_journal_once(story: Story) -> None:
    recorded = list(stores(story.platform.aws).events.everything())
    numbers: dict[str, list[int]] = {}
    for event in recorded:
        numbers.setdefault(event.aggregate, []).append(event.sequence)
    assert all(sorted(found) == list(range(1, len(found) + 1)) for found in numbers.values())
    assert {
        "BasketCreated", "BasketPublished", "BasketVersionPublished", "StrategyScheduled", "StrategyEnabled",
        "Subscribed", "SubscriptionPaused", "BrokerAccountLinked", "BrokerLoggedIn", "RunClaimed",
        "EntryPlanned", "OrderClaimed", "OrderPlaced", "OrderFilled", "PositionOpened", "PositionClosed",
        "AccountFlat",
    } <= {event.type for event in recorded}  # fmt: skip


def test_read_models_are_what_the_events_say(story: Story) -> None:
    assert story.rebuilt.wrong == ()
    assert story.rebuilt.rows > 30
