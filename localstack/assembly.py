"""The cloud assembly that CDK writes, read without the CDK command line: stacks in order, and their assets."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localstack.site import ACCOUNT_ID, REGION


@dataclass(frozen=True, slots=True)
class Asset:
    """A file (or a folder, to be zipped) that a template refers to by bucket and key."""

    source: Path
    bucket: str
    key: str

    def content(self) -> bytes:
        return _zipped(self.source) if self.source.is_dir() else self.source.read_bytes()


@dataclass(frozen=True, slots=True)
class Stack:
    """One stack: its template is one of its assets, as CloudFormation takes no long ones by value."""

    name: str
    template: Asset
    assets: tuple[Asset, ...]


def stacks(folder: Path) -> list[Stack]:
    """The assembly's stacks, each after those it depends on."""
    artifacts: dict[str, Any] = json.loads((folder / "manifest.json").read_text())["artifacts"]
    found: dict[str, Stack] = {}
    for name in artifacts:
        _collect(name, artifacts, folder, found)
    return list(found.values())


def _collect(name: str, artifacts: dict[str, Any], folder: Path, found: dict[str, Stack]) -> None:
    artifact = artifacts[name]
    for needed in artifact.get("dependencies", []):
        _collect(needed, artifacts, folder, found)
    if artifact["type"] != "aws:cloudformation:stack" or name in found:
        return
    properties = artifact["properties"]
    manifests = [
        artifacts[needed]["properties"]["file"]
        for needed in artifact.get("dependencies", [])
        if artifacts[needed]["type"] == "cdk:asset-manifest"
    ]
    assets = tuple(asset for file in manifests for asset in _assets(folder, file))
    template = folder / properties["templateFile"]
    found[name] = Stack(
        name=properties.get("stackName", name),
        template=next(asset for asset in assets if asset.source == template),
        assets=assets,
    )


def _assets(folder: Path, manifest: str) -> Iterator[Asset]:
    files: dict[str, Any] = json.loads((folder / manifest).read_text()).get("files", {})
    for entry in files.values():
        source = folder / entry["source"]["path"]
        for destination in entry["destinations"].values():
            yield Asset(source, _named(destination["bucketName"]), _named(destination["objectKey"]))


def _named(text: str) -> str:
    """Bucket names of an assembly without an environment hold CloudFormation's pseudo parameters."""
    known = {"AWS::AccountId": ACCOUNT_ID, "AWS::Region": REGION, "AWS::Partition": "aws"}
    for name, value in known.items():
        text = text.replace(f"${{{name}}}", value)
    return text


def _zipped(folder: Path) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(each for each in folder.rglob("*") if each.is_file()):
            archive.write(path, path.relative_to(folder).as_posix())
    return target.getvalue()
