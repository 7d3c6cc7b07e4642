"""Read-models are what their events fold to, however the news come; a rebuild finds the same bytes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from random import Random
from typing import Any

import pytest

from tasks import project_events, record_events
from tasks.api import views
from tasks.rebuild import main, rebuild
from tasks.runtime import Runtime
from tasks.stores.bundle import Stores
from tasks.stores.journal import ViewRow
from tests.events.scheduling import WEEKLY
from tests.events.streams import Killed, Tables, Unreliable, a_runtime, order_image
from tests.events.test_changes import POSITION, RUN

STAMPS = {
    "schema": 1,
    "version": 1,
    "created_at": "2026-11-22T10:00:00+05:30",
    "updated_at": "2026-11-22T10:00:00+05:30",
}
STRATEGY = WEEKLY | STAMPS


def record(rt: Runtime, *records: dict[str, Any]) -> None:
    assert record_events.run({"Records": list(records)}, rt) == {"batchItemFailures": []}


def news(rt: Runtime) -> list[dict[str, Any]]:
    """The `events` table's stream: one record an event."""
    return [
        {
            "eventSourceARN": "arn:aws:dynamodb:ap-south-1:1:table/algo-events/stream/2026",
            "dynamodb": {
                "SequenceNumber": str(number),
                "Keys": {"aggregate": {"S": event.aggregate}, "sequence": {"N": str(event.sequence)}},
            },
        }
        for number, event in enumerate(rt.stores.events.everything(), start=1)
    ]


def project(rt: Runtime, records: Iterable[dict[str, Any]] | None = None) -> None:
    batch = {"Records": list(news(rt) if records is None else records)}
    assert project_events.run(batch, rt) == {"batchItemFailures": []}


@pytest.fixture
def rt() -> Runtime:
    return a_runtime()


@pytest.fixture
def tables() -> Tables:
    return Tables()


def view(rt: Runtime, owner: str, item: str) -> dict[str, Any]:
    found = rt.stores.views.get(owner, item)
    assert found is not None
    return found


def test_a_strategy_knows_which_version_is_scheduled(rt: Runtime, tables: Tables) -> None:
    record(rt, tables.document("user-1", "STRATEGY#straddle", STRATEGY))
    project(rt)
    assert view(rt, "user-1", "STRATEGY#straddle")["scheduled_version"] == 0
    note = {"strategy_id": "straddle", "strategy_version": 1, "schedules": {"x-ENTRY": "cron(…)"}}
    record(rt, tables.document("user-1", "SCHEDULE#straddle", note))
    project(rt)
    row = view(rt, "user-1", "STRATEGY#straddle")
    assert (row["scheduled_version"], row["enabled"], row["version"]) == (1, True, 1)
    assert row["strategy"]["legs"] == STRATEGY["legs"]
    assert "created_at" not in row["strategy"]
    views.StrategyView.model_validate(row)


def test_what_was_deleted_is_gone_and_can_come_again(rt: Runtime, tables: Tables) -> None:
    basket = {"basket_id": "weekly", "name": "Weekly", "strategies": [], **STAMPS}
    record(rt, tables.document("user-1", "BASKET#weekly", basket))
    record(rt, tables.document("user-1", "BASKET#weekly", None))
    project(rt)
    assert rt.stores.views.list("user-1", "BASKET#") == []
    record(rt, tables.document("user-1", "BASKET#weekly", basket))
    project(rt)
    assert view(rt, "user-1", "BASKET#weekly")["name"] == "Weekly"


def test_an_account_asks_for_a_login_until_there_is_one(rt: Runtime, tables: Tables) -> None:
    account = {"account": "ZA1", "broker": "zerodha", "status": "ACTIVE", "valid_until": None, **STAMPS}
    asked = {
        "account": "ZA1",
        "trading_date": "2026-11-23",
        "asked_at": "2026-11-23T08:00:00+05:30",
        "reason": "06:00",
    }
    record(rt, tables.document("user-1", "ACCOUNT#ZA1", account), tables.document("user-1", "LOGIN#ZA1", asked))
    project(rt)
    assert view(rt, "user-1", "ACCOUNT#ZA1")["login_needed"] is True
    until = {"valid_until": "2026-11-24T06:00:00+05:30"}
    record(rt, tables.document("user-1", "ACCOUNT#ZA1", account | until))
    project(rt)
    row = view(rt, "user-1", "ACCOUNT#ZA1")
    assert (row["login_needed"], row["valid_until"]) == (False, until["valid_until"])


def test_runs_say_where_their_executions_are(rt: Runtime, tables: Tables) -> None:
    claim = {
        "execution": "arn:aws:states:ap-south-1:1:execution:algo-StrategyLifecycle:abc",
        "claimed_at": "2026-11-23T03:58:01Z",
        "user_id": "user-1",
        "basket_id": "weekly",
        "strategy_id": "s",
        "trading_date": "2026-11-23",
    }
    key = {"run_key": "s-20261123-S", "item": "CLAIM#ENTRY"}
    skipped = {"status": "SKIPPED", "reason": "holiday: Guru Nanak Jayanti"}
    record(rt, tables.write("runs", key, claim), tables.write("runs", key, claim | skipped))
    account = {name: value for name, value in RUN.items() if name not in ("run_key", "item", "legs")}
    record(
        rt,
        tables.write(
            "runs",
            {"run_key": "s-20261123-S", "item": "ACCT#ZA1"},
            account | {"phase": "OPEN", "execution": "arn:entry"},
        ),
    )
    project(rt)
    whole = view(rt, "user-1", "RUN#s-20261123-S#")
    assert (whole["status"], whole["reason"]) == ("SKIPPED", "holiday: Guru Nanak Jayanti")
    assert whole["executions"] == {"ENTRY": claim["execution"]}
    one = view(rt, "user-1", "RUN#s-20261123-S#ZA1")
    assert (one["status"], one["executions"]) == ("OPEN", {"ENTRY": "arn:entry"})
    views.RunView.model_validate(one)


def test_the_market_shows_no_publisher_s_accounts(rt: Runtime, tables: Tables) -> None:
    published = {
        "basket_id": "weekly",
        "name": "Weekly",
        "publisher": "admin-1",
        "published_version": 1,
        "withdrawn": False,
        "strategies": [WEEKLY | {"accounts": ["ZSECRET1"]}],
        **STAMPS,
    }
    record(rt, tables.document("marketplace", "BASKET#weekly", published))
    project(rt)
    row = view(rt, "marketplace", "BASKET#weekly")
    assert "ZSECRET1" not in json.dumps(row)
    assert "admin-1" not in json.dumps(row)
    assert row["published_version"] == 1


def test_news_may_come_late_twice_and_in_any_order(rt: Runtime, tables: Tables) -> None:
    _a_day(rt, tables)
    random = Random(3)
    records = news(rt) * 3
    random.shuffle(records)
    for start in range(0, len(records), 7):
        project(rt, records[start : start + 7])
    assert rebuild(rt.stores, write=False).wrong == ()


@pytest.mark.parametrize("seed", range(5))
def test_live_equals_rebuilt_though_the_projector_is_killed(seed: int, tables: Tables) -> None:
    random = Random(seed)
    sound = a_runtime()
    shaky = Stores(
        **{name: getattr(sound.stores, name) for name in Stores.__dataclass_fields__ if name != "views"},
        views=Unreliable(sound.stores.views, random, 0.1),
    )
    rt = a_runtime(shaky)
    _a_day(sound, tables)
    records = news(sound)
    for start in range(0, len(records), 10):
        while True:
            try:
                project(rt, records[start : start + 10])
            except Killed:
                continue
            break
    live = list(sound.stores.views.everything())
    assert rebuild(sound.stores).wrong == ()
    assert list(sound.stores.views.everything()) == live


def test_a_rebuild_mends_what_is_wrong_and_forgets_what_nobody_said(
    rt: Runtime, tables: Tables, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _a_day(rt, tables)
    project(rt)
    before = list(rt.stores.views.everything())
    rt.stores.views.replace(ViewRow("user-1", "STRATEGY#straddle", 99, {"forged": True}))
    rt.stores.views.replace(ViewRow("user-1", "ORDER#2026-11-23#X9", 1, {"forged": True}))
    monkeypatch.setattr("tasks.rebuild._stores", lambda: rt.stores)
    assert main(["--check"]) == 1
    assert "differs: user-1 STRATEGY#straddle" in capsys.readouterr().out
    assert main([]) == 0
    assert list(rt.stores.views.everything()) == before
    assert main(["--check"]) == 0


def _a_day(rt: Runtime, tables: Tables) -> None:
    """Some of everything."""
    record(rt, tables.document("user-1", "STRATEGY#straddle", STRATEGY))
    for version in range(2, 6):
        record(rt, tables.document("user-1", "STRATEGY#straddle", STRATEGY | {"version": version}))
        note = {
            "strategy_id": "straddle",
            "strategy_version": version,
            "schedules": {"x-ENTRY": f"cron({version})"},
        }
        record(rt, tables.document("user-1", "SCHEDULE#straddle", note))
    image = order_image()
    for order_id in ("N1", "N2", "N3"):
        for step in (
            {},
            {"status": "SENDING"},
            {"status": "OPEN", "broker_order_id": "B1"},
            {"status": "FILLED"},
        ):
            record(rt, tables.write("orders", {"order_id": order_id}, image | step))
    position = {name: value for name, value in POSITION.items() if name != "position_id"}
    for quantity in (15, 30):
        key = {"position_id": POSITION["position_id"]}
        record(rt, tables.write("positions", key, position | {"entry_qty": quantity}))
    record(rt, tables.document("user-1", "BASKET#gone", {"basket_id": "gone", "name": "x", **STAMPS}))
    record(rt, tables.document("user-1", "BASKET#gone", None))
