"""`kill -9` of the Step Functions endpoint at random moments of straddle days: `python -m localstack.kills`.

One platform plays one day after the other, with two accounts and a fill that takes its time, until the
endpoint has been killed as often as was asked. Half of the kills come while a call is being made, between a
function's invocation and its result; the others at any moment. Each time the endpoint is started again at once,
on the same port and the same data; everything else keeps running. Exit code 0 if every execution succeeded,
every leg has one order in and one out at the broker, and the ledgers agree.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

from localstack.cases import BEGIN
from localstack.conductor import Http, Idleness, Watched
from localstack.demo import running_platform
from localstack.platform import Market, Platform
from localstack.seed import ACCOUNT, SECOND_ACCOUNT
from localstack.site import MACHINES, machine_arn
from localstack.stage import ENTRY_WINDOW, Outcome, Stage

ENDPOINT = "step-functions"
ACCOUNTS = (ACCOUNT, SECOND_ACCOUNT)
LEGS = 2
KILLS_A_DAY = 10
LONGEST_PAUSE = 0.8
"""Seconds between a start and the next kill, at most. Much of a day is over in less."""
PATIENCE = 1.0
"""Seconds to wait for a call to be under way."""


@dataclass(slots=True)
class Kill:
    """One kill: what the endpoint had under way, and what it did again afterwards."""

    calls_under_way: int
    called_again: int
    seconds_down: float


@dataclass(slots=True)
class Killer:
    """Kills the endpoint, again and again, in a thread of its own.

    Parameters
    ----------
    gate
        Held while the endpoint is down, so that whoever watches the day never asks it then. Lambda functions
        and the exchange know nothing of it.
    """

    platform: Platform
    chance: random.Random
    gate: threading.RLock
    kills: list[Kill] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    def kill(self, times: int) -> None:
        """Kill it so often, unless the day is over before."""
        for _ in range(times):
            if self._over.wait(self.chance.uniform(0.0, LONGEST_PAUSE)):
                return
            if self.chance.random() < 0.5:
                self._wait_for_a_call()
            with self.gate:
                self.kills.append(self._kill())

    def stop(self) -> None:
        self._over.set()

    def _wait_for_a_call(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while not self._ask()["busy"] and time.monotonic() < deadline and not self._over.is_set():
            time.sleep(0.002)

    def _kill(self) -> Kill:
        under_way = self._ask()["busy"]
        began = time.monotonic()
        self.platform.kill_and_restart(ENDPOINT)
        return Kill(under_way, self._ask()["called_again"], time.monotonic() - began)

    def _ask(self) -> dict[str, int]:
        url = f"{self.platform.site.step_functions_url}/_local/idle"
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310  (our own http URL)
            found: dict[str, int] = json.load(answer)
            return found


@dataclass(frozen=True, slots=True)
class Gated:
    """Looks at a process only while it is up."""

    watched: Watched
    gate: threading.RLock

    def look(self) -> Idleness:
        with self.gate:
            return self.watched.look()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m localstack.kills", description=__doc__)
    parser.add_argument("--count", type=int, default=50, help="kills in all")
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the platform is stopped
    began = time.monotonic()
    with running_platform(Market(), BEGIN) as platform:
        kills, broken = play(platform, options.count, options.seed, tell=lambda line: print(line, flush=True))
    inside = sum(kill.called_again > 0 for kill in kills)
    print(
        f"\n{len(kills)} kills, {inside} of them between a call and its result; "
        f"{sum(kill.called_again for kill in kills)} calls made again; {time.monotonic() - began:.0f} s"
    )
    print("\n".join(broken) or "every execution succeeded, no order was doubled, none was lost")
    return 1 if broken else 0


def play(
    platform: Platform,
    count: int,
    seed: int,
    *,
    accounts: Sequence[str] = ACCOUNTS,
    tell: Callable[[str], None] = lambda _: None,
) -> tuple[list[Kill], list[str]]:
    """Days with kills until there are `count`; the kills, and what did not hold."""
    chance, kills, broken = random.Random(seed), list[Kill](), list[str]()
    day = 0
    while len(kills) < count:
        day += 1
        stage = Stage.new(platform, f"kills-{day}", accounts=accounts)
        new = _day(stage, Killer(platform, chance, threading.RLock()), min(KILLS_A_DAY, count - len(kills)))
        kills += new
        held = claims(stage.outcome(), list(_executions(platform)), LEGS * len(accounts))
        wrong = [f"day {day}: {text}" for text, holds in held if not holds]
        broken += wrong
        again = sum(kill.called_again for kill in new)
        tell(f"day {day}: {len(new)} kills, {again} calls made again, {'✗' if wrong else '✓'}")
    return kills, broken


def _day(stage: Stage, killer: Killer, times: int) -> list[Kill]:
    stage.exchange.fault("slow_fill", symbol="*PE", side="SELL", seconds=1)
    with _patient(killer.platform, killer.gate), _killing(killer, times):
        for side, until in (("ENTRY", ENTRY_WINDOW), ("EXIT", timedelta(minutes=20))):
            with killer.gate:  # whoever is not answered asks again, and would start a second execution
                stage.send(side)
            stage.play(stage.entry + until)
    return killer.kills


def claims(outcome: Outcome, executions: list[tuple[str, int]], orders: int) -> list[tuple[str, bool]]:
    """What must hold, whatever was killed when; `orders` is how many go in, and as many go out.

    A call that was forgotten would be made again too, by the machines' own Retry, but only after its time-out.
    """
    statuses, unanswered = [status for status, _ in executions], sum(count for _, count in executions)
    tags = [entry.tag for entry in outcome.broker.orders]
    return [
        (f"every execution succeeded: {Counter(statuses)}", set(statuses) == {"SUCCEEDED"}),
        (f"{orders} entries at the broker, not {outcome.sent('N')}", outcome.sent("N") == orders),
        (f"{orders} exits at the broker, not {outcome.sent('X')}", outcome.sent("X") == orders),
        ("no order is there twice", len(tags) == len(set(tags))),
        (f"no call was forgotten until it timed out, not {unanswered}", not unanswered),
        ("the ledgers agree", outcome.day.comparison.agree),
        ("nothing is left open", outcome.day.flat),
    ]


@contextmanager
def _patient(platform: Platform, gate: threading.RLock) -> Iterator[None]:
    """Let nobody who watches ask the endpoint while it is down."""
    usual = platform.conductor
    endpoint = Http(f"{platform.site.step_functions_url}/_local/idle")
    watched = tuple(Gated(each, gate) if each == endpoint else each for each in usual.watched)
    platform.conductor = replace(usual, watched=watched, pokes=usual.pokes[:1])  # it looks at the clock itself

    def wait(**_: object) -> None:
        with gate:
            return

    events = platform.aws.step_functions.meta.events
    events.register("before-send.sfn", wait, unique_id=__name__)
    try:
        yield
    finally:
        events.unregister("before-send.sfn", wait, unique_id=__name__)
        platform.conductor = usual


@contextmanager
def _killing(killer: Killer, times: int) -> Iterator[None]:
    thread = threading.Thread(target=killer.kill, args=(times,), name="killer")
    thread.start()
    try:
        yield
    finally:
        killer.stop()
        thread.join()


def _executions(platform: Platform) -> Iterator[tuple[str, int]]:
    """How every execution stands, and how many of its calls were never answered."""
    client = platform.aws.step_functions
    for machine in MACHINES:
        listed = client.get_paginator("list_executions").paginate(stateMachineArn=machine_arn(machine))
        for execution in (execution for page in listed for execution in page["executions"]):
            history = client.get_paginator("get_execution_history").paginate(
                executionArn=execution["executionArn"], includeExecutionData=False
            )
            kinds = [event["type"] for page in history for event in page["events"]]
            yield execution["status"], kinds.count("LambdaFunctionTimedOut")


if __name__ == "__main__":
    sys.exit(main())
