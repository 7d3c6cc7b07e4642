"""Orders, positions, runs, what happens next, and who sees them."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tasks.api.views import OrderView, PositionView, RunView
from tasks.domain import items
from tasks.domain.chain import EXPIRIES_ITEM
from tasks.feed.following import FEED, FEEDING
from tasks.stores.journal import ViewRow
from tests.api.world import MORNING, STRADDLE, Client, World, linked, published

DAY = date(2026, 11, 23)
ORDER = OrderView(
    order_id="N7K3M9Q2XWBTZ4HJD101",
    position_id="p-1",
    run_key="straddle-20261123-S",
    account="ZA1234",
    broker="zerodha",
    basket_id="weekly",
    strategy_id="straddle",
    trading_date=DAY,
    purpose="N",
    leg=1,
    exchange="NFO",
    symbol="BANKNIFTY26NOV58400CE",
    side="SELL",
    quantity=30,
    limit_price="311.55",
    product="MIS",
    status="FILLED",
    claimed_at=MORNING,
    updated_at=MORNING,
)
POSITION = PositionView.model_validate(
    {**ORDER.model_dump(), "entry_qty": 30, "entry_price": "311.55", "realised": "0"}
)
RUN = RunView.model_validate(
    {**ORDER.model_dump(), "status": "OPEN", "executions": {"ENTRY": "arn:aws:states:x:execution:y:z"}}
)


@pytest.fixture
def world() -> World:
    made = World()
    for item, view in (
        (items.order(DAY, ORDER.order_id), ORDER),
        (items.position(DAY, POSITION.position_id), POSITION),
        (items.run(RUN.run_key, RUN.account), RUN),
    ):
        made.stores.views.put(ViewRow("asha", item, 1, view.model_dump(mode="json")))
    return made


def test_what_became_of_a_published_run_is_seen_by_who_follows_it(world: World) -> None:
    """Not where its executions are, nor the words of a failure: they may name somebody else's account."""
    _, basket_id, strategy_id = published(world)
    failed = RUN.model_copy(
        update={
            "account": "", "run_key": f"{strategy_id}-20261123-S", "basket_id": basket_id,
            "strategy_id": strategy_id, "status": "FAILED", "reason": "TokenExpired: ZA9999 has to log in",
        }
    )  # fmt: skip
    row = ViewRow("marketplace", items.run(failed.run_key), 1, failed.model_dump(mode="json"))
    world.stores.views.put(row)
    ravi, admin = world.user("ravi"), world.user("admin-1", "admin")
    assert ravi.get("/runs").body == []
    assert ravi.get(f"/runs/{failed.run_key}").status == 404
    linked(world, ravi, "ZB5678")
    ravi.post("/subscriptions", {"basket_id": basket_id, "accounts": ["ZB5678"]})
    (seen,) = ravi.get("/runs").body
    assert (seen["status"], seen["executions"], seen["pages"]) == ("FAILED", {}, {})
    assert "ZA9999" not in ravi.get(f"/runs/{failed.run_key}").text
    (known,) = admin.get("/runs").body
    assert "ZA9999" in known["reason"]
    assert known["executions"] == RUN.executions


def test_each_sees_their_own(world: World) -> None:
    asha, ravi = world.user("asha"), world.user("ravi")
    for path in ("/orders", "/positions", "/runs"):
        assert len(asha.get(path).body) == 1
        assert ravi.get(path).body == []
    assert asha.get("/runs/straddle-20261123-S").status == 200
    assert ravi.get("/runs/straddle-20261123-S").status == 404


def test_they_are_chosen_by_day_account_and_strategy(world: World) -> None:
    asha = world.user("asha")
    for path in ("/orders", "/positions", "/runs"):
        assert asha.get(path, date="2026-11-20").body == []
        assert asha.get(path, account="ZB5678").body == []
        assert asha.get(path, strategy_id="condor").body == []
        assert len(asha.get(path, date="2026-11-23", account="ZA1234", strategy_id="straddle").body) == 1
        assert asha.get(path, date="yesterday").status == 422
        assert asha.get(path, limit=0).status == 422


def test_a_run_leads_to_its_executions(world: World) -> None:
    (run,) = world.user("asha").get("/runs").body
    assert run["pages"] == {"ENTRY": "https://console.test/arn:aws:states:x:execution:y:z"}


def listed(world: World, *days: str) -> None:
    document = {"trading_date": DAY.isoformat(), "expiries": list(days)}
    world.stores.market.put("BANKNIFTY", EXPIRIES_ITEM, document)


def own_strategy(client: Client, **more: Any) -> str:
    linked(client.world, client, "ZA1234")
    draft = {**STRADDLE, "accounts": ["ZA1234"], **more}
    made = client.post("/baskets", {"name": "Mine", "strategies": [draft]}).body["strategies"][0]
    client.post(f"/strategies/{made}/enable")
    return str(made)


def when(client: Client, **query: object) -> list[str]:
    return [f"{one['at'][5:16]} {one['what']}" for one in client.get("/next", **query).body]


def test_next_leaves_out_holidays_and_other_days_to_expiry(world: World) -> None:
    listed(world, "2026-11-23", "2026-12-29", "2027-01-25")
    asha = world.user("asha")
    own_strategy(asha, weekdays=["MON", "TUE", "WED", "THU", "FRI"], dte=[0, 1])
    # Tuesday 24 November is a holiday, and so is Friday 25 December.
    assert when(asha, limit=6) == [
        "11-23T09:30 ENTRY",
        "11-23T15:15 EXIT",
        "12-28T09:30 ENTRY",
        "12-28T15:15 EXIT",
        "12-29T09:30 ENTRY",
        "12-29T15:15 EXIT",
    ]


def test_next_gives_ten_and_begins_now(world: World) -> None:
    asha = world.user("asha")
    own_strategy(asha, dte=None)
    assert len(when(asha)) == 10
    world.later(2 * 3600)  # half past ten: today's entry is over, its exit is to come
    assert when(asha)[:2] == ["11-23T15:15 EXIT", "11-25T09:30 ENTRY"]


def test_next_says_when_it_is_not_sure(world: World) -> None:
    asha = world.user("asha")
    own_strategy(asha, dte=0)
    first = asha.get("/next").body[0]
    assert (first["sure"], first["dte"]) == (False, None)


def test_next_has_subscriptions_and_nothing_that_is_paused_or_disabled(world: World) -> None:
    listed(world, "2026-11-23")
    _, basket_id, strategy_id = published(world)
    ravi = world.user("ravi")
    linked(world, ravi, "ZB5678")
    assert ravi.get("/next").body == []
    ravi.post("/subscriptions", {"basket_id": basket_id, "accounts": ["ZB5678"]})
    first = ravi.get("/next").body[0]
    assert (first["strategy_id"], first["accounts"], first["dte"]) == (strategy_id, ["ZB5678"], 0)
    ravi.post(f"/subscriptions/{basket_id}/pause")
    assert ravi.get("/next").body == []


def test_a_profile_has_a_name_and_groups(world: World) -> None:
    admin = world.user("admin-1", "admin", "user")
    assert admin.get("/profile").body["groups"] == ["admin", "user"]
    assert admin.put("/profile", {"name": "ஆஷா ரவி"}).body["name"] == "ஆஷா ரவி"
    assert admin.get("/profile").body["version"] == 1


def test_how_the_market_is_heard(world: World) -> None:
    asha = world.user("asha")
    assert asha.get("/feed").body["state"] == "", "no feed was ever started"
    world.stores.market.put(FEED, FEEDING, {"account": "ZA1234"})
    world.stores.feeds.put("ZA1234", {"state": "SEES", "following": 12, "holder": "host-7"}, fence=1)
    seen = asha.get("/feed").body
    assert (seen["state"], seen["following"]) == ("SEES", 12)
    assert "holder" not in seen
