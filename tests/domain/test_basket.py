"""Baskets, subscriptions, accounts, egresses; indicators; versioned documents."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from brokers.clock import IST
from tasks.domain.basket import (
    Basket,
    BrokerAccount,
    Egress,
    Platform,
    Subscription,
    parse,
    read,
    without_password,
)
from tasks.domain.errors import InvalidDocument, InvalidStrategy
from tasks.domain.fields import Model
from tasks.domain.stored import NewerSchema, content, stored, version_of
from tasks.domain.strategy import parse_draft, parse_strategy

AT = datetime(2026, 11, 23, 9, 0, tzinfo=IST)
DRAFT: dict[str, Any] = {
    "underlying": "NIFTY",
    "entry_time": "09:20",
    "exit_time": "15:10",
    "weekdays": ["TUE"],
    "legs": [{"side": "BUY", "right": "CE", "lots": 1, "strike": "ATM"}],
}


@pytest.mark.parametrize(
    ("model", "document"),
    [
        (Basket, {"basket_id": "weekly", "name": "Weekly", "strategies": ["a", "b"]}),
        (Subscription, {"basket_id": "weekly", "accounts": ["ZA1234"], "multiplier": 3}),
        (BrokerAccount, {"account": "ZA1234", "broker": "zerodha", "lot_multiplier": 2}),
        (Egress, {"name": "mumbai-1", "address": "203.0.113.7", "proxy": "http://10.0.0.1:3128"}),
        (Platform, {"strangers": True, "empanelment": "NSE/1"}),
    ],
)
def test_what_is_stored_reads_back_equal(model: type[Model], document: dict[str, Any]) -> None:
    value = parse(model, document)
    kept = stored(value.model_dump(mode="json"), before=None, at=AT)
    assert read(model, kept) == value


@pytest.mark.parametrize(
    ("model", "document", "problem"),
    [
        (Basket, {"basket_id": "weekly", "name": ""}, "name: must have at least 1 characters, not ''"),
        (Basket, {"basket_id": "Weekly", "name": "x"}, "basket_id: must be 1 to 32 lower-case letters"),
        (Basket, {"basket_id": "w", "name": "x", "strategies": ["a", "a"]}, "strategies: names 'a' twice"),
        (Basket, {"basket_id": "w", "name": "x", "kind": "secret"}, "kind: must be 'custom' or 'marketplace'"),
        (Subscription, {"basket_id": "w", "accounts": []}, "accounts: needs at least 1"),
        (
            Subscription,
            {"basket_id": "w", "accounts": ["ZA1"], "multiplier": 0},
            "multiplier: must be at least 1",
        ),
        (
            Subscription,
            {"basket_id": "w", "accounts": ["ZA1"], "multiplier": 1.5},
            "multiplier: must be a whole",
        ),
        (BrokerAccount, {"account": "ZA1", "broker": "acme"}, "broker: must match"),
        (Egress, {"name": "m", "address": "here", "proxy": "http://x"}, "address: must be an IP address"),
        (
            Egress,
            {"name": "m", "address": "::1", "proxy": "x"},
            "proxy: must be the address of a forward",
        ),
    ],
)
def test_what_is_impossible_is_refused_with_its_path(
    model: type[Model], document: dict[str, Any], problem: str
) -> None:
    with pytest.raises(InvalidDocument) as refused:
        parse(model, document)
    assert refused.value.problems[0].startswith(problem)


def test_an_authors_document_may_not_have_what_the_catalog_adds() -> None:
    with pytest.raises(InvalidDocument, match="schema"):
        parse(Platform, {"strangers": False, "schema": 1, "version": 3})


def test_an_egress_admits_its_first_user_and_their_family() -> None:
    free = Egress(name="m", address="203.0.113.7", proxy="http://x")
    taken = free.model_copy(update={"owner": "asha", "family": ("mother",)})
    assert free.admits("anybody")
    assert [taken.admits(one) for one in ("asha", "mother", "ravi")] == [True, True, False]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://u:canary@10.0.0.1:3128", "http://10.0.0.1:3128"),
        ("https://u:canary@proxy.example", "https://proxy.example"),
        ("http://canary@[2001:db8::1]:8080/path?canary", "http://[2001:db8::1]:8080"),
    ],
)
def test_a_proxy_is_kept_without_its_password(url: str, shown: str) -> None:
    assert without_password(url) == shown
    assert parse(Egress, {"name": "m", "address": "::1", "proxy": shown}).proxy == shown
    with pytest.raises(InvalidDocument) as refused:
        parse(Egress, {"name": "m", "address": "::1", "proxy": url})
    assert "without user and password" in str(refused.value)
    assert "canary" not in str(refused.value)


def test_strangers_come_in_only_under_an_empanelment() -> None:
    assert not Platform(strangers=True).admits_strangers
    assert Platform(strangers=True, empanelment="NSE/1").admits_strangers


def test_versions_are_counted_and_times_kept() -> None:
    first = stored({"name": "a"}, before=None, at=AT)
    later = AT.replace(hour=10)
    second = stored({"name": "b"}, before=first, at=later)
    assert (version_of(None), version_of({}), version_of(first), version_of(second)) == (0, 1, 1, 2)
    assert (second["created_at"], second["updated_at"]) == (AT.isoformat(), later.isoformat())
    assert content(second) == {"name": "b"}


def test_a_document_of_a_newer_platform_is_not_guessed_at() -> None:
    with pytest.raises(NewerSchema):
        content({"schema": 2, "name": "x"})


def test_a_stored_strategy_reads_back_equal() -> None:
    strategy = parse_strategy({**DRAFT, "strategy_id": "calls"})
    kept = stored(strategy.to_document(), before=None, at=AT, publisher="asha", basket_version=2)
    assert parse_strategy(kept) == strategy


RULE = {
    "conditions": [
        {"left": {"series": "CLOSE"}, "compare": "above", "right": {"indicator": "VWAP"}},
        {"left": {"indicator": "RSI", "length": 14}, "compare": "below", "right": 30},
        {
            "left": {"series": "CLOSE"},
            "compare": "crosses_above",
            "right": {"indicator": "SUPERTREND", "length": 10, "multiplier": 3},
        },
    ]
}


def indicator_draft(**more: Any) -> dict[str, Any]:
    return {**DRAFT, "trigger": "indicator", "indicators": {"timeframe": 5, "entry": RULE, **more}}


def test_an_indicator_block_is_kept_as_it_is() -> None:
    draft = parse_draft(indicator_draft(exit={"match": "any", "conditions": RULE["conditions"][:1]}))
    assert parse_draft(draft.model_dump(mode="json")) == draft


def _one(left: dict[str, Any]) -> dict[str, Any]:
    rule = {"conditions": [{"left": left, "compare": "above", "right": 1}]}
    return {**DRAFT, "trigger": "indicator", "indicators": {"timeframe": 5, "entry": rule}}


@pytest.mark.parametrize(
    ("draft", "said"),
    [
        ({**DRAFT, "trigger": "indicator"}, "indicators: is missing"),
        ({**DRAFT, "indicators": indicator_draft()["indicators"]}, 'belongs to trigger "indicator"'),
        (indicator_draft(timeframe=7), "indicators.timeframe"),
        (_one({"indicator": "EMA"}), "over how many bars is the EMA"),
        (_one({"indicator": "VWAP", "length": 3}), "takes no parameters"),
        (
            _one({"indicator": "RSI", "length": 14, "multiplier": 2}),
            "multiplier is none of RSI: it takes length",
        ),
        (_one({"indicator": "RSI", "length": 0}), "must be at least 1"),
    ],
)
def test_an_impossible_indicator_is_refused(draft: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidStrategy, match=said):
        parse_draft(draft)
