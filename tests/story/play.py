"""The story: an admin publishes, two people subscribe and build, a morning trades by itself, a day ends early.

Everything goes over HTTP, as it would on AWS. Times are India's, on the simulated days of the platform.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import requests
import yaml

from brokers.clock import IST
from localstack.exchange import BrokerLedger, Exchange
from localstack.history import Watcher
from localstack.people import Person, mails
from localstack.platform import Platform
from localstack.seed import stores
from localstack.site import ROOT, machine_arn
from tasks.rebuild import Rebuilt, rebuild
from workflows.catalogue import MACHINES

MONDAY = date(2026, 11, 23)
"""BANKNIFTY expires: Tuesday is a holiday."""
WEDNESDAY = date(2026, 11, 25)
EXAMPLES = ROOT / "docs" / "examples"
PASSWORD = "Canary-Passphrase-7!"
"""Of everybody. It must be found nowhere."""
PROXY_PASSWORD = "canary-of-a-proxy"

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Seen:
    """What one person saw at one moment."""

    runs: Rows
    orders: Rows
    positions: Rows

    @classmethod
    def by(cls, person: Person, day: date = MONDAY) -> Seen:
        at = day.isoformat()
        return cls(*(person.api.get(f"/{what}", date=at) for what in ("runs", "orders", "positions")))

    @property
    def phases(self) -> dict[str, str]:
        """Of each account in each strategy."""
        return {
            f"{row['strategy_id'].rpartition('-')[0]} {row['account']}": row["status"]
            for row in self.runs
            if row["account"]  # without one it is the run as a whole
        }

    @property
    def accounts(self) -> set[str]:
        rows = (row for rows in (self.runs, self.orders, self.positions) for row in rows)
        return {row["account"] for row in rows if row["account"]}

    def quantities(self, account: str, strategy: str = "straddle") -> set[int]:
        """Of the entries in one account."""
        return {
            row["entry_qty"]
            for row in self.positions
            if row["account"] == account and row["strategy_id"].startswith(strategy)
        }

    @property
    def earned(self) -> Decimal:
        return sum((Decimal(row["realised"]) for row in self.positions), Decimal(0))


@dataclass(slots=True)
class Story:
    """The story as it goes, and what was noted on the way."""

    platform: Platform
    admin: Person = field(init=False)
    asha: Person = field(init=False)
    ravi: Person = field(init=False)
    basket_id: str = field(init=False)
    own_basket_id: str = field(init=False)
    notes: dict[str, Any] = field(default_factory=dict)
    answers: list[str] = field(default_factory=list)
    """Every byte that the API answered to anybody."""
    rebuilt: Rebuilt = field(init=False)

    def play(self) -> None:
        self.arrive()
        self.link()
        self.publish()
        self.subscribe()
        self.morning()
        self.midday()
        self.evening()
        self.next_session()
        self.rebuilt = rebuild(stores(self.platform.aws), write=False)

    def arrive(self) -> None:
        self.admin = self._arrives("meera", admin=True)
        self.asha = self._arrives("asha")
        self.ravi = self._arrives("ravi")

    def link(self) -> None:
        """Strangers may link their accounts once the operator has said under which empanelment."""
        self.notes["closed"] = refusal(self.asha, "POST", "/accounts", _LINK)
        self.admin.api.send("PUT", "/platform", {"strangers": True, "empanelment": "NSE/ALGO/0042"})
        for person, account in ((self.asha, "ZA1234"), (self.ravi, "ZB5678"), (self.ravi, "ZC9012")):
            person.links(account)
            self.notes[f"page {account}"] = person.logs_in(account)
        self.notes["taken"] = refusal(self.ravi, "POST", "/accounts", _LINK)
        proxy = {"address": "203.0.113.7", "proxy_url": f"http://algo:{PROXY_PASSWORD}@10.0.0.7:3128"}
        self.admin.api.send("PUT", "/egresses/mumbai-1", proxy)

    def publish(self) -> None:
        made = self.admin.api.send("POST", "/baskets", {**example("straddle"), "kind": "marketplace"})
        self.basket_id = made["basket_id"]
        self.admin.api.send("POST", f"/baskets/{self.basket_id}/publish")

    def subscribe(self) -> None:
        for person, accounts, multiplier in ((self.asha, ["ZA1234"], 1), (self.ravi, ["ZB5678", "ZC9012"], 2)):
            body = {"basket_id": self.basket_id, "accounts": accounts, "multiplier": multiplier}
            person.api.send("POST", "/subscriptions", body)
        own = example("iron-condor")
        own["strategies"][0]["accounts"] = ["ZA1234"]
        self.own_basket_id = self.asha.api.send("POST", "/baskets", own)["basket_id"]
        self.asha.api.send("POST", f"/baskets/{self.own_basket_id}/enable")
        self.platform.conductor.settle()
        self.notes["schedules"] = self._schedules()
        self.notes["next"] = self.asha.api.get("/next", limit=10)
        self.notes["strategies"] = self.asha.api.get("/strategies")

    def morning(self) -> None:
        """Nobody does anything: the schedules fire by themselves."""
        self.until("09:40")
        self.notes["straddle"] = {person.email: Seen.by(person) for person in self._people}
        self.until("09:50")
        self.notes["condor"] = Seen.by(self.asha)

    def midday(self) -> None:
        self.wait("11:00")
        self._publish_next_version()
        self.notes["after publishing"] = Seen.by(self.ravi)
        self.ravi.api.send("POST", f"/subscriptions/{self.basket_id}/pause")
        self.wait("12:00")
        self.notes["stolen"] = refusal(self.ravi, "POST", "/accounts/ZA1234/square-off")
        self.notes["square-off"] = self.asha.api.send("POST", "/square-off")
        self.until("12:10")
        self.notes["noon"] = {person.email: Seen.by(person) for person in self._people}

    def evening(self) -> None:
        self._starts_what_is_not_there()
        self.until("15:40")
        self.notes["evening"] = {person.email: Seen.by(person) for person in self._people}
        self.notes["ledger"] = self.ledger()

    def next_session(self) -> None:
        """The new version trades, for whoever is not paused."""
        self.wait("06:30", WEDNESDAY)
        self.asha.logs_in("ZA1234")
        self.until("09:40", WEDNESDAY)
        self.notes["wednesday"] = {person.email: Seen.by(person, WEDNESDAY) for person in self._people}
        self.asha.api.send("POST", "/square-off", {"stop": True})
        self.until("09:50", WEDNESDAY)
        self.notes["end"] = Seen.by(self.asha, WEDNESDAY)
        self.notes["end ledger"] = self.ledger()
        self.notes["mails"] = mails(self.platform.site)

    def until(self, clock: str, day: date = MONDAY) -> None:
        """Let time pass until everything that is due by then is done."""
        while self.platform.conductor.step(until=at(clock, day)):
            pass

    def wait(self, clock: str, day: date = MONDAY) -> None:
        """Let it be that time."""
        self.until(clock, day)
        self.platform.conductor.jump_before(at(clock, day))

    def ledger(self) -> BrokerLedger:
        return Exchange(self.platform.site.simulator_url).ledger()

    def histories(self) -> str:
        """Every event of every execution."""
        client = self.platform.aws.step_functions
        watcher = Watcher(client, [machine_arn(machine.name) for machine in MACHINES])
        watcher.news()
        return json.dumps(watcher.histories(), default=str)

    @property
    def _people(self) -> tuple[Person, ...]:
        return (self.admin, self.asha, self.ravi)

    def _arrives(self, name: str, *, admin: bool = False) -> Person:
        person = Person.arrives(self.platform, f"{name}@example.com", PASSWORD, admin=admin)
        person.api.session.hooks["response"].append(self._note_answer)
        return person

    def _note_answer(self, answer: requests.Response, *_: Any, **__: Any) -> None:
        self.answers.append(f"{answer.request.method} {answer.url} {dict(answer.headers)} {answer.text}")

    def _publish_next_version(self) -> None:
        """Two lots, and any day."""
        (strategy,) = self.admin.api.get("/strategies", basket_id=self.basket_id)
        path = f"/strategies/{strategy['strategy_id']}"
        changed = example("straddle")["strategies"][0] | {"dte": None}
        changed["legs"] = [{**leg, "lots": 2} for leg in changed["legs"]]
        self.notes["conflict"] = refusal(self.admin, "PUT", path, changed, version=strategy["version"] + 7)
        self.admin.api.send("PUT", path, changed, version=strategy["version"])
        published = self.admin.api.send("POST", f"/baskets/{self.basket_id}/publish")
        self.notes["published version"] = published["published_version"]
        self.platform.conductor.settle()

    def _starts_what_is_not_there(self) -> None:
        """Somebody starts a run by hand, in the console, of a strategy that Asha has not."""
        event = {
            "user_id": self.asha.user_id, "basket_id": "gone", "strategy_id": "gone",
            "transaction_type": "ENTRY", "entry_time": "12:15", "exit_time": "15:15",
            "weekdays": ["MON"], "dte": None,
            "scheduled_time": f"{MONDAY}T12:11:00+05:30",
        }  # fmt: skip
        self.platform.aws.step_functions.start_execution(
            stateMachineArn=machine_arn("StrategyLifecycle"), input=json.dumps(event)
        )

    def _schedules(self) -> dict[str, Any]:
        scheduler = self.platform.aws.scheduler
        names = [each["Name"] for each in scheduler.list_schedules(GroupName="algo")["Schedules"]]
        return {name: scheduler.get_schedule(GroupName="algo", Name=name) for name in names}


_LINK = {"account": "ZA1234", "api_key": "simkey", "api_secret": "simsecret"}


def at(clock: str, day: date = MONDAY) -> datetime:
    return datetime.fromisoformat(f"{day.isoformat()}T{clock}").replace(tzinfo=IST)


def example(name: str) -> dict[str, Any]:
    """A basket that ships."""
    found: dict[str, Any] = yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text())
    return found


def refusal(person: Person, method: str, path: str, body: Any = None, **more: Any) -> int:
    """The status of a command that is refused."""
    from tasks.cli.errors import ApiRefused

    try:
        person.api.send(method, path, body, **more)
    except ApiRefused as error:
        return error.status
    return 200
