"""What a table's stream delivers, as changes: DynamoDB's form on one side, plain values on the other."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any

from tasks.domain.changes import Change
from tasks.stores import documents

_LISTS = ("legs", "orders")
_POSITION_DIGITS = 40
"""AWS gives a stream's sequence numbers up to 40 digits. Padded, they sort as text as they do as numbers."""


def table_of(record: Mapping[str, Any]) -> str:
    """`orders`, from `arn:aws:dynamodb:…:table/algo-orders/stream/…`."""
    return str(record["eventSourceARN"]).split("/")[1].rpartition("-")[2]


def position_of(record: Mapping[str, Any]) -> str:
    """Where in its item's changes this one stands."""
    return str(record["dynamodb"]["SequenceNumber"]).zfill(_POSITION_DIGITS)


def change_of(record: Mapping[str, Any]) -> Change:
    """The change that a record tells of."""
    table, told = table_of(record), record["dynamodb"]
    return Change(table, _image(table, told.get("OldImage")), _image(table, told.get("NewImage")))


def _image(table: str, image: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if not image:
        return None
    if table == "catalog":
        return {"owner": image["owner"]["S"], "item": image["item"]["S"], "document": _document(image)}
    return {name: _plain(name, value) for name, value in image.items()}


def _document(image: Mapping[str, Any]) -> dict[str, Any]:
    """A stream gives binary values in base64, where the table's own API gives bytes."""
    packed = image.get("packed")
    if packed is None or isinstance(packed["B"], bytes):
        return documents.unpack(image)
    return documents.unpack({"packed": {"B": base64.b64decode(packed["B"])}})


def _plain(name: str, stored: Mapping[str, Any]) -> Any:
    ((_, value),) = stored.items()
    return json.loads(value) if name in _LISTS else value


Records = list[dict[str, Any]]


def in_order(event: Mapping[str, Any], handle: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Each record in turn. One that fails ends it: it and all behind it are delivered again.

    Lambda's answer for a stream with `ReportBatchItemFailures`. Nothing may overtake a change of its own item,
    so nothing is skipped.
    """
    for record in event.get("Records", ()):
        try:
            handle(record)
        except Exception as error:  # noqa: BLE001  (whatever it is, the stream has to come back here)
            _log(record, error)
            return {"batchItemFailures": [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]}]}
    return {"batchItemFailures": []}


def _log(record: Mapping[str, Any], error: Exception) -> None:
    from tasks.lambda_task import logger  # noqa: PLC0415  (Powertools only where something is logged)

    logger.exception(
        "a change could not be handled",
        extra={"error": type(error).__name__, "source": record.get("eventSourceARN")},
    )
