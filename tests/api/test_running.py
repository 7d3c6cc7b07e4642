"""Run now and square off: what is started, under which names, for whom."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from brokers.clock import IST
from brokers.model import Side
from tasks.api import run_now
from tasks.domain import items
from tasks.domain.ids import Purpose, order_id
from tasks.domain.payload import Payload, parse_payload
from tasks.domain.strategy import parse_strategy
from tasks.participants import participants
from tasks.stores.ports import AccountRun, OrderState, Phase
from tests.api.world import NOON, STRADDLE, Client, World, linked, published
from tests.stores.rows import a_leg, a_plan, an_order

RUN = "straddle-20261123-S"


@pytest.fixture
def world() -> World:
    return World(NOON)


@pytest.fixture
def asha(world: World) -> Client:
    client = world.user("asha")
    linked(world, client, "ZA1234")
    return client


def enabled(client: Client, **more: Any) -> str:
    draft = {**STRADDLE, "accounts": ["ZA1234"], **more}
    made = client.post("/baskets", {"name": "Mine", "strategies": [draft]}).body
    strategy_id: str = made["strategies"][0]
    assert client.post(f"/strategies/{strategy_id}/enable").status == 200
    return strategy_id


def is_open(world: World, user_id: str, account: str = "ZA1234", **more: Any) -> AccountRun:
    plan = a_plan(account, more.pop("run", RUN), user_id=user_id, phase=Phase.OPEN, **more)
    return world.stores.runs.plan_account(plan)


def test_run_now_starts_entry_and_exit_with_a_key_of_its_own(world: World, asha: Client) -> None:
    strategy_id = enabled(asha)
    answer = asha.post(f"/strategies/{strategy_id}/run")
    assert answer.status == 202
    key = f"{strategy_id}-20261123-M1"
    assert answer.body["run_key"] == key
    assert set(world.executions.started) == {f"{key}-ENTRY", f"{key}-EXIT"}
    entry = parse_payload(world.executions.started[f"{key}-ENTRY"])
    leave = parse_payload(world.executions.started[f"{key}-EXIT"])
    assert (entry.run, leave.run) == ("M1", "M1")
    assert entry.entry_at == NOON
    assert leave.exit_at == datetime(2026, 11, 23, 15, 15, tzinfo=IST)
    assert asha.post(f"/strategies/{strategy_id}/run").body["run_key"].endswith("-M2")


def test_run_now_sent_twice_runs_once(world: World, asha: Client) -> None:
    strategy_id = enabled(asha)
    first = asha.post(f"/strategies/{strategy_id}/run", key="k")
    assert asha.post(f"/strategies/{strategy_id}/run", key="k").body == first.body
    assert len(world.executions.started) == 2


def test_a_run_that_was_written_and_not_started_is_started_by_sending_it_again(
    world: World, asha: Client
) -> None:
    strategy_id = enabled(asha)
    asha.post(f"/strategies/{strategy_id}/run", key="k")
    world.executions.started.clear()
    asha.post(f"/strategies/{strategy_id}/run", key="k")
    assert len(world.executions.started) == 2


def test_run_now_takes_another_exit_time(world: World, asha: Client) -> None:
    strategy_id = enabled(asha)
    assert asha.post(f"/strategies/{strategy_id}/run", {"exit_time": "11:00"}).status == 409
    assert asha.post(f"/strategies/{strategy_id}/run", {"exit_time": "16:00"}).status == 409
    assert asha.post(f"/strategies/{strategy_id}/run", {"exit_time": "noon"}).status == 422
    answer = asha.post(f"/strategies/{strategy_id}/run", {"exit_time": "13:30"})
    assert (answer.status, answer.body["exit_time"]) == (202, "13:30")


def test_nothing_runs_while_the_market_is_shut(asha: Client) -> None:
    strategy_id = enabled(asha)
    asha.world.clock.at = datetime(2026, 11, 24, 12, 0, tzinfo=IST)  # a holiday
    assert asha.post(f"/strategies/{strategy_id}/run").body["message"] == "the market is shut"


def test_a_disabled_strategy_is_not_run(asha: Client) -> None:
    strategy_id = enabled(asha)
    asha.post(f"/strategies/{strategy_id}/disable")
    assert asha.post(f"/strategies/{strategy_id}/run").status == 409


@pytest.fixture
def market(world: World) -> tuple[Client, str, str]:
    """A published straddle with an account of its publisher, followed by Asha and Ravi."""
    admin, basket_id, strategy_id = published(world, accounts=("ZM0001",))
    for name, account in (("asha", "ZA1234"), ("ravi", "ZB5678")):
        client = world.user(name)
        linked(world, client, account)
        assert client.post("/subscriptions", {"basket_id": basket_id, "accounts": [account]}).status == 201
    return admin, basket_id, strategy_id


def payloads(world: World) -> list[Payload]:
    return [parse_payload(event) for event in world.executions.started.values()]


def taking_part(world: World, event: Payload) -> list[tuple[str, str]]:
    """As OpenRun finds them."""
    document = world.stores.catalog.get(event.user_id, items.strategy(event.strategy_id)) or {}
    found = participants(event, parse_strategy(document), document, world.runtime)
    return [(one.user_id, one.account) for one in found]


def test_an_admin_runs_a_published_strategy_for_all_who_take_part(
    world: World, market: tuple[Client, str, str]
) -> None:
    admin, _, strategy_id = market
    answer = admin.post(f"/strategies/{strategy_id}/run", {"everybody": True})
    assert (answer.status, answer.body["run_key"]) == (202, f"{strategy_id}-20261123-M1")
    entry, leave = payloads(world)
    assert (entry.user_id, entry.only_for, leave.only_for) == ("marketplace", "", "")
    assert taking_part(world, entry) == [("admin-1", "ZM0001"), ("asha", "ZA1234"), ("ravi", "ZB5678")]


def test_a_subscriber_runs_it_for_their_own_accounts_alone(
    world: World, market: tuple[Client, str, str]
) -> None:
    _, _, strategy_id = market
    asha, ravi = world.user("asha"), world.user("ravi")
    assert asha.post(f"/strategies/{strategy_id}/run", {"everybody": True}).status == 403
    assert world.executions.started == {}
    assert asha.post(f"/strategies/{strategy_id}/run").status == 202
    assert ravi.post(f"/strategies/{strategy_id}/run").body["run_key"].endswith("-M2")
    mine, leave, his, _ = payloads(world)
    assert (mine.told_to, leave.told_to, his.told_to) == ("asha", "asha", "ravi")
    assert taking_part(world, mine) == [("asha", "ZA1234")]
    assert taking_part(world, his) == [("ravi", "ZB5678")]


def test_the_publisher_may_run_it_for_themselves_too(world: World, market: tuple[Client, str, str]) -> None:
    admin, _, strategy_id = market
    assert admin.post(f"/strategies/{strategy_id}/run").status == 202
    assert taking_part(world, payloads(world)[0]) == [("admin-1", "ZM0001")]


def test_who_does_not_take_part_runs_nothing(world: World, market: tuple[Client, str, str]) -> None:
    admin, basket_id, strategy_id = market
    assert "subscribe first" in world.user("eve").post(f"/strategies/{strategy_id}/run").body["message"]
    asha = world.user("asha")
    asha.post(f"/subscriptions/{basket_id}/pause")
    assert "paused" in asha.post(f"/strategies/{strategy_id}/run").body["message"]
    admin.post(f"/marketplace/{basket_id}/withdraw")
    for client, body in ((admin, {"everybody": True}), (world.user("ravi"), None)):
        assert "withdrawn" in client.post(f"/strategies/{strategy_id}/run", body).body["message"]
    assert world.executions.started == {}
    own = enabled(asha)
    assert asha.post(f"/strategies/{own}/run", {"everybody": True}).status == 409
    assert world.user("eve").post("/strategies/no-such/run").status == 404


def test_one_person_cannot_use_up_the_runs_of_the_others(
    world: World, market: tuple[Client, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_now, "MOST_RUNS", 2)
    _, _, strategy_id = market
    asha = world.user("asha")
    statuses = [asha.post(f"/strategies/{strategy_id}/run").status for _ in range(3)]
    assert statuses == [202, 202, 409]
    assert world.user("ravi").post(f"/strategies/{strategy_id}/run").status == 202


def test_an_entry_that_waits_is_called_off_and_said_so(world: World, asha: Client) -> None:
    strategy_id = enabled(asha)
    world.clock.at = datetime(2026, 11, 23, 9, 29, tzinfo=IST)
    answer = asha.post(f"/strategies/{strategy_id}/square-off").body
    key = f"{strategy_id}-20261123-S"
    assert answer["called_off"] == [{"run_key": key, "account": "ZA1234", "strategy_id": strategy_id}]
    assert answer["exits"] == []
    assert world.executions.started == {}
    standing = world.stores.runs.plan_account(a_plan("ZA1234", key, user_id="asha"))
    assert (standing.phase, standing.legs) == (Phase.FLAT, ())
    assert asha.post("/square-off").body["called_off"] == answer["called_off"]
    assert asha.delete("/accounts/ZA1234").status == 409  # a strategy names it, nothing is open


@pytest.mark.parametrize("moment", ["09:27", "09:36"])
def test_outside_its_window_there_is_nothing_to_call_off(world: World, asha: Client, moment: str) -> None:
    enabled(asha)
    world.clock.at = datetime.fromisoformat(f"2026-11-23T{moment}+05:30")
    assert asha.post("/square-off").body["called_off"] == []


def test_a_run_by_hand_is_called_off_before_it_has_planned(world: World, asha: Client) -> None:
    strategy_id = enabled(asha, grace_seconds=0)
    key = asha.post(f"/strategies/{strategy_id}/run").body["run_key"]
    other = asha.post("/accounts/ZA1234/square-off").body["called_off"]
    assert [one["run_key"] for one in other] == [key]


def test_an_entry_planned_a_moment_before_is_closed(world: World, asha: Client) -> None:
    strategy_id = enabled(asha)
    world.clock.at = datetime(2026, 11, 23, 9, 30, tzinfo=IST)
    key = f"{strategy_id}-20261123-S"
    planned = a_plan("ZA1234", key, user_id="asha", strategy_id=strategy_id, phase=Phase.ENTERING)
    world.stores.runs.plan_account(planned)
    answer = asha.post("/square-off").body
    assert [one["run_key"] for one in answer["exits"]] == [key]
    assert answer["called_off"] == []


def test_of_a_published_run_that_waits_each_calls_off_their_own(
    world: World, market: tuple[Client, str, str]
) -> None:
    admin, _, strategy_id = market
    world.clock.at = datetime(2026, 11, 23, 9, 29, tzinfo=IST)
    (mine,) = world.user("asha").post("/square-off", {"stop": True}).body["called_off"]
    assert (mine["run_key"], mine["account"]) == (f"{strategy_id}-20261123-S", "ZA1234")
    (his,) = admin.post(f"/strategies/{strategy_id}/square-off").body["called_off"]
    assert his["account"] == "ZM0001"
    assert [plan.account for plan in world.stores.runs.accounts(mine["run_key"])] == ["ZA1234", "ZM0001"]


def test_what_was_disabled_before_its_schedule_fired_does_not_wait(world: World, asha: Client) -> None:
    strategy_id = enabled(asha)
    world.clock.at = datetime(2026, 11, 23, 9, 0, tzinfo=IST)
    asha.post(f"/strategies/{strategy_id}/disable")
    world.clock.at = datetime(2026, 11, 23, 9, 29, tzinfo=IST)
    assert asha.post("/square-off").body["called_off"] == []
    asha.post(f"/strategies/{strategy_id}/enable")
    assert len(asha.post("/square-off", {"stop": True}).body["called_off"]) == 1


def test_square_off_starts_the_exit_that_everybody_starts(world: World, asha: Client) -> None:
    is_open(world, "asha", strategy_id="straddle")
    answer = asha.post("/square-off")
    assert [(one["account"], one["status"]) for one in answer.body["exits"]] == [("ZA1234", "STARTED")]
    (name, task), *rest = world.executions.started.items()
    assert (name, rest) == (f"{RUN}-ZA1234-EXIT", [])
    assert (task["side"], task["run_key"], task["legs"]) == ("EXIT", RUN, [])
    assert asha.post("/square-off").body["exits"][0]["status"] == "RUNNING"


def test_an_exit_that_failed_is_redriven(world: World, asha: Client) -> None:
    is_open(world, "asha")
    world.executions.failed.add(f"{RUN}-ZA1234-EXIT")
    assert asha.post("/square-off").body["exits"][0]["status"] == "REDRIVEN"


def test_a_square_off_touches_nobody_else(world: World, asha: Client) -> None:
    is_open(world, "ravi", "ZB5678", strategy_id="straddle")
    assert asha.post("/square-off").body["exits"] == []
    assert asha.post("/accounts/ZB5678/square-off").status == 404
    assert asha.post("/strategies/straddle/square-off").status == 404
    assert world.executions.started == {}


def test_what_is_flat_or_of_another_account_or_strategy_stays(world: World, asha: Client) -> None:
    linked(world, asha, "ZA5555")
    is_open(world, "asha", strategy_id="straddle")
    is_open(world, "asha", "ZA5555", strategy_id="condor", run="condor-20261123-S")
    world.stores.runs.set_phase(RUN, "ZA1234", Phase.FLAT)
    assert asha.post("/accounts/ZA1234/square-off").body["exits"] == []
    found = asha.post("/strategies/condor/square-off").body["exits"]
    assert [one["run_key"] for one in found] == ["condor-20261123-S"]


def test_what_is_still_entering_or_was_moved_to_the_next_session_is_closed_too(
    world: World, asha: Client
) -> None:
    world.stores.runs.plan_account(a_plan("ZA1234", RUN, user_id="asha", phase=Phase.ENTERING))
    moved = datetime(2026, 11, 25, 9, 15, tzinfo=IST)
    is_open(world, "asha", run="condor-20261123-S", exit_at=moved)
    assert len(asha.post("/square-off").body["exits"]) == 2


def test_a_subscriber_squares_off_a_published_strategy_in_their_own_accounts(world: World) -> None:
    _, _, strategy_id = published(world)
    ravi = world.user("ravi")
    run = f"{strategy_id}-20261123-S"
    is_open(world, "ravi", "ZB5678", run=run, strategy_id=strategy_id)
    is_open(world, "mira", "ZC9999", run=run, strategy_id=strategy_id)
    found = ravi.post(f"/strategies/{strategy_id}/square-off").body["exits"]
    assert [one["account"] for one in found] == ["ZB5678"]


def test_the_kill_switch_can_keep_everything_from_entering_again(world: World, asha: Client) -> None:
    strategy_id = enabled(asha)
    _, basket_id, _ = published(world)
    asha.post("/subscriptions", {"basket_id": basket_id, "accounts": ["ZA1234"]})
    answer = asha.post("/square-off", {"stop": True})
    assert (answer.body["disabled"], answer.body["paused"]) == ([strategy_id], [basket_id])
    assert asha.get(f"/strategies/{strategy_id}").body["enabled"] is False
    assert asha.get(f"/subscriptions/{basket_id}").body["paused"] is True
    assert asha.post("/square-off", {"stop": True}).body["disabled"] == []


def test_an_account_with_something_open_is_not_unlinked(world: World, asha: Client) -> None:
    is_open(world, "asha")
    assert asha.delete("/accounts/ZA1234").status == 409


def condor(world: World) -> AccountRun:
    """Hedges 1 and 2, shorts 3 and 4, of which the entry has filled every unit."""
    legs = []
    for number, (side, right) in enumerate([("BUY", "CE"), ("BUY", "PE"), ("SELL", "CE"), ("SELL", "PE")], 1):
        legs.append(a_leg(number, "ZA1234", RUN).model_copy(update={"side": Side(side), "right": right}))
    plan = is_open(world, "asha", strategy_id="condor", legs=tuple(legs))
    for leg in plan.legs:
        oid = order_id(Purpose.ENTRY, leg.position_id, slice_no=1, attempt=1)
        filled: dict[str, Any] = {"order_id": oid, "position_id": leg.position_id, "status": OrderState.FILLED}
        world.stores.orders.claim(an_order(leg=leg.leg, filled_quantity=30, run_key=RUN, **filled))
    return plan


def test_a_leg_is_squared_off_under_a_name_of_its_own(world: World, asha: Client) -> None:
    condor(world)
    answer = asha.post("/strategies/condor/square-off", {"legs": [3]})
    assert [(one["legs"], one["status"]) for one in answer.body["exits"]] == [([3], "STARTED")]
    ((name, task),) = world.executions.started.items()
    assert (name, task["exit_legs"], task["legs"]) == (f"{RUN}-ZA1234-EXIT-L3", [3], [])


def test_a_short_and_its_hedge_are_one_exit_and_all_legs_are_the_accounts(world: World, asha: Client) -> None:
    condor(world)
    asha.post("/strategies/condor/square-off", {"legs": [3, 1], "account": "ZA1234", "run_key": RUN})
    asha.post("/strategies/condor/square-off", {"legs": [1, 2, 3, 4]})
    assert list(world.executions.started) == [f"{RUN}-ZA1234-EXIT-L1.3", f"{RUN}-ZA1234-EXIT"]


def test_a_hedge_is_not_squared_off_from_under_its_short(world: World, asha: Client) -> None:
    condor(world)
    answer = asha.post("/strategies/condor/square-off", {"legs": [2]})
    assert answer.status == 409
    assert "is the hedge of leg 4" in answer.body["message"]
    assert "close leg 4 as well, or before" in answer.body["message"]
    assert world.executions.started == {}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"legs": [9]}, "has the legs 1, 2, 3, 4, and no leg 9"),
        ({"legs": [0]}, "legs"),
        ({"legs": list(range(1, 10))}, "legs"),
        ({"leg": 3}, "leg"),
        ({"legs": ["3"]}, "legs"),
    ],
)
def test_legs_that_make_no_sense_are_refused(world: World, asha: Client, body: Any, said: str) -> None:
    condor(world)
    answer = asha.post("/strategies/condor/square-off", body)
    assert answer.status == 422
    assert said in answer.text
    assert world.executions.started == {}


def test_a_leg_of_another_account_or_run_stays(world: World, asha: Client) -> None:
    condor(world)
    for body in ({"legs": [3], "account": "ZA5555"}, {"legs": [3], "run_key": "condor-20261123-M1"}):
        assert asha.post("/strategies/condor/square-off", body).status == 404  # it is in no catalog
    assert world.executions.started == {}
    assert world.user("ravi").post("/strategies/condor/square-off", {"legs": [3]}).status == 404
