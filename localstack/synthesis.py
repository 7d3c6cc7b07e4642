"""`cdk synth` for one machine. It takes 6 to 11 s, so it is done again only when its sources have changed."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from localstack.site import ROOT

CACHE = ROOT / ".local" / "assembly"
_SOURCES = ("infra", "tasks", "brokers", "workflows")
_KEPT = 3
"""Assemblies kept: switching between branches should not synthesize each time."""


class SynthesisFailed(RuntimeError):
    """CDK refused; the message is what it printed."""


def assembly(root: Path = ROOT, cache: Path = CACHE) -> Path:
    """The folder of the cloud assembly for the sources as they are now.

    Raises
    ------
    SynthesisFailed
        If CDK refuses.
    """
    folder = cache / fingerprint(root)
    if not (folder / "manifest.json").exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix="new-") as draft:
            _synthesize(Path(draft) / "out", root)
            if not folder.exists():
                os.replace(Path(draft) / "out", folder)
        _forget_old(cache)
    os.utime(folder)
    return folder


def fingerprint(root: Path = ROOT) -> str:
    """A digest of everything a synthesis reads."""
    digest = hashlib.sha256()
    for path in _files(root):
        digest.update(str(path.relative_to(root)).encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:20]


def _files(root: Path) -> Iterator[Path]:
    yield root / "requirements.txt"
    for room in _SOURCES:
        for path in sorted((root / room).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path


def _synthesize(output: Path, root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "infra", "--local", "--output", str(output)],
        cwd=root,
        env={**os.environ, "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SynthesisFailed(f"infra could not be synthesized:\n{done.stdout}{done.stderr}")


def _forget_old(cache: Path) -> None:
    whole = [folder for folder in cache.iterdir() if (folder / "manifest.json").exists()]
    for folder in sorted(whole, key=lambda each: each.stat().st_mtime, reverse=True)[_KEPT:]:
        shutil.rmtree(folder, ignore_errors=True)
