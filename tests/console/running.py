"""A console as a process of its own, and a browser to look at it with."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from localstack.console.browser import executable
from localstack.processes import answers, end
from tests.stepfunctions.endpoint import wait_until

ROOT = Path(__file__).parents[2]
BUNDLE = ROOT / "build" / "console"


def chromium() -> str:
    """Debian's browser. Tests that need one are skipped where there is none."""
    found = executable()
    if found is None:
        pytest.skip("there is no chromium here: apt-get install chromium")
    return found


def bundle() -> Path:
    if not (BUNDLE / "index.html").exists():
        pytest.skip("the page is not built: make page")
    return BUNDLE


@dataclass(frozen=True)
class Running:
    """A console that answers at `url`."""

    url: str
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        end(self.process.pid)


def start(port: int, *options: str, environment: dict[str, str] | None = None) -> Running:
    """Start `python -m localstack.console` with these options and wait until it answers."""
    command = [sys.executable, "-m", "localstack.console", "--port", str(port), *options]
    hidden = {name for name in os.environ if name.startswith("AWS_") or name == "KITE_ROOT"}
    clean = {name: value for name, value in os.environ.items() if name not in hidden}
    process = subprocess.Popen(command, cwd=ROOT, env={**clean, **(environment or {})}, start_new_session=True)
    running = Running(f"http://127.0.0.1:{port}", process)
    try:
        wait_until(lambda: answers(f"{running.url}/"), 20)
    except AssertionError:
        running.stop()
        raise
    return running
