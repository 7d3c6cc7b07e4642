"""One synthesis for AWS and one for the emulator per test run, shared by all workers of pytest-xdist."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path

import pytest

from infra.layers import LAYERS
from infra.settings import ROOT
from tests.infra.templates import Assembly

_SYNTHESES = {"aws": (), "local": ("--local",)}


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """What `make deploy` would deploy, with stand-ins for the dependency layers."""
    return _assembly("aws", tmp_path_factory)


@pytest.fixture(scope="session")
def local(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """What `make up` deploys."""
    return _assembly("local", tmp_path_factory)


def _assembly(name: str, factory: pytest.TempPathFactory) -> Assembly:
    base = factory.getbasetemp()
    shared = base.parent if base.name.startswith("popen-") else base  # xdist gives each worker a folder below
    folder = shared / f"assembly-{name}"
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "manifest.json").exists():
            _synthesize(folder, _SYNTHESES[name], _stand_ins(shared / f"layers-{name}"))
    return Assembly(folder)


def _synthesize(folder: Path, arguments: tuple[str, ...], layers: Path) -> None:
    command = [sys.executable, "-m", "infra", "--output", str(folder), "--layers", str(layers), *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"cdk-nag or the CDK refused:\n{done.stdout}{done.stderr}"


def _stand_ins(folder: Path) -> Path:
    """Built layers, as far as a synthesis can tell: it does not look inside."""
    folder.mkdir(exist_ok=True)
    for layer in LAYERS:
        layer.zip_in(folder).write_bytes(layer.name.encode())
        layer.mark_in(folder).write_text(layer.digest())
    return folder
