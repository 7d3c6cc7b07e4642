"""Kite's envelope, and the ways it says no."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from starlette.responses import JSONResponse


class KiteError(Exception):
    """An answer with `status: error`: HTTP code, Kite's error class and its words."""

    def __init__(self, code: int, error_type: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.error_type = error_type

    def response(self) -> JSONResponse:
        body = {"status": "error", "message": str(self), "data": None, "error_type": self.error_type}
        return JSONResponse(body, self.code)


def bad_input(message: str) -> KiteError:
    return KiteError(400, "InputException", message)


def order_refused(message: str) -> KiteError:
    return KiteError(400, "OrderException", message)


def token_refused(message: str = "Incorrect `api_key` or `access_token`.") -> KiteError:
    return KiteError(403, "TokenException", message)


def success(data: Any) -> JSONResponse:
    return JSONResponse({"status": "success", "data": data})


def timestamp(at: datetime) -> str:
    """Kite's form: 19 characters, IST, no zone. The client parses nothing else."""
    return f"{at:%Y-%m-%d %H:%M:%S}"


def number(value: Decimal) -> float | int:
    """A price as Kite writes it into JSON."""
    return int(value) if value == value.to_integral_value() else float(value)
