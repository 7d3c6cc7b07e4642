"""`make up`: everything starts, a schedule fires by itself in Asia/Kolkata, and `make down` leaves nothing."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from localstack.__main__ import main
from localstack.aws import Aws
from localstack.platform import EMULATOR_PYTHON, Platform
from localstack.processes import answers
from localstack.site import Ports, Site, machine_arn

pytestmark = [pytest.mark.slow, pytest.mark.platform]


class Command:
    """`python -m localstack` with a folder and ports of its own."""

    def __init__(self, state: Path) -> None:
        self.site = Site(state, Ports.free())
        self.options = ["--state", str(state)]
        for name, port in asdict(self.site.ports).items():
            self.options += [f"--{name.replace('_', '-')}-port", str(port)]

    def __call__(self, *arguments: str) -> int:
        return main([*self.options, *arguments])


@pytest.fixture
def localstack(tmp_path: Path) -> Iterator[Command]:
    if not EMULATOR_PYTHON.exists():
        pytest.skip("the emulator's environment is not installed (make install)")
    command = Command(tmp_path)
    try:
        yield command
    finally:
        command("down")


def test_from_up_to_down(localstack: Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert localstack("up", "--at", "2026-11-23T09:20") == 0
    assert localstack("strategy", "--entry", "09:30", "--weekdays", "MON") == 0
    assert localstack("up") == 0, "a second time it changes nothing"
    assert localstack("status") == 0
    assert "Mon 23 Nov 2026 09:2" in capsys.readouterr().out, "the clock goes on from where it was set"

    assert localstack("skip", "--until", "09:28") == 0
    client = Aws(localstack.site).step_functions
    machine = machine_arn("StrategyLifecycle")
    deadline = time.monotonic() + 30
    while not (found := client.list_executions(stateMachineArn=machine)["executions"]):
        assert time.monotonic() < deadline, "the schedule did not fire"
        time.sleep(0.2)
    history = client.get_execution_history(executionArn=found[0]["executionArn"])
    started = history["events"][0]["executionStartedEventDetails"]
    assert json.loads(str(started["input"]))["scheduled_time"] == "2026-11-23T03:58:00Z"

    assert localstack("down") == 0
    assert (
        "stopped supervisor, console, feed, schedules, step-functions, simulator, ministack"
        in capsys.readouterr().out
    )
    assert localstack("status") == 1
    site = localstack.site
    assert not any(
        map(
            answers,
            (site.aws_url, site.step_functions_url, site.simulator_url, site.schedules_url, site.console_url),
        )
    )


def test_a_new_platform_only_this_machine_can_reach(localstack: Command) -> None:
    """It begins without the executions of an earlier one, and every process listens on 127.0.0.1 alone."""
    earlier = localstack.site.state / "stepfunctions" / "earlier"
    earlier.parent.mkdir()
    earlier.touch()
    assert localstack("up", "--at", "2026-11-23T09:00") == 0
    assert not earlier.exists(), "their tables and the broker's book are gone too"
    if not Path("/proc/net/tcp").exists():
        pytest.skip("only Linux says here who listens")
    pids = Platform(localstack.site).running()
    everywhere = {name: addresses for name, pid in pids.items() if (addresses := _listens(pid) - {LOCAL})}
    assert not everywhere
    assert _listens(pids["ministack"]) == {LOCAL}


LOCAL = "0100007F"
"""127.0.0.1, as the kernel writes it."""


def _listens(pid: int | None) -> set[str]:
    """The addresses on which a process accepts connections."""
    own = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            own.add(os.readlink(descriptor))
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in own:
                found.add(fields[1].partition(":")[0])
    return found
