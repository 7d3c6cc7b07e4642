"""Before anything is planned, an account's egress is compared with the address it really leaves from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from brokers.errors import EgressRefused
from tasks import plan_account
from tasks.contracts import WaveStatus
from tasks.domain import items
from tasks.egress import EchoedAddress
from tasks.runtime import Runtime
from tests.tasks.world import ACCOUNT, World, account_task, leg
from tests.zerodha.loopback import Loopback, RefusedPort, raw


@dataclass
class Seen:
    """What the other side sees."""

    is_: str

    def address(self, egress: str) -> str:
        assert egress == "mumbai-1"
        return self.is_


@pytest.fixture
def world() -> World:
    world = World.at()
    egress = {"name": "mumbai-1", "address": "203.0.113.7"}
    document = {"account": ACCOUNT, "broker": "zerodha", "lot_multiplier": 1, "egress": egress}
    world.stores.catalog.put("user-1", items.account(ACCOUNT), document)
    return world


def plan(world: World, **parts: Any) -> Any:
    rt: Runtime = replace(world.rt, **parts)
    return plan_account.run(account_task(leg(1, "CE")), rt)


def test_the_registered_address_may_trade(world: World) -> None:
    assert plan(world, egress=Seen("203.0.113.7")).status is WaveStatus.READY


def test_another_one_enters_nothing_and_says_both(world: World) -> None:
    with pytest.raises(EgressRefused, match=r"198\.51\.100\.9.*203\.0\.113\.7.*mumbai-1") as refused:
        plan(world, egress=Seen("198.51.100.9"))
    assert "canary" not in str(refused.value)
    assert world.stores.runs.account("straddle-20261123-S", ACCOUNT) is None


def test_an_account_without_an_egress_is_not_asked(world: World) -> None:
    world.link_account()
    assert plan(world).status is WaveStatus.READY


@pytest.mark.parametrize("text", ["203.0.113.7\n", '"203.0.113.7"'])
def test_the_proxy_is_asked_and_the_environment_has_no_say(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    body = text.encode()
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body)
    with Loopback([raw(reply)]) as proxy:
        echoed = EchoedAddress({"mumbai-1": proxy.url}.__getitem__, "http://echo.invalid/")
        assert echoed.address("mumbai-1") == "203.0.113.7"
        assert [request.target for request in proxy.requests] == ["http://echo.invalid/"]


def test_a_proxy_that_does_not_answer_is_refused_without_its_password() -> None:
    with RefusedPort() as dead, pytest.raises(EgressRefused) as refused:
        EchoedAddress(lambda _: dead.replace("://", "://algo:canary@")).address("mumbai-1")
    assert "canary" not in str(refused.value)
    assert refused.value.__cause__ is None
