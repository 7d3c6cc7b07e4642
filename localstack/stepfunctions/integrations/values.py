"""Between the JSON of a state and the arguments and answers of boto3, along botocore's models.

Step Functions writes every member with a capital (`TableName`, `StateMachineArn`), boto3 as the service does.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from workflows.asl.interpreter.data import MAX_PAYLOAD_BYTES, Json, dumps

Shape = Any
"""A botocore shape; botocore has no types."""


def to_request(shape: Shape, value: Json) -> Json:
    """Arguments for boto3. JSON given where the service wants text is serialized, as Step Functions does.

    Raises
    ------
    KeyError
        If an argument is unknown to the operation; the message names it.
    """
    if value is None:
        return None
    if shape.type_name == "structure" and isinstance(value, dict):
        return _structure(shape, value)
    if shape.type_name == "list" and isinstance(value, list):
        return [to_request(shape.member, item) for item in value]
    if shape.type_name == "map" and isinstance(value, dict):
        return {name: to_request(shape.value, item) for name, item in value.items()}
    return _scalar(shape.type_name, value)


def _scalar(type_name: str, value: Json) -> Any:
    if type_name == "string" and not isinstance(value, str):
        return dumps(value)
    if type_name == "blob":
        return (value if isinstance(value, str) else dumps(value)).encode()
    if type_name == "timestamp" and isinstance(value, str):
        return datetime.fromisoformat(value)
    return value


def _structure(shape: Shape, value: Mapping[str, Json]) -> Json:
    members = {name.lower(): name for name in shape.members}
    out = {}
    for name, item in value.items():
        member = members.get(name.lower())
        if member is None:
            raise KeyError(f"The field '{name}' is not supported by {shape.name}")
        if item is not None:
            out[member] = to_request(shape.members[member], item)
    return out


def to_result(shape: Shape, value: Any) -> Json:
    """An answer as JSON, members with a capital."""
    if value is None or shape is None:
        return {}
    if shape.type_name == "structure":
        return {
            _capital(name): to_result(shape.members[name], item)
            for name, item in value.items()
            if name in shape.members
        }
    if shape.type_name == "list":
        return [to_result(shape.member, item) for item in value]
    if shape.type_name == "map":
        return {name: to_result(shape.value, item) for name, item in value.items()}
    return _plain(value)


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]


def _plain(value: Any) -> Json:
    if hasattr(value, "read"):
        value = value.read(MAX_PAYLOAD_BYTES + 1)  # more would be too much anyway, and memory is not endless
    if isinstance(value, (bytes, bytearray)):
        return _decoded(bytes(value))
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


def _decoded(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return base64.b64encode(value).decode()


def metadata(response: Mapping[str, Any]) -> dict[str, Json]:
    """SdkHttpMetadata and SdkResponseMetadata, which optimized integrations add to their result."""
    meta = response.get("ResponseMetadata", {})
    headers = {name: str(value) for name, value in meta.get("HTTPHeaders", {}).items()}
    return sdk_metadata(meta.get("RequestId", ""), headers, meta.get("HTTPStatusCode", 200))


def sdk_metadata(request_id: str, headers: Mapping[str, str], status: int = 200) -> dict[str, Json]:
    return {
        "SdkHttpMetadata": {
            "AllHttpHeaders": {name: [value] for name, value in headers.items()},
            "HttpHeaders": dict(headers),
            "HttpStatusCode": status,
        },
        "SdkResponseMetadata": {"RequestId": request_id},
    }
