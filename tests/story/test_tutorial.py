"""docs/tutorial.md: every command of it, in a shell, from top to bottom."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from localstack.platform import EMULATOR_PYTHON, Platform
from localstack.site import ROOT, Ports, Site, variable

pytestmark = [pytest.mark.slow, pytest.mark.platform]

TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text()
BLOCKS = re.findall(r"```sh\n(.*?)```", TUTORIAL, re.DOTALL)
SECRETS = ("Monsoon-in-Mumbai-7", "simsecret", "simkey")
SECONDS = 180


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a shell whose platform is on ports of its own."""
    if not EMULATOR_PYTHON.exists():
        pytest.skip("the emulator's environment is not installed (make install)")
    ports = Ports.free()
    site = Site(tmp_path / "state", ports)
    own = {variable(each.name): str(getattr(ports, each.name)) for each in fields(ports)}
    own |= {"ALGO_STATE": str(site.state), "ALGO_CONFIG_DIR": str(tmp_path / "config"), "NO_COLOR": "1"}
    own |= {"COLUMNS": "200", "ALGO_PYTHON": sys.executable}
    try:
        yield {**os.environ, **own}
    finally:
        Platform(site).stop()


def script(folder: Path) -> str:
    """The page as a shell script: both environments are installed already, and files go elsewhere."""
    text = "\n".join(BLOCKS).replace("make ", "make --no-print-directory -o install ")
    return f"set -euo pipefail\n{text.replace('> orders.json', f'> {folder}/orders.json')}"


def test_the_tutorial_does_what_it_says(shell: dict[str, str], tmp_path: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", script(tmp_path)],
        cwd=ROOT,
        env=shell,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert (tmp_path / "orders.json").read_text().startswith("[")
    assert said.count("OPEN") >= 2  # Ravi's two accounts in the morning
    assert "P&L before charges" in said
    assert "FLAT" in said
    assert not [secret for secret in SECRETS if secret in said]
    kept = "".join(path.read_text() for path in (tmp_path / "config").glob("*"))
    assert not [secret for secret in SECRETS if secret in kept]
