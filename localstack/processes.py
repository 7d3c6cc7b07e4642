"""Processes that outlive the command that started them: started once, found again by pid file, stopped.

How a process was started is kept beside its pid, so that `localstack.supervisor` can start it again.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from localstack.site import ROOT

GRACE_SECONDS = 5.0
"""How long a process may take to end itself before it is killed. ministack sometimes takes for ever."""


class DidNotStart(RuntimeError):
    """A process ended or stayed silent while it should have started; the message ends with its log."""


@dataclass(frozen=True, slots=True)
class Service:
    """One process of the platform. It is up once `health_url` answers at all."""

    name: str
    command: Sequence[str]
    health_url: str
    mark: str
    """A part of the command line by which the process is known again: a pid may be given to a stranger."""
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Processes:
    """The processes of one platform, by their pid files in `state`."""

    state: Path

    def log(self, service: Service) -> Path:
        return self.state / f"{service.name}.log"

    def pid(self, service: Service) -> int | None:
        """The process's id, if it runs."""
        try:
            pid = int(self._pid_file(service).read_text())
        except (FileNotFoundError, ValueError):
            return None
        return pid if service.mark in _command_of(pid) else None

    def start(self, service: Service, environment: Mapping[str, str]) -> bool:
        """Start it, unless it runs. True if it was started now."""
        if self.pid(service) is not None:
            return False
        self.state.mkdir(parents=True, exist_ok=True)
        variables = {**environment, **service.variables}
        with self.log(service).open("ab") as log:
            process = subprocess.Popen(
                service.command,
                cwd=ROOT,
                env={**os.environ, **variables},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._pid_file(service).write_text(str(process.pid))
        self._started_file(service.name).write_text(json.dumps(asdict(replace(service, variables=variables))))
        return True

    def started(self) -> list[Service]:
        """What was started and not stopped, whether it still runs or not, just as it was started."""
        found = []
        for file in sorted(self.state.glob("*.started")):
            with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):  # being stopped, being written
                found.append(Service(**json.loads(file.read_text())))
        return found

    def wait_until_up(self, service: Service, *, seconds: float = 30.0) -> None:
        """Wait for its first answer.

        Raises
        ------
        DidNotStart
            If the process is gone, or has not answered after `seconds`.
        """
        deadline = time.monotonic() + seconds
        while not answers(service.health_url):
            if self._ended(service) or time.monotonic() > deadline:
                raise DidNotStart(f"{service.name} did not start:\n{self._tail(service)}")
            time.sleep(0.05)

    def stop(self, service: Service) -> bool:
        """End it and its children. True if it ran."""
        self._started_file(service.name).unlink(missing_ok=True)
        pid = self.pid(service)
        if pid is not None:
            end(pid)
        self._pid_file(service).unlink(missing_ok=True)
        return pid is not None

    def kill(self, service: Service) -> None:
        """`kill -9`, of this one process."""
        pid = self.pid(service)
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            while not _gone(pid):
                time.sleep(0.005)

    def _ended(self, service: Service) -> bool:
        """Without a look at the command line: for an instant a new process still carries its parent's."""
        try:
            return _gone(int(self._pid_file(service).read_text()))
        except FileNotFoundError:
            return True

    def _pid_file(self, service: Service) -> Path:
        return self.state / f"{service.name}.pid"

    def _started_file(self, name: str) -> Path:
        return self.state / f"{name}.started"

    def _tail(self, service: Service) -> str:
        return "\n".join(self.log(service).read_text(errors="replace").splitlines()[-20:])


def answers(url: str) -> bool:
    """True if something speaks HTTP there."""
    try:
        with urllib.request.urlopen(url, timeout=2):  # noqa: S310  (our own http URLs)
            return True
    except urllib.error.HTTPError:
        return True
    except (urllib.error.URLError, OSError):
        return False


def end(pid: int) -> None:
    """SIGTERM, then SIGKILL for what is left of the process's group (it leads one of its own)."""
    _signal_group(pid, signal.SIGTERM)
    deadline = time.monotonic() + GRACE_SECONDS
    while not _gone(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    _signal_group(pid, signal.SIGKILL)
    while not _gone(pid):
        time.sleep(0.02)


def _signal_group(pid: int, number: signal.Signals) -> None:
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        return


def _gone(pid: int) -> bool:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)  # a child of ours stays a zombie until somebody asks
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def _command_of(pid: int) -> str:
    """The command line of a living process, "" if there is none (or only its zombie)."""
    if Path("/proc/self").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""
    listing = subprocess.run(
        ["ps", "-ww", "-p", str(pid), "-o", "stat=,command="], capture_output=True, text=True, check=False
    ).stdout.strip()
    return "" if listing.startswith("Z") else listing
