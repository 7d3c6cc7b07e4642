"""Shows that the broker's ledger and ours agree whatever goes wrong: `python -m localstack.cases [NAME…]`.

One platform, one case after the other, each with the exchange simulator's switches and the jumping clock. Exit
code 0 if in every case the ledgers agree, nothing is left open and each claim holds.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from datetime import datetime

from brokers.clock import IST
from localstack import report
from localstack.demo import running_platform
from localstack.platform import CANNOT_START, Market, Platform
from localstack.scenarios import SCENARIOS, Scenario
from localstack.stage import Outcome, Stage

BEGIN = datetime(2026, 11, 23, 9, 20, tzinfo=IST)
"""BANKNIFTY's monthly expiry, moved to the Monday by a holiday."""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m localstack.cases", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="cases to play; all if none is named")
    parser.add_argument("--list", action="store_true", help="name the cases")
    options = parser.parse_args(arguments)
    known = {scenario.name: scenario for scenario in SCENARIOS}
    if options.list:
        print("\n".join(f"{name:<26} {scenario.says}" for name, scenario in known.items()))
        return 0
    if unknown := set(options.names) - known.keys():
        parser.error(f"no case {', '.join(sorted(unknown))}; try --list")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the platform is stopped
    chosen = [known[name] for name in options.names] or list(SCENARIOS)
    try:
        with running_platform(Market(), BEGIN) as platform:
            good = [show(platform, scenario) for scenario in chosen]
    except CANNOT_START as error:
        print(error)
        return 1
    print(f"\n{sum(good)} of {len(good)} cases hold")
    return 0 if all(good) else 1


def show(platform: Platform, scenario: Scenario) -> bool:
    """Play one case and print both ledgers; True if everything holds."""
    began = time.monotonic()
    print(f"\n━━ {scenario.name}: {scenario.says}", flush=True)
    outcome = play(platform, scenario)
    print("\n".join(f"  {line}" for line in report.ledgers(outcome.day)))
    claims = verdicts(scenario, outcome)
    for text, holds in claims:
        print(f"  {'✓' if holds else '✗'} {text}")
    print(f"  {time.monotonic() - began:.1f} s", flush=True)
    return all(holds for _, holds in claims)


def play(platform: Platform, scenario: Scenario) -> Outcome:
    """Play one case from its entry to its end."""
    stage = Stage.new(platform, scenario.name, minutes=scenario.minutes, accounts=scenario.accounts)
    scenario.act(stage)
    return stage.outcome()


def verdicts(scenario: Scenario, outcome: Outcome) -> list[tuple[str, bool]]:
    """What must hold in every case, then what must hold in this one."""
    always = [
        ("the ledgers agree", outcome.day.comparison.agree),
        ("nothing is left open", outcome.day.flat),
    ]
    return [*always, *scenario.claims(outcome)]


if __name__ == "__main__":
    sys.exit(main())
