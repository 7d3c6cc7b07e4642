"""What the catalog adds to a document, and how a document of an older schema is read.

`schema` is the form of the document, ours, and rises when fields change their meaning; `version` counts the
edits, and a command has to name it. A field that is only added needs neither: it has a default.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

SCHEMA = 1

ENVELOPE = ("schema", "version", "created_at", "updated_at", "basket_version", "publisher")
"""Fields of a stored document that are not its content."""


class NewerSchema(Exception):
    """The document was written by a newer platform than this one."""


def content(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The document without what the catalog added. One that nobody put in the catalog stays as it is.

    Raises
    ------
    NewerSchema
        If this code is too old to know what the document means.
    """
    if not isinstance(document, Mapping) or "schema" not in document:
        return document
    if int(document["schema"]) > SCHEMA:
        raise NewerSchema(f"a document of schema {document['schema']}: this platform knows {SCHEMA}")
    return {name: value for name, value in document.items() if name not in ENVELOPE}


def version_of(document: Mapping[str, Any] | None) -> int:
    """0 for no document; one that was never counted is its first version."""
    return 0 if document is None else int(document.get("version", 1))


def stored(
    fields: Mapping[str, Any], *, before: Mapping[str, Any] | None, at: datetime, **more: Any
) -> dict[str, Any]:
    """The next version of a document."""
    now = at.isoformat()
    return {
        **fields,
        **more,
        "schema": SCHEMA,
        "version": version_of(before) + 1,
        "created_at": (before or {}).get("created_at", now),
        "updated_at": now,
    }
