"""The functions' code, as one zip that is the same, byte for byte, whenever the sources are."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from infra.settings import ROOT

ROOMS = ("tasks", "brokers")
"""What a Lambda carries. Dependencies come from the layers."""

GROUNDED = (Path("brokers", "simulator"), Path("tasks", "cli"))
"""What stays on the ground: it runs on people's own machines."""

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time a zip can hold; the files' own times would change the asset with every checkout."""


def sources(root: Path = ROOT) -> Iterator[Path]:
    """The files of the functions' code, in a fixed order."""
    for room in ROOMS:
        yield from (path for path in files_below(root / room) if not _grounded(path.relative_to(root)))


def _grounded(path: Path) -> bool:
    return any(path.is_relative_to(folder) for folder in GROUNDED)


def files_below(folder: Path) -> Iterator[Path]:
    """Every file below `folder`, in a fixed order, without what Python leaves behind."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path


def write_zip(target: Path, root: Path, files: Iterable[Path]) -> Path:
    """Write `files`, named relative to `root`, into a zip that depends on nothing but their content."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for path in files:
            entry = zipfile.ZipInfo(path.relative_to(root).as_posix(), _EPOCH)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
    return target


def write_code_zip(folder: Path, root: Path = ROOT) -> Path:
    """Write the functions' code into `folder`."""
    return write_zip(folder / "functions.zip", root, sources(root))
