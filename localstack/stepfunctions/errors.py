"""AWS's errors, by name, as every client knows them."""

from __future__ import annotations


class ApiError(Exception):
    """An answer that is an error: `type` is the name boto3 makes an exception of."""

    def __init__(self, type_: str, message: str, status: int = 400) -> None:
        super().__init__(f"{type_}: {message}")
        self.type = type_
        self.message = message
        self.status = status


def missing(field: str) -> ApiError:
    return ApiError(
        "ValidationException",
        f"1 validation error detected: Value null at '{field}' failed to satisfy constraint: "
        "Member must not be null",
    )


def invalid(field: str, value: object, constraint: str) -> ApiError:
    return ApiError(
        "ValidationException",
        f"1 validation error detected: Value '{value}' at '{field}' failed to satisfy constraint: {constraint}",
    )
