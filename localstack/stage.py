"""A running platform on which one case after the other is played, each with a strategy of its own."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from localstack import report
from localstack.exchange import BrokerLedger, Exchange
from localstack.history import End, Step, Watcher
from localstack.platform import Platform
from localstack.seed import Plan, log_in, seed, store_session, stores
from localstack.site import MACHINES, machine_arn
from tasks.domain.ids import exit_name, run_key
from tasks.find_open_accounts import exit_task

ENTRY_WINDOW = timedelta(minutes=5)
"""The strategies' default grace."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one case came to."""

    day: report.Day
    broker: BrokerLedger
    steps: Sequence[Step]
    ends: Sequence[End]
    histories: Mapping[str, Sequence[Mapping[str, Any]]]
    """Every event of every account's executions, by their ARNs."""

    @property
    def states(self) -> Counter[str]:
        """How often each state was left."""
        return Counter(step.state for step in self.steps)

    def sent(self, purpose: str) -> int:
        """Orders that the broker has for this purpose: N entries, X exits."""
        return sum(entry.tag.startswith(purpose) for entry in self.broker.orders)


@dataclass(slots=True)
class Stage:
    """One case in progress.

    Parameters
    ----------
    platform
        Started; its clock goes on from case to case.
    plan
        The case's strategy. It enters at the whole minute after next.
    """

    platform: Platform
    plan: Plan
    entry: datetime = field(init=False)
    steps: list[Step] = field(default_factory=list, init=False)
    ends: list[End] = field(default_factory=list, init=False)
    _watcher: Watcher = field(init=False)

    def __post_init__(self) -> None:
        client = self.platform.aws.step_functions
        self._watcher = Watcher(client, [machine_arn(name) for name in MACHINES])
        self._watcher.news()  # what earlier cases did is none of ours
        self.platform.conductor.between = self._watch
        self.exchange.reset()
        seed(self.platform.aws, self.platform.site.simulator_url, self.plan)

    @classmethod
    def new(cls, platform: Platform, name: str, *, minutes: int = 8, **changes: Any) -> Stage:
        """A stage for the case `name`, with a strategy that enters soon and exits `minutes` later."""
        entry = platform.clock.now().replace(second=0, microsecond=0) + timedelta(minutes=2)
        leave = entry + timedelta(minutes=minutes)
        plan = Plan(strategy_id=name, name=name, entry=_clock(entry), exit=_clock(leave), **changes)
        stage = cls(platform, plan)
        stage.entry = entry
        return stage

    @property
    def exchange(self) -> Exchange:
        return Exchange(self.platform.site.simulator_url)

    def send(self, side: str) -> str:
        """Deliver the event as a schedule would; the execution's ARN."""
        event = self.plan.event(side, f"{self.platform.clock.now().astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}")
        started = self.platform.aws.step_functions.start_execution(
            stateMachineArn=machine_arn("StrategyLifecycle"), input=json.dumps(event)
        )
        return started["executionArn"]

    def play(self, until: datetime) -> None:
        """Let time pass until everything is settled, but not beyond `until`."""
        while self.platform.conductor.step(until=until):
            pass
        self._watch()

    def wait(self, until: datetime) -> None:
        """Play, and then let it be `until`."""
        self.play(until)
        self.platform.conductor.reach(until)

    def enter(self) -> None:
        """Deliver ENTRY and play its window."""
        self.send("ENTRY")
        self.play(self.entry + ENTRY_WINDOW + timedelta(seconds=30))

    def leave(self) -> None:
        """Deliver EXIT and play until it is done."""
        self.send("EXIT")
        self.play(self.entry + timedelta(minutes=20))

    def log_in_again(self, account: str) -> None:
        store_session(self.platform.aws, log_in(self.platform.site.simulator_url, account))

    def redrive(self, account: str, side: str = "ENTRY") -> None:
        """Redrive the account's failed execution."""
        self.platform.aws.step_functions.redrive_execution(executionArn=self._child(account, side))

    def stop(self, account: str, side: str) -> None:
        """Abort the account's execution."""
        self.platform.aws.step_functions.stop_execution(executionArn=self._child(account, side))

    def start_exit(self, account: str) -> None:
        """Start the account's exit under the name that everybody starts it with."""
        plan = stores(self.platform.aws).runs.account(
            run_key(self.plan.strategy_id, self.entry.date()), account
        )
        if plan is None:
            return
        client = self.platform.aws.step_functions
        with suppress(client.exceptions.ExecutionAlreadyExists):
            client.start_execution(
                stateMachineArn=machine_arn("AccountBasket"),
                name=exit_name(plan.run_key, account),
                input=exit_task(plan).model_dump_json(),
            )

    def _child(self, account: str, side: str) -> str:
        name = f"{run_key(self.plan.strategy_id, self.entry.date())}-{account}-{side}"
        return f"{machine_arn('AccountBasket').replace(':stateMachine:', ':execution:')}:{name}"

    def outcome(self) -> Outcome:
        """Both ledgers and everything that ran."""
        day = self.entry.date()
        broker = self.exchange.ledger()
        key = run_key(self.plan.strategy_id, day)
        result = report.read_day(stores(self.platform.aws), broker, key, self.plan.accounts, day)
        histories = {arn: events for arn, events in self._watcher.histories().items() if key in arn}
        return Outcome(result, broker, tuple(self.steps), tuple(self.ends), histories)

    def _watch(self) -> None:
        for item in self._watcher.news():
            if isinstance(item, Step):
                self.steps.append(item)
            else:
                self.ends.append(item)


def _clock(moment: datetime) -> Any:
    return moment.time()


def slot(step: Step, name: str) -> Mapping[str, Any]:
    """A slot of what the step left behind."""
    value = step.output.get(name)
    return value if isinstance(value, dict) else {}
