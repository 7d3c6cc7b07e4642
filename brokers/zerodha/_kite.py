"""The official client, imported without its ticker.

`import kiteconnect` imports `kiteconnect.ticker`, which imports Twisted: hundreds of milliseconds that every
cold Lambda would pay for something it never uses. A stand-in takes the ticker's place while the package is
imported and is gone afterwards: whoever asks for `KiteTicker` later gets the real one.
"""

from __future__ import annotations

import importlib
import sys
import threading
from types import ModuleType
from typing import Any

_PACKAGE = "kiteconnect"
_TICKER = "kiteconnect.ticker"
_lock = threading.Lock()


def load_kiteconnect() -> ModuleType:
    """The `kiteconnect` package, without Twisted unless it was already there."""
    with _lock:
        if _PACKAGE in sys.modules or _TICKER in sys.modules:
            return importlib.import_module(_PACKAGE)
        return _import_without_ticker()


def _import_without_ticker() -> ModuleType:
    stand_in = ModuleType(_TICKER)
    stand_in.KiteTicker = None  # type: ignore[attr-defined]
    sys.modules[_TICKER] = stand_in
    try:
        package = importlib.import_module(_PACKAGE)
    finally:
        del sys.modules[_TICKER]
    del package.KiteTicker
    package.__getattr__ = _real_ticker  # type: ignore[method-assign]
    return package


def _real_ticker(name: str) -> Any:
    """Module-level `__getattr__` (PEP 562): makes `from kiteconnect import KiteTicker` work as ever."""
    if name != "KiteTicker":
        raise AttributeError(f"module {_PACKAGE!r} has no attribute {name!r}")
    return importlib.import_module(_TICKER).KiteTicker


_kiteconnect = load_kiteconnect()
KiteConnect = _kiteconnect.KiteConnect
kite_errors = _kiteconnect.exceptions
