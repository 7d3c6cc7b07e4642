"""Nothing secret leaves for a browser or for the lake: tokens, keys and passwords are masked on the way out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

MASK = "••••••"

_SECRET_NAMES = frozenset(
    {
        "token",
        "tasktoken",
        "accesstoken",
        "refreshtoken",
        "requesttoken",
        "sessiontoken",
        "publictoken",
        "enctoken",
        "securitytoken",
        "xamzsecuritytoken",
        "apikey",
        "apisecret",
        "secret",
        "secretstring",
        "secretaccesskey",
        "clientsecret",
        "privatekey",
        "password",
        "passwd",
        "pin",
        "totp",
        "authorization",
        "cookie",
        "setcookie",
        "proxyurl",
    }
)
_PLAIN = re.compile(
    r"""(?ix)
    (\b(?:access|refresh|request|session|public|task)[_\s-]?token | \benctoken | \bapi[_-]?(?:key|secret)
      | \bpassword | \bsecret | \bauthorization)
    (["'`]?\s*[:=]\s*["'`]?)
    (?:token\s+|bearer\s+|basic\s+)?
    [^\s"'`,;&}\])]+
    """
)
_OPAQUE = re.compile(r"(?<![A-Za-z0-9+/_=-])(?=[A-Za-z0-9+/_=-]*\d)[A-Za-z0-9+/_=-]{80,}")
"""Task tokens and the like, wherever they stand. ARNs, dates and hashes are shorter or of other characters."""


def masked_text(text: str) -> str:
    """Text of a history: JSON is masked by its keys, and what reads like a secret in anything."""
    stripped = text.lstrip()
    if stripped[:1] in ("{", "["):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return _plain(text)
        return json.dumps(masked(value), ensure_ascii=False)
    return _plain(text)


def masked(value: Any) -> Any:
    """JSON with every secret replaced, in strings that hold JSON too."""
    if isinstance(value, Mapping):
        return {key: _hidden(item) if _is_secret(key) else masked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [masked(item) for item in value]
    if isinstance(value, str):
        return masked_text(value)
    return value


def _hidden(value: Any) -> Any:
    """A path such as `$$.Task.Token` says where a secret comes from, and is none."""
    if isinstance(value, str):
        return value if value.startswith("$") or not value else MASK
    if isinstance(value, Mapping | list):
        return masked(value)
    return value if value is None or isinstance(value, bool) else MASK


def _is_secret(key: object) -> bool:
    return re.sub(r"[^a-z]", "", str(key).lower().removesuffix(".$")) in _SECRET_NAMES


def _plain(text: str) -> str:
    return _OPAQUE.sub(MASK, _PLAIN.sub(lambda found: f"{found[1]}{found[2]}{MASK}", text))
