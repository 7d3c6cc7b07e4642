"""Where the lake's files lie: a port over S3, a folder, or memory.

A key is `lake/order_events/trading_date=2026-11-23/….parquet`. Writing it again replaces the object.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

TABLES = "lake"
"""The folder that holds a folder of each kind of event."""

HISTORIES = "histories"
"""The folder of the executions' histories."""

REGISTER = "control/erasures.json"
"""The list of people whose data was erased (`tasks.lake.erasures`)."""


class Objects(Protocol):
    def put(self, key: str, content: bytes) -> None: ...

    def get(self, key: str) -> bytes | None:
        """None if there is no such object."""

    def keys(self, prefix: str) -> list[str]:
        """All that begin with `prefix`, sorted."""

    def delete(self, keys: Iterable[str]) -> None:
        """What is not there is no error. Where the store keeps versions, the content can still be got back."""

    def forget(self, keys: Iterable[str]) -> None:
        """Remove every version but the current one of each key; a deleted key leaves nothing."""


@dataclass(slots=True)
class MemoryObjects:
    """For tests."""

    content: dict[str, bytes] = field(default_factory=dict)

    def put(self, key: str, content: bytes) -> None:
        self.content[key] = content

    def get(self, key: str) -> bytes | None:
        return self.content.get(key)

    def keys(self, prefix: str) -> list[str]:
        return sorted(key for key in self.content if key.startswith(prefix))

    def delete(self, keys: Iterable[str]) -> None:
        for key in keys:
            self.content.pop(key, None)

    def forget(self, keys: Iterable[str]) -> None:
        """Memory keeps no versions."""


@dataclass(frozen=True, slots=True)
class FolderObjects:
    """A folder of this machine."""

    root: Path

    def put(self, key: str, content: bytes) -> None:
        path = self.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.new")
        draft.write_bytes(content)
        draft.replace(path)

    def get(self, key: str) -> bytes | None:
        path = self.root / key
        return path.read_bytes() if path.is_file() else None

    def keys(self, prefix: str) -> list[str]:
        folder = self.root / prefix.rpartition("/")[0]
        names = (path.relative_to(self.root).as_posix() for path in folder.rglob("*") if path.is_file())
        return sorted(name for name in names if name.startswith(prefix))

    def delete(self, keys: Iterable[str]) -> None:
        for key in keys:
            (self.root / key).unlink(missing_ok=True)

    def forget(self, keys: Iterable[str]) -> None:
        """A folder keeps no versions."""


@dataclass(frozen=True, slots=True)
class S3Objects:
    """A bucket. `client` is boto3's for S3."""

    client: Any
    bucket: str

    def put(self, key: str, content: bytes) -> None:
        self.client.put_object(Bucket=self.bucket, Key=key, Body=content)

    def get(self, key: str) -> bytes | None:
        try:
            answer = self.client.get_object(Bucket=self.bucket, Key=key)
        except self.client.exceptions.NoSuchKey:
            return None
        content: bytes = answer["Body"].read()
        return content

    def keys(self, prefix: str) -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return sorted(entry["Key"] for page in pages for entry in page.get("Contents", ()))

    def delete(self, keys: Iterable[str]) -> None:
        self._delete({"Key": key} for key in keys)

    def forget(self, keys: Iterable[str]) -> None:
        for key in keys:
            self._delete(self._former(key))

    def _former(self, key: str) -> Iterator[dict[str, str]]:
        """The versions of `key` that are not the current one, and the marks of its deletion."""
        pages = self.client.get_paginator("list_object_versions").paginate(Bucket=self.bucket, Prefix=key)
        for page in pages:
            gone = any(each["Key"] == key and each["IsLatest"] for each in page.get("DeleteMarkers", ()))
            for each in page.get("Versions", ()):
                if each["Key"] == key and not each["IsLatest"]:
                    yield {"Key": key, "VersionId": each["VersionId"]}
            for each in page.get("DeleteMarkers", ()):
                if each["Key"] == key and gone:
                    yield {"Key": key, "VersionId": each["VersionId"]}

    def _delete(self, objects: Iterable[dict[str, str]]) -> None:
        named = list(objects)
        for start in range(0, len(named), 1000):
            answer = self.client.delete_objects(
                Bucket=self.bucket, Delete={"Objects": named[start : start + 1000], "Quiet": True}
            )
            for error in answer.get("Errors", ()):
                raise NotDeleted(f"{error['Key']}: {error.get('Code')} {error.get('Message')}")


class NotDeleted(Exception):
    """S3 kept an object that was to be deleted; the message has its key and S3's reason."""
