"""The two dependency layers, built for Lambda's platform without Docker (`make layers`).

Wheels only, at the versions of requirements.txt, unpacked for Lambda's own Python and never run here. What the
runtime brings along (boto3) and what is never imported on the order path (Twisted, through kiteconnect's
ticker) is left out: every function together with both layers must stay below Lambda's 250 MB.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.code import files_below, write_zip
from infra.settings import BUILT_LAYERS, ROOT

PYTHON_VERSION = "3.13"
PLATFORM = "x86_64-manylinux_2_28"
"""Lambda's Python 3.13 runs on Amazon Linux 2023 (glibc 2.34). `infra.functions` names the same two."""

LAMBDA_LIMIT = 250 * 1024 * 1024
"""Bytes that a function and all of its layers may take, unpacked."""


class LayersNotBuilt(RuntimeError):
    """The layers are not there, or are older than requirements.txt."""


@dataclass(frozen=True, slots=True)
class Layer:
    """Packages of requirements.txt that go together. Nothing is added to them: the list is complete."""

    name: str
    description: str
    packages: tuple[str, ...]

    def zip_in(self, folder: Path) -> Path:
        return folder / f"{self.name}.zip"

    def digest(self) -> str:
        """Of what the layer is built from: the pins, and the platform that they are built for."""
        text = "\n".join([PYTHON_VERSION, PLATFORM, *pins(self.packages)])
        return hashlib.sha256(text.encode()).hexdigest()

    def mark_in(self, folder: Path) -> Path:
        """Holds the digest of what the zip was built from."""
        return folder / f"{self.name}.digest"


ORDER_PATH = Layer(
    "order-path",
    "What a function needs to read its input, talk to a broker and log",
    (
        "annotated-types",
        "aws-lambda-powertools",
        "aws-xray-sdk",
        "certifi",
        "charset-normalizer",
        "idna",
        "jmespath",
        "kiteconnect",
        "pydantic",
        "pydantic-core",
        "python-dateutil",
        "requests",
        "six",
        "talipp",
        "typing-extensions",
        "typing-inspection",
        "tzdata",
        "urllib3",
        "wrapt",
    ),
)
LAKE = Layer("lake", "Parquet for the functions that write and read the lake", ("duckdb", "pyarrow", "sqlglot"))
LAYERS = (ORDER_PATH, LAKE)

LEFT_OUT = {
    "boto3": "the runtime has it",
    "botocore": "the runtime has it",
    "autobahn": "only kiteconnect's ticker imports it",
    "pyopenssl": "only kiteconnect's ticker imports it",
    "service-identity": "only kiteconnect's ticker imports it",
}
"""Requirements of the order path's packages that its layer does without, and why."""


def pins(packages: Iterable[str], requirements: Path = ROOT / "requirements.txt") -> list[str]:
    """The lines of requirements.txt for `packages`, markers and all.

    Raises
    ------
    LookupError
        If one of them is not pinned there.
    """
    wanted = set(packages)
    found = [line for line in requirements.read_text().splitlines() if _name(line) in wanted]
    missing = wanted - {_name(line) for line in found}
    if missing:
        raise LookupError(f"{requirements.name} does not pin {', '.join(sorted(missing))}")
    return found


def build(layer: Layer, folder: Path = BUILT_LAYERS) -> Path:
    """The layer's zip, made anew only if its pins have changed."""
    target = layer.zip_in(folder)
    if up_to_date(layer, folder):
        return target
    tree = folder / layer.name
    shutil.rmtree(tree, ignore_errors=True)
    _install(pins(layer.packages), tree / "python")
    write_zip(target, tree, files_below(tree))
    layer.mark_in(folder).write_text(layer.digest())
    return target


def up_to_date(layer: Layer, folder: Path) -> bool:
    mark = layer.mark_in(folder)
    return layer.zip_in(folder).is_file() and mark.is_file() and mark.read_text() == layer.digest()


def require(folder: Path) -> None:
    """Raises `LayersNotBuilt` unless every layer in `folder` is what requirements.txt says."""
    stale = [layer.name for layer in LAYERS if not up_to_date(layer, folder)]
    if stale:
        raise LayersNotBuilt(f"build {' and '.join(stale)} first: make layers")


def unpacked_size(folder: Path) -> int:
    return sum(path.stat().st_size for path in files_below(folder))


def _install(requirements: Sequence[str], target: Path) -> None:
    target.mkdir(parents=True)
    listed = target.parent / "requirements.txt"
    listed.write_text("\n".join(requirements) + "\n")
    command = [
        sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:",
        "--target", str(target), "--python-platform", PLATFORM, "--python-version", PYTHON_VERSION,
        "--requirement", str(listed),
    ]  # fmt: skip
    subprocess.run(command, check=True)
    listed.unlink()
    shutil.rmtree(target / "bin", ignore_errors=True)


def _name(line: str) -> str:
    match = re.match(r"([A-Za-z0-9._-]+)==", line)
    return match.group(1).lower() if match else ""


def main() -> None:
    total = 0
    for layer in LAYERS:
        made = build(layer)
        size = unpacked_size(BUILT_LAYERS / layer.name)
        total += size
        print(f"{layer.name}: {size / 1e6:.1f} MB unpacked, {made.stat().st_size / 1e6:.1f} MB zipped")
    print(f"together: {total / 1e6:.1f} MB of the {LAMBDA_LIMIT / 1e6:.1f} MB that Lambda allows")


if __name__ == "__main__":
    main()
