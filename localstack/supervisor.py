"""Starts again what died: `python -m localstack.supervisor --state .local`, as `make up` starts it.

It looks at the processes of one platform ten times a second, as systemd or a container service would do on a
server, and starts one that is gone just as it was started before: at once, and with growing pauses if it dies
again and again. What `make down` stops stays down. Each restart is a line of `restarts.jsonl` in the platform's
folder. Nobody watches the supervisor: if it is killed, the others go on, and `make up` starts it again.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from localstack.processes import Processes

MARK = "localstack.supervisor"
POLL_SECONDS = 0.1

PAUSES = (0.05, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds before the first, second, … restart of a process that never lived for `STABLE_SECONDS`. The first is
over at the next look: one look alone may find a process that is just starting without its command line."""

STABLE_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Restart:
    """One process that was found gone and was started again."""

    name: str
    at: datetime
    times: int
    """How often in a row, this one included."""


@dataclass(slots=True)
class Supervisor:
    """Watches the processes whose pid files are in one folder.

    Parameters
    ----------
    clock
        Seconds that never go back.
    now
        The wall's time, for the record.
    """

    processes: Processes
    clock: Callable[[], float]
    now: Callable[[], datetime]
    _times: dict[str, int] = field(default_factory=dict)
    _restarted: dict[str, float] = field(default_factory=dict)
    _gone_since: dict[str, float] = field(default_factory=dict)

    def look(self) -> Iterator[Restart]:
        """One look at all of them; what was started again."""
        for service in self.processes.started():
            if service.mark == MARK:
                continue
            if self.processes.pid(service) is not None:
                self._gone_since.pop(service.name, None)
            elif self._waited_for(service.name) and self.processes.start(service, {}):
                yield self._note(service.name)

    def _waited_for(self, name: str) -> bool:
        since = self._gone_since.setdefault(name, self.clock())
        return self.clock() - since >= PAUSES[min(self._in_a_row(name), len(PAUSES) - 1)]

    def _in_a_row(self, name: str) -> int:
        """How often it was restarted, each time soon after the last."""
        lived = self._gone_since[name] - self._restarted.get(name, float("-inf"))
        return self._times[name] if lived < STABLE_SECONDS else 0

    def _note(self, name: str) -> Restart:
        self._times[name] = self._in_a_row(name) + 1
        self._restarted[name] = self.clock()
        del self._gone_since[name]
        return Restart(name, self.now(), self._times[name])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="the platform's folder")
    state: Path = parser.parse_args().state
    supervisor = Supervisor(Processes(state), time.monotonic, lambda: datetime.now(UTC))
    while True:
        for restart in supervisor.look():
            line = json.dumps({"name": restart.name, "at": restart.at.isoformat(), "times": restart.times})
            with (state / "restarts.jsonl").open("a") as record:
                record.write(f"{line}\n")
            print(line, flush=True)
        time.sleep(POLL_SECONDS)


if __name__ == "__main__":
    main()
