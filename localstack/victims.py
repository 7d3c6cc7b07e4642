"""`kill -9` of the local platform's processes, and how long each time until everything answers again."""

from __future__ import annotations

import os
import random
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import requests

from localstack.platform import Platform

LONGEST = 120.0
"""Seconds after which a platform that does not answer counts as lost."""

PATIENCE = 30.0
"""Seconds to wait for one answer. Asking again sooner would start another Lambda beside the one that starts."""

LINE = "broker's line"
API, LAMBDA = "API", "Lambda"
SERVICES = ("step-functions", "ministack", "schedules", "console")
VICTIMS = (*SERVICES, API, LAMBDA, LINE)
"""The broker is not ours and is never killed; the line to it is cut for some seconds."""


@dataclass(frozen=True, slots=True)
class Kill:
    """One kill. `seconds` until everything answered again, None if that took longer than `LONGEST`."""

    at: datetime
    victim: str
    what: str
    seconds: float | None


@dataclass(slots=True)
class Killer:
    """Kills one victim after the other.

    Parameters
    ----------
    chance
        Chooses the victim, and how long the broker's line is cut.
    tell
        Hears of each kill when the platform is back.
    """

    platform: Platform
    chance: random.Random
    tell: Callable[[Kill], None] = lambda _: None
    kills: list[Kill] = field(default_factory=list)
    _round: list[str] = field(default_factory=list)

    def kill(self, victim: str | None = None) -> Kill:
        """Kill `victim`, or the next one (each in its turn, in a new order each time), until all is whole."""
        at, began = self.platform.clock.now(), time.monotonic()
        chosen = victim or self._next()
        what = self._strike(chosen)
        kill = Kill(at, chosen, what, self._until_whole(began))
        self.kills.append(kill)
        self.tell(kill)
        return kill

    def _next(self) -> str:
        if not self._round:
            self._round = self.chance.sample(VICTIMS, len(VICTIMS))
        return self._round.pop()

    def _strike(self, victim: str) -> str:
        """What was done, in words."""
        if victim == LINE:
            seconds = self.chance.randint(3, 10)
            url = f"{self.platform.site.simulator_url}/_sim/offline"
            requests.post(url, json={"seconds": seconds}, timeout=10).raise_for_status()
            return f"cut for {seconds} s"
        if victim in SERVICES:
            return _killed(self.platform.running()[victim])
        workers = {pid: name for pid, name in self._workers() if (name == "Api") == (victim == API)}
        if not workers:
            return "none runs"
        pid = self.chance.choice(sorted(workers))
        return f"{workers[pid]}, {_killed(pid)}"

    def _workers(self) -> Iterator[tuple[int, str]]:
        """The Lambdas that ministack runs, each a process, with their functions' names. Linux only."""
        parent = self.platform.running()["ministack"]
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                status = (folder / "stat").read_text()
                environment = (folder / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            if int(status.rpartition(")")[2].split()[1]) == parent:
                for each in environment:
                    if each.startswith(b"AWS_LAMBDA_FUNCTION_NAME="):
                        yield int(folder.name), each.decode().rpartition("=")[2].removeprefix("algo-")

    def _until_whole(self, began: float) -> float | None:
        while not whole(self.platform):
            if time.monotonic() - began > LONGEST:
                return None
            time.sleep(0.05)
        return time.monotonic() - began


def _killed(pid: int | None) -> str:
    if pid is None:
        return "was down"
    os.kill(pid, signal.SIGKILL)
    return f"process {pid}"


def whole(platform: Platform) -> bool:
    """Everything answers: the HTTP API with its Lambda, the endpoint, the schedules, page and broker."""
    site = platform.site
    return all(
        map(
            _well,
            (
                f"{site.step_functions_url}/_local/idle",
                f"{site.schedules_url}/_local/idle",  # asks the emulator for the schedules
                f"{site.api_url}/health",
                f"{site.console_url}/assets/icon.svg",
                f"{site.simulator_url}/_sim/idle",
            ),
        )
    )


def _well(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:  # noqa: S310  (our own http URLs)
            return bool(answer.status == requests.codes.ok)
    except (urllib.error.URLError, OSError):
        return False
